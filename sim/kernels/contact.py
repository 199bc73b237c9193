"""Cloth-cloth contact: the vertex-triangle and edge-edge pairs found, repulsion, and the motion bound.

Between two detections every pair stays on its two sides of a fixed dividing plane, and pairs that were not detected
are further apart than the vertices may move: a start free of intersections stays free of them by construction
(after Chen et al., Offset Geometric Contact, SIGGRAPH 2025, and planar divide-and-truncate).
"""

from engine.core.taichi_runtime import ti
from sim.kernels.search import I32_2, closest_on_segments, closest_on_triangle
from sim.kernels.types import F32, I2, I3, I4, I32, V3, V4, ivec4, vec3, vec4

SEWN_SLOPE = 0.2  #: distance that cloth beside a pair to be sewn keeps, per way along the cloth to that pair [-]
NO_BOUND = 1e9
LEAST_ROOM = 1e-5  #: to a pair's dividing plane, never used up [m]: far above the rounding of positions
NEAR = 3e-4  #: gap below which rounding would tilt a normal taken from the closest points [m]


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
    ti.loop_config(serialize=True)
    for _ in range(1):
        for c in range(contacts):
            for k in ti.static(range(4)):
                v = corner[c][k]
                start[v] = start[v] + 1  # not +=, which is atomic
        for i in range(n):
            start[i + 1] = start[i + 1] + start[i]
        for q in range(contacts):
            c = contacts - 1 - q
            for k in ti.static(range(4)):
                v = corner[c][3 - k]
                last = start[v] - 1
                start[v] = last
                entry[last] = 4 * c + 3 - k


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
    ti.loop_config(serialize=True)
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
