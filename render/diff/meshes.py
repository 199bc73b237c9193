"""A batch of meshes that may differ in size, with the methods that PyTorch3D scenes use."""

from __future__ import annotations

import copy

import torch

from engine.core.errors import ArgumentError
from render.diff.mesh_views import MeshViews
from render.diff.packing import padded_to_packed, positions

__all__ = ["Meshes"]

#: what changes when vertices move
_PLACES = ("_verts_list", "_verts_padded", "_verts_packed", "_faces_areas_packed", "_faces_normals_packed")
_NORMALS = "_verts_normals_packed"


class Meshes(MeshViews):
    """Triangle meshes, one per image.

    Args:
        verts: list of [vertex, 3], or [mesh, vertex, 3].
        faces: list of [face, 3], or [mesh, face, 3], as ``verts``; rows of -1 are padding.
        textures: :class:`render.diff.TexturesVertex`, :class:`render.diff.TexturesUV` or
            :class:`render.diff.TexturesAtlas`.
        verts_normals: as ``verts``; None works them out from the faces. They are kept while the meshes are only shifted
            or scaled.

    Attributes:
        valid: whether each mesh has vertices and faces, bool [mesh].
        equisized: all meshes have equally many vertices and equally many faces.

    Raises:
        ArgumentError: ``mesh.input``, ``mesh.shape``, ``mesh.faces``, ``mesh.device``, ``mesh.textures``.
    """

    _INTERNAL_TENSORS = (*MeshViews._INTERNAL_TENSORS, "valid")

    def __init__(self, verts, faces, textures=None, *, verts_normals=None) -> None:
        self._textures = None
        if torch.is_tensor(verts) and torch.is_tensor(faces):
            self._take_padded(verts, faces)
        elif isinstance(verts, list | tuple) and isinstance(faces, list | tuple):
            self._take_lists(verts, faces)
        else:
            kinds = f"{type(verts).__name__} and {type(faces).__name__}"
            raise ArgumentError(
                "mesh.input", f"vertices and faces are {kinds}", "give two lists, or two padded tensors"
            )
        self._N, self._V = len(self._verts_counts), max(self._verts_counts, default=0)
        self._F = max(self._faces_counts, default=0)
        self.valid = (self.num_verts_per_mesh() > 0) & (self.num_faces_per_mesh() > 0)
        self.equisized = len(set(self._verts_counts)) == len(set(self._faces_counts)) == 1
        if textures is not None and not hasattr(textures, "sample_textures"):
            raise ArgumentError(
                "mesh.textures", f"{type(textures).__name__} is not a kind of textures", "see TexturesBase"
            )
        self.textures = textures
        self._check_textures()
        if verts_normals is not None:
            self._verts_normals_packed = self._packed_normals(verts_normals)

    def _take_lists(self, verts, faces) -> None:
        if len(verts) != len(faces):
            raise ArgumentError(
                "mesh.shape", f"{len(verts)} sets of vertices, {len(faces)} of faces", "one for each mesh"
            )
        self._verts_list = [_rows(part) for part in verts]
        self._verts_list = [part if part.is_floating_point() else part.float() for part in self._verts_list]
        self.device = self._verts_list[0].device if verts else torch.device("cpu")
        self._faces_list = [_rows(part, self.device).long() for part in faces]
        if any(part.device != self.device for part in (*self._verts_list, *self._faces_list)):
            raise _devices()
        used = [(part >= 0).all(1) for part in self._faces_list]
        self._faces_list = [f if u.all() else f[u] for f, u in zip(self._faces_list, used, strict=True)]
        self._verts_counts = [len(part) for part in self._verts_list]
        self._faces_counts = [len(part) for part in self._faces_list]
        for mesh, (part, count) in enumerate(zip(self._faces_list, self._verts_counts, strict=True)):
            if len(part) and part.max() >= count:
                raise _no_vertex(mesh, int(part.max()), count)

    def _take_padded(self, verts: torch.Tensor, faces: torch.Tensor) -> None:
        if verts.ndim != 3 or faces.ndim != 3 or verts.shape[2] != 3 or faces.shape[2] != 3 or len(verts) != len(faces):
            raise ArgumentError(
                "mesh.shape", f"vertices {tuple(verts.shape)}, faces {tuple(faces.shape)}", "both are [mesh, n, 3]"
            )
        if verts.device != faces.device:
            raise _devices()
        self.device = verts.device
        self._verts_padded = verts if verts.is_floating_point() else verts.float()
        self._faces_padded = faces.long()
        used = (self._faces_padded >= 0).all(2)
        if (used[:, 1:] & ~used[:, :-1]).any():
            mesh = int((used[:, 1:] & ~used[:, :-1]).any(1).nonzero()[0])
            raise ArgumentError(
                "mesh.faces", f"Padding of faces (-1) stands before faces of mesh {mesh}", "put it last"
            )
        self._verts_counts = [verts.shape[1]] * len(verts)
        self._faces_counts = used.sum(1).tolist()
        if used.any() and self._faces_padded.max() >= verts.shape[1]:
            mesh = int(self._faces_padded.amax((1, 2)).argmax())
            raise _no_vertex(mesh, int(self._faces_padded.max()), verts.shape[1])

    def _packed_normals(self, normals) -> torch.Tensor:
        if torch.is_tensor(normals):
            if normals.shape != (self._N, self._V, 3):
                raise ArgumentError(
                    "mesh.shape", f"normals {tuple(normals.shape)}", f"they are [{self._N}, {self._V}, 3], as vertices"
                )
            return padded_to_packed(normals, self._verts_counts)
        if not isinstance(normals, list | tuple) or [tuple(n.shape) for n in normals] != [
            (count, 3) for count in self._verts_counts
        ]:
            raise ArgumentError("mesh.shape", "the normals are not as many as the vertices", "give one for each vertex")
        return self._packed(list(normals))

    @property
    def textures(self):
        return self._textures

    @textures.setter
    def textures(self, textures) -> None:
        self._textures = textures
        if textures is not None and textures.check_shapes(self._N, self._V, self._F):
            textures.fit(self._verts_counts, self._faces_counts)

    def _check_textures(self) -> None:
        if self._textures is not None and not self._textures.check_shapes(self._N, self._V, self._F):
            raise ArgumentError(
                "mesh.textures",
                f"the textures do not match the dimensions of {self._N} meshes of up to {self._V} vertices and "
                f"{self._F} faces",
                "give a texture for each mesh, and values for each of its vertices or faces",
            )

    def __len__(self) -> int:
        return self._N

    def __getitem__(self, index) -> Meshes:
        """The meshes that a number, list, slice, or tensor of numbers or truth values picks; tensors are shared."""
        picked = positions(index, self._N)
        return self._built(picked, lambda value: value)

    def _built(self, picked: list[int], change) -> Meshes:
        """New meshes of the picked ones, their tensors changed."""
        verts, faces = self.verts_list(), self.faces_list()
        normals = None
        if self._verts_normals_packed is not None:
            every = self.verts_normals_list()
            normals = [change(every[i]) for i in picked]
        textures = self._textures[picked] if self._textures is not None else None
        parts = [change(verts[i]) for i in picked], [change(faces[i]) for i in picked]
        return type(self)(*parts, textures, verts_normals=normals)

    def isempty(self) -> bool:
        """No mesh has both vertices and faces."""
        return not any(v and f for v, f in zip(self._verts_counts, self._faces_counts, strict=True))

    def get_mesh_verts_faces(self, index: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Vertices [vertex, 3] and faces [face, 3] of one mesh."""
        if not isinstance(index, int) or not 0 <= index < self._N:
            raise ArgumentError("mesh.index", f"there is no mesh {index!r}", f"there are {self._N}, counted from 0")
        return self.verts_list()[index], self.faces_list()[index]

    def split(self, split_sizes: list[int]) -> list[Meshes]:
        """Batches of the given sizes, one after another."""
        if not all(isinstance(size, int) for size in split_sizes):
            raise ArgumentError("mesh.index", f"{split_sizes} are not sizes of batches", "give whole numbers")
        ends = [sum(split_sizes[: i + 1]) for i in range(len(split_sizes))]
        return [self[end - size : end] for size, end in zip(split_sizes, ends, strict=True)]

    def extend(self, N: int) -> Meshes:
        """Every mesh ``N`` times in a row, copied."""
        if not isinstance(N, int) or N <= 0:
            raise ArgumentError("mesh.extend", f"meshes cannot be taken {N!r} times", "give a whole number above 0")
        return self._built([i for i in range(self._N) for _ in range(N)], torch.clone)

    def clone(self) -> Meshes:
        other = self._with_tensors(torch.clone)
        other._textures = self._textures.clone() if self._textures is not None else None
        return other

    def detach(self) -> Meshes:
        other = self._with_tensors(torch.Tensor.detach)
        other._textures = self._textures.detach() if self._textures is not None else None
        return other

    def to(self, device, copy: bool = False) -> Meshes:
        """Itself where it is there already and no copy is asked for."""
        device = torch.zeros(0, device=device).device  # "cuda" names one of several
        if device == self.device and not copy:
            return self
        other = self._with_tensors(lambda value: value.to(device, copy=True))
        other.device = device
        other._textures = self._textures.to(device) if self._textures is not None else None
        return other

    def cpu(self) -> Meshes:
        return self.to("cpu")

    def cuda(self) -> Meshes:
        return self.to("cuda")

    def update_padded(self, new_verts_padded: torch.Tensor) -> Meshes:
        """The same faces and textures on other vertices, [mesh, most vertices, 3]."""
        if new_verts_padded.shape != (self._N, self._V, 3):
            raise ArgumentError(
                "mesh.shape", f"new vertices {tuple(new_verts_padded.shape)}", f"they are [{self._N}, {self._V}, 3]"
            )
        other = copy.copy(self)
        other._forget()
        other._verts_padded = new_verts_padded
        return other

    def offset_verts_(self, vert_offsets_packed: torch.Tensor) -> Meshes:
        """Moves the vertices, each by its own of [sum of vertices, 3], or all by one of [3]; returns itself."""
        verts = self.verts_packed()
        together = vert_offsets_packed.shape == (3,)
        if not together and vert_offsets_packed.shape != verts.shape:
            raise ArgumentError(
                "mesh.shape", f"offsets {tuple(vert_offsets_packed.shape)}", f"they are [3] or {tuple(verts.shape)}"
            )
        return self._move(verts + vert_offsets_packed, keep_normals=together)

    def offset_verts(self, vert_offsets_packed: torch.Tensor) -> Meshes:
        """As :meth:`offset_verts_`, on a copy that shares faces and textures."""
        return copy.copy(self).offset_verts_(vert_offsets_packed)

    def scale_verts_(self, scale) -> Meshes:
        """Multiplies the vertices by a number, or each mesh's by its own of [mesh]; returns itself."""
        scale = torch.as_tensor(scale, device=self.device)
        if scale.ndim and scale.shape != (self._N,):
            raise ArgumentError("mesh.shape", f"scales {tuple(scale.shape)}", f"give one number, or [{self._N}]")
        verts = self.verts_packed()
        each = scale.to(verts.dtype).expand(self._N)[self.verts_packed_to_mesh_idx()]
        return self._move(verts * each[:, None], keep_normals=True)

    def scale_verts(self, scale) -> Meshes:
        """As :meth:`scale_verts_`, on a copy that shares faces and textures."""
        return copy.copy(self).scale_verts_(scale)

    def _forget(self, keep_normals: bool = False) -> None:
        for slot in _PLACES if keep_normals else (*_PLACES, _NORMALS):
            setattr(self, slot, None)

    def _move(self, packed: torch.Tensor, keep_normals: bool) -> Meshes:
        self._forget(keep_normals)
        self._verts_packed = packed
        self._verts_list = list(packed.split(self._verts_counts)) if self._N else []
        return self

    def submeshes(self, face_indices) -> Meshes:
        """Parts of meshes, each with the vertices that its faces use, in their order.

        Args:
            face_indices: for each mesh, its parts: list of lists of int64 [face], list of int64 [part, face], or int64
                [mesh, part, face].

        Returns:
            A mesh for each part, those of the first mesh first.
        """
        if len(face_indices) != self._N:
            raise ArgumentError(
                "mesh.index",
                f"sets of faces for {len(face_indices)} of {self._N} meshes",
                "give one list for each mesh",
            )
        verts, faces, used = [], [], []
        for mesh_verts, mesh_faces, parts in zip(self.verts_list(), self.faces_list(), face_indices, strict=True):
            used.append([])
            for part in parts:
                corners, renumbered = torch.unique(mesh_faces[part], return_inverse=True)
                used[-1].append(corners)
                verts.append(mesh_verts[corners])
                faces.append(renumbered)
        textures = self._textures.submeshes(used, face_indices) if self._textures is not None else None
        return type(self)(verts, faces, textures)

    def sample_textures(self, fragments) -> torch.Tensor:
        """Colours of the fragments, [image, y, x, k, channel]."""
        if self._textures is None:
            raise ArgumentError("mesh.textures", "the meshes have no textures", "give textures to Meshes")
        self._check_textures()
        return self._textures.sample_textures(fragments, faces_packed=self.faces_packed())


def _rows(values, device=None) -> torch.Tensor:
    """Rows of three; an empty tensor of any shape has none."""
    rows = values if torch.is_tensor(values) else torch.as_tensor(values, device=device)
    rows = rows if rows.numel() else rows.reshape(0, 3)
    if rows.ndim != 2 or rows.shape[1] != 3:
        raise ArgumentError("mesh.shape", f"vertices or faces are {tuple(rows.shape)}", "both are [n, 3]")
    return rows


def _devices() -> ArgumentError:
    return ArgumentError(
        "mesh.device", "vertices and faces are not all on the same device", "move them with .to(device)"
    )


def _no_vertex(mesh: int, index: int, count: int) -> ArgumentError:
    return ArgumentError(
        "mesh.faces", f"a face of mesh {mesh} names vertex {index} of {count}", "indices count from 0 in each mesh"
    )
