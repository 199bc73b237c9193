"""How much of every pixel a mesh covers, with the true derivative: that of the area, by the outline's edges.

The value is sampled in the pixels that the outline crosses and 0 or 1 elsewhere. The derivative is the boundary
integral of the covered area (Reynolds' transport theorem; the idea of differentiating at edges is from Li et al.,
Differentiable Monte Carlo Ray Tracing through Edge Sampling, 2018), integrated exactly along every edge inside every
pixel. There is no blur, and nothing to tune.
"""

from __future__ import annotations

import torch

from engine.core.errors import ArgumentError
from render.raster import outline
from render.raster.binning import Bins, Grid, bin_faces, image_shape
from render.raster.device import ready
from render.raster.edges import MeshEdges
from render.raster.fragment_ops import gather_corners
from render.raster.grouping import sum_by_group

__all__ = ["coverage", "check_shapes", "tiles_of"]


def coverage(
    verts_ndc: torch.Tensor,
    faces: torch.Tensor,
    image_size: int | tuple[int, int],
    *,
    edges: MeshEdges | None = None,
) -> torch.Tensor:
    """Share of every pixel's area that the mesh covers.

    Args:
        verts_ndc: x (left), y (up) in normalised device coordinates and view depth, float32 [vertex, 3] or
            [image, vertex, 3].
        faces: vertex indices, int [face, 3]; faces that reach behind the camera are left out.
        image_size: side, or (height, width) [px].
        edges: the mesh's edges, if they are at hand.

    Returns:
        float32 [image, y, x] in 0 to 1, differentiable by the x and y of the vertices.

    Raises:
        ArgumentError: shapes or numbers that make no sense.
    """
    check_shapes(verts_ndc, faces)
    size = image_shape(image_size)
    ready(verts_ndc)
    batch = (verts_ndc if verts_ndc.ndim == 3 else verts_ndc[None]).float()
    edges = edges or MeshEdges(faces, batch.shape[1])
    return _Coverage.apply(batch, faces.int(), edges, size)


class _Coverage(torch.autograd.Function):
    @staticmethod
    def forward(ctx, verts, faces, edges, size):
        verts = verts.detach().contiguous()
        images, count = verts.shape[:2]
        grid = Grid(images, *size)
        corners, bins = tiles_of(verts, faces, grid)
        alpha = torch.zeros((images, *size), dtype=torch.float32, device=verts.device)
        view = (*grid.half, 0.5 * min(grid.width, grid.height))
        layout = grid.tiles
        side = torch.zeros((images, len(edges.ends)), dtype=torch.float32, device=verts.device)
        if len(bins.face):
            crossed = torch.zeros(alpha.shape, dtype=torch.int32, device=verts.device)
            outline.mark(verts, edges.ends, edges.first, edges.across, side, crossed, *view)
            outline.cover(corners, bins.box, bins.groups.start, bins.face, crossed, alpha, *view, *layout)
        ctx.save_for_backward(verts, corners, side)
        ctx.bins, ctx.edges, ctx.view, ctx.layout = bins, edges, view, layout
        return alpha

    @staticmethod
    def backward(ctx, grad):
        verts, corners, side = ctx.saved_tensors
        edges, bins = ctx.edges, ctx.bins
        images, count = verts.shape[:2]
        by_end = torch.zeros((images, 2 * len(edges.ends), 2), dtype=torch.float32, device=verts.device)
        if len(bins.face):
            outline.edge_gradients(verts, corners, bins.box, bins.groups.start, bins.face, edges.ends, edges.first,
                                   edges.face, side, grad.contiguous(), by_end, *ctx.view, *ctx.layout,
                                   len(corners) // images)  # fmt: skip
        out = torch.zeros_like(verts)
        for image in range(images):
            out[image, :, :2] = sum_by_group(by_end[image], edges.by_vertex)
        return out, None, None, None


def tiles_of(verts: torch.Tensor, faces: torch.Tensor, grid: Grid) -> tuple[torch.Tensor, Bins]:
    """Corner positions [image * face, 3, 3] and their tiles."""
    images, count = verts.shape[:2]
    shift = torch.arange(images, device=verts.device, dtype=torch.int32) * count
    packed = (faces[None] + shift[:, None, None]).reshape(-1, 3)
    corners = gather_corners(verts.reshape(-1, 3), packed)
    image = torch.repeat_interleave(torch.arange(images, device=verts.device), len(faces)).int()
    bins = bin_faces(corners, image, grid, reach=0.0, cull_backfaces=False, bounded=False, in_face_order=True)
    return corners, bins


def check_shapes(verts_ndc: torch.Tensor, faces: torch.Tensor) -> None:
    """Raises ArgumentError unless vertices are [vertex, 3] or [image, vertex, 3], and faces [face, 3]."""
    if verts_ndc.ndim not in (2, 3) or verts_ndc.shape[-1] != 3 or faces.ndim != 2 or faces.shape[1] != 3:
        raise ArgumentError(
            "raster.shape",
            f"vertices {tuple(verts_ndc.shape)} and faces {tuple(faces.shape)} do not make meshes",
            "vertices are [vertex, 3] or [image, vertex, 3], faces [face, 3]",
        )
