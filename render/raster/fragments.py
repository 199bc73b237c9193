"""Kernels of the rasterizer: the K nearest fragments of every pixel, and the derivatives of their values."""

from engine.core.taichi_runtime import ti
from render.raster.binning import TILE, TILE_BITS
from render.raster.triangle import (
    EPS,
    clip_vjp,
    clipped_weights,
    distance_vjp,
    edge,
    flat_weights,
    perspective_vjp,
    perspective_weights,
    triangle_distance,
    vec2,
    vec3,
    weights_vjp,
)

__all__ = ["find", "fill", "tile_gradients", "face_gradients"]

F32 = ti.types.ndarray(dtype=ti.f32, ndim=1)
F32x2 = ti.types.ndarray(dtype=ti.f32, ndim=2)
F32x3 = ti.types.ndarray(dtype=ti.f32, ndim=3)
I32 = ti.types.ndarray(dtype=ti.i32, ndim=1)
I64 = ti.types.ndarray(dtype=ti.i64, ndim=1)

FAR = 3e38  #: farther than any fragment


@ti.func
def corners(verts: ti.template(), f: ti.i32):
    """The corners of a face in the image plane, and their depths."""
    return (
        vec2(verts[f, 0, 0], verts[f, 0, 1]),
        vec2(verts[f, 1, 0], verts[f, 1, 1]),
        vec2(verts[f, 2, 0], verts[f, 2, 1]),
        vec3(verts[f, 0, 2], verts[f, 1, 2], verts[f, 2, 2]),
    )


@ti.func
def locate(i: ti.i32, width: ti.i32, height: ti.i32, tiles_x: ti.i32, tiles_y: ti.i32):
    """Tile, column, row and flat index of the i-th pixel in order of tiles; -1 outside the image."""
    t = i >> (2 * TILE_BITS)  # shifts, since divisions would be the dearest part of an empty pixel
    row = t // tiles_x
    image = row // tiles_y
    y = ((row - image * tiles_y) << TILE_BITS) + ((i >> TILE_BITS) & (TILE - 1))
    x = ((t - row * tiles_x) << TILE_BITS) + (i & (TILE - 1))
    flat = (image * height + y) * width + x
    if x >= width or y >= height:
        flat = -1
    return t, x, y, flat


@ti.func
def weights(p: vec2, a: vec2, b: vec2, c: vec2, z: vec3, perspective: ti.i32, clip: ti.i32):
    """Barycentric coordinates before and after clipping."""
    w = flat_weights(p, a, b, c)
    if perspective == 1:
        w = perspective_weights(w, z)
    kept = w
    if clip == 1:
        kept = clipped_weights(w)
    return w, kept


@ti.func
def insert(zbuf: ti.template(), slot: ti.template(), face: ti.template(), base: ti.i32, last: ti.i32, z: ti.f32,
           entry: ti.i32):  # fmt: skip
    """Puts a fragment into its pixel's list, sorted by depth and then by face; ``last`` is a free place."""
    k = last
    moving = True
    while moving and k > 0:
        above = zbuf[base + k - 1]
        if above > z or (above == z and face[slot[base + k - 1]] > face[entry]):
            zbuf[base + k] = above
            slot[base + k] = slot[base + k - 1]
            k -= 1
        else:
            moving = False
    zbuf[base + k] = z
    slot[base + k] = entry


@ti.kernel
def find(
    verts: F32x3, box: F32x2, near: F32, neighbour: I32, start: I32, face: I32, px: F32, py: F32, zbuf: F32, slot: I32,
    pixels: ti.i32, tiles_x: ti.i32, tiles_y: ti.i32, keep: ti.i32, blur: ti.f32, perspective: ti.i32,
    clip: ti.i32, sweep: ti.i32, quads: ti.i32,
):  # fmt: skip
    """Depth and entry of the nearest ``keep`` fragments of every pixel, sorted; slot is -1 where unused.

    With ``sweep`` the faces come from near to far, so that a full list ends the search. With ``quads`` some faces are
    halves of a quadrilateral (``neighbour``), of which a pixel keeps the one that is nearer to it in the image.
    """
    for i in range(pixels):
        t, x, y, flat = locate(i, px.shape[0], py.shape[0], tiles_x, tiles_y)
        if flat >= 0:
            p = vec2(px[x], py[y])
            base = flat * keep
            used = 0
            worst = FAR
            for entry in range(start[t], start[t + 1]):
                f = face[entry]
                if sweep == 1 and near[f] > worst:
                    break
                if p[0] >= box[f, 0] and p[0] <= box[f, 1] and p[1] >= box[f, 2] and p[1] <= box[f, 3]:
                    a, b, c, z = corners(verts, f)
                    e0, e1, e2 = edge(p, b, c), edge(p, c, a), edge(p, a, b)
                    area = edge(c, a, b) + EPS
                    inside = (area > 0.0 and e0 > 0.0 and e1 > 0.0 and e2 > 0.0) or (
                        area < 0.0 and e0 < 0.0 and e1 < 0.0 and e2 < 0.0
                    )
                    if inside or (blur > 0.0 and triangle_distance(p, a, b, c) < blur):
                        w, kept = weights(p, a, b, c, z, perspective, clip)
                        depth = kept[0] * z[0] + kept[1] * z[1] + kept[2] * z[2]
                        taken = depth >= 0.0
                        if inside and not (w[0] > 0.0 and w[1] > 0.0 and w[2] > 0.0):  # underflow
                            taken = taken and blur > 0.0 and triangle_distance(p, a, b, c) < blur
                        if taken and quads == 1 and neighbour[f] >= 0:
                            twin = -1
                            for k in range(used):
                                if face[slot[base + k]] == neighbour[f]:
                                    twin = k
                            if twin >= 0:
                                a2, b2, c2, _ = corners(verts, neighbour[f])
                                taken = triangle_distance(p, a, b, c) < triangle_distance(p, a2, b2, c2)
                                if taken:
                                    for k in range(twin, used - 1):
                                        zbuf[base + k] = zbuf[base + k + 1]
                                        slot[base + k] = slot[base + k + 1]
                                    used -= 1
                        if taken:
                            if used < keep:
                                insert(zbuf, slot, face, base, used, depth, entry)
                                used += 1
                            else:
                                k = keep - 1
                                if depth < zbuf[base + k] or (depth == zbuf[base + k] and f < face[slot[base + k]]):
                                    insert(zbuf, slot, face, base, k, depth, entry)
                            worst = zbuf[base + keep - 1] if used == keep else FAR
            for k in range(used, keep):
                slot[base + k] = -1


@ti.kernel
def fill(
    verts: F32x3, start: I32, face: I32, px: F32, py: F32, slot: I32, pix_to_face: I64, zbuf: F32, bary: F32,
    dists: F32, pixels: ti.i32, tiles_x: ti.i32, tiles_y: ti.i32, keep: ti.i32, perspective: ti.i32,
    clip: ti.i32,
):  # fmt: skip
    """Face, barycentric coordinates and signed squared distance of every fragment found; -1 where there is none."""
    for i in range(pixels):
        _, x, y, flat = locate(i, px.shape[0], py.shape[0], tiles_x, tiles_y)
        if flat >= 0:
            p = vec2(px[x], py[y])
            for at in range(flat * keep, (flat + 1) * keep):
                f, kept, dist = -1, vec3(-1.0), -1.0
                if slot[at] >= 0:
                    f = face[slot[at]]
                    a, b, c, z = corners(verts, f)
                    w, kept_here = weights(p, a, b, c, z, perspective, clip)
                    kept = kept_here
                    dist = triangle_distance(p, a, b, c)
                    if w[0] > 0.0 and w[1] > 0.0 and w[2] > 0.0:
                        dist = -dist
                else:
                    zbuf[at] = -1.0
                pix_to_face[at] = f
                dists[at] = dist
                bary[3 * at], bary[3 * at + 1], bary[3 * at + 2] = kept[0], kept[1], kept[2]


@ti.kernel
def tile_gradients(
    verts: F32x3, start: I32, face: I32, px: F32, py: F32, slot: I32, g_zbuf: F32, g_bary: F32, g_dists: F32,
    out: F32x2, pixels: ti.i32, tiles_x: ti.i32, tiles_y: ti.i32, keep: ti.i32, perspective: ti.i32,
    clip: ti.i32, has_zbuf: ti.i32, has_bary: ti.i32, has_dists: ti.i32,
):  # fmt: skip
    """Derivatives by the corners of each face, summed over the pixels of each tile: out [entry, 9], zero before.

    One thread walks one tile, so that every sum has one order.
    """
    for t in range(start.shape[0] - 1):
        if start[t + 1] > start[t]:
            for inner in range(TILE * TILE):
                _, x, y, flat = locate(t * TILE * TILE + inner, px.shape[0], py.shape[0], tiles_x, tiles_y)
                if flat >= 0:
                    for at in range(flat * keep, (flat + 1) * keep):
                        entry = slot[at]
                        if entry < 0:
                            break
                        gz, gd, gw = 0.0, 0.0, vec3(0.0)
                        if has_zbuf == 1:
                            gz = g_zbuf[at]
                        if has_dists == 1:
                            gd = g_dists[at]
                        if has_bary == 1:
                            gw = vec3(g_bary[3 * at], g_bary[3 * at + 1], g_bary[3 * at + 2])
                        if gz != 0.0 or gd != 0.0 or gw[0] != 0.0 or gw[1] != 0.0 or gw[2] != 0.0:
                            add_fragment(verts, out, face[entry], entry, vec2(px[x], py[y]), gz, gw, gd, perspective,
                                         clip)  # fmt: skip


@ti.func
def add_fragment(
    verts: ti.template(), out: ti.template(), f: ti.i32, entry: ti.i32, p: vec2, gz: ti.f32, gw: vec3, gd: ti.f32,
    perspective: ti.i32, clip: ti.i32,
):  # fmt: skip
    """Adds the derivatives of one fragment's depth, coordinates and distance."""
    a, b, c, z = corners(verts, f)
    flat = flat_weights(p, a, b, c)
    w, kept = weights(p, a, b, c, z, perspective, clip)
    g_depth = gz * kept
    g_w = gw + gz * z
    ga, gb, gc = vec2(0.0), vec2(0.0), vec2(0.0)
    if g_w[0] != 0.0 or g_w[1] != 0.0 or g_w[2] != 0.0:
        if clip == 1:
            g_w = clip_vjp(w, g_w)
        if perspective == 1:
            g_flat, g_z = perspective_vjp(flat, z, g_w)
            g_depth += g_z
            g_w = g_flat
        ga, gb, gc = weights_vjp(p, a, b, c, g_w)
    if gd != 0.0:
        sign = 1.0
        if w[0] > 0.0 and w[1] > 0.0 and w[2] > 0.0:
            sign = -1.0
        da, db, dc = distance_vjp(p, a, b, c, sign * gd)
        ga += da
        gb += db
        gc += dc
    values = ti.Vector([ga[0], ga[1], g_depth[0], gb[0], gb[1], g_depth[1], gc[0], gc[1], g_depth[2]])
    for j in ti.static(range(9)):
        out[entry, j] = out[entry, j] + values[j]  # not +=, which would be atomic


@ti.kernel
def face_gradients(order: I32, first: I32, place: I32, entries: F32x2, out: F32x3):
    """Derivatives by the corners of each face, summed over its tiles: out [face, 3, 3]."""
    for rank in range(order.shape[0]):
        total = ti.Vector.zero(ti.f32, 9)
        for e in range(first[rank], first[rank + 1]):
            for j in ti.static(range(9)):
                total[j] += entries[place[e], j]
        for j in ti.static(range(9)):
            out[order[rank], j // 3, j % 3] = total[j]
