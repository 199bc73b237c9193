"""Sorts faces into square tiles of pixels, nearest first, so that a pixel only looks at the faces that may touch it."""

from dataclasses import dataclass

import numpy as np
import torch

from engine.core.errors import ArgumentError
from engine.core.taichi_runtime import ti
from render.raster.grouping import Groups, stable_groups
from render.raster.triangle import EPS, edge, vec2

__all__ = ["TILE", "TILE_BITS", "Grid", "Bins", "bin_faces", "pixel_centres", "image_shape"]

TILE_BITS = 3
TILE = 1 << TILE_BITS  #: pixels along a tile's side
MOST_ENTRIES = 1 << 28  #: faces times tiles that are sorted at once (about 4 GB)

F32 = ti.types.ndarray(dtype=ti.f32, ndim=1)
F32x2 = ti.types.ndarray(dtype=ti.f32, ndim=2)
F32x3 = ti.types.ndarray(dtype=ti.f32, ndim=3)
I32 = ti.types.ndarray(dtype=ti.i32, ndim=1)
I32x2 = ti.types.ndarray(dtype=ti.i32, ndim=2)


@dataclass(frozen=True)
class Grid:
    """The pixels of a batch of images and their tiles."""

    images: int
    height: int
    width: int

    @property
    def half(self) -> tuple[float, float]:
        """Half the image's extent in normalised device coordinates (x, y); the shorter side is 1."""
        return max(1.0, self.width / self.height), max(1.0, self.height / self.width)

    @property
    def tiles(self) -> tuple[int, int]:
        """Number of tiles (along x, along y) of one image."""
        return -(-self.width // TILE), -(-self.height // TILE)

    @property
    def tile_count(self) -> int:
        return self.images * self.tiles[0] * self.tiles[1]


@dataclass(frozen=True)
class Bins:
    """Faces per tile. An *entry* is one face in one tile.

    Attributes:
        box: Bounding box of each face, grown by the blur (x low, x high, y low, y high), float32 [face, 4].
        near: A depth that no fragment of the face is nearer than, float32 [face].
        order: Face at each rank of the sweep from near to far, int32 [face].
        first: First entry (in order of rank) of each rank, int32 [rank + 1].
        groups: Entries grouped by tile.
        face: Face of the entry at each place of that grouping, int32 [entry].
    """

    box: torch.Tensor
    near: torch.Tensor
    order: torch.Tensor
    first: torch.Tensor
    groups: Groups
    face: torch.Tensor


def image_shape(image_size: int | tuple[int, int]) -> tuple[int, int]:
    """(height, width) from a side or a pair."""
    pair = (image_size, image_size) if isinstance(image_size, int) else tuple(int(side) for side in image_size)
    if len(pair) != 2 or min(pair) < 1:
        raise ArgumentError("raster.size", f"an image of size {image_size} does not exist", "give (height, width)")
    return pair


def pixel_centres(count: int, other: int, device: torch.device) -> torch.Tensor:
    """Coordinates of the pixel centres along one axis, float32 [count]: falling from the left (or top).

    The operations and their order are part of the convention: they decide which pixels lie exactly on an edge.
    """
    f32 = np.float32
    extent = f32(count) * f32(2) / f32(other) if count > other else f32(2)
    offset = extent / f32(2)
    index = np.arange(count - 1, -1, -1, dtype=f32)
    return torch.from_numpy((extent * index + offset) / f32(count) - offset).to(device)


def bin_faces(
    face_verts: torch.Tensor,
    face_image: torch.Tensor,
    grid: Grid,
    *,
    reach: float,
    cull_backfaces: bool,
    bounded: bool,
    in_face_order: bool,
) -> Bins:
    """Finds the tiles that each face may touch.

    Args:
        face_verts: float32 [face, 3, 3] (x, y, view depth).
        face_image: image of each face, int32 [face].
        reach: distance by which boxes grow.
        bounded: depths of fragments stay between those of the corners, so that faces may be swept from near to far.
        in_face_order: sweep in the faces' own order.

    Raises:
        ArgumentError: a visible face has coordinates that are not numbers.
    """
    count, device = len(face_verts), face_verts.device
    box = torch.empty((count, 4), dtype=torch.float32, device=device)
    near = torch.empty(count, dtype=torch.float32, device=device)
    span = torch.empty((count, 4), dtype=torch.int32, device=device)
    size = torch.zeros(count, dtype=torch.int32, device=device)
    half = grid.half
    _measure(face_verts, box, near, span, size, reach, half[0], half[1], grid.width, grid.height,
             int(cull_backfaces), int(bounded))  # fmt: skip
    if bool((size < 0).any()):
        raise ArgumentError(
            "raster.not_finite",
            f"face {int((size < 0).nonzero()[0])} has vertices that are not numbers",
            "check the vertices and the camera",
        )
    total = int(size.sum())
    if total > MOST_ENTRIES:
        raise ArgumentError(
            "raster.too_large",
            f"the faces cover {total:,} tiles of {TILE} x {TILE} pixels together",
            "take a smaller image or blur, fewer images at a time, or larger faces",
        )
    sweep = bounded and not in_face_order
    order = torch.argsort(near, stable=True) if sweep else torch.arange(count, device=device)
    order = order.to(torch.int32)
    first = torch.zeros(count + 1, dtype=torch.int32, device=device)
    first[1:] = torch.cumsum(size[order.long()], 0)
    tile = torch.empty(total, dtype=torch.int32, device=device)
    emitted = torch.empty(total, dtype=torch.int32, device=device)
    if total:
        _emit(order, first, span, face_image, tile, emitted, *grid.tiles)
    groups = stable_groups(tile, grid.tile_count)
    return Bins(box, near, order, first, groups, emitted[groups.element.long()])


@ti.kernel
def _measure(
    verts: F32x3, box: F32x2, near: F32, span: I32x2, size: I32, reach: ti.f32, half_x: ti.f32, half_y: ti.f32,
    width: ti.i32, height: ti.i32, cull: ti.i32, bounded: ti.i32,
):  # fmt: skip
    """Box, nearest depth and span of tiles of each face; size is the number of tiles, -1 for no numbers."""
    for f in range(verts.shape[0]):
        a, b = vec2(verts[f, 0, 0], verts[f, 0, 1]), vec2(verts[f, 1, 0], verts[f, 1, 1])
        c = vec2(verts[f, 2, 0], verts[f, 2, 1])
        low_z = ti.min(verts[f, 0, 2], ti.min(verts[f, 1, 2], verts[f, 2, 2]))
        low, high = ti.min(a, ti.min(b, c)) - reach, ti.max(a, ti.max(b, c)) + reach
        box[f, 0], box[f, 1], box[f, 2], box[f, 3] = low[0], high[0], low[1], high[1]
        area = edge(c, a, b)
        # depths of fragments are rounded, and small areas shrink the plain weights: a margin for both
        near[f] = low_z - 1e-4 * ti.abs(low_z)
        if bounded == 0 or low_z < 0.01 or ti.abs(area) < 1e-3:
            near[f] = -1.0 if bounded == 0 or low_z < 0.01 else near[f] * ti.abs(area) / (ti.abs(area) + 2.0 * EPS)
        total = 0.0
        for i in ti.static(range(9)):
            total += ti.abs(verts[f, i // 3, i % 3])
        finite = total < 1e30  # false for what is not a number
        behind = low_z <= EPS
        size[f] = 0
        flat = area <= EPS and area >= -EPS
        if not behind and not finite:
            size[f] = -1
        elif not (behind or flat or (cull == 1 and area < 0.0)):
            x0, x1 = _pixels(low[0], high[0], half_x, width)
            y0, y1 = _pixels(low[1], high[1], half_y, height)
            if x0 <= x1 and y0 <= y1:
                span[f, 0], span[f, 1], span[f, 2], span[f, 3] = (
                    x0 >> TILE_BITS,
                    x1 >> TILE_BITS,
                    y0 >> TILE_BITS,
                    y1 >> TILE_BITS,
                )
                size[f] = (span[f, 1] - span[f, 0] + 1) * (span[f, 3] - span[f, 2] + 1)


@ti.func
def _pixels(low: ti.f32, high: ti.f32, half: ti.f32, count: ti.i32):
    """First and last pixel that may lie in [low, high], one to spare; last < first where the interval is outside."""
    scale = 0.5 * count / half
    first = ti.floor(ti.min(ti.max((half - high) * scale - 1.5, 0.0), 1.0 * count))
    last = ti.ceil(ti.min(ti.max((half - low) * scale + 0.5, -1.0), count - 1.0))
    return ti.cast(first, ti.i32), ti.cast(last, ti.i32)


@ti.kernel
def _emit(order: I32, first: I32, span: I32x2, image: I32, tile: I32, face: I32, tiles_x: ti.i32, tiles_y: ti.i32):
    for rank in range(order.shape[0]):
        f = order[rank]
        at = first[rank]
        if first[rank + 1] > at:
            for ty in range(span[f, 2], span[f, 3] + 1):
                for tx in range(span[f, 0], span[f, 1] + 1):
                    tile[at] = (image[f] * tiles_y + ty) * tiles_x + tx
                    face[at] = f
                    at += 1
