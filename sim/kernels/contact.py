"""Cloth-cloth contact: vertex-triangle and edge-edge pairs of tiles that are near, repulsion, and the motion bound.

Between two detections every pair stays on its two sides of a fixed dividing plane, and pairs that were not detected
are further apart than the vertices may move: a start free of intersections stays free of them by construction
(after Chen et al., Offset Geometric Contact, SIGGRAPH 2025, and planar divide-and-truncate).
"""

from engine.core.taichi_runtime import ti
from sim.kernels.types import F32, I2, I3, I4, I32, V3, V4, array, ivec3, ivec4, vec3, vec4

I32_2 = array(ti.i32, 2)
PARTS = 4  #: quarters of a tile, each with its own bounds
SEWN_SLOPE = 0.2  #: distance that cloth beside a pair to be sewn keeps, per way along the cloth to that pair [-]
NO_BOUND = 1e9
LEAST_ROOM = 1e-5  #: to a pair's dividing plane, never used up [m]: far above the rounding of positions
NEAR = 3e-4  #: gap below which rounding would tilt a normal taken from the closest points [m]


@ti.func
def cell_of(p: vec3, origin: vec3, inv_cell: ti.f32, dims: ivec3) -> ivec3:
    c = ti.floor((p - origin) * inv_cell, ti.i32)
    return ti.max(ti.min(c, dims - 1), 0)


@ti.kernel
def triangle_balls(x: V3, reach: F32, tri: I3, centre: V3, radius: F32, wide: F32):
    """Centroid, bounding radius [m] and reach (the largest of its corners') [m] of every triangle."""
    for t in range(tri.shape[0]):
        i = tri[t]
        c = (x[i[0]] + x[i[1]] + x[i[2]]) / 3.0
        centre[t] = c
        radius[t] = ti.sqrt(
            ti.max((x[i[0]] - c).norm_sqr(), ti.max((x[i[1]] - c).norm_sqr(), (x[i[2]] - c).norm_sqr()))
        )
        wide[t] = ti.max(reach[i[0]], ti.max(reach[i[1]], reach[i[2]]))


@ti.kernel
def edge_balls(x: V3, reach: F32, edge: I2, centre: V3, radius: F32, wide: F32):
    """Midpoint, half length [m] and reach [m] of every edge."""
    for e in range(edge.shape[0]):
        a, b = x[edge[e][0]], x[edge[e][1]]
        centre[e] = 0.5 * (a + b)
        radius[e] = 0.5 * (b - a).norm()
        wide[e] = ti.max(reach[edge[e][0]], reach[edge[e][1]])


@ti.kernel
def bin_items(centre: V3, origin: vec3, inv_cell: ti.f32, dims: ivec3, cell: I32, start: I32, item: I32, cells: ti.i32):
    """Counting sort of the items' centres into grid cells, in order of their number."""
    for e in range(centre.shape[0]):
        c = cell_of(centre[e], origin, inv_cell, dims)
        cell[e] = (c[0] * dims[1] + c[1]) * dims[2] + c[2]
    for c in range(cells + 1):
        start[c] = 0
    for _ in range(1):
        for e in range(centre.shape[0]):
            start[cell[e]] += 1
        for c in range(cells):
            start[c + 1] += start[c]
        for k in range(centre.shape[0]):
            e = centre.shape[0] - 1 - k
            c = cell[e]
            start[c] -= 1  # from the cell's end down to its beginning
            item[start[c]] = e


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


@ti.kernel
def offsets(count: I32, offset: I32, total: I32, slot: ti.i32):
    """Running sum of the counts; total[2*slot] the sum, total[2*slot+1] the largest count."""
    for _ in range(1):
        s = 0
        top = 0
        for k in range(count.shape[0]):
            offset[k] = s
            s += count[k]
            top = ti.max(top, count[k])
        total[2 * slot] = s
        total[2 * slot + 1] = top


@ti.func
def upright(across: vec3, r: vec3, otherwise: vec3) -> vec3:
    """Unit normal along ``across`` (at right angles to both primitives), on the side of r; ``otherwise`` if none."""
    n = otherwise
    length = across.norm()
    if length > 1e-12:
        n = across / length
        if n.dot(r) < 0.0:
            n = -n
    return n


@ti.func
def touching_most(x: V3, group: I32, i: ivec4, w: vec4, kind: ti.i32) -> ti.f32:
    """Bound of the distance at which two primitives touch [m]: none, but where a corner of one is to be sewn to one of
    the other. They may meet there; beside it they keep off in proportion to the way along the cloth to that corner.
    """
    first, second = vec3(0.0), vec3(0.0)
    for a in ti.static(range(4)):
        if a < kind:
            first += x[i[a]] * w[a]
        else:
            second -= x[i[a]] * w[a]
    least, sewn = NO_BOUND, 0
    for a in ti.static(range(2)):
        for b in ti.static(range(1, 4)):
            if a < kind and b >= kind and group[i[a]] == group[i[b]]:
                sewn += 1
                least = ti.min(least, SEWN_SLOPE * ((first - x[i[a]]).norm() + (second - x[i[b]]).norm()))
    if sewn > 1:  # along the seam itself
        least = 0.0
    return least


@ti.kernel
def write_pairs(
    x: V3, group: I32, tri: I3, edge: I2, vt_count: I32, vt_offset: I32, vt: I32_2, ee_count: I32, ee_offset: I32,
    ee: I32_2, vt_total: ti.i32, corner: I4, weight: V4, normal: V3, gap: F32, most: F32, kind: I32, room: V4,
):
    """Writes the contacts: corners with signed weights (first side positive), unit normal towards the first side, gap
    and the bound ``most`` of the distance at which they touch [m]. Vertices of one ``group`` are (to be) sewn together.

    ``room`` [m] tells for each corner how far it may move towards the plane midway between the two sides.
    """
    for v in range(vt_count.shape[0]):
        for k in range(vt_count[v]):
            i = tri[vt[v, k]]
            c = vt_offset[v] + k
            b = closest_on_triangle(x[v], x[i[0]], x[i[1]], x[i[2]])
            r = x[v] - (x[i[0]] * b[0] + x[i[1]] * b[1] + x[i[2]] * b[2])
            d = r.norm()
            n = r / ti.max(d, 1e-12)
            if d < NEAR and b.min() > 0.0:
                n = upright((x[i[1]] - x[i[0]]).cross(x[i[2]] - x[i[0]]), r, n)
            corner[c] = ivec4(v, i[0], i[1], i[2])
            weight[c] = vec4(1.0, -b[0], -b[1], -b[2])
            normal[c] = n
            gap[c] = d
            most[c] = touching_most(x, group, corner[c], weight[c], 1)
            kind[c] = 1
            m = x[v] - 0.5 * r
            room[c] = vec4(n.dot(x[v] - m), n.dot(m - x[i[0]]), n.dot(m - x[i[1]]), n.dot(m - x[i[2]])) - LEAST_ROOM
    for e in range(ee_count.shape[0]):
        for k in range(ee_count[e]):
            i, j = edge[e], edge[ee[e, k]]
            c = vt_total + ee_offset[e] + k
            s, t = closest_on_segments(x[i[0]], x[i[1]], x[j[0]], x[j[1]])
            r = x[i[0]] + (x[i[1]] - x[i[0]]) * s - x[j[0]] - (x[j[1]] - x[j[0]]) * t
            d = r.norm()
            n = r / ti.max(d, 1e-12)
            if d < NEAR and s > 0.0 and s < 1.0 and t > 0.0 and t < 1.0:
                n = upright((x[i[1]] - x[i[0]]).cross(x[j[1]] - x[j[0]]), r, n)
            corner[c] = ivec4(i[0], i[1], j[0], j[1])
            weight[c] = vec4(1.0 - s, s, -(1.0 - t), -t)
            normal[c] = n
            gap[c] = d
            most[c] = touching_most(x, group, corner[c], weight[c], 2)
            kind[c] = 2
            m = x[i[0]] + (x[i[1]] - x[i[0]]) * s - 0.5 * r
            away = vec4(n.dot(x[i[0]] - m), n.dot(x[i[1]] - m), n.dot(m - x[j[0]]), n.dot(m - x[j[1]]))
            room[c] = away - LEAST_ROOM


@ti.kernel
def contacts_of_vertices(corner: I4, contacts: ti.i32, start: I32, entry: I32):
    """For every vertex the contacts it takes part in (4 * contact + corner), in order."""
    n = start.shape[0] - 1
    for i in range(n + 1):
        start[i] = 0
    for _ in range(1):
        for c in range(contacts):
            for k in ti.static(range(4)):
                start[corner[c][k]] += 1
        for i in range(n):
            start[i + 1] += start[i]
        for q in range(contacts):
            c = contacts - 1 - q
            for k in ti.static(range(4)):
                v = corner[c][3 - k]
                start[v] -= 1
                entry[start[v]] = 4 * c + 3 - k


@ti.kernel
def repulsion(
    corner: I4, weight: V4, normal: V3, gap: F32, most: F32, contacts: ti.i32, thickness: F32, radius: F32, vel: V3,
    dt: ti.f32, area: F32, stiffness: ti.f32, friction: F32, friction_most: ti.f32, slip: ti.f32, push: F32,
    stiff: F32, drag: F32,
):
    """Contact force [N], its stiffness and the lagged Coulomb friction's drag coefficient [N/m] of every pair.

    The two layers touch at the distance r, the mean of their thickness (at most the least of their ``radius``, and
    ``most``), and rub with the mean of their friction. Inside it the force is k (r - d) r / d: linear at first touch,
    without bound towards zero gap.
    A pair that would come inside within the step acts already (with the negative force that makes it arrive at r).
    ``slip`` [m] is the sliding in one step under which friction sticks (as a stiff drag).
    """
    for c in range(contacts):
        i = corner[c]
        w = weight[c]
        r, rub = 0.0, 0.0
        for a in ti.static(range(4)):  # the weights of either side sum up to one
            r += 0.5 * ti.abs(w[a]) * thickness[i[a]]
            rub += 0.5 * ti.abs(w[a]) * friction[i[a]]
        for a in ti.static(range(4)):
            r = ti.min(r, radius[i[a]])
        r = ti.min(r, most[c])
        d = gap[c]
        n = normal[c]
        rel = vel[i[0]] * w[0] + vel[i[1]] * w[1] + vel[i[2]] * w[2] + vel[i[3]] * w[3]
        approach = n.dot(rel)
        p, k, f = 0.0, 0.0, 0.0
        if r > 0.0 and ti.min(d, d + approach * dt) < r:
            k0 = 0.25 * stiffness * (area[i[0]] + area[i[1]] + area[i[2]] + area[i[3]])
            if d < r:
                dd = ti.max(d, 0.02 * r)
                p = k0 * (r - dd) * r / dd
                k = k0 * r * r / (dd * dd)
                f = ti.min(ti.min(rub, friction_most) * p / ti.max((rel - n * approach).norm() * dt, slip), k)
            else:
                p = k0 * (r - d)
                k = k0
        push[c] = p
        stiff[c] = k
        drag[c] = f


@ti.kernel
def keep_active(
    contacts: ti.i32, corner: I4, weight: V4, normal: V3, push: F32, stiff: F32, drag: F32, total: I32,
    a_corner: I4, a_weight: V4, a_normal: V3, a_push: F32, a_stiff: F32, a_drag: F32,
):
    """Copies the contacts that act, in order; total[0] their number."""
    for _ in range(1):
        n = 0
        for c in range(contacts):
            if stiff[c] > 0.0:
                a_corner[n] = corner[c]
                a_weight[n] = weight[c]
                a_normal[n] = normal[c]
                a_push[n] = push[c]
                a_stiff[n] = stiff[c]
                a_drag[n] = drag[c]
                n += 1
        total[0] = n


@ti.kernel
def truncate(
    ref: V3, x: V3, reach: F32, start: I32, entry: I32, normal: V3, kind: I32, room: V4, cut: F32,
):
    """Clips each vertex' motion since detection so that no pair can cross; cut[i] = share of the motion taken away."""
    for i in range(x.shape[0]):
        limit = 0.9 * reach[i]
        u = x[i] - ref[i]
        whole = u.norm()
        if whole > limit:
            u *= limit / whole
        if start[i + 1] > start[i] and whole > 1e-9:
            # slide along the planes first ...
            for _ in range(2):
                for k in range(start[i], start[i + 1]):
                    c = entry[k] // 4
                    j = entry[k] % 4
                    n = normal[c]
                    if j >= kind[c]:
                        n = -n
                    towards = -n.dot(u)
                    if towards > 0.0:
                        allowed = 0.8 * ti.max(room[c][j], 0.0)
                        if towards > allowed:
                            u += n * (towards - allowed)
            # ... then shorten what still crosses one
            length = u.norm()
            if length > limit:
                u *= limit / length
            scale = 1.0
            for k in range(start[i], start[i + 1]):
                c = entry[k] // 4
                j = entry[k] % 4
                n = normal[c]
                if j >= kind[c]:
                    n = -n
                towards = -n.dot(u)
                if towards > 0.0:
                    allowed = 0.85 * ti.max(room[c][j], 0.0)
                    if towards * scale > allowed:
                        scale = allowed / towards
            u *= scale
        cut[i] = 1.0 - u.norm() / ti.max(whole, 1e-9)
        x[i] = ref[i] + u
