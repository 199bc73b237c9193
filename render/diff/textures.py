"""Colours of meshes: per vertex, or from an image by texture coordinates."""

from __future__ import annotations

import torch
from torch.nn.functional import grid_sample

from engine.core.errors import InputError
from render.diff.mipmap import pyramid, sample_pyramid, uv_derivatives

__all__ = ["TexturesVertex", "TexturesUV", "interpolate_face_attributes"]


def interpolate_face_attributes(
    pix_to_face: torch.Tensor, bary_coords: torch.Tensor, face_attributes: torch.Tensor
) -> torch.Tensor:
    """Values of fragments from values at the corners of faces, 0 in unused places.

    Args:
        pix_to_face: int64 [image, y, x, k].
        bary_coords: [image, y, x, k, 3].
        face_attributes: [face, 3, channel].

    Returns:
        [image, y, x, k, channel].
    """
    used = pix_to_face >= 0
    found = (bary_coords[used][:, :, None] * face_attributes[pix_to_face[used]]).sum(1)
    out = face_attributes.new_zeros((*pix_to_face.shape, face_attributes.shape[-1]))
    return out.index_put((used,), found)


class TexturesVertex:
    """A colour per vertex.

    Args:
        verts_features: list of [vertex, channel], or [mesh, vertex, channel].
    """

    def __init__(self, verts_features) -> None:
        self._features = [torch.as_tensor(f).float() for f in verts_features]

    def __getitem__(self, index) -> TexturesVertex:
        return TexturesVertex([self._features[i] for i in index])

    def extend(self, times: int) -> TexturesVertex:
        return TexturesVertex([f for f in self._features for _ in range(times)])

    def to(self, device) -> TexturesVertex:
        return TexturesVertex([f.to(device) for f in self._features])

    def joined(self, others) -> TexturesVertex:
        return TexturesVertex([f for part in (self, *others) for f in part._features])

    def verts_features_packed(self) -> torch.Tensor:
        return torch.cat(self._features)

    def sample(self, fragments, meshes) -> torch.Tensor:
        """Colours of the fragments, shape [image, y, x, k, channel]."""
        features = self.verts_features_packed()
        if len(features) != len(meshes.verts_packed()):
            raise InputError("mesh.textures", f"{len(features)} colours for {len(meshes.verts_packed())} vertices", "")
        corners = features[meshes.faces_packed()]
        return interpolate_face_attributes(fragments.pix_to_face, fragments.bary_coords, corners)


class TexturesUV:
    """An image per mesh; texture coordinates have (0, 0) at the image's lower left.

    Args:
        maps: list of [height, width, channel], or [mesh, height, width, channel]; all of one size.
        faces_uvs: list of [face, 3] into the coordinates.
        verts_uvs: list of [coordinate, 2].
        padding_mode, align_corners: as of ``torch.nn.functional.grid_sample``.
        sampling_mode: ``bilinear`` or ``nearest``, or ``trilinear`` between mip-maps, whose level fits the texels' size
            in the image (:mod:`render.diff.mipmap`).
    """

    def __init__(
        self, maps, faces_uvs, verts_uvs, padding_mode: str = "border", align_corners: bool = True,
        sampling_mode: str = "bilinear",
    ) -> None:  # fmt: skip
        self._maps = [torch.as_tensor(m).float() for m in maps]
        self._faces = [torch.as_tensor(f).long() for f in faces_uvs]
        self._verts = [torch.as_tensor(v).float() for v in verts_uvs]
        if sampling_mode not in ("bilinear", "nearest", "trilinear"):
            raise InputError(
                "texture.sampling", f"no sampling is called '{sampling_mode}'", "bilinear, nearest or trilinear"
            )
        self._how = {"padding_mode": padding_mode, "align_corners": align_corners, "sampling_mode": sampling_mode}

    def __getitem__(self, index) -> TexturesUV:
        parts = ([part[i] for i in index] for part in (self._maps, self._faces, self._verts))
        return TexturesUV(*parts, **self._how)

    def extend(self, times: int) -> TexturesUV:
        return self[[i for i in range(len(self._maps)) for _ in range(times)]]

    def to(self, device) -> TexturesUV:
        parts = ([p.to(device) for p in part] for part in (self._maps, self._faces, self._verts))
        return TexturesUV(*parts, **self._how)

    def joined(self, others) -> TexturesUV:
        parts = (self, *others)
        lists = ([value for p in parts for value in getattr(p, name)] for name in ("_maps", "_faces", "_verts"))
        return TexturesUV(*lists, **self._how)

    def maps_padded(self) -> torch.Tensor:
        return torch.stack(self._maps)

    def sample(self, fragments, meshes) -> torch.Tensor:
        """Colours of the fragments, shape [image, y, x, k, channel]."""
        corners = torch.cat([v[f] for v, f in zip(self._verts, self._faces, strict=True)])
        if len(corners) != len(meshes.faces_packed()):
            raise InputError(
                "mesh.textures", f"{len(corners)} faces with texture, {len(meshes.faces_packed())} without", ""
            )
        uv = interpolate_face_attributes(fragments.pix_to_face, fragments.bary_coords, corners)
        images, height, width, keep = fragments.pix_to_face.shape
        grid = torch.stack((2 * uv[..., 0] - 1, 1 - 2 * uv[..., 1]), -1).view(images, height, width * keep, 2)
        how = dict(self._how)
        mode = how.pop("sampling_mode")
        maps = self.maps_padded().permute(0, 3, 1, 2)
        if mode == "trilinear":
            change = uv_derivatives(fragments, meshes.faces_packed(), uv, corners)
            return sample_pyramid(pyramid(maps), uv, change, **how)
        texels = grid_sample(maps, grid, mode=mode, **how)
        return texels.view(images, -1, height, width, keep).permute(0, 2, 3, 4, 1)
