"""Laplacian matrices of meshes, as sparse tensors [vertex, vertex]."""

from __future__ import annotations

import torch

from render.diff.packing import take_rows

__all__ = ["cot_laplacian", "laplacian", "norm_laplacian"]


def _symmetric(ends: torch.Tensor, others: torch.Tensor, values: torch.Tensor, count: int) -> torch.Tensor:
    """Sparse matrix with each value at (end, other) and at (other, end); equal places add up."""
    index = torch.stack((torch.cat((ends, others)), torch.cat((others, ends))))
    return _sparse(index, torch.cat((values, values)), count)


def _sparse(index: torch.Tensor, values: torch.Tensor, count: int) -> torch.Tensor:
    return torch.sparse_coo_tensor(index, values, (count, count), check_invariants=False).coalesce()


def laplacian(verts: torch.Tensor, edges: torch.Tensor) -> torch.Tensor:
    """Umbrella operator: 1 / (number of neighbours) at a vertex's neighbours, and -1 at the vertex itself.

    Args:
        verts: [vertex, 3], of which only the number counts.
        edges: each once, [edge, 2].
    """
    count = len(verts)
    ends, others = torch.cat((edges, edges.flip(1))).T
    share = 1.0 / torch.bincount(ends, minlength=count).clamp(min=1)
    itself = torch.arange(count, device=edges.device)
    index = torch.stack((torch.cat((ends, itself)), torch.cat((others, itself))))
    values = torch.cat((share[ends], share.new_full((count,), -1.0)))
    return _sparse(index, values, count)


def cot_laplacian(verts: torch.Tensor, faces: torch.Tensor, eps: float = 1e-12) -> tuple[torch.Tensor, torch.Tensor]:
    """Sums of the cotangents of the angles opposite each edge (Desbrun et al., Implicit Fairing, 1999).

    Args:
        eps: least squared area of a face.

    Returns:
        The matrix, without its diagonal; and per vertex 1 / (sum of its faces' areas), 0 without faces, [vertex, 1].
    """
    corners = take_rows(verts, faces)
    squared = (corners[:, [1, 2, 0]] - corners[:, [2, 0, 1]]).square().sum(-1)  # of the sides opposite the corners
    sides = squared.sqrt()
    half = sides.sum(1) / 2
    area = (half * (half[:, None] - sides).prod(1)).clamp(min=eps).sqrt()  # Heron
    cotangents = (squared.sum(1, keepdim=True) - 2 * squared) / (4 * area[:, None])
    ends, others = faces[:, [1, 2, 0]].reshape(-1), faces[:, [2, 0, 1]].reshape(-1)
    matrix = _symmetric(ends, others, cotangents.reshape(-1), len(verts))
    total = verts.new_zeros(len(verts)).index_add(0, faces.reshape(-1), area.repeat_interleave(3))
    inverse = torch.where(total > 0, 1 / torch.where(total > 0, total, 1.0), 0.0)
    return matrix, inverse[:, None]


def norm_laplacian(verts: torch.Tensor, edges: torch.Tensor, eps: float = 1e-12) -> torch.Tensor:
    """1 / (length of the edge) at every edge's two places."""
    ends = take_rows(verts, edges)
    length = (ends[:, 0] - ends[:, 1]).norm(dim=1)
    return _symmetric(edges[:, 0], edges[:, 1], 1 / (length + eps), len(verts))
