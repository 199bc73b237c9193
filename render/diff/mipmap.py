"""Textures in the resolution in which they are seen: trilinear sampling of a pyramid (Williams, Pyramidal Parametrics,
1983), with the level from exact derivatives of the texture coordinates in the image.
"""

from __future__ import annotations

import torch
from torch.nn.functional import avg_pool2d, grid_sample

from engine.core.errors import ArgumentError
from render.diff.packing import take_rows

__all__ = ["pyramid", "sample_pyramid", "uv_derivatives"]

LEAST = 1e-12  #: squared texels in a pixel, and twice the area of a face in the image, by which is divided


def pyramid(maps: torch.Tensor) -> list[torch.Tensor]:
    """Images [mesh, channel, height, width], each half the size of the one before, down to one texel."""
    levels = [maps]
    while max(levels[-1].shape[2:]) > 1:
        last = levels[-1]
        step = tuple(2 if n > 1 else 1 for n in last.shape[2:])
        levels.append(avg_pool2d(last, step, step, ceil_mode=True, count_include_pad=False))
    return levels


def uv_derivatives(fragments, faces: torch.Tensor, uv: torch.Tensor, corners: torch.Tensor) -> torch.Tensor:
    """How the texture coordinates change from pixel to pixel.

    With image coordinates' barycentrics l_i, linear in the image, uv = (sum l_i uv_i / z_i) / (sum l_i / z_i), and the
    divisor is 1 / z; so d uv = z (sum dl_i uv_i / z_i - uv sum dl_i / z_i).

    Args:
        fragments: with ``verts_ndc``.
        faces: into ``verts_ndc``, [face, 3].
        uv: of the fragments, [image, y, x, k, 2].
        corners: of the faces, [face, 3, 2].

    Returns:
        Per pixel to the left and up, [image, y, x, k, 2 (direction), 2 (u, v)].
    """
    if fragments.verts_ndc is None:
        raise ArgumentError(
            "texture.mipmap",
            "trilinear textures need to know where the vertices are in the image",
            "take fragments from MeshRasterizer, or sample bilinearly",
        )
    points = take_rows(fragments.verts_ndc, faces)
    x, y, z = points.unbind(-1)
    if not fragments.perspective_correct:
        z = torch.ones_like(z)
    after, before = [1, 2, 0], [2, 0, 1]
    # corner i's barycentric is the doubled area over the opposite edge, over the face's
    slopes = torch.stack((y[:, after] - y[:, before], x[:, before] - x[:, after]), 1)
    area = (x * slopes[:, 0]).sum(1)
    sign = torch.where(area < 0, -1.0, 1.0)
    slopes = slopes / (sign * area.abs().clamp(min=LEAST))[:, None, None] / z[:, None]
    per_face = torch.cat((slopes @ corners, slopes.sum(-1, keepdim=True)), -1)  # face, direction, (u/z, v/z, 1/z)
    found = take_rows(per_face, fragments.pix_to_face.clamp(min=0))
    depth = fragments.zbuf if fragments.perspective_correct else torch.ones_like(fragments.zbuf)
    pixel = 2.0 / min(uv.shape[1:3])  # in normalised device coordinates
    change = found[..., :2] - uv[..., None, :] * found[..., 2:]
    used = fragments.pix_to_face >= 0
    return torch.where(used[..., None, None], pixel * depth[..., None, None] * change, 0.0)


def sample_pyramid(
    levels: list[torch.Tensor], uv: torch.Tensor, derivatives: torch.Tensor, *, padding_mode: str, align_corners: bool
) -> torch.Tensor:
    """Texels of the two levels about the right one, mixed; [image, y, x, k, channel].

    The right level has one texel to a pixel along the direction in which there are more (OpenGL's rule).
    """
    images, height, width, keep = uv.shape[:4]
    size = torch.tensor(levels[0].shape[:1:-1], dtype=uv.dtype, device=uv.device)  # width, height
    texels = (derivatives * size).square().sum(-1).amax(-1)
    level = (0.5 * texels.clamp(min=LEAST).log2()).clamp(0, len(levels) - 1)
    low = level.detach().floor().long().clamp(max=max(len(levels) - 2, 0))
    share = level - low
    across = torch.stack((uv[..., 0], 1 - uv[..., 1]), -1)  # the picture's first row is at v = 1
    place = across * (size - 1) + 0.5 if align_corners else across * size  # in the finest level's texels
    out = torch.zeros((), dtype=uv.dtype, device=uv.device)
    texel, before = torch.ones_like(size), size  # side of a level's texels, in the finest one's
    for k, image in enumerate(levels):
        own = torch.tensor(image.shape[:1:-1], dtype=uv.dtype, device=uv.device)
        texel, before = torch.where(own < before, 2 * texel, texel), own
        weight = torch.where(low == k, 1 - share, torch.where(low + 1 == k, share, torch.zeros_like(share)))
        if not bool((weight != 0).any()):
            continue
        grid = (2 * place / (texel * own) - 1).view(images, height, width * keep, 2)
        found = grid_sample(image, grid, padding_mode=padding_mode, align_corners=False)
        found = found.view(images, -1, height, width, keep).permute(0, 2, 3, 4, 1)
        out = out + weight[..., None] * found
    return out
