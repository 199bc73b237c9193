"""Colours of meshes: per vertex, or a little square of texels per face; and what all kinds of textures share."""

from __future__ import annotations

import torch

from engine.core.errors import ArgumentError
from render.diff.kept import Kept, kept
from render.diff.packing import list_to_padded, padded_to_list, positions, take_rows

__all__ = ["TexturesAtlas", "TexturesBase", "TexturesVertex", "interpolate_face_attributes"]


def interpolate_face_attributes(
    pix_to_face: torch.Tensor, barycentric_coords: torch.Tensor, face_attributes: torch.Tensor
) -> torch.Tensor:
    """Values of fragments from values at the corners of faces, 0 in unused places.

    Args:
        pix_to_face: int64 [image, y, x, k].
        barycentric_coords: [image, y, x, k, 3].
        face_attributes: [face, 3, channel].

    Returns:
        [image, y, x, k, channel].
    """
    if face_attributes.ndim != 3 or face_attributes.shape[1] != 3:
        raise ArgumentError("render.attributes", f"attributes are {tuple(face_attributes.shape)}", "[face, 3, channel]")
    if barycentric_coords.shape != (*pix_to_face.shape, 3):
        shapes = f"faces {tuple(pix_to_face.shape)}, barycentric coordinates {tuple(barycentric_coords.shape)}"
        raise ArgumentError("render.attributes", f"fragments differ: {shapes}", "the second has an axis of 3 more")
    used = pix_to_face >= 0
    found = (barycentric_coords[used][:, :, None] * take_rows(face_attributes, pix_to_face[used])).sum(1)
    out = face_attributes.new_zeros((*pix_to_face.shape, face_attributes.shape[-1]))
    return out.index_put((used,), found)


class TexturesBase(Kept):
    """One texture for each mesh of a batch.

    A kind of textures has the methods below that raise NotImplementedError. Values stand as lists, padded, or both, as
    in :class:`render.diff.Meshes`; given padded ones are cut to the meshes' sizes when meshes take the textures.
    """

    _INTERNAL_TENSORS = ("valid",)

    def _start(self, counts: list[int], of: str, device: torch.device, cut: bool) -> None:
        """Takes the numbers of vertices or faces (``of``), and whether meshes may cut them."""
        self._N, self.device, self._cut = len(counts), device, cut
        self.valid = torch.ones(self._N, dtype=torch.bool, device=device)
        self._num_verts_per_mesh = counts if of == "verts" else None
        self._num_faces_per_mesh = counts if of == "faces" else None

    def fit(self, num_verts: list[int], num_faces: list[int]) -> None:
        """Takes the meshes' numbers of vertices and faces, to which padded values are cut."""
        self._num_verts_per_mesh, self._num_faces_per_mesh = list(num_verts), list(num_faces)

    def __len__(self) -> int:
        return self._N

    def isempty(self) -> bool:
        return self._N == 0 or not bool(self.valid.any())

    def clone(self):
        return self._with_tensors(torch.clone)

    def detach(self):
        return self._with_tensors(torch.Tensor.detach)

    def to(self, device):
        other = self._with_tensors(lambda value: value.to(device))
        other.device = torch.zeros(0, device=device).device
        return other

    def __getitem__(self, index):
        """The textures of the meshes that a number, list, slice, or tensor of numbers or truth values picks."""
        return self._picked(positions(index, self._N))

    def extend(self, N: int):
        """The texture of every mesh ``N`` times in a row."""
        if not isinstance(N, int) or N <= 0:
            raise ArgumentError(
                "texture.extend", f"textures cannot be taken {N!r} times", "give a whole number above 0"
            )
        return self._picked([i for i in range(self._N) for _ in range(N)])

    def _picked(self, picked: list[int]):
        raise NotImplementedError

    def check_shapes(self, batch_size: int, max_num_verts: int, max_num_faces: int) -> bool:
        """Whether the textures are for so many meshes with at most so many vertices and faces."""
        raise NotImplementedError

    def sample_textures(self, fragments, faces_packed: torch.Tensor | None = None) -> torch.Tensor:
        """Colours of the fragments, [image, y, x, k, channel]; ``faces_packed``: as of the meshes."""
        raise NotImplementedError

    def faces_verts_textures_packed(self, faces_packed: torch.Tensor | None = None) -> torch.Tensor:
        """Colours at the corners of all faces, [sum of faces, 3, channel]."""
        raise NotImplementedError

    def submeshes(self, vertex_ids_list, faces_ids_list):
        """Textures of parts: for each mesh, its parts' vertices and faces."""
        raise NotImplementedError

    def join_batch(self, textures):
        """These and other textures of the same kind, one after another."""
        raise NotImplementedError

    def join_scene(self):
        """One texture, for all meshes in one."""
        raise NotImplementedError

    def _same_kind(self, textures) -> list:
        """These textures and the others."""
        every = [self, *textures]
        if any(type(other) is not type(self) for other in every):
            raise ArgumentError(
                "mesh.textures", "the meshes do not all have the same type of texture", "give all the same type"
            )
        return every


def parts_of(values, ndim: int, name: str, shape: str) -> tuple[list[torch.Tensor] | None, torch.Tensor | None]:
    """Values as a list of tensors with ``ndim`` axes, or as one tensor with an axis more.

    Raises:
        ArgumentError: ``texture.shape``; it names the argument and the shape that it should have.
    """
    if torch.is_tensor(values):
        if values.ndim == ndim + 1:
            return None, values
        found = tuple(values.shape)
    elif isinstance(values, list | tuple):
        if all(torch.is_tensor(part) and part.ndim == ndim for part in values):
            return list(values), None
        found = [tuple(part.shape) if torch.is_tensor(part) else type(part).__name__ for part in values]
    else:
        found = type(values).__name__
    raise ArgumentError(
        "texture.shape", f"{name} are {found}", f"give a list of tensors {shape}, or a tensor with an axis for meshes"
    )


def floats(values: list[torch.Tensor] | torch.Tensor | None):
    """Whole numbers as floating-point ones."""
    if isinstance(values, list):
        return [floats(part) for part in values]
    return values if values is None or values.is_floating_point() else values.float()


def batch_of(
    values: list[torch.Tensor] | None, padded: torch.Tensor | None, name: str
) -> tuple[list[int], torch.device]:
    """Rows of each mesh, and device, of values."""
    parts = [padded] if padded is not None else values
    if any(part.device != parts[0].device for part in parts):
        raise ArgumentError("texture.device", f"{name} are not all on the same device", "move them with .to(device)")
    counts = [len(part) for part in values] if padded is None else [padded.shape[1]] * len(padded)
    return counts, parts[0].device if parts else torch.device("cpu")


def longest(values: list[torch.Tensor] | None, padded: torch.Tensor | None) -> int:
    """Rows of the longest part."""
    return padded.shape[1] if padded is not None else max((len(part) for part in values), default=0)


def check_counts(values: list[torch.Tensor], counts: list[int], name: str, of: str) -> None:
    for mesh, (part, count) in enumerate(zip(values, counts, strict=True)):
        if len(part) != count:
            raise ArgumentError(
                "mesh.textures",
                f"{len(part)} {name} do not match the dimensions of mesh {mesh}, which has {count} {of}",
                f"give as many {name} as {of}",
            )


class TexturesVertex(TexturesBase):
    """A colour, or another feature, per vertex.

    Args:
        verts_features: list of [vertex, channel], or [mesh, vertex, channel].
    """

    def __init__(self, verts_features) -> None:
        values, padded = parts_of(verts_features, 2, "verts_features", "[vertex, channel]")
        self._verts_features_list, self._verts_features_padded = floats(values), floats(padded)
        counts, device = batch_of(values, padded, "verts_features")
        self._start(counts, "verts", device, cut=padded is not None)

    @kept
    def verts_features_list(self) -> list[torch.Tensor]:
        return padded_to_list(self._verts_features_padded, self._num_verts_per_mesh)

    @kept
    def verts_features_padded(self) -> torch.Tensor:
        """Shape [mesh, most vertices, channel], zero where a mesh has fewer."""
        if not self._N:
            return torch.zeros(0, 0, 3, device=self.device)
        return list_to_padded(self._verts_features_list)

    def verts_features_packed(self) -> torch.Tensor:
        """All features, [sum of vertices, channel]."""
        return torch.cat(self.verts_features_list()) if self._N else torch.zeros(0, 3, device=self.device)

    def fit(self, num_verts: list[int], num_faces: list[int]) -> None:
        super().fit(num_verts, num_faces)
        if self._cut:
            self._verts_features_list = None
        check_counts(self.verts_features_list(), num_verts, "colours", "vertices")

    def _picked(self, picked: list[int]) -> TexturesVertex:
        features = self.verts_features_list()
        return type(self)([features[i] for i in picked])

    def check_shapes(self, batch_size: int, max_num_verts: int, max_num_faces: int) -> bool:
        return (self._N, longest(self._verts_features_list, self._verts_features_padded)) == (batch_size, max_num_verts)

    def faces_verts_textures_packed(self, faces_packed: torch.Tensor | None = None) -> torch.Tensor:
        if faces_packed is None:
            raise ArgumentError("mesh.textures", "colours of vertices need to know the faces", "give faces_packed")
        return take_rows(self.verts_features_packed(), faces_packed)

    def sample_textures(self, fragments, faces_packed: torch.Tensor | None = None) -> torch.Tensor:
        corners = self.faces_verts_textures_packed(faces_packed)
        return interpolate_face_attributes(fragments.pix_to_face, fragments.bary_coords, corners)

    def submeshes(self, vertex_ids_list, faces_ids_list) -> TexturesVertex:
        pairs = zip(self.verts_features_list(), vertex_ids_list, strict=True)
        return type(self)([features[part] for features, parts in pairs for part in parts])

    def join_batch(self, textures) -> TexturesVertex:
        every = self._same_kind(textures)
        return type(self)([features for other in every for features in other.verts_features_list()])

    def join_scene(self) -> TexturesVertex:
        return type(self)([self.verts_features_packed()])


class TexturesAtlas(TexturesBase):
    """A square of texels per face (Liu et al., Soft Rasterizer, 2019).

    With w0 and w1 the barycentric coordinates at a face's first two corners, texel (floor(w1 R), floor(w0 R)) has the
    lower half of that cell in the triangle, and its mirror image about the square's other diagonal the upper half.

    Args:
        atlas: list of [face, R, R, channel], or [mesh, face, R, R, channel]; the same R everywhere.
    """

    def __init__(self, atlas) -> None:
        values, padded = parts_of(atlas, 4, "atlas", "[face, R, R, channel]")
        sizes = {tuple(part.shape[-3:-1]) for part in (values if padded is None else [padded])}
        if len(sizes) > 1 or any(height != width for height, width in sizes):
            raise ArgumentError("texture.shape", f"squares of the atlas are {sorted(sizes)}", "all are [R, R]")
        self._atlas_list, self._atlas_padded = floats(values), floats(padded)
        counts, device = batch_of(values, padded, "atlas")
        self._start(counts, "faces", device, cut=padded is not None)

    @kept
    def atlas_list(self) -> list[torch.Tensor]:
        return padded_to_list(self._atlas_padded, self._num_faces_per_mesh)

    @kept
    def atlas_padded(self) -> torch.Tensor:
        """Shape [mesh, most faces, R, R, channel], zero where a mesh has fewer."""
        if not self._N:
            return torch.zeros(0, 0, 0, 0, 3, device=self.device)
        return list_to_padded(
            self._atlas_list, (max(len(part) for part in self._atlas_list), *self._atlas_list[0].shape[1:])
        )

    def atlas_packed(self) -> torch.Tensor:
        """All squares, [sum of faces, R, R, channel]."""
        return torch.cat(self.atlas_list()) if self._N else torch.zeros(0, 0, 0, 3, device=self.device)

    def fit(self, num_verts: list[int], num_faces: list[int]) -> None:
        super().fit(num_verts, num_faces)
        if self._cut:
            self._atlas_list = None
        check_counts(self.atlas_list(), num_faces, "squares", "faces")

    def _picked(self, picked: list[int]) -> TexturesAtlas:
        atlas = self.atlas_list()
        return type(self)([atlas[i] for i in picked])

    def check_shapes(self, batch_size: int, max_num_verts: int, max_num_faces: int) -> bool:
        return (self._N, longest(self._atlas_list, self._atlas_padded)) == (batch_size, max_num_faces)

    def faces_verts_textures_packed(self, faces_packed: torch.Tensor | None = None) -> torch.Tensor:
        atlas = self.atlas_packed()
        return torch.stack((atlas[:, 0, -1], atlas[:, -1, 0], atlas[:, 0, 0]), 1)

    def sample_textures(self, fragments, faces_packed: torch.Tensor | None = None) -> torch.Tensor:
        """Nearest texels, so that gradients reach the atlas but not the barycentric coordinates."""
        atlas = self.atlas_packed()
        side = atlas.shape[1]
        used = fragments.pix_to_face >= 0
        weights = fragments.bary_coords[used][:, :2] * side
        cell = weights.long().clamp(max=side - 1)  # a blurred fragment lies outside its face
        upper = (weights - cell).sum(1) > 1
        cell = torch.where(upper[:, None], side - 1 - cell, cell)
        place = (fragments.pix_to_face[used] * side + cell[:, 1]) * side + cell[:, 0]
        found = take_rows(atlas.flatten(0, 2), place)
        return atlas.new_zeros((*used.shape, atlas.shape[-1])).index_put((used,), found)

    def submeshes(self, vertex_ids_list, faces_ids_list) -> TexturesAtlas:
        pairs = zip(self.atlas_list(), faces_ids_list, strict=True)
        return type(self)([atlas[part] for atlas, parts in pairs for part in parts])

    def join_batch(self, textures) -> TexturesAtlas:
        return type(self)([atlas for other in self._same_kind(textures) for atlas in other.atlas_list()])

    def join_scene(self) -> TexturesAtlas:
        return type(self)([self.atlas_packed()])
