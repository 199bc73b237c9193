"""Which tiles of the cloth may touch: their boxes, and the proof that a block of tiles cannot touch itself."""

from engine.core.taichi_runtime import ti
from sim.kernels.search import PARTS, cell_of
from sim.kernels.types import F32, I3, I4, I32, M2, V3, array, ivec3, vec3

I32_2 = array(ti.i32, 2)


@ti.kernel
def foresee(
    x: V3, vel: V3, carry: V3, dt: ti.f32, fall: ti.f32, share: ti.f32, least: ti.f32, most: ti.f32, reach: F32,
    ahead: V3,
):
    """How far around every particle others are looked for [m]: enough for its motion to come, seldom more.

    ``ahead`` is where it would be after the step if nothing changed its velocity, as far as it may move.
    """
    for i in range(vel.shape[0]):
        speed = ti.max(ti.max(vel[i].norm(), carry[i].norm() / dt), share)
        wide = ti.min(ti.max(1.2 * (1.2 * speed * dt + fall), least), most)
        reach[i] = wide
        u = vel[i] * dt
        ahead[i] = x[i] + u * ti.min(1.0, 0.9 * wide / ti.max(u.norm(), 1e-12))


@ti.func
def monotone(warp: vec3, weft: vec3, u: vec3, w: vec3) -> ti.f32:
    """Least eigenvalue of the symmetric part of the gradient seen in the plane (u, w)."""
    a, d = u.dot(warp), w.dot(weft)
    b = 0.5 * (u.dot(weft) + w.dot(warp))
    return 0.5 * (a + d) - ti.sqrt(0.25 * (a - d) * (a - d) + b * b)


@ti.kernel
def prove_blocks(
    x: V3, ahead: V3, tri: I3, dm_inv: M2, gradient: V3, start: I32, item: I32, need: F32, margin: ti.f32, calm: I32
):
    """calm[b] = 1 where no two points of block b can meet on the straight way between the two positions.

    ``gradient``: images of the warp and the weft direction of every triangle before and after, four per triangle.
    """
    for t in range(tri.shape[0]):
        i = tri[t]
        b = dm_inv[t]
        d1, d2 = x[i[1]] - x[i[0]], x[i[2]] - x[i[0]]
        e1, e2 = ahead[i[1]] - ahead[i[0]], ahead[i[2]] - ahead[i[0]]
        gradient[4 * t] = d1 * b[0, 0] + d2 * b[1, 0]
        gradient[4 * t + 1] = d1 * b[0, 1] + d2 * b[1, 1]
        gradient[4 * t + 2] = e1 * b[0, 0] + e2 * b[1, 0]
        gradient[4 * t + 3] = e1 * b[0, 1] + e2 * b[1, 1]
    for b in range(calm.shape[0]):
        calm[b] = 0
        if need[b] < 1.0:
            warp, weft = vec3(0.0), vec3(0.0)
            for k in range(start[b], start[b + 1]):
                t = 4 * item[k]
                warp += gradient[t] + gradient[t + 2]
                weft += gradient[t + 1] + gradient[t + 3]
            warp = warp.normalized(1e-12)
            weft = weft.normalized(1e-12)
            n = warp.cross(weft).normalized(1e-12)
            u = (warp + weft.cross(n)).normalized(1e-12)
            w = n.cross(u)
            least = need[b] + margin
            good = 1
            for k in range(start[b], start[b + 1]):
                if good == 1:
                    t = 4 * item[k]
                    first = monotone(gradient[t], gradient[t + 1], u, w)
                    if not (ti.min(first, monotone(gradient[t + 2], gradient[t + 3], u, w)) > least):
                        good = 0
            calm[b] = good


@ti.kernel
def count_broken(used: I32, calm: I32, total: I32):
    """total[0] = blocks on whose proof the search relied and which the motion breaks."""
    ti.loop_config(serialize=True)
    for _ in range(1):
        broken = 0
        for b in range(calm.shape[0]):
            if used[b] == 1 and calm[b] == 0:
                broken += 1
        total[0] = broken


@ti.kernel
def hold_back(ref: V3, x: V3, start: I32, item: I32, used: I32, calm: I32, share: ti.f32):
    """Keeps only ``share`` of the motion of the particles of broken blocks."""
    for i in range(x.shape[0]):
        broken = False
        for k in range(start[i], start[i + 1]):
            if used[item[k]] == 1 and calm[item[k]] == 0:
                broken = True
        if broken:
            x[i] = ref[i] + (x[i] - ref[i]) * share


@ti.kernel
def tile_boxes(x: V3, reach: F32, tri: I3, start: I32, part_low: V3, part_high: V3, low: V3, high: V3, centre: V3):
    """Bounds [m] of every tile's and every part's triangles, widened by the reach of their particles."""
    for p in range(part_low.shape[0]):
        lo, hi = vec3(1e9), vec3(-1e9)
        for t in range(start[p], start[p + 1]):
            i = tri[t]
            for a in ti.static(range(3)):
                lo = ti.min(lo, x[i[a]] - reach[i[a]])
                hi = ti.max(hi, x[i[a]] + reach[i[a]])
        part_low[p] = lo
        part_high[p] = hi
    for k in range(low.shape[0]):
        lo, hi = vec3(1e9), vec3(-1e9)
        for p in range(PARTS * k, PARTS * k + PARTS):
            lo = ti.min(lo, part_low[p])
            hi = ti.max(hi, part_high[p])
        low[k] = lo
        high[k] = hi
        centre[k] = 0.5 * (lo + hi)


@ti.func
def proven(p: ti.i32, q: ti.i32, blocks: I4, calm: I32) -> bool:
    """Whether two tiles lie in one block that cannot touch itself."""
    found = False
    for a in ti.static(range(4)):
        if calm[blocks[p][a]] == 1:
            for b in ti.static(range(4)):
                if blocks[p][a] == blocks[q][b]:
                    found = True
    return found


@ti.kernel
def tile_pairs(
    low: V3, high: V3, centre: V3, half: vec3, origin: vec3, inv_cell: ti.f32, dims: ivec3, start: I32, item: I32,
    blocks: I4, calm: I32, still: I32, count: I32, found: I32_2, total: I32,
):
    """Tiles whose boxes overlap each tile's (itself too), but those that cannot touch it: proven, or both ``still``.

    ``total[0]`` is the most that any tile has.
    """
    for p in range(low.shape[0]):
        lo = cell_of(low[p] - half, origin, inv_cell, dims)
        hi = cell_of(high[p] + half, origin, inv_cell, dims)
        n = 0
        for cx in range(lo[0], hi[0] + 1):
            for cy in range(lo[1], hi[1] + 1):
                base = (cx * dims[1] + cy) * dims[2]
                for k in range(start[base + lo[2]], start[base + hi[2] + 1]):
                    q = item[k]
                    a, b = ti.max(low[p], low[q]), ti.min(high[p], high[q])
                    if a[0] <= b[0] and a[1] <= b[1] and a[2] <= b[2] and still[p] + still[q] < 2:
                        if not proven(p, q, blocks, calm):
                            if n < found.shape[1]:
                                found[p, n] = q
                            n += 1
        count[p] = n
    ti.loop_config(serialize=True)
    for _ in range(1):
        top = 0
        for p in range(count.shape[0]):
            top = ti.max(top, count[p])
        total[0] = top
