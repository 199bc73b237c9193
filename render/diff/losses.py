"""What keeps a mesh in shape while it is fitted to pictures, with PyTorch3D's names and values."""

from __future__ import annotations

import torch
from torch.nn.functional import cosine_similarity

from engine.core.errors import UnsupportedError

__all__ = ["mesh_edge_loss", "mesh_laplacian_smoothing", "mesh_normal_consistency"]


def _per_mesh_mean(values: torch.Tensor, mesh: torch.Tensor, count: int) -> torch.Tensor:
    """Mean over meshes of their means; ``mesh`` is that of each value."""
    number = torch.bincount(mesh, minlength=count).clamp(min=1)
    return (values / number[mesh]).sum() / max(count, 1)


def mesh_edge_loss(meshes, target_length: float = 0.0) -> torch.Tensor:
    """Mean squared difference of the edges' lengths from a length."""
    edges, verts = meshes.edges_packed(), meshes.verts_packed()
    lengths = (verts[edges[:, 0]] - verts[edges[:, 1]]).norm(dim=1)
    mesh = meshes.verts_packed_to_mesh_idx()[edges[:, 0]]
    return _per_mesh_mean((lengths - target_length) ** 2, mesh, len(meshes))


def mesh_laplacian_smoothing(meshes, method: str = "uniform") -> torch.Tensor:
    """Mean distance of vertices from the middle of their neighbours (Nealen et al., Laplacian Mesh Optimization, 2006).

    Raises:
        UnsupportedError: weights by cotangents.
    """
    if method != "uniform":
        raise UnsupportedError("loss.laplacian", f"method '{method}' is not there", "use method='uniform'")
    edges, verts = meshes.edges_packed(), meshes.verts_packed()
    ends, others = torch.cat((edges[:, 0], edges[:, 1])), torch.cat((edges[:, 1], edges[:, 0]))
    degree = torch.bincount(ends, minlength=len(verts)).clamp(min=1)
    middle = torch.zeros_like(verts).index_add(0, ends, verts[others]) / degree[:, None]
    used = torch.bincount(ends, minlength=len(verts)) > 0  # a vertex without edges has no neighbours to be amid
    distance = torch.where(used, (middle - verts).norm(dim=1), verts.norm(dim=1))
    return _per_mesh_mean(distance, meshes.verts_packed_to_mesh_idx(), len(meshes))


def mesh_normal_consistency(meshes) -> torch.Tensor:
    """Mean of 1 - cosine between the normals of faces that share an edge."""
    face_edges, normals = meshes.faces_packed_to_edges_packed(), meshes.faces_normals_packed()
    faces = torch.arange(len(face_edges), device=normals.device).repeat_interleave(3)
    edge, order = face_edges.reshape(-1).sort(stable=True)
    face = faces[order]
    pairs = []
    for step in (1, 2, 3):  # edges of up to four faces have a pair for any two
        same = edge[step:] == edge[:-step]
        pairs.append(torch.stack((face[:-step][same], face[step:][same]), 1))
    pairs = torch.cat(pairs)
    if not len(pairs):
        return meshes.verts_packed().sum() * 0.0
    bend = 1 - cosine_similarity(normals[pairs[:, 0]], normals[pairs[:, 1]], dim=1)
    mesh = meshes.verts_packed_to_mesh_idx()[meshes.faces_packed()[pairs[:, 0], 0]]
    return _per_mesh_mean(bend, mesh, len(meshes))
