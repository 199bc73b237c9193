"""What keeps a mesh in shape while it is fitted to pictures, with PyTorch3D's names and values."""

from __future__ import annotations

import torch
from torch.nn.functional import cosine_similarity

from engine.core.errors import ArgumentError
from render.diff.laplacians import cot_laplacian
from render.diff.packing import take_rows

__all__ = ["mesh_edge_loss", "mesh_laplacian_smoothing", "mesh_normal_consistency"]


def _per_mesh_mean(values: torch.Tensor, mesh: torch.Tensor, count: int) -> torch.Tensor:
    """Mean over meshes of their means; ``mesh`` is that of each value."""
    number = torch.bincount(mesh, minlength=count).clamp(min=1)
    return (values / number[mesh]).sum() / max(count, 1)


def _nothing(meshes) -> torch.Tensor:
    """The loss of meshes that have nothing to be judged by, [1]."""
    return torch.zeros(1, device=meshes.device, requires_grad=True)


def mesh_edge_loss(meshes, target_length: float = 0.0) -> torch.Tensor:
    """Mean squared difference of the edges' lengths from a length."""
    if meshes.isempty():
        return _nothing(meshes)
    ends = take_rows(meshes.verts_packed(), meshes.edges_packed())
    lengths = (ends[:, 0] - ends[:, 1]).norm(dim=1)
    return _per_mesh_mean((lengths - target_length) ** 2, meshes.edges_packed_to_mesh_idx(), len(meshes))


def mesh_laplacian_smoothing(meshes, method: str = "uniform") -> torch.Tensor:
    """Mean length of the Laplacian at the vertices.

    Args:
        method: ``uniform``, a vertex's distance from the middle of its neighbours (Nealen et al., Laplacian Mesh
            Optimization, 2006); ``cot``, from their mean weighted by the cotangents of the angles opposite their edges;
            ``cotcurv``, the cotangents' weighted difference over four times the area of the vertex's faces, a third
            of the mean curvature (Desbrun et al., Implicit Fairing, 1999). Weights are held constant under the
            derivative.

    Raises:
        ArgumentError: ``loss.laplacian``, an unknown method.
    """
    if method not in ("uniform", "cot", "cotcurv"):
        raise ArgumentError("loss.laplacian", f"no method is called '{method}'", "uniform, cot or cotcurv")
    if meshes.isempty():
        return _nothing(meshes)
    verts = meshes.verts_packed()
    if method == "uniform":
        change = meshes.laplacian_packed().to(verts.dtype) @ verts
    else:
        matrix, inverse_areas = cot_laplacian(verts.detach(), meshes.faces_packed())
        total = torch.sparse.sum(matrix, 1).to_dense()[:, None]
        if method == "cotcurv":
            change = (matrix @ verts - total * verts) * inverse_areas / 4
        else:
            share = torch.where(total > 0, 1 / torch.where(total > 0, total, 1.0), total)
            change = matrix @ verts * share - verts
    return _per_mesh_mean(change.norm(dim=1), meshes.verts_packed_to_mesh_idx(), len(meshes))


def mesh_normal_consistency(meshes) -> torch.Tensor:
    """Mean of 1 - cosine between the normals of faces that share an edge, whichever way round the faces are listed."""
    if meshes.isempty():
        return _nothing(meshes)
    verts, faces, edges = meshes.verts_packed(), meshes.faces_packed(), meshes.edges_packed()
    edge, order = meshes.faces_packed_to_edges_packed().reshape(-1).sort(stable=True)
    opposite = faces.reshape(-1)[order]
    begin, end, across = take_rows(verts, torch.cat((edges[edge], opposite[:, None]), 1)).unbind(1)
    normals = torch.linalg.cross(end - begin, across - begin)
    pairs, step = [], 1
    while step < len(edge) and (same := edge[step:] == edge[:-step]).any():  # any two of an edge's faces
        first = same.nonzero()[:, 0]
        pairs.append(torch.stack((first, first + step), 1))
        step += 1
    if not pairs:
        return _nothing(meshes)
    one, other = torch.cat(pairs).T
    bend = 1 - cosine_similarity(take_rows(normals, one), -take_rows(normals, other), dim=1)
    return _per_mesh_mean(bend, meshes.edges_packed_to_mesh_idx()[edge[one]], len(meshes))
