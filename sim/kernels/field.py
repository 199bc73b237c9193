"""Sampling the signed distance to a closed triangle mesh on the nodes of a grid, exactly within a band around it.

The grid's nodes are handled in cubes of ``SIDE`` nodes a side. Every cube lists the triangles within the band around
it; every node takes the nearest of them, and its sign from that triangle's angle-weighted pseudo-normal (Baerentzen
and Aanaes, Signed Distance Computation Using the Angle Weighted Pseudonormal, 2005).
"""

from engine.core.taichi_runtime import ti
from sim.kernels.body import GRID
from sim.kernels.search import closest_on_triangle
from sim.kernels.types import F32, I3, I32, V3, ivec3, vec3

SIDE = 4  #: nodes along a cube's side
AT_SKIN = 1e-4  #: distance below which the gradient is the skin's own normal [m]


@ti.kernel
def face_figures(x: V3, tri: I3, centre: V3, radius: F32, normal: V3):
    """Centroid, bounding radius [m] and unit normal of every triangle."""
    for t in range(tri.shape[0]):
        a, b, c = x[tri[t][0]], x[tri[t][1]], x[tri[t][2]]
        m = (a + b + c) / 3.0
        centre[t] = m
        radius[t] = ti.sqrt(ti.max((a - m).norm_sqr(), ti.max((b - m).norm_sqr(), (c - m).norm_sqr())))
        normal[t] = (b - a).cross(c - a).normalized(1e-20)


@ti.kernel
def corner_normals(x: V3, tri: I3, normal: V3, start: I32, item: I32, corner_normal: V3):
    """Angle-weighted normal of every vertex; ``item`` lists 3 * triangle + corner of the triangles around it."""
    for v in range(corner_normal.shape[0]):
        total = vec3(0.0)
        for k in range(start[v], start[v + 1]):
            t, c = item[k] // 3, item[k] % 3
            p = x[tri[t][c]]
            d1, d2 = x[tri[t][(c + 1) % 3]] - p, x[tri[t][(c + 2) % 3]] - p
            total += normal[t] * ti.atan2(d1.cross(d2).norm(), d1.dot(d2))
        corner_normal[v] = total


@ti.func
def cubes_within(p: vec3, reach: ti.f32, origin: vec3, cell: ti.f32, cubes: ivec3):
    """First and last cube along each axis whose nodes may lie within ``reach`` [m] of p."""
    width = SIDE * cell
    low = ti.ceil((p - reach - origin - (SIDE - 1) * cell) / width, ti.i32)
    high = ti.floor((p + reach - origin) / width, ti.i32)
    return ti.max(low, 0), ti.min(high, cubes - 1)


@ti.func
def beside(p: vec3, reach: ti.f32, i: ti.i32, j: ti.i32, k: ti.i32, origin: vec3, cell: ti.f32) -> bool:
    """Whether no node of the cube lies within ``reach`` [m] of p."""
    low = origin + vec3(i, j, k) * (SIDE * cell)
    away = ti.max(ti.max(low - p, p - low - (SIDE - 1) * cell), 0.0)
    return away.norm_sqr() > reach * reach


@ti.kernel
def count_near(
    centre: V3, radius: F32, band: ti.f32, origin: vec3, cell: ti.f32, cubes: ivec3, wanted: I32, start: I32,
    total: I32,
):
    """start[c + 1] = running sum of the triangles within the band around the wanted cubes; total[0] all of them."""
    for c in range(start.shape[0]):
        start[c] = 0
    ti.loop_config(serialize=True)
    for _ in range(1):
        for t in range(centre.shape[0]):
            reach = band + radius[t]
            low, high = cubes_within(centre[t], reach, origin, cell, cubes)
            for i in range(low[0], high[0] + 1):
                for j in range(low[1], high[1] + 1):
                    for k in range(low[2], high[2] + 1):
                        c = (i * cubes[1] + j) * cubes[2] + k
                        if wanted[c] == 1 and not beside(centre[t], reach, i, j, k, origin, cell):
                            start[c] += 1
        for c in range(start.shape[0] - 1):
            start[c + 1] += start[c]
        total[0] = start[start.shape[0] - 1]


@ti.kernel
def list_near(
    centre: V3, radius: F32, band: ti.f32, origin: vec3, cell: ti.f32, cubes: ivec3, wanted: I32, start: I32,
    item: I32,
):
    """Fills the lists counted by :func:`count_near`; afterwards start[c] is where cube c's list begins."""
    ti.loop_config(serialize=True)
    for _ in range(1):
        for back in range(centre.shape[0]):
            t = centre.shape[0] - 1 - back
            reach = band + radius[t]
            low, high = cubes_within(centre[t], reach, origin, cell, cubes)
            for i in range(low[0], high[0] + 1):
                for j in range(low[1], high[1] + 1):
                    for k in range(low[2], high[2] + 1):
                        c = (i * cubes[1] + j) * cubes[2] + k
                        if wanted[c] == 1 and not beside(centre[t], reach, i, j, k, origin, cell):
                            start[c] -= 1
                            item[start[c]] = t


@ti.func
def facing(w: vec3, t: ti.i32, tri: I3, across: I3, normal: V3, corner_normal: V3) -> vec3:
    """Pseudo-normal of triangle t at barycentric weights w: of the face, of an edge or of a corner."""
    n = normal[t]
    for c in ti.static(range(3)):
        if w[c] == 0.0:
            n = normal[t] + normal[across[t][(c + 1) % 3]]
    for c in ti.static(range(3)):
        if w[c] == 1.0:
            n = corner_normal[tri[t][c]]
    return n


@ti.func
def fill_cube(at: ivec3, coarse: GRID, band: ti.f32, values: GRID):
    """Values at a cube's nodes by linear interpolation of ``coarse``, but at least ``band`` from zero [m]."""
    b = ti.min(at // SIDE, ivec3(coarse.shape[0] - 2, coarse.shape[1] - 2, coarse.shape[2] - 2))
    c = [[[coarse[b[0] + u, b[1] + v, b[2] + w] for w in range(2)] for v in range(2)] for u in range(2)]
    for i in range(at[0], ti.min(at[0] + SIDE, values.shape[0])):
        f = i / SIDE - b[0]
        low0, low1 = c[0][0][0] + (c[1][0][0] - c[0][0][0]) * f, c[0][0][1] + (c[1][0][1] - c[0][0][1]) * f
        high0, high1 = c[0][1][0] + (c[1][1][0] - c[0][1][0]) * f, c[0][1][1] + (c[1][1][1] - c[0][1][1]) * f
        for j in range(at[1], ti.min(at[1] + SIDE, values.shape[1])):
            g = j / SIDE - b[1]
            first, second = low0 + (high0 - low0) * g, low1 + (high1 - low1) * g
            for k in range(at[2], ti.min(at[2] + SIDE, values.shape[2])):
                d = first + (second - first) * (k / SIDE - b[2])
                values[i, j, k] = ti.select(d < 0.0, ti.min(d, -band), ti.max(d, band))


@ti.kernel
def sample(
    x: V3, tri: I3, across: I3, centre: V3, radius: F32, normal: V3, corner_normal: V3, start: I32, item: I32,
    wanted: I32, band: ti.f32, origin: vec3, cell: ti.f32, cubes: ivec3, coarse: GRID, values: GRID,
):
    """Signed distance [m] at the nodes of the wanted cubes, positive outside: exact within ``band`` [m] of the surface.

    Further away it is interpolated from ``coarse``, a grid ``SIDE`` times as coarse, but at least ``band``.
    """
    for c in range(wanted.shape[0]):
        if wanted[c] == 1:
            at = ivec3(c // (cubes[1] * cubes[2]), c // cubes[2] % cubes[1], c % cubes[2]) * SIDE
            fill_cube(at, coarse, band, values)
            last = -1
            for number in range(ti.select(start[c + 1] > start[c], SIDE * SIDE * SIDE, 0)):
                i, j, k = at[0] + number // (SIDE * SIDE), at[1] + number // SIDE % SIDE, at[2] + number % SIDE
                if i < values.shape[0] and j < values.shape[1] and k < values.shape[2]:
                    p = origin + vec3(i, j, k) * cell
                    best, found, weight = band * band, -1, vec3(0.0)
                    for m in range(start[c] - 1, start[c + 1]):
                        t = last  # the neighbouring node's triangle first: most others are then too far at a glance
                        if m >= start[c]:
                            t = item[m]
                        if t >= 0 and t != found:
                            s = p - centre[t]
                            h = s.dot(normal[t])
                            rest = best - h * h
                            if rest > 0.0:
                                near = radius[t] + ti.sqrt(rest)
                                if s.norm_sqr() - h * h < near * near:
                                    a, b, e = x[tri[t][0]], x[tri[t][1]], x[tri[t][2]]
                                    w = closest_on_triangle(p, a, b, e)
                                    d = (p - a * w[0] - b * w[1] - e * w[2]).norm_sqr()
                                    if d < best:
                                        best, found, weight = d, t, w
                    last = found
                    if found >= 0:
                        q = x[tri[found][0]] * weight[0] + x[tri[found][1]] * weight[1] + x[tri[found][2]] * weight[2]
                        n = facing(weight, found, tri, across, normal, corner_normal)
                        d = ti.sqrt(best)
                        values[i, j, k] = ti.select((p - q).dot(n) < 0.0, -d, d)


@ti.kernel
def mark_cubes(x: V3, pad: ti.f32, origin: vec3, cell: ti.f32, cubes: ivec3, wanted: I32):
    """wanted[c] = 1 for the cubes that lie within ``pad`` [m] of a point along every axis."""
    width = SIDE * cell
    for v in range(x.shape[0]):
        low = ti.max(ti.floor((x[v] - pad - origin) / width, ti.i32), 0)
        high = ti.min(ti.floor((x[v] + pad - origin) / width, ti.i32), cubes - 1)
        for i in range(low[0], high[0] + 1):
            for j in range(low[1], high[1] + 1):
                for k in range(low[2], high[2] + 1):
                    wanted[(i * cubes[1] + j) * cubes[2] + k] = 1


@ti.func
def nearest(
    p: vec3, band: ti.f32, skin: V3, tri: I3, centre: V3, radius: F32, start: I32, item: I32, origin: vec3,
    cell: ti.f32, cubes: ivec3,
):
    """Triangle (-1: none) within the band around p, listed by p's cube, nearest to it, and barycentric weights."""
    at = ti.floor((p - origin) / (SIDE * cell), ti.i32)
    at = ti.max(ti.min(at, cubes - 1), 0)
    c = (at[0] * cubes[1] + at[1]) * cubes[2] + at[2]
    least, best, found, weight = band, band * band, -1, vec3(0.0)
    for m in range(start[c], start[c + 1]):
        t = item[m]
        near = least + radius[t]
        if (p - centre[t]).norm_sqr() < near * near:
            a, b, e = skin[tri[t][0]], skin[tri[t][1]], skin[tri[t][2]]
            w = closest_on_triangle(p, a, b, e)
            d = (p - a * w[0] - b * w[1] - e * w[2]).norm_sqr()
            if d < best:
                best, least, found, weight = d, ti.sqrt(d), t, w
    return found, weight


@ti.func
def skin_gap(
    p: vec3, band: ti.f32, skin: V3, tri: I3, across: I3, centre: V3, radius: F32, normal: V3, corner_normal: V3,
    start: I32, item: I32, origin: vec3, cell: ti.f32, cubes: ivec3,
):
    """Exact signed distance [m] to the skin and its unit gradient; ``band`` where there is no skin within it."""
    t, w = nearest(p, band, skin, tri, centre, radius, start, item, origin, cell, cubes)
    d, n = band, vec3(0.0, 1.0, 0.0)
    if t >= 0:
        way = p - skin[tri[t][0]] * w[0] - skin[tri[t][1]] * w[1] - skin[tri[t][2]] * w[2]
        n = facing(w, t, tri, across, normal, corner_normal).normalized(1e-20)
        d = way.norm()
        if way.dot(n) < 0.0:
            d = -d
        if ti.abs(d) > AT_SKIN:  # nearer than that, rounding would turn it
            n = way / d
    return d, n


@ti.kernel
def measure_skin(
    x: V3, band: ti.f32, skin: V3, tri: I3, across: I3, centre: V3, radius: F32, normal: V3, corner_normal: V3,
    start: I32, item: I32, origin: vec3, cell: ti.f32, cubes: ivec3, gap: F32, away: V3,
):
    """:func:`skin_gap` of every point."""
    for v in range(x.shape[0]):
        gap[v], away[v] = skin_gap(
            x[v], band, skin, tri, across, centre, radius, normal, corner_normal, start, item, origin, cell, cubes
        )


@ti.kernel
def push_out(
    x: V3, rounds: ti.i32, floor: ti.f32, band: ti.f32, skin: V3, tri: I3, across: I3, centre: V3, radius: F32,
    normal: V3, corner_normal: V3, start: I32, item: I32, origin: vec3, cell: ti.f32, cubes: ivec3,
):
    """Moves points that are closer to the skin than ``floor`` [m] straight out to it, up to ``rounds`` times."""
    for v in range(x.shape[0]):
        d, left = -1.0, rounds
        while left > 0 and d < floor:
            d, n = skin_gap(
                x[v], band, skin, tri, across, centre, radius, normal, corner_normal, start, item, origin, cell, cubes
            )
            if d < floor:
                x[v] += n * (floor - d)
            left -= 1


@ti.kernel
def skin_motion(
    x: V3, band: ti.f32, skin: V3, way: V3, tri: I3, centre: V3, radius: F32, start: I32, item: I32, origin: vec3,
    cell: ti.f32, cubes: ivec3, carry: V3,
):
    """carry[v] = ``way`` [m] of the skin nearest to every point, zero where there is none within ``band`` [m]."""
    for v in range(x.shape[0]):
        t, w = nearest(x[v], band, skin, tri, centre, radius, start, item, origin, cell, cubes)
        u = vec3(0.0)
        if t >= 0:
            u = way[tri[t][0]] * w[0] + way[tri[t][1]] * w[1] + way[tri[t][2]] * w[2]
        carry[v] = u


@ti.kernel
def least(gap: F32, low: F32):
    """low[0] = the least of the gaps [m]."""
    ti.loop_config(serialize=True)
    for _ in range(1):
        smallest = gap[0]
        for v in range(gap.shape[0]):
            smallest = ti.min(smallest, gap[v])
        low[0] = smallest
