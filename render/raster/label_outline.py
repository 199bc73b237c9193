"""Kernels of the visible shares of labels: which edges part labels, what is seen of a pixel, the boundary integral."""

from engine.core.taichi_runtime import ti
from render.raster.binning import TILE_BITS
from render.raster.outline import SIDE, STEP, columns, inside_face, inside_pixel, rows, to_pixels
from render.raster.triangle import EPS, edge, vec2, vec3

__all__ = ["mark", "cover", "edge_gradients"]

F32x2 = ti.types.ndarray(dtype=ti.f32, ndim=2)
F32x3 = ti.types.ndarray(dtype=ti.f32, ndim=3)
F32x4 = ti.types.ndarray(dtype=ti.f32, ndim=4)
I32 = ti.types.ndarray(dtype=ti.i32, ndim=1)
I32x2 = ti.types.ndarray(dtype=ti.i32, ndim=2)
I32x3 = ti.types.ndarray(dtype=ti.i32, ndim=3)

NONE = -3e38  #: nearness of nothing
SAME = 1e-5  #: relative difference of nearness below which a face lies on an edge, not before it
ASIDE = 1e-3  #: how far beside an edge its own faces are compared [NDC]


@ti.func
def nearness(z: ti.f32, perspective: ti.i32) -> ti.f32:
    """Grows towards the camera, and is linear in the image: 1 / z, or -z in a parallel projection."""
    value = -z
    if perspective == 1:
        value = 1.0 / z
    return value


@ti.func
def nearness_at(corners: ti.template(), f: ti.i32, p: vec2, perspective: ti.i32) -> ti.f32:
    """Nearness of a face's plane at p."""
    a, b = vec2(corners[f, 0, 0], corners[f, 0, 1]), vec2(corners[f, 1, 0], corners[f, 1, 1])
    c = vec2(corners[f, 2, 0], corners[f, 2, 1])
    e0, e1, e2 = edge(p, b, c), edge(p, c, a), edge(p, a, b)
    total = e0 * nearness(corners[f, 0, 2], perspective) + e1 * nearness(corners[f, 1, 2], perspective)
    return (total + e2 * nearness(corners[f, 2, 2], perspective)) / (e0 + e1 + e2)


@ti.func
def nearest(
    corners: ti.template(), box: ti.template(), start: ti.template(), face: ti.template(), t: ti.i32, p: vec2,
    perspective: ti.i32, first: ti.template(), of_edge: ti.template(), e: ti.i32, shift: ti.i32,
):  # fmt: skip
    """Nearest face at p (-1 for none) and its nearness, leaving out the faces of edge e (if e is not negative)."""
    best, top = -1, NONE
    for entry in range(start[t], start[t + 1]):
        f = face[entry]
        if p[0] >= box[f, 0] and p[0] <= box[f, 1] and p[1] >= box[f, 2] and p[1] <= box[f, 3]:
            if inside_face(corners, f, p) == 1:
                own = 0
                if e >= 0:
                    for at in range(first[e], first[e + 1]):
                        own += ti.cast(of_edge[at] + shift == f, ti.i32)
                value = nearness_at(corners, f, p, perspective)
                if own == 0 and (value > top or (value == top and f < best)):
                    best, top = f, value
    return best, top


@ti.kernel
def mark(
    verts: F32x3, ends: I32x2, first: I32, across: I32, of_edge: I32, label: I32, active: I32x2, crossed: I32x3,
    half_x: ti.f32, half_y: ti.f32, scale: ti.f32,
):  # fmt: skip
    """Edges that may part labels: those with all their faces on one side, or with faces of several labels."""
    for n, e in ti.ndrange(active.shape[0], active.shape[1]):
        view = vec3(half_x, half_y, scale)
        i, j = ends[e, 0], ends[e, 1]
        if verts[n, i, 2] > EPS and verts[n, j, 2] > EPS:
            a, b = to_pixels(verts, n, i, view), to_pixels(verts, n, j, view)
            left, right, mixed = 0, 0, 0
            for at in range(first[e], first[e + 1]):
                if verts[n, across[at], 2] > EPS:
                    area = edge(to_pixels(verts, n, across[at], view), a, b)
                    left += ti.cast(area > 0.0, ti.i32)
                    right += ti.cast(area < 0.0, ti.i32)
                    mixed += ti.cast(label[of_edge[at]] != label[of_edge[first[e]]], ti.i32)
            if (left > 0) != (right > 0) or mixed > 0:
                active[n, e] = 1
                y0, y1 = rows(a, b, crossed.shape[1])
                for y in range(y0, y1 + 1):
                    x0, x1 = columns(a, b, y, crossed.shape[2])
                    for x in range(x0, x1 + 1):
                        crossed[n, y, x] = 1


@ti.kernel
def cover(
    corners: F32x3, box: F32x2, start: I32, face: I32, label: I32, crossed: I32x3, alpha: F32x4, half_x: ti.f32,
    half_y: ti.f32, scale: ti.f32, tiles_x: ti.i32, tiles_y: ti.i32, perspective: ti.i32,
):  # fmt: skip
    """Share of every pixel in which each label is in front, alpha [image, label, y, x], zero before."""
    for n, y, x in ti.ndrange(alpha.shape[0], alpha.shape[2], alpha.shape[3]):
        t = (n * tiles_y + (y >> TILE_BITS)) * tiles_x + (x >> TILE_BITS)
        if start[t + 1] > start[t]:
            faces = label.shape[0]
            if crossed[n, y, x] == 0:
                p = vec2(half_x - (x + 0.5) / scale, half_y - (y + 0.5) / scale)
                f, _ = nearest(corners, box, start, face, t, p, perspective, start, start, -1, 0)
                if f >= 0:
                    alpha[n, label[f - n * faces], y, x] = 1.0
            else:
                for k in range(SIDE * SIDE):
                    i, j = k // SIDE, k % SIDE
                    u, v = x + (i + (j + 0.5) / SIDE) / SIDE, y + (j + (i + 0.5) / SIDE) / SIDE
                    p = vec2(half_x - u / scale, half_y - v / scale)
                    f, _ = nearest(corners, box, start, face, t, p, perspective, start, start, -1, 0)
                    if f >= 0:
                        at = label[f - n * faces]
                        alpha[n, at, y, x] = alpha[n, at, y, x] + 1.0 / (SIDE * SIDE)  # one thread has the pixel


@ti.kernel
def edge_gradients(
    verts: F32x3, corners: F32x3, box: F32x2, start: I32, face: I32, ends: I32x2, first: I32, of_edge: I32,
    across: I32, label: I32, active: I32x2, grad: F32x4, out: F32x3, half_x: ti.f32, half_y: ti.f32, scale: ti.f32,
    tiles_x: ti.i32, tiles_y: ti.i32, perspective: ti.i32,
):  # fmt: skip
    """Derivative of ``sum(grad * shares)`` by both ends of every edge: out [image, 2 edge + end, (x, y)]."""
    for n, e in ti.ndrange(active.shape[0], active.shape[1]):
        if active[n, e] == 1:
            view = vec3(half_x, half_y, scale)
            i, j = ends[e, 0], ends[e, 1]
            a, b = to_pixels(verts, n, i, view), to_pixels(verts, n, j, view)
            a_ndc, b_ndc = vec2(verts[n, i, 0], verts[n, i, 1]), vec2(verts[n, j, 0], verts[n, j, 1])
            near_a, near_b = nearness(verts[n, i, 2], perspective), nearness(verts[n, j, 2], perspective)
            along = b - a
            normal = vec2(-along[1], along[0])  # away from the side where ``edge(p, a, b)`` is positive
            length = ti.max(along.norm(), 1e-12)
            shift = n * label.shape[0]
            ga, gb = vec2(0.0), vec2(0.0)
            y0, y1 = rows(a, b, grad.shape[2])
            for y in range(y0, y1 + 1):
                x0, x1 = columns(a, b, y, grad.shape[3])
                for x in range(x0, x1 + 1):
                    low, high = inside_pixel(a, along, x, y)
                    if high > low:
                        t = (n * tiles_y + (y >> TILE_BITS)) * tiles_x + (x >> TILE_BITS)
                        pieces = ti.cast(ti.ceil((high - low) * length / STEP), ti.i32)
                        for k in range(pieces):
                            from_, to = low + (high - low) * k / pieces, low + (high - low) * (k + 1) / pieces
                            middle = 0.5 * (from_ + to)
                            p = (1.0 - middle) * a_ndc + middle * b_ndc
                            here = (1.0 - middle) * near_a + middle * near_b
                            behind, value = nearest(corners, box, start, face, t, p, perspective, first, of_edge, e,
                                                    shift)  # fmt: skip
                            if behind < 0 or value <= here + SAME * ti.abs(here):
                                g = vec2(0.0)  # weights of what is seen left and right of the edge
                                for s in ti.static(range(2)):
                                    aside = p + (1 - 2 * s) * ASIDE / length * normal
                                    seen, top = behind, NONE
                                    for at in range(first[e], first[e + 1]):
                                        area = edge(to_pixels(verts, n, across[at], view), a, b) * (1 - 2 * s)
                                        if area > 0.0 and verts[n, across[at], 2] > EPS:
                                            own = of_edge[at] + shift
                                            level = nearness_at(corners, own, aside, perspective)
                                            if level > top:
                                                seen, top = own, level
                                    if seen >= 0:
                                        g[s] = grad[n, label[seen - shift], y, x]
                                part = (g[0] - g[1]) * (to - from_) * normal
                                ga += (1.0 - middle) * part
                                gb += middle * part
            out[n, 2 * e, 0], out[n, 2 * e, 1] = -scale * ga[0], -scale * ga[1]
            out[n, 2 * e + 1, 0], out[n, 2 * e + 1, 1] = -scale * gb[0], -scale * gb[1]
