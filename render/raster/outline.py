"""Kernels of the coverage: which edges may be outline, how much of a pixel is covered, and the boundary integral.

Points are in pixels here: u to the right, v down, pixel (row y, column x) is [x, x + 1] x [y, y + 1].
"""

from engine.core.taichi_runtime import ti
from render.raster.binning import TILE_BITS
from render.raster.triangle import EPS, edge, vec2, vec3

__all__ = ["mark", "cover", "edge_gradients"]

F32x2 = ti.types.ndarray(dtype=ti.f32, ndim=2)
F32x3 = ti.types.ndarray(dtype=ti.f32, ndim=3)
I32 = ti.types.ndarray(dtype=ti.i32, ndim=1)
I32x2 = ti.types.ndarray(dtype=ti.i32, ndim=2)
I32x3 = ti.types.ndarray(dtype=ti.i32, ndim=3)

SIDE = 8  #: samples along a pixel's side
STEP = 0.1  #: longest piece of an edge that is seen or hidden as a whole [px]
AWAY = 2e-7  #: how far outside an edge one looks for what covers it [NDC]: more than float32 rounds there


@ti.func
def to_pixels(verts: ti.template(), n: ti.i32, v: ti.i32, view: ti.template()) -> vec2:
    """Position of a vertex in pixels."""
    return vec2((view[0] - verts[n, v, 0]) * view[2], (view[1] - verts[n, v, 1]) * view[2])


@ti.func
def columns(a: vec2, b: vec2, y: ti.i32, width: ti.i32):
    """First and last column of row y that the segment a-b may touch."""
    u0, u1 = a[0], b[0]
    dv = b[1] - a[1]
    if ti.abs(dv) > 1e-6:
        t0 = ti.min(ti.max((y - a[1]) / dv, 0.0), 1.0)
        t1 = ti.min(ti.max((y + 1 - a[1]) / dv, 0.0), 1.0)
        u0 = a[0] + t0 * (b[0] - a[0])
        u1 = a[0] + t1 * (b[0] - a[0])
    low = ti.floor(ti.max(ti.min(u0, u1) - 1e-3, 0.0))
    high = ti.floor(ti.min(ti.max(u0, u1) + 1e-3, width - 1.0))
    return ti.cast(low, ti.i32), ti.cast(high, ti.i32)


@ti.func
def rows(a: vec2, b: vec2, height: ti.i32):
    """First and last row that the segment a-b may touch."""
    low = ti.floor(ti.max(ti.min(a[1], b[1]) - 1e-3, 0.0))
    high = ti.floor(ti.min(ti.max(a[1], b[1]) + 1e-3, height - 1.0))
    return ti.cast(low, ti.i32), ti.cast(high, ti.i32)


@ti.kernel
def mark(
    verts: F32x3, ends: I32x2, first: I32, across: I32, side: F32x2, crossed: I32x3, half_x: ti.f32, half_y: ti.f32,
    scale: ti.f32,
):  # fmt: skip
    """Tells on which side of each edge all its faces lie (1 or -1; 0 if on both), and marks the pixels it crosses.

    Only an edge with all its faces on one side can be outline, whichever way the faces turn.
    """
    for n, e in ti.ndrange(side.shape[0], side.shape[1]):
        view = vec3(half_x, half_y, scale)
        i, j = ends[e, 0], ends[e, 1]
        if verts[n, i, 2] > EPS and verts[n, j, 2] > EPS:
            a, b = to_pixels(verts, n, i, view), to_pixels(verts, n, j, view)
            left, right = 0, 0
            for at in range(first[e], first[e + 1]):
                if verts[n, across[at], 2] > EPS:
                    area = edge(to_pixels(verts, n, across[at], view), a, b)
                    left += ti.cast(area > 0.0, ti.i32)
                    right += ti.cast(area < 0.0, ti.i32)
            if (left > 0) != (right > 0):
                side[n, e] = 1.0 if left > 0 else -1.0
                y0, y1 = rows(a, b, crossed.shape[1])
                for y in range(y0, y1 + 1):
                    x0, x1 = columns(a, b, y, crossed.shape[2])
                    for x in range(x0, x1 + 1):
                        crossed[n, y, x] = 1


@ti.func
def inside_face(corners: ti.template(), f: ti.i32, p: vec2) -> ti.i32:
    """Whether p, in normalised device coordinates, is in the face or on its border."""
    a, b = vec2(corners[f, 0, 0], corners[f, 0, 1]), vec2(corners[f, 1, 0], corners[f, 1, 1])
    c = vec2(corners[f, 2, 0], corners[f, 2, 1])
    e0, e1, e2 = edge(p, b, c), edge(p, c, a), edge(p, a, b)
    return ti.cast((e0 >= 0.0 and e1 >= 0.0 and e2 >= 0.0) or (e0 <= 0.0 and e1 <= 0.0 and e2 <= 0.0), ti.i32)


@ti.func
def is_covered(corners: ti.template(), box: ti.template(), start: ti.template(), face: ti.template(), t: ti.i32,
               p: vec2) -> ti.i32:  # fmt: skip
    """Whether any face of tile t covers p."""
    found = 0
    for entry in range(start[t], start[t + 1]):
        f = face[entry]
        if p[0] >= box[f, 0] and p[0] <= box[f, 1] and p[1] >= box[f, 2] and p[1] <= box[f, 3]:
            if inside_face(corners, f, p) == 1:
                found = 1
                break
    return found


@ti.func
def is_hidden(
    corners: ti.template(), box: ti.template(), start: ti.template(), face: ti.template(), first: ti.template(),
    of_edge: ti.template(), t: ti.i32, e: ti.i32, shift: ti.i32, p: vec2,
) -> ti.i32:  # fmt: skip
    """Whether any face of tile t covers p, other than the faces of edge e, which has p on it."""
    found = 0
    for entry in range(start[t], start[t + 1]):
        f = face[entry]
        if p[0] >= box[f, 0] and p[0] <= box[f, 1] and p[1] >= box[f, 2] and p[1] <= box[f, 3]:
            if inside_face(corners, f, p) == 1:
                own = 0
                for at in range(first[e], first[e + 1]):
                    own += ti.cast(of_edge[at] + shift == f, ti.i32)
                if own == 0:
                    found = 1
                    break
    return found


@ti.kernel
def cover(
    corners: F32x3, box: F32x2, start: I32, face: I32, crossed: I32x3, alpha: F32x3, half_x: ti.f32, half_y: ti.f32,
    scale: ti.f32, tiles_x: ti.i32, tiles_y: ti.i32,
):  # fmt: skip
    """Covered share of every pixel: its centre where no outline passes, else of SIDE x SIDE samples."""
    for n, y, x in ti.ndrange(alpha.shape[0], alpha.shape[1], alpha.shape[2]):
        t = (n * tiles_y + (y >> TILE_BITS)) * tiles_x + (x >> TILE_BITS)
        if start[t + 1] > start[t]:
            if crossed[n, y, x] == 0:
                p = vec2(half_x - (x + 0.5) / scale, half_y - (y + 0.5) / scale)
                alpha[n, y, x] = is_covered(corners, box, start, face, t, p)
            else:
                right, left = half_x - (x + 1) / scale, half_x - x / scale
                low, high = half_y - (y + 1) / scale, half_y - y / scale
                seen = ti.cast(0, ti.i64)
                full = ti.cast(-1, ti.i64)
                for entry in range(start[t], start[t + 1]):
                    f = face[entry]
                    if left >= box[f, 0] and right <= box[f, 1] and high >= box[f, 2] and low <= box[f, 3]:
                        for k in range(SIDE * SIDE):
                            bit = ti.cast(1, ti.i64) << k
                            if (seen & bit) == 0:
                                # sheared rows and columns: no two samples share a u or a v
                                i, j = k // SIDE, k % SIDE
                                u = x + (i + (j + 0.5) / SIDE) / SIDE
                                v = y + (j + (i + 0.5) / SIDE) / SIDE
                                if inside_face(corners, f, vec2(half_x - u / scale, half_y - v / scale)) == 1:
                                    seen = seen | bit
                    if seen == full:
                        break
                total = 0
                for k in range(SIDE * SIDE):
                    total += ti.cast((seen >> k) & 1, ti.i32)
                alpha[n, y, x] = total / (SIDE * SIDE)


@ti.kernel
def edge_gradients(
    verts: F32x3, corners: F32x3, box: F32x2, start: I32, face: I32, ends: I32x2, first: I32, of_edge: I32,
    side: F32x2, grad: F32x3, out: F32x3, half_x: ti.f32, half_y: ti.f32, scale: ti.f32, tiles_x: ti.i32,
    tiles_y: ti.i32, faces: ti.i32,
):  # fmt: skip
    """Derivative of ``sum(grad * coverage)`` by both ends of every edge: out [image, 2 edge + end, (x, y)].

    Near an outline, other edges lie closely behind it, so what hides an edge is asked as near to it as can be.
    """
    for n, e in ti.ndrange(side.shape[0], side.shape[1]):
        if side[n, e] != 0.0:
            view = vec3(half_x, half_y, scale)
            a, b = to_pixels(verts, n, ends[e, 0], view), to_pixels(verts, n, ends[e, 1], view)
            a_ndc = vec2(verts[n, ends[e, 0], 0], verts[n, ends[e, 0], 1])
            b_ndc = vec2(verts[n, ends[e, 1], 0], verts[n, ends[e, 1], 1])
            along = b - a
            # pointing away from the faces; its length is the edge's, so that steps in t measure the edge
            normal = side[n, e] * vec2(-along[1], along[0])
            length = ti.max(along.norm(), 1e-12)
            ga, gb = vec2(0.0), vec2(0.0)
            y0, y1 = rows(a, b, grad.shape[1])
            for y in range(y0, y1 + 1):
                x0, x1 = columns(a, b, y, grad.shape[2])
                for x in range(x0, x1 + 1):
                    g = grad[n, y, x]
                    low, high = inside_pixel(a, along, x, y)
                    if g != 0.0 and high > low:
                        t = (n * tiles_y + (y >> TILE_BITS)) * tiles_x + (x >> TILE_BITS)
                        pieces = ti.cast(ti.ceil((high - low) * length / STEP), ti.i32)
                        for k in range(pieces):
                            from_, to = low + (high - low) * k / pieces, low + (high - low) * (k + 1) / pieces
                            middle = 0.5 * (from_ + to)
                            p = (1.0 - middle) * a_ndc + middle * b_ndc - AWAY / length * normal
                            if is_hidden(corners, box, start, face, first, of_edge, t, e, n * faces, p) == 0:
                                part = g * (to - from_) * normal
                                ga += (1.0 - middle) * part
                                gb += middle * part
            out[n, 2 * e, 0], out[n, 2 * e, 1] = -scale * ga[0], -scale * ga[1]
            out[n, 2 * e + 1, 0], out[n, 2 * e + 1, 1] = -scale * gb[0], -scale * gb[1]


@ti.func
def inside_pixel(a: vec2, along: vec2, x: ti.i32, y: ti.i32):
    """Range of t in which a + t along is inside pixel (y, x); empty if high <= low."""
    low, high = 0.0, 1.0
    corner = vec2(x, y)
    for i in ti.static(range(2)):
        if ti.abs(along[i]) > 1e-9:
            t0, t1 = (corner[i] - a[i]) / along[i], (corner[i] + 1.0 - a[i]) / along[i]
            low, high = ti.max(low, ti.min(t0, t1)), ti.min(high, ti.max(t0, t1))
        elif a[i] < corner[i] or a[i] >= corner[i] + 1.0:
            high = -1.0
    return low, high
