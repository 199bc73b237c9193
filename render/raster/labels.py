"""How much of every pixel shows each part of a scene (garment, skin, ...), with the true derivative.

As :func:`render.raster.coverage`, but parts hide each other: the derivative runs along every edge that parts two
labels in the picture, so that an arm before a shirt takes its area, and a hem that rises uncovers the trousers.
"""

from __future__ import annotations

import torch

from engine.core.errors import ArgumentError
from render.raster import label_outline
from render.raster.binning import Grid, image_shape
from render.raster.device import ready
from render.raster.edges import MeshEdges
from render.raster.grouping import sum_by_group
from render.raster.silhouette import check_shapes, tiles_of

__all__ = ["visible_shares"]


def visible_shares(
    verts_ndc: torch.Tensor,
    faces: torch.Tensor,
    labels: torch.Tensor,
    image_size: int | tuple[int, int],
    *,
    count: int | None = None,
    edges: MeshEdges | None = None,
    perspective: bool = True,
) -> torch.Tensor:
    """Share of every pixel's area in which each label is in front.

    Args:
        verts_ndc: x (left), y (up) in normalised device coordinates and view depth, float32 [vertex, 3] or
            [image, vertex, 3].
        faces: vertex indices of all parts, int [face, 3]; faces that reach behind the camera are left out.
        labels: label of each face, int [face], from 0.
        image_size: side, or (height, width) [px].
        count: number of labels; None for the largest + 1.
        edges: the mesh's edges, if they are at hand.
        perspective: the camera is no parallel one (decides what is in front between the vertices).

    Returns:
        float32 [image, label, y, x] in 0 to 1, differentiable by the x and y of the vertices. Where parts pass through
        each other, the line of intersection has no derivative.

    Raises:
        ArgumentError: shapes or numbers that make no sense.
    """
    check_shapes(verts_ndc, faces)
    if labels.shape != faces.shape[:1]:
        raise ArgumentError(
            "raster.labels", f"{tuple(labels.shape)} labels for {len(faces)} faces", "one for each face"
        )
    count = int(labels.max()) + 1 if count is None else count
    if len(labels) and not (0 <= int(labels.min()) and int(labels.max()) < count):
        raise ArgumentError(
            "raster.labels", f"labels go from {int(labels.min())} to {int(labels.max())}", "count from 0"
        )
    ready(verts_ndc)
    batch = (verts_ndc if verts_ndc.ndim == 3 else verts_ndc[None]).float()
    edges = edges or MeshEdges(faces, batch.shape[1])
    return _Shares.apply(batch, faces.int(), labels.int(), count, edges, image_shape(image_size), int(perspective))


class _Shares(torch.autograd.Function):
    @staticmethod
    def forward(ctx, verts, faces, labels, count, edges, size, perspective):
        verts = verts.detach().contiguous()
        images, device = len(verts), verts.device
        grid = Grid(images, *size)
        corners, bins = tiles_of(verts, faces, grid)
        shares = torch.zeros((images, count, *size), dtype=torch.float32, device=device)
        active = torch.zeros((images, len(edges.ends)), dtype=torch.int32, device=device)
        view = (*grid.half, 0.5 * min(grid.width, grid.height))
        if len(bins.face):
            crossed = torch.zeros((images, *size), dtype=torch.int32, device=device)
            label_outline.mark(verts, edges.ends, edges.first, edges.across, edges.face, labels, active, crossed,
                               *view)  # fmt: skip
            label_outline.cover(corners, bins.box, bins.groups.start, bins.face, labels, crossed, shares, *view,
                                *grid.tiles, perspective)  # fmt: skip
        ctx.save_for_backward(verts, corners, labels, active)
        ctx.bins, ctx.edges, ctx.rest = bins, edges, (*view, *grid.tiles, perspective)
        return shares

    @staticmethod
    def backward(ctx, grad):
        verts, corners, labels, active = ctx.saved_tensors
        edges, bins = ctx.edges, ctx.bins
        by_end = torch.zeros((len(verts), 2 * len(edges.ends), 2), dtype=torch.float32, device=verts.device)
        if len(bins.face):
            label_outline.edge_gradients(verts, corners, bins.box, bins.groups.start, bins.face, edges.ends,
                                         edges.first, edges.face, edges.across, labels, active, grad.contiguous(),
                                         by_end, *ctx.rest)  # fmt: skip
        out = torch.zeros_like(verts)
        for image in range(len(verts)):
            out[image, :, :2] = sum_by_group(by_end[image], edges.by_vertex)
        return out, None, None, None, None, None, None
