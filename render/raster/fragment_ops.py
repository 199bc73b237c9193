"""The rasterizer's kernels as one differentiable torch operation on corner positions."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from engine.core.errors import ArgumentError
from render.raster import fragments
from render.raster.binning import TILE, Grid, bin_faces, pixel_centres
from render.raster.grouping import stable_groups, sum_by_group

__all__ = ["Settings", "rasterize_corners", "gather_corners"]


@dataclass(frozen=True)
class Settings:
    """What decides which fragments a pixel has; the names are PyTorch3D's."""

    image_size: tuple[int, int]
    blur_radius: float
    faces_per_pixel: int
    perspective_correct: bool
    clip_barycentric_coords: bool
    cull_backfaces: bool


def gather_corners(verts: torch.Tensor, faces: torch.Tensor) -> torch.Tensor:
    """Corner positions ``verts[faces]``, float32 [face, 3, 3], with a gradient that sums in a fixed order."""
    return _Gather.apply(verts, faces)


def rasterize_corners(
    face_verts: torch.Tensor, face_image: torch.Tensor, images: int, neighbour: torch.Tensor | None, settings: Settings
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Rasterizes faces given by their corners.

    Args:
        face_verts: float32 [face, 3, 3].
        face_image: image of each face, int32 [face].
        images: number of images.
        neighbour: other half of a cut quadrilateral or -1, int32 [face]; None if nothing was cut.

    Returns:
        pix_to_face int64, zbuf [n, y, x, k], bary [n, y, x, k, 3], dists; -1 where a place is unused.
    """
    height, width = settings.image_size
    if images * height * width * settings.faces_per_pixel * 3 >= 2**31:
        raise ArgumentError(
            "raster.too_large",
            f"{images} x {height} x {width} pixels with {settings.faces_per_pixel} faces each are too many",
            "take fewer images at a time, or fewer faces per pixel",
        )
    return _Rasterize.apply(face_verts, face_image, images, neighbour, settings)


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx, verts, faces):
        ctx.save_for_backward(faces)
        ctx.count = len(verts)
        return verts[faces.long()]

    @staticmethod
    def backward(ctx, grad):
        (faces,) = ctx.saved_tensors
        groups = stable_groups(faces.reshape(-1).int(), ctx.count)
        return sum_by_group(grad.reshape(-1, grad.shape[-1]), groups), None


class _Rasterize(torch.autograd.Function):
    @staticmethod
    def forward(ctx, face_verts, face_image, images, neighbour, settings):
        ctx.set_materialize_grads(False)
        face_verts = face_verts.detach().contiguous()
        height, width = settings.image_size
        grid = Grid(images, height, width)
        device, keep = face_verts.device, settings.faces_per_pixel
        count = images * height * width * keep
        blur, clip = settings.blur_radius, settings.clip_barycentric_coords
        bins = bin_faces(
            face_verts,
            face_image,
            grid,
            reach=float(torch.tensor(blur).sqrt()),
            cull_backfaces=settings.cull_backfaces,
            bounded=clip or blur == 0.0,
            in_face_order=neighbour is not None,
        )
        axes = pixel_centres(width, height, device), pixel_centres(height, width, device)
        slot = torch.empty(count, dtype=torch.int32, device=device)
        zbuf = torch.empty(count, dtype=torch.float32, device=device)
        pix_to_face = torch.empty(count, dtype=torch.int64, device=device)
        dists = torch.empty(count, dtype=torch.float32, device=device)
        bary = torch.empty(count * 3, dtype=torch.float32, device=device)
        shape = (grid.tile_count * TILE * TILE, *grid.tiles, keep)
        flags = int(settings.perspective_correct), int(clip)
        sweep = int((clip or blur == 0.0) and neighbour is None)
        if len(bins.face):
            quads = neighbour if neighbour is not None else bins.face
            fragments.find(face_verts, bins.box, bins.near, quads, bins.groups.start, bins.face, *axes, zbuf, slot,
                           *shape, blur, *flags, sweep, int(neighbour is not None))  # fmt: skip
            fragments.fill(face_verts, bins.groups.start, bins.face, *axes, slot, pix_to_face, zbuf, bary, dists,
                           *shape, *flags)  # fmt: skip
        else:
            for out in (slot, pix_to_face, zbuf, dists, bary):
                out.fill_(-1)
        ctx.save_for_backward(face_verts, slot)
        ctx.bins, ctx.axes, ctx.shape, ctx.flags = bins, axes, shape, flags
        ctx.mark_non_differentiable(pix_to_face)
        size = (images, height, width, keep)
        return pix_to_face.view(size), zbuf.view(size), bary.view(*size, 3), dists.view(size)

    @staticmethod
    def backward(ctx, _, g_zbuf, g_bary, g_dists):
        face_verts, slot = ctx.saved_tensors
        bins = ctx.bins
        grad = torch.zeros_like(face_verts)
        given = [g_zbuf, g_bary, g_dists]
        if len(bins.face) and any(g is not None for g in given):
            none = face_verts.new_zeros(1)
            flat = [none if g is None else g.contiguous().view(-1) for g in given]
            entries = face_verts.new_zeros((len(bins.face), 9))
            fragments.tile_gradients(face_verts, bins.groups.start, bins.face, *ctx.axes, slot, *flat, entries,
                                     *ctx.shape, *ctx.flags, *(int(g is not None) for g in given))  # fmt: skip
            fragments.face_gradients(bins.order, bins.first, bins.groups.place, entries, grad)
        return grad, None, None, None, None
