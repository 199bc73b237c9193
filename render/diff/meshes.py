"""A batch of meshes that may differ in size, with the accessors that PyTorch3D scenes use."""

from __future__ import annotations

import torch
from torch.nn.functional import normalize

from engine.core.errors import InputError

__all__ = ["Meshes", "ico_sphere", "join_meshes_as_batch"]


class Meshes:
    """Triangle meshes, one per image.

    Args:
        verts: list of [vertex, 3], or [mesh, vertex, 3].
        faces: list of [face, 3], or [mesh, face, 3] (rows of -1 are padding).
        textures: :class:`render.diff.TexturesVertex` or :class:`render.diff.TexturesUV`.
    """

    def __init__(self, verts, faces, textures=None) -> None:
        self._edges: tuple[torch.Tensor, torch.Tensor] | None = None
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
        return self._moved(verts)

    def offset_verts(self, offsets: torch.Tensor) -> Meshes:
        """Vertices moved by ``offsets``, shape [sum of vertices, 3] or [3]."""
        moved = self.verts_packed() + offsets
        return self._moved(moved.split([len(v) for v in self._verts]))

    def scale_verts(self, scale: float) -> Meshes:
        return self._moved([v * scale for v in self._verts])

    def _moved(self, verts) -> Meshes:
        """The same faces, edges and textures on other vertices."""
        other = Meshes(verts, self._faces, self.textures)
        other._edges = self._edges
        return other

    def get_mesh_verts_faces(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Vertices [vertex, 3] and faces [face, 3] of one mesh."""
        return self._verts[index], self._faces[index]

    def edges_packed(self) -> torch.Tensor:
        """Every edge once, as indices into :meth:`verts_packed`, the smaller first, shape [edge, 2]."""
        return self._topology()[0]

    def faces_packed_to_edges_packed(self) -> torch.Tensor:
        """Edge opposite each corner of each face, shape [sum of faces, 3]."""
        return self._topology()[1]

    def _topology(self) -> tuple[torch.Tensor, torch.Tensor]:
        if self._edges is None:
            faces = self.faces_packed()
            halves = torch.cat((faces[:, [1, 2]], faces[:, [2, 0]], faces[:, [0, 1]])).sort(1).values
            edges, index = torch.unique(halves, dim=0, return_inverse=True)
            self._edges = edges, index.view(3, -1).T
        return self._edges

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
        return self._moved([v.detach() for v in self._verts])

    def clone(self) -> Meshes:
        return self._moved([v.clone() for v in self._verts])

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

    def verts_normals_list(self) -> list[torch.Tensor]:
        return list(self.verts_normals_packed().split([len(v) for v in self._verts]))

    def verts_packed_to_mesh_idx(self) -> torch.Tensor:
        """Mesh of every vertex, shape [sum of vertices]."""
        return torch.arange(len(self), device=self.device).repeat_interleave(self.num_verts_per_mesh())

    def sample_textures(self, fragments) -> torch.Tensor:
        """Colours of the fragments, shape [image, y, x, k, channel]."""
        if self.textures is None:
            raise InputError("mesh.textures", "the meshes have no textures", "give textures to Meshes")
        return self.textures.sample(fragments, self)


def join_meshes_as_batch(meshes) -> Meshes:
    """All meshes of several batches in one, with their textures where all have some of one kind."""
    parts = list(meshes)
    textures = [part.textures for part in parts]
    if any(t is None for t in textures):
        joined = None
    elif len({type(t) for t in textures}) > 1:
        raise InputError("mesh.textures", "textures of several kinds cannot be joined", "give all meshes the same kind")
    else:
        joined = textures[0].joined(textures[1:])
    return Meshes([v for p in parts for v in p.verts_list()], [f for p in parts for f in p.faces_list()], joined)


def ico_sphere(level: int = 0, device="cpu") -> Meshes:
    """A sphere of radius 1: an icosahedron whose triangles are split in four ``level`` times."""
    golden = (1 + 5**0.5) / 2
    ends = torch.tensor([[-1.0, golden, 0.0], [1.0, golden, 0.0], [-1.0, -golden, 0.0], [1.0, -golden, 0.0]])
    verts = torch.cat([ends, ends.roll(1, 1), ends.roll(2, 1)])
    distance = torch.cdist(verts, verts)
    near = (distance < 2.1) & (distance > 0.1)
    faces = torch.tensor(
        [[a, b, c] for a in range(12) for b in range(a + 1, 12) for c in range(b + 1, 12)
         if near[a, b] and near[b, c] and near[a, c]]
    )  # fmt: skip
    corners = verts[faces]
    outwards = (torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]) * corners[:, 0]).sum(1)
    faces = torch.where(outwards[:, None] > 0, faces, faces[:, [0, 2, 1]])
    verts = normalize(verts)
    for _ in range(level):
        mesh = Meshes([verts], [faces])
        edges, index = mesh.edges_packed(), mesh.faces_packed_to_edges_packed() + len(verts)
        (a, b, c), (d, e, f) = faces.T, index.T  # d is the middle opposite a
        faces = torch.cat([torch.stack(t, 1) for t in ((a, f, e), (f, b, d), (e, d, c), (d, e, f))])
        verts = normalize(torch.cat([verts, verts[edges].mean(1)]))
    return Meshes([verts.to(device)], [faces.to(device)])
