"""The search for contacts: vertex-triangle and edge-edge pairs of tiles that are near, by bounding balls and boxes."""

from engine.core.taichi_runtime import ti
from sim.kernels.types import F32, I2, I3, I32, V3, array, ivec3, vec3

I32_2 = array(ti.i32, 2)
PARTS = 4  #: quarters of a tile, each with its own bounds


@ti.func
def cell_of(p: vec3, origin: vec3, inv_cell: ti.f32, dims: ivec3) -> ivec3:
    c = ti.floor((p - origin) * inv_cell, ti.i32)
    return ti.max(ti.min(c, dims - 1), 0)


@ti.kernel
def balls(
    x: V3, reach: F32, tri: I3, tri_centre: V3, tri_radius: F32, tri_wide: F32,
    edge: I2, edge_centre: V3, edge_radius: F32, edge_wide: F32,
):
    """Centre [m], bounding radius [m] and reach (the largest of its corners') [m] of every triangle and every edge."""
    for t in range(tri.shape[0]):
        i = tri[t]
        c = (x[i[0]] + x[i[1]] + x[i[2]]) / 3.0
        tri_centre[t] = c
        tri_radius[t] = ti.sqrt(
            ti.max((x[i[0]] - c).norm_sqr(), ti.max((x[i[1]] - c).norm_sqr(), (x[i[2]] - c).norm_sqr()))
        )
        tri_wide[t] = ti.max(reach[i[0]], ti.max(reach[i[1]], reach[i[2]]))
    for e in range(edge.shape[0]):
        a, b = x[edge[e][0]], x[edge[e][1]]
        edge_centre[e] = 0.5 * (a + b)
        edge_radius[e] = 0.5 * (b - a).norm()
        edge_wide[e] = ti.max(reach[edge[e][0]], reach[edge[e][1]])


@ti.kernel
def bin_items(centre: V3, origin: vec3, inv_cell: ti.f32, dims: ivec3, cell: I32, start: I32, item: I32, cells: ti.i32):
    """Counting sort of the items' centres into grid cells, in order of their number."""
    for e in range(centre.shape[0]):
        c = cell_of(centre[e], origin, inv_cell, dims)
        cell[e] = (c[0] * dims[1] + c[1]) * dims[2] + c[2]
    for c in range(cells + 1):
        start[c] = 0
    ti.loop_config(serialize=True)
    for _ in range(1):
        for e in range(centre.shape[0]):
            start[cell[e]] = start[cell[e]] + 1  # not +=, which is atomic
        for c in range(cells):
            start[c + 1] = start[c + 1] + start[c]
        for k in range(centre.shape[0]):
            e = centre.shape[0] - 1 - k
            c = cell[e]
            last = start[c] - 1  # from the cell's end down to its beginning
            start[c] = last
            item[last] = e


@ti.func
def closest_on_triangle(p: vec3, a: vec3, b: vec3, c: vec3) -> vec3:
    """Barycentric weights of the point of triangle abc closest to p (after Ericson, Real-Time Collision Detection)."""
    ab, ac, ap = b - a, c - a, p - a
    d1, d2 = ab.dot(ap), ac.dot(ap)
    bp = p - b
    d3, d4 = ab.dot(bp), ac.dot(bp)
    cp = p - c
    d5, d6 = ab.dot(cp), ac.dot(cp)
    va = d3 * d6 - d5 * d4
    vb = d5 * d2 - d1 * d6
    vc = d1 * d4 - d3 * d2
    w = vec3(1.0, 0.0, 0.0)
    if d1 <= 0.0 and d2 <= 0.0:
        w = vec3(1.0, 0.0, 0.0)
    elif d3 >= 0.0 and d4 <= d3:
        w = vec3(0.0, 1.0, 0.0)
    elif d6 >= 0.0 and d5 <= d6:
        w = vec3(0.0, 0.0, 1.0)
    elif vc <= 0.0 and d1 >= 0.0 and d3 <= 0.0:
        v = d1 / ti.max(d1 - d3, 1e-20)
        w = vec3(1.0 - v, v, 0.0)
    elif vb <= 0.0 and d2 >= 0.0 and d6 <= 0.0:
        v = d2 / ti.max(d2 - d6, 1e-20)
        w = vec3(1.0 - v, 0.0, v)
    elif va <= 0.0 and d4 - d3 >= 0.0 and d5 - d6 >= 0.0:
        v = (d4 - d3) / ti.max((d4 - d3) + (d5 - d6), 1e-20)
        w = vec3(0.0, 1.0 - v, v)
    else:
        s = 1.0 / ti.max(va + vb + vc, 1e-30)
        w = vec3(va * s, vb * s, vc * s)
    return w


@ti.func
def closest_on_segments(p0: vec3, p1: vec3, q0: vec3, q1: vec3):
    """Parameters (s, t) of the closest points of two segments."""
    d1, d2, r = p1 - p0, q1 - q0, p0 - q0
    a = ti.max(d1.dot(d1), 1e-16)
    e = ti.max(d2.dot(d2), 1e-16)
    f = d2.dot(r)
    c = d1.dot(r)
    b = d1.dot(d2)
    den = a * e - b * b
    s = 0.0
    if den > 1e-6 * a * e:
        s = ti.min(ti.max((b * f - c * e) / den, 0.0), 1.0)
    t = (b * s + f) / e
    if t < 0.0:
        t = 0.0
        s = ti.min(ti.max(-c / a, 0.0), 1.0)
    elif t > 1.0:
        t = 1.0
        s = ti.min(ti.max((b - c) / a, 0.0), 1.0)
    return s, t


@ti.func
def outside(p: vec3, r: ti.f32, low: vec3, high: vec3) -> bool:
    """Whether a ball lies beside a box."""
    out = False
    for a in ti.static(range(3)):
        if p[a] + r < low[a] or p[a] - r > high[a]:
            out = True
    return out


@ti.kernel
def find_vertex_triangle(
    x: V3, reach: F32, weld: I32, tri: I3, centre: V3, radius: F32, wide: F32, tile: I32, near_count: I32, near: I32_2,
    low: V3, high: V3, part_low: V3, part_high: V3, start: I32, count: I32, found: I32_2,
):
    """Triangles of the tiles ``near`` closer to every vertex than both their reaches, but those that share a (welded)
    vertex with it. ``low`` and ``high`` bound the tiles with their reach, ``part_low`` and ``part_high`` their parts,
    whose triangles begin with ``start``.
    """
    for v in range(x.shape[0]):
        p = x[v]
        w = weld[v]
        home = tile[v]
        n = 0
        for m in range(near_count[home]):
            q = near[home, m]
            if not outside(p, reach[v], low[q], high[q]):
                for part in range(PARTS * q, PARTS * q + PARTS):
                    if not outside(p, reach[v], part_low[part], part_high[part]):
                        for t in range(start[part], start[part + 1]):
                            both = reach[v] + wide[t]
                            away = radius[t] + both
                            if (p - centre[t]).norm_sqr() < away * away:
                                i = tri[t]
                                if weld[i[0]] != w and weld[i[1]] != w and weld[i[2]] != w:
                                    b = closest_on_triangle(p, x[i[0]], x[i[1]], x[i[2]])
                                    c = x[i[0]] * b[0] + x[i[1]] * b[1] + x[i[2]] * b[2]
                                    if (p - c).norm_sqr() < both * both:
                                        if n < found.shape[1]:
                                            found[v, n] = t
                                        n += 1
        count[v] = n


@ti.kernel
def find_edge_edge(
    x: V3, weld: I32, edge: I2, centre: V3, radius: F32, wide: F32, tile: I32, near_count: I32, near: I32_2,
    low: V3, high: V3, part_low: V3, part_high: V3, start: I32, count: I32, found: I32_2,
):
    """Edges of higher number, of the tiles ``near``, closer to every edge than both their reaches, that share no
    (welded) vertex with it. Edges are in the order of their tiles: those of tiles before its own have lower numbers."""
    for e in range(edge.shape[0]):
        i = edge[e]
        p = centre[e]
        w0, w1 = weld[i[0]], weld[i[1]]
        home = tile[e]
        n = 0
        for m in range(near_count[home]):
            q = near[home, m]
            if q >= home and not outside(p, radius[e] + wide[e], low[q], high[q]):
                for part in range(PARTS * q, PARTS * q + PARTS):
                    last = start[part + 1]
                    if last > e + 1 and not outside(p, radius[e] + wide[e], part_low[part], part_high[part]):
                        for g in range(ti.max(start[part], e + 1), last):
                            both = wide[e] + wide[g]
                            away = radius[e] + radius[g] + both
                            if (p - centre[g]).norm_sqr() < away * away:
                                j = edge[g]
                                u0, u1 = weld[j[0]], weld[j[1]]
                                if w0 != u0 and w0 != u1 and w1 != u0 and w1 != u1:
                                    s, t = closest_on_segments(x[i[0]], x[i[1]], x[j[0]], x[j[1]])
                                    gap = x[i[0]] + (x[i[1]] - x[i[0]]) * s - x[j[0]] - (x[j[1]] - x[j[0]]) * t
                                    if gap.norm_sqr() < both * both:
                                        if n < found.shape[1]:
                                            found[e, n] = g
                                        n += 1
        count[e] = n


@ti.func
def running_sum(count: I32, offset: I32):
    """Writes the sum of the counts before each; returns the whole sum and the largest count."""
    s = 0
    top = 0
    for k in range(count.shape[0]):
        offset[k] = s
        s += count[k]
        top = ti.max(top, count[k])
    return s, top


@ti.kernel
def offsets(vt_count: I32, vt_offset: I32, ee_count: I32, ee_offset: I32, total: I32):
    """Where each vertex' and each edge's pairs begin; total = (sum, most) of the vertices', then of the edges'."""
    ti.loop_config(serialize=True)
    for _ in range(1):
        s, top = running_sum(vt_count, vt_offset)
        total[0] = s
        total[1] = top
        s2, top2 = running_sum(ee_count, ee_offset)
        total[2] = s2
        total[3] = top2
