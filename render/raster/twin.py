"""The rasterizer in plain torch: every face against every pixel, derivatives by autograd.

The oracle for the kernels; it needs memory for faces x pixels of a strip of rows and is meant for small images.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from render.raster.binning import pixel_centres
from render.raster.triangle import CLIP_EPS, EPS

if TYPE_CHECKING:
    from render.raster.fragment_ops import Settings

__all__ = ["rasterize_corners"]

STRIP = 4_000_000  #: faces x pixels that are looked at together


def rasterize_corners(
    face_verts: torch.Tensor,
    face_image: torch.Tensor,
    images: int,
    neighbour: torch.Tensor | None,
    settings: Settings,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """As :func:`render.raster.fragment_ops.rasterize_corners`."""
    height, width = settings.image_size
    x = pixel_centres(width, height, face_verts.device)
    y = pixel_centres(height, width, face_verts.device)
    centres = torch.stack(torch.meshgrid(y, x, indexing="ij")[::-1], -1).reshape(-1, 2)
    found = []
    for image in range(images):
        ids = (face_image == image).nonzero().squeeze(1)
        strip = max(1, STRIP // max(1, len(ids)))
        parts = [
            _strip(p, face_verts[ids], ids, None if neighbour is None else neighbour[ids].long(), settings)
            for p in centres.split(strip)
        ]
        found.append([torch.cat(part) for part in zip(*parts, strict=True)])
    size = (images, height, width, settings.faces_per_pixel)
    ids, depth, weights, dists = (torch.stack(part) for part in zip(*found, strict=True))
    return ids.view(size), depth.view(size), weights.view(*size, 3), dists.view(size)


def _strip(p, corners, ids, neighbour, settings: Settings):
    """The fragments of some pixels: p [pixel, 2], corners [face, 3, 3]."""
    keep = settings.faces_per_pixel
    with torch.no_grad():
        depth, _, dist, inside = _values(p[:, None], corners[None], settings)
        valid = _may_show(p, corners, settings) & (depth >= 0) & (inside | (dist < settings.blur_radius))
        if neighbour is not None:
            valid &= ~_farther_half(dist, valid, ids, neighbour)
        depth = torch.where(valid, depth, torch.inf)
        order = torch.argsort(depth, dim=1, stable=True)[:, :keep]
        used = torch.gather(valid, 1, order)
        order = torch.nn.functional.pad(order, (0, keep - order.shape[1]))
        used = torch.nn.functional.pad(used, (0, keep - used.shape[1]))
    if not len(ids):
        empty = p.new_full((len(p), keep), -1.0)
        return empty.long(), empty, empty[..., None].expand(-1, -1, 3), empty
    depth, weights, dist, inside = _values(p[:, None], corners[order], settings)
    dist = torch.where(inside, -dist, dist)
    none = torch.tensor(-1.0, device=p.device)
    return (
        torch.where(used, ids[order], -1),
        torch.where(used, depth, none),
        torch.where(used[..., None], weights, none),
        torch.where(used, dist, none),
    )


def _may_show(p, corners, settings: Settings):
    """Pixels [pixel, face] inside the grown boxes of the faces that are in front of the camera and not flat."""
    flat = corners[..., :2]
    reach = torch.tensor(settings.blur_radius).sqrt()
    low, high = flat.amin(1) - reach, flat.amax(1) + reach
    area = _edge(flat[:, 2], flat[:, 0], flat[:, 1])
    shown = (corners[..., 2].amin(1) > EPS) & ((area > EPS) | (area < -EPS))
    if settings.cull_backfaces:
        shown &= area >= 0
    return shown & ((p[:, None] >= low) & (p[:, None] <= high)).all(-1)


def _farther_half(dist, valid, ids, neighbour):
    """Of the two halves of a quadrilateral, the one that is farther from the pixel; the second if they are even."""
    local = torch.searchsorted(ids, neighbour.clamp(min=0)).clamp(max=max(len(ids) - 1, 0))
    both = valid & valid[:, local] & (neighbour >= 0)
    other = dist[:, local]
    second = ids > neighbour
    return both & ((dist > other) | (second & (dist == other)))


def _values(p, corners, settings: Settings):
    """Depth, weights, squared distance, and whether p is inside."""
    a, b, c = corners[..., 0, :2], corners[..., 1, :2], corners[..., 2, :2]
    z = corners[..., 2]
    area = _edge(c, a, b) + EPS
    weights = torch.stack((_edge(p, b, c) / area, _edge(p, c, a) / area, _edge(p, a, b) / area), -1)
    if settings.perspective_correct:
        z0, z1, z2 = z.unbind(-1)
        w0, w1, w2 = weights.unbind(-1)
        top = torch.stack((w0 * z1 * z2, w1 * z0 * z2, w2 * z0 * z1), -1)
        weights = top / (top[..., 0] + top[..., 1] + top[..., 2]).clamp(min=EPS)[..., None]
    inside = (weights > 0).all(-1)
    if settings.clip_barycentric_coords:
        weights = weights.clamp(min=0)
        weights = weights / (weights[..., 0] + weights[..., 1] + weights[..., 2]).clamp(min=CLIP_EPS)[..., None]
    depth = weights[..., 0] * z[..., 0] + weights[..., 1] * z[..., 1] + weights[..., 2] * z[..., 2]
    dist = torch.minimum(torch.minimum(_segment(p, a, b), _segment(p, a, c)), _segment(p, b, c))
    return depth, weights, dist, inside


def _edge(p, a, b):
    return (p[..., 0] - a[..., 0]) * (b[..., 1] - a[..., 1]) - (p[..., 1] - a[..., 1]) * (b[..., 0] - a[..., 0])


def _segment(p, a, b):
    along = b - a
    length2 = along[..., 0] ** 2 + along[..., 1] ** 2
    short = length2 <= EPS
    t = (along[..., 0] * (p[..., 0] - a[..., 0]) + along[..., 1] * (p[..., 1] - a[..., 1])) / torch.where(
        short, torch.ones_like(length2), length2
    )
    away = p - torch.where(short[..., None], b, a + t.clamp(0, 1)[..., None] * along)
    return away[..., 0] ** 2 + away[..., 1] ** 2
