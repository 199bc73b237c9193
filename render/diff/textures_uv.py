"""Colours from images by texture coordinates: one image, or several with a choice per face, for each mesh."""

from __future__ import annotations

import torch
from torch.nn.functional import grid_sample, interpolate, pad

from engine.core.errors import ArgumentError, UnsupportedError
from render.diff.kept import kept
from render.diff.map_layout import Place, Rectangle, pack_unique_rectangles
from render.diff.mipmap import pyramid, sample_pyramid, uv_derivatives
from render.diff.packing import list_to_padded, padded_to_list, take_rows
from render.diff.textures import (
    TexturesBase,
    batch_of,
    check_counts,
    floats,
    interpolate_face_attributes,
    longest,
    parts_of,
)

__all__ = ["TexturesUV"]


class TexturesUV(TexturesBase):
    """An image per mesh; texture coordinates have (0, 0) at the image's lower left.

    Args:
        maps: list of [height, width, channel], or [mesh, height, width, channel]; smaller images of a list are scaled
            up to the largest. With ``maps_ids``, list of [map, height, width, channel], or one tensor of them.
        faces_uvs: list of [face, 3] into the coordinates, or [mesh, face, 3].
        verts_uvs: list of [coordinate, 2], or [mesh, coordinate, 2].
        maps_ids: which map each face takes its colours from: list of int64 [face], or [mesh, face].
        padding_mode, align_corners: as of ``torch.nn.functional.grid_sample``.
        sampling_mode: ``bilinear`` or ``nearest``, or ``trilinear`` between mip-maps, whose level fits the texels' size
            in the image (:mod:`render.diff.mipmap`).
    """

    def __init__(
        self, maps, faces_uvs, verts_uvs, *, maps_ids=None, padding_mode: str = "border", align_corners: bool = True,
        sampling_mode: str = "bilinear",
    ) -> None:  # fmt: skip
        modes = ("bilinear", "nearest", "trilinear")
        if sampling_mode not in modes:
            raise ArgumentError("texture.sampling", f"no sampling is called '{sampling_mode}'", f"one of {modes}")
        self.padding_mode, self.align_corners, self.sampling_mode = padding_mode, align_corners, sampling_mode
        faces, faces_padded = parts_of(faces_uvs, 2, "faces_uvs", "[face, 3]")
        verts, verts_padded = parts_of(verts_uvs, 2, "verts_uvs", "[coordinate, 2]")
        for parts, width, name in (
            (faces if faces_padded is None else [faces_padded], 3, "faces_uvs"),
            (verts if verts_padded is None else [verts_padded], 2, "verts_uvs"),
        ):
            if any(part.shape[-1] != width for part in parts):
                raise ArgumentError(
                    "texture.shape", f"{name} have not {width} numbers in a row", f"they are [n, {width}]"
                )
        self._faces_uvs_list = [part.long() for part in faces] if faces is not None else None
        self._faces_uvs_padded = faces_padded.long() if faces_padded is not None else None
        self._verts_uvs_list, self._verts_uvs_padded = floats(verts), floats(verts_padded)
        self._take_maps(maps, maps_ids)
        counts, device = batch_of(faces, faces_padded, "faces_uvs")
        self._check_batches(len(counts), device)
        self._start(counts, "faces", device, cut=faces_padded is not None)

    def _take_maps(self, maps, maps_ids) -> None:
        self._several = maps_ids is not None
        if self._several:
            ids, ids_padded = parts_of(maps_ids, 1, "maps_ids", "[face]")
            self._maps_ids_list, self._maps_ids_padded = ids, ids_padded
        shape = "[map, height, width, channel]" if self._several else "[height, width, channel] (more need maps_ids)"
        values, padded = parts_of(maps, 4 if self._several else 3, "maps", shape)
        if values is not None and len({part.shape[-1] for part in values}) > 1:
            raise ArgumentError("texture.shape", "maps have different numbers of channels", "give all the same")
        self._maps_list, self._maps_padded = floats(values), floats(padded)

    def _check_batches(self, count: int, device: torch.device) -> None:
        given = [
            ("verts_uvs", self._verts_uvs_list, self._verts_uvs_padded), ("maps", self._maps_list, self._maps_padded)
        ]  # fmt: skip
        if self._several:
            given.append(("maps_ids", self._maps_ids_list, self._maps_ids_padded))
        for name, values, padded in given:
            found, place = batch_of(values, padded, name)
            if len(found) != count:
                raise ArgumentError(
                    "texture.batch", f"{name} for {len(found)} meshes, faces_uvs for {count}", "one for each"
                )
            if count and place != device:
                raise ArgumentError(
                    "texture.device", f"{name} and faces_uvs are not on the same device", "use .to(device)"
                )
        if self._several:
            faces = longest(self._faces_uvs_list, self._faces_uvs_padded)
            ids = longest(self._maps_ids_list, self._maps_ids_padded)
            if ids != faces:
                raise ArgumentError("texture.shape", f"maps_ids for {ids} faces, faces_uvs for {faces}", "one for each")

    @kept
    def faces_uvs_list(self) -> list[torch.Tensor]:
        return padded_to_list(self._faces_uvs_padded, self._num_faces_per_mesh)

    @kept
    def faces_uvs_padded(self) -> torch.Tensor:
        """Shape [mesh, most faces, 3]."""
        return list_to_padded(self._faces_uvs_list) if self._N else torch.zeros(0, 0, 3, dtype=torch.int64)

    @kept
    def verts_uvs_list(self) -> list[torch.Tensor]:
        return padded_to_list(self._verts_uvs_padded)

    @kept
    def verts_uvs_padded(self) -> torch.Tensor:
        """Shape [mesh, most coordinates, 2]."""
        return list_to_padded(self._verts_uvs_list) if self._N else torch.zeros(0, 0, 2, device=self.device)

    @kept
    def maps_list(self) -> list[torch.Tensor]:
        return padded_to_list(self._maps_padded)

    @kept
    def maps_padded(self) -> torch.Tensor:
        """Shape [mesh, (map,) height, width, channel]; smaller images are scaled up."""
        if not self._N:
            return torch.zeros(0, *[0] * (3 if self._several else 2), 3, device=self.device)
        size = tuple(max(part.shape[axis] for part in self._maps_list) for axis in (-3, -2))
        return list_to_padded([self._scaled(part, size) for part in self._maps_list])

    def _scaled(self, image: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
        if image.shape[-3:-1] == size:
            return image
        planes = (image if self._several else image[None]).permute(0, 3, 1, 2)
        planes = interpolate(planes, size, mode="bilinear", align_corners=self.align_corners).permute(0, 2, 3, 1)
        return planes if self._several else planes[0]

    @kept
    def maps_ids_list(self) -> list[torch.Tensor] | None:
        return padded_to_list(self._maps_ids_padded, self._num_faces_per_mesh) if self._several else None

    @kept
    def maps_ids_padded(self) -> torch.Tensor | None:
        """Shape [mesh, most faces], or None without ``maps_ids``."""
        if not self._several:
            return None
        return list_to_padded(self._maps_ids_list) if self._N else torch.zeros(0, 0, dtype=torch.int64)

    def fit(self, num_verts: list[int], num_faces: list[int]) -> None:
        super().fit(num_verts, num_faces)
        if self._cut:
            self._faces_uvs_list = None
        if self._several and self._maps_ids_padded is not None:
            self._maps_ids_list = None
        check_counts(self.faces_uvs_list(), num_faces, "faces with texture coordinates", "faces")

    def check_shapes(self, batch_size: int, max_num_verts: int, max_num_faces: int) -> bool:
        return (self._N, longest(self._faces_uvs_list, self._faces_uvs_padded)) == (batch_size, max_num_faces)

    def _of(self, maps, faces_uvs, verts_uvs, maps_ids=None) -> TexturesUV:
        """Others that are sampled in the same way."""
        how = {name: getattr(self, name) for name in ("padding_mode", "align_corners", "sampling_mode")}
        return type(self)(maps, faces_uvs, verts_uvs, maps_ids=maps_ids, **how)

    def _picked(self, picked: list[int]) -> TexturesUV:
        lists = [self.maps_list(), self.faces_uvs_list(), self.verts_uvs_list(), self.maps_ids_list()]
        return self._of(*([part[i] for i in picked] if part is not None else None for part in lists))

    def _corners_list(self) -> list[torch.Tensor]:
        """Texture coordinates of the corners of each mesh's faces, [face, 3, 2]."""
        return [
            take_rows(verts, faces) for verts, faces in zip(self.verts_uvs_list(), self.faces_uvs_list(), strict=True)
        ]

    def sample_textures(self, fragments, faces_packed: torch.Tensor | None = None) -> torch.Tensor:
        faces = fragments.pix_to_face
        corners = torch.cat(self._corners_list())
        uv = interpolate_face_attributes(faces, fragments.bary_coords, corners)
        change = None
        if self.sampling_mode == "trilinear":
            if faces_packed is None:
                raise ArgumentError("texture.mipmap", "trilinear textures need to know the faces", "give faces_packed")
            change = uv_derivatives(fragments, faces_packed, uv, corners)
        ids = torch.cat(self.maps_ids_list())[faces.clamp(min=0)] if self._several else None
        return self._sampled(uv, ids, change)

    def faces_verts_textures_packed(self, faces_packed: torch.Tensor | None = None) -> torch.Tensor:
        if not self._N:
            return torch.zeros(0, 3, 3, device=self.device)
        counts = [len(faces) for faces in self.faces_uvs_list()]
        corners = list_to_padded(self._corners_list(), (max(counts), 3, 2))
        ids = self.maps_ids_padded()[:, :, None, None].expand(-1, -1, 3, 1) if self._several else None
        found = self._sampled(corners[:, :, :, None], ids, torch.zeros(*corners.shape[:3], 1, 2, 2))
        return torch.cat(padded_to_list(found[:, :, :, 0], counts))

    def _sampled(self, uv: torch.Tensor, ids: torch.Tensor | None, change: torch.Tensor | None) -> torch.Tensor:
        """Texels at coordinates [mesh, y, x, k, 2], each of its map of ``ids`` [mesh, y, x, k]."""
        maps = self.maps_padded().to(uv.device)
        if ids is None:
            return self._sampled_one(maps, uv, change)
        texels = self._sampled_one(maps[:, 0], uv, change)
        for k in range(1, maps.shape[1]):
            texels = torch.where((ids == k)[..., None], self._sampled_one(maps[:, k], uv, change), texels)
        return texels

    def _sampled_one(self, maps: torch.Tensor, uv: torch.Tensor, change: torch.Tensor | None) -> torch.Tensor:
        how = {"padding_mode": self.padding_mode, "align_corners": self.align_corners}
        planes = maps.permute(0, 3, 1, 2)
        if self.sampling_mode == "trilinear":
            return sample_pyramid(pyramid(planes), uv, change, **how)
        images, height, width, keep = uv.shape[:4]
        grid = torch.stack((2 * uv[..., 0] - 1, 1 - 2 * uv[..., 1]), -1).view(images, height, width * keep, 2)
        texels = grid_sample(planes, grid, mode=self.sampling_mode, **how)
        return texels.view(images, -1, height, width, keep).permute(0, 2, 3, 4, 1)

    def centers_for_image(self, index: int) -> torch.Tensor:
        """Where in its image each texture coordinate of a mesh points, (x, y) in texels, [coordinate, 2]."""
        if self._several:
            raise UnsupportedError("texture.maps", "coordinates of several maps have no common image", "give one map")
        height, width = self.maps_padded().shape[1:3]
        size = torch.tensor([width, height], device=self.device)
        with torch.no_grad():
            uv = self.verts_uvs_list()[index]
            across = torch.stack((uv[:, 0], 1 - uv[:, 1]), 1)
            place = across * (size - 1) if self.align_corners else across * size - 0.5
            return torch.minimum(place.clamp(min=0), size - 1).cpu()

    def submeshes(self, vertex_ids_list, faces_ids_list) -> TexturesUV:
        maps, faces, verts, ids = [], [], [], []
        own_ids = self.maps_ids_list()
        for mesh, parts in enumerate(faces_ids_list):
            for part in parts:
                maps.append(self.maps_list()[mesh])
                faces.append(self.faces_uvs_list()[mesh][part])
                verts.append(self.verts_uvs_list()[mesh])
                ids.append(own_ids[mesh][part] if self._several else None)
        return self._of(maps, faces, verts, ids if self._several else None)

    def join_batch(self, textures) -> TexturesUV:
        every = self._same_kind(textures)
        for name in ("padding_mode", "align_corners", "sampling_mode"):
            found = {getattr(other, name) for other in every}
            if len(found) > 1:
                raise ArgumentError(
                    "mesh.textures", f"textures with {name} {found} cannot be joined", "give all the same"
                )
        several = any(other._several for other in every)
        maps, ids = [], []
        for other in every:
            as_they_are = other._several or not several
            maps += other.maps_list() if as_they_are else [image[None] for image in other.maps_list()]
            ids += other.maps_ids_list() or [faces.new_zeros(len(faces)) for faces in other.faces_uvs_list()]
        faces = [part for other in every for part in other.faces_uvs_list()]
        verts = [part for other in every for part in other.verts_uvs_list()]
        return self._of(maps, faces, verts, ids if several else None)

    def join_scene(self) -> TexturesUV:
        """One image that holds all, each once, and coordinates into it.

        Coordinates outside 0 to 1 then point into other images, and coarse mip-maps mix neighbours. Without
        ``align_corners`` each image has a border of one texel, repeated from its edge, or 0 with
        ``padding_mode="zeros"``.
        """
        border = 0 if self.align_corners else 1
        parts = [maps.unbind(0) if self._several else (maps,) for maps in self.maps_list()]
        keys = [(id(maps), k) for maps, own in zip(self.maps_list(), parts, strict=True) for k in range(len(own))]
        images = [image for own in parts for image in own]
        layout = pack_unique_rectangles(
            [
                Rectangle(m.shape[0] + 2 * border, m.shape[1] + 2 * border, key)
                for m, key in zip(images, keys, strict=True)
            ]
        )
        joined = images[0].new_zeros((*layout.total_size, images[0].shape[2]))
        for image, place in zip(images, layout.locations, strict=True):
            if place.is_first:
                framed = _framed(
                    image.transpose(0, 1) if place.flipped else image, border, self.padding_mode == "zeros"
                )
                joined[place.x : place.x + framed.shape[0], place.y : place.y + framed.shape[1]] = framed
        places = iter(layout.locations)
        verts, faces, first = [], [], 0
        ids_list = self.maps_ids_list() or [None] * self._N
        for own, uv, corners, ids in zip(parts, self.verts_uvs_list(), self.faces_uvs_list(), ids_list, strict=True):
            if ids is not None:  # faces of two maps may share a coordinate: each corner gets its own
                uv, corners = uv[corners].flatten(0, 1), torch.arange(3 * len(corners), device=uv.device).view(-1, 3)
            moved = torch.stack([self._moved_into(joined, image, next(places), border, uv) for image in own])
            which = 0 if ids is None else ids.repeat_interleave(3)
            verts.append(moved[which, torch.arange(len(uv), device=uv.device)])
            faces.append(corners + first)
            first += len(uv)
        return self._of([joined], [torch.cat(faces)], [torch.cat(verts)])

    def _moved_into(
        self, joined: torch.Tensor, image: torch.Tensor, place: Place, border: int, uv: torch.Tensor
    ) -> torch.Tensor:
        """Coordinates of the same texels in the joined image."""
        if place.flipped:
            image, uv = image.transpose(0, 1), 1 - uv.flip(1)
        less = 1 if self.align_corners else 0  # coordinates run between the outer texels' middles, or their edges
        own = uv.new_tensor([image.shape[1] - less, image.shape[0] - less])
        whole = uv.new_tensor([joined.shape[1] - less, joined.shape[0] - less])
        corner = uv.new_tensor([place.y + border, place.x + border])
        down = torch.stack((uv[:, 0], 1 - uv[:, 1]), 1)
        moved = (down * own + corner) / whole.clamp(min=1)
        return torch.stack((moved[:, 0], 1 - moved[:, 1]), 1)


def _framed(image: torch.Tensor, border: int, zeros: bool) -> torch.Tensor:
    """The image [height, width, channel] with a border."""
    if not border:
        return image
    planes = image.permute(2, 0, 1)[None]
    how = {"mode": "constant"} if zeros else {"mode": "replicate"}
    return pad(planes, (border,) * 4, **how)[0].permute(1, 2, 0)
