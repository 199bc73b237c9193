"""A batch of meshes that may differ in size, with the accessors that PyTorch3D scenes use."""

from __future__ import annotations

import torch
from torch.nn.functional import normalize

from engine.core.errors import InputError

__all__ = ["Meshes"]


class Meshes:
    """Triangle meshes, one per image.

    Args:
        verts: list of [vertex, 3], or [mesh, vertex, 3].
        faces: list of [face, 3], or [mesh, face, 3] (rows of -1 are padding).
        textures: :class:`render.diff.TexturesVertex` or :class:`render.diff.TexturesUV`.
    """

    def __init__(self, verts, faces, textures=None) -> None:
        self._verts = [torch.as_tensor(v).float() for v in verts]
        self._faces = [torch.as_tensor(f).to(v.device).long() for f, v in zip(faces, self._verts, strict=True)]
        self._faces = [f[(f >= 0).all(1)] if len(f) else f.reshape(0, 3) for f in self._faces]
        self.textures = textures
        for v, f in zip(self._verts, self._faces, strict=True):
            if v.ndim != 2 or v.shape[1] != 3 or f.ndim != 2 or f.shape[1] != 3:
                raise InputError("mesh.shape", f"vertices {tuple(v.shape)}, faces {tuple(f.shape)}", "both are [n, 3]")

    def __len__(self) -> int:
        return len(self._verts)

    def __getitem__(self, index) -> Meshes:
        index = [index] if isinstance(index, int) else list(range(len(self)))[index]
        textures = self.textures[index] if self.textures is not None else None
        return Meshes([self._verts[i] for i in index], [self._faces[i] for i in index], textures)

    @property
    def device(self) -> torch.device:
        return self._verts[0].device if self._verts else torch.device("cpu")

    def isempty(self) -> bool:
        return not any(len(f) for f in self._faces)

    def verts_list(self) -> list[torch.Tensor]:
        return self._verts

    def faces_list(self) -> list[torch.Tensor]:
        return self._faces

    def verts_packed(self) -> torch.Tensor:
        """All vertices, shape [sum of vertices, 3]."""
        return torch.cat(self._verts)

    def faces_packed(self) -> torch.Tensor:
        """All faces, with indices into :meth:`verts_packed`."""
        shifts = self.mesh_to_verts_packed_first_idx().tolist()
        return torch.cat([f + shift for f, shift in zip(self._faces, shifts, strict=True)])

    def verts_padded(self) -> torch.Tensor:
        """Shape [mesh, most vertices, 3], zero where a mesh has fewer."""
        return torch.nn.utils.rnn.pad_sequence(self._verts, batch_first=True)

    def faces_padded(self) -> torch.Tensor:
        """Shape [mesh, most faces, 3], -1 where a mesh has fewer."""
        return torch.nn.utils.rnn.pad_sequence(self._faces, batch_first=True, padding_value=-1)

    def num_verts_per_mesh(self) -> torch.Tensor:
        return torch.tensor([len(v) for v in self._verts], device=self.device)

    def num_faces_per_mesh(self) -> torch.Tensor:
        return torch.tensor([len(f) for f in self._faces], device=self.device)

    def mesh_to_verts_packed_first_idx(self) -> torch.Tensor:
        return self.num_verts_per_mesh().cumsum(0) - self.num_verts_per_mesh()

    def mesh_to_faces_packed_first_idx(self) -> torch.Tensor:
        return self.num_faces_per_mesh().cumsum(0) - self.num_faces_per_mesh()

    def update_padded(self, new_verts_padded: torch.Tensor) -> Meshes:
        """The same faces and textures on other vertices, shape [mesh, most vertices, 3]."""
        verts = [new[: len(old)] for new, old in zip(new_verts_padded, self._verts, strict=True)]
        return Meshes(verts, self._faces, self.textures)

    def offset_verts(self, offsets: torch.Tensor) -> Meshes:
        """Vertices moved by ``offsets``, shape [sum of vertices, 3] or [3]."""
        moved = self.verts_packed() + offsets
        return Meshes(moved.split([len(v) for v in self._verts]), self._faces, self.textures)

    def scale_verts(self, scale: float) -> Meshes:
        return Meshes([v * scale for v in self._verts], self._faces, self.textures)

    def extend(self, times: int) -> Meshes:
        """Every mesh ``times`` in a row."""
        textures = self.textures.extend(times) if self.textures is not None else None
        return Meshes(
            [v for v in self._verts for _ in range(times)], [f for f in self._faces for _ in range(times)], textures
        )

    def to(self, device) -> Meshes:
        textures = self.textures.to(device) if self.textures is not None else None
        return Meshes([v.to(device) for v in self._verts], [f.to(device) for f in self._faces], textures)

    def detach(self) -> Meshes:
        return Meshes([v.detach() for v in self._verts], self._faces, self.textures)

    def clone(self) -> Meshes:
        return Meshes([v.clone() for v in self._verts], self._faces, self.textures)

    def faces_normals_packed(self) -> torch.Tensor:
        """Unit normals of the faces, shape [sum of faces, 3]."""
        return normalize(self._face_vectors(), eps=1e-6)

    def verts_normals_packed(self) -> torch.Tensor:
        """Unit normals of the vertices, weighted by the areas of their faces, shape [sum of vertices, 3]."""
        faces, vectors = self.faces_packed(), self._face_vectors()
        total = torch.zeros_like(self.verts_packed())
        for corner in range(3):
            total = total.index_add(0, faces[:, corner], vectors)
        return normalize(total, eps=1e-6)

    def _face_vectors(self) -> torch.Tensor:
        corners = self.verts_packed()[self.faces_packed()]
        return torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])

    def sample_textures(self, fragments) -> torch.Tensor:
        """Colours of the fragments, shape [image, y, x, k, channel]."""
        if self.textures is None:
            raise InputError("mesh.textures", "the meshes have no textures", "give textures to Meshes")
        return self.textures.sample(fragments, self)
