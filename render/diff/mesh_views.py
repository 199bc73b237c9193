"""What can be read off a batch of meshes: its lists, padded and packed forms, indices, edges and normals."""

from __future__ import annotations

import torch
from torch.nn.functional import normalize

from render.diff.kept import Kept, kept
from render.diff.laplacians import laplacian
from render.diff.packing import list_to_padded, take_rows

__all__ = ["MeshViews", "mesh_face_areas_normals"]


def mesh_face_areas_normals(verts: torch.Tensor, faces: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Areas [face] and unit normals [face, 3] of faces whose corners run counter-clockwise, seen from outside."""
    cross = _cross(verts, faces)
    return cross.norm(dim=1) / 2, normalize(cross, eps=1e-6)


def _cross(verts: torch.Tensor, faces: torch.Tensor) -> torch.Tensor:
    """Normals of the faces, as long as twice their areas."""
    corners = take_rows(verts, faces)
    return torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])


def _firsts(counts: torch.Tensor) -> torch.Tensor:
    return counts.cumsum(0) - counts


class MeshViews(Kept):
    """Views of meshes whose vertices and faces stand as lists, padded, or both.

    Packed means: all meshes' rows one after another. Faces packed index vertices packed.
    """

    device: torch.device
    _verts_counts: list[int]
    _faces_counts: list[int]

    @kept
    def verts_list(self) -> list[torch.Tensor]:
        """Vertices of each mesh, [vertex, 3]."""
        return [verts[:n] for verts, n in zip(self._verts_padded, self._verts_counts, strict=True)]

    @kept
    def faces_list(self) -> list[torch.Tensor]:
        """Faces of each mesh, with indices into its own vertices, [face, 3]."""
        return [faces[:n] for faces, n in zip(self._faces_padded, self._faces_counts, strict=True)]

    @kept
    def verts_padded(self) -> torch.Tensor:
        """Shape [mesh, most vertices, 3], zero where a mesh has fewer."""
        return self._padded(self._verts_list, self._verts_counts, 0.0)

    @kept
    def faces_padded(self) -> torch.Tensor:
        """Shape [mesh, most faces, 3], -1 where a mesh has fewer."""
        faces = self._padded(self._faces_list, self._faces_counts, -1)
        return faces.long()

    @kept
    def verts_packed(self) -> torch.Tensor:
        """All vertices, [sum of vertices, 3]."""
        return self._packed(self.verts_list())

    @kept
    def faces_packed(self) -> torch.Tensor:
        """All faces, with indices into :meth:`verts_packed`, [sum of faces, 3]."""
        shift = self.mesh_to_verts_packed_first_idx()[self.faces_packed_to_mesh_idx()]
        return self._packed(self.faces_list()).long() + shift[:, None]

    @kept
    def num_verts_per_mesh(self) -> torch.Tensor:
        return torch.tensor(self._verts_counts, dtype=torch.int64, device=self.device)

    @kept
    def num_faces_per_mesh(self) -> torch.Tensor:
        return torch.tensor(self._faces_counts, dtype=torch.int64, device=self.device)

    @kept
    def num_edges_per_mesh(self) -> torch.Tensor:
        return torch.bincount(self.edges_packed_to_mesh_idx(), minlength=len(self._verts_counts)).int()

    @kept
    def mesh_to_verts_packed_first_idx(self) -> torch.Tensor:
        """Where each mesh begins in :meth:`verts_packed`."""
        return _firsts(self.num_verts_per_mesh())

    @kept
    def mesh_to_faces_packed_first_idx(self) -> torch.Tensor:
        """Where each mesh begins in :meth:`faces_packed`."""
        return _firsts(self.num_faces_per_mesh())

    @kept
    def mesh_to_edges_packed_first_idx(self) -> torch.Tensor:
        """Where each mesh begins in :meth:`edges_packed`."""
        return _firsts(self.num_edges_per_mesh().long())

    @kept
    def verts_packed_to_mesh_idx(self) -> torch.Tensor:
        """Mesh of every vertex, [sum of vertices]."""
        return torch.arange(len(self._verts_counts), device=self.device).repeat_interleave(
            self.num_verts_per_mesh(), output_size=sum(self._verts_counts)
        )

    @kept
    def faces_packed_to_mesh_idx(self) -> torch.Tensor:
        """Mesh of every face, [sum of faces]."""
        return torch.arange(len(self._faces_counts), device=self.device).repeat_interleave(
            self.num_faces_per_mesh(), output_size=sum(self._faces_counts)
        )

    @kept
    def edges_packed_to_mesh_idx(self) -> torch.Tensor:
        """Mesh of every edge, [sum of edges]."""
        return self.verts_packed_to_mesh_idx()[self.edges_packed()[:, 0]]

    @kept
    def verts_padded_to_packed_idx(self) -> torch.Tensor:
        """Row of every packed vertex in the padded vertices, flattened to [mesh * most vertices, 3]."""
        mesh = self.verts_packed_to_mesh_idx()
        longest = max(self._verts_counts, default=0)
        return torch.arange(len(mesh), device=self.device) + (
            mesh * longest - self.mesh_to_verts_packed_first_idx()[mesh]
        )

    @kept
    def edges_packed(self) -> torch.Tensor:
        """Every edge once, as indices into :meth:`verts_packed`, the smaller first and in order, [sum of edges, 2]."""
        count = max(sum(self._verts_counts), 1)
        numbers = torch.unique(self._half_edge_numbers(count))
        return torch.stack((numbers // count, numbers % count), 1)

    @kept
    def faces_packed_to_edges_packed(self) -> torch.Tensor:
        """Edge opposite each corner of each face, [sum of faces, 3]."""
        count = max(sum(self._verts_counts), 1)
        edges = self.edges_packed()
        return torch.searchsorted(edges[:, 0] * count + edges[:, 1], self._half_edge_numbers(count))

    def _half_edge_numbers(self, count: int) -> torch.Tensor:
        """A number for the edge opposite each corner of each face, the same for an edge's two sides."""
        faces = self.faces_packed()
        one, other = faces[:, [1, 2, 0]], faces[:, [2, 0, 1]]
        return torch.minimum(one, other) * count + torch.maximum(one, other)

    @kept
    def laplacian_packed(self) -> torch.Tensor:
        """:func:`render.diff.laplacian` of all meshes, sparse [sum of vertices, sum of vertices]."""
        return laplacian(self.verts_packed(), self.edges_packed())

    @kept
    def faces_areas_packed(self) -> torch.Tensor:
        """Areas of the faces, [sum of faces]."""
        return mesh_face_areas_normals(self.verts_packed(), self.faces_packed())[0]

    @kept
    def faces_normals_packed(self) -> torch.Tensor:
        """Unit normals of the faces, [sum of faces, 3]."""
        return mesh_face_areas_normals(self.verts_packed(), self.faces_packed())[1]

    def faces_normals_list(self) -> list[torch.Tensor]:
        return list(self.faces_normals_packed().split(self._faces_counts)) if self._faces_counts else []

    def faces_normals_padded(self) -> torch.Tensor:
        """Shape [mesh, most faces, 3], zero where a mesh has fewer."""
        return self._padded(self.faces_normals_list(), self._faces_counts, 0.0)

    @kept
    def verts_normals_packed(self) -> torch.Tensor:
        """Unit normals of the vertices: given, or sums over faces, weighted by area; [sum of vertices, 3]."""
        faces = self.faces_packed()
        across = _cross(self.verts_packed(), faces)
        total = torch.zeros_like(self.verts_packed())
        for corner in range(3):
            total = total.index_add(0, faces[:, corner], across)
        return normalize(total, eps=1e-6)

    def verts_normals_list(self) -> list[torch.Tensor]:
        return list(self.verts_normals_packed().split(self._verts_counts)) if self._verts_counts else []

    def verts_normals_padded(self) -> torch.Tensor:
        """Shape [mesh, most vertices, 3], zero where a mesh has fewer."""
        return self._padded(self.verts_normals_list(), self._verts_counts, 0.0)

    def has_verts_normals(self) -> bool:
        """Whether normals of vertices were given, or have been worked out and kept."""
        return self._verts_normals_packed is not None

    def get_bounding_boxes(self) -> torch.Tensor:
        """Least and greatest coordinates, [mesh, 3, 2]."""
        return torch.stack([torch.stack((v.amin(0), v.amax(0)), 1) for v in self.verts_list()])

    def _padded(self, rows: list[torch.Tensor], counts: list[int], fill: float) -> torch.Tensor:
        if not rows:
            return torch.zeros(0, 0, 3, device=self.device)
        return list_to_padded(rows, (max(counts), 3), fill, equisized=len(set(counts)) == 1)

    def _packed(self, rows: list[torch.Tensor]) -> torch.Tensor:
        return torch.cat(rows) if rows else torch.zeros(0, 3, device=self.device)
