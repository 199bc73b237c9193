"""Contact with the body: a signed distance grid, a pressure that grows as the gap closes, and Coulomb friction."""

from engine.core.taichi_runtime import ti
from sim.kernels.types import F32, I3, M3, V3, array, mat3, vec3

GRID = array(ti.f32, 3)


@ti.func
def distance(grid: GRID, origin: vec3, inv_cell: ti.f32, p: vec3):
    """Trilinear signed distance [m] (positive outside) and its unit gradient."""
    q = (p - origin) * inv_cell
    top = vec3(grid.shape[0] - 1.001, grid.shape[1] - 1.001, grid.shape[2] - 1.001)
    q = ti.max(ti.min(q, top), vec3(0.0))
    i = ti.cast(ti.floor(q), ti.i32)
    f = q - ti.cast(i, ti.f32)
    x0, y0, z0 = i[0], i[1], i[2]
    c000, c001 = grid[x0, y0, z0], grid[x0, y0, z0 + 1]
    c010, c011 = grid[x0, y0 + 1, z0], grid[x0, y0 + 1, z0 + 1]
    c100, c101 = grid[x0 + 1, y0, z0], grid[x0 + 1, y0, z0 + 1]
    c110, c111 = grid[x0 + 1, y0 + 1, z0], grid[x0 + 1, y0 + 1, z0 + 1]
    c00 = c000 + (c001 - c000) * f[2]
    c01 = c010 + (c011 - c010) * f[2]
    c10 = c100 + (c101 - c100) * f[2]
    c11 = c110 + (c111 - c110) * f[2]
    c0 = c00 + (c01 - c00) * f[1]
    c1 = c10 + (c11 - c10) * f[1]
    d00, d01, d10, d11 = c001 - c000, c011 - c010, c101 - c100, c111 - c110
    gz0 = d00 + (d01 - d00) * f[1]
    gz1 = d10 + (d11 - d10) * f[1]
    g = vec3(
        c1 - c0,
        (c01 - c00) + ((c11 - c10) - (c01 - c00)) * f[0],
        gz0 + (gz1 - gz0) * f[0],
    )
    return c0 + (c1 - c0) * f[0], g / ti.max(g.norm(), 1e-6)


@ti.func
def pressure_law(d: ti.f32, r: ti.f32, floor: ti.f32):
    """Contact pressure over its stiffness [m] and its derivative at gap d; unbounded towards the floor.

    It begins with the square of the depth: a linear one would carry a light cloth at a depth below the rounding of its
    position, and touch and let go in turns.
    """
    least = 0.15 * (r - floor)
    gap = ti.max(d - floor, least)
    deep = ti.max(r - floor - gap, 0.0)
    slope = 2.0 * deep / gap + (deep / gap) ** 2
    return deep * deep / gap + ti.max(gap + floor - d, 0.0) * slope, slope


@ti.kernel
def measure(x: V3, grid: GRID, origin: vec3, inv_cell: ti.f32, gap: F32, normal: V3):
    """Signed distance [m] of every point to the body and its unit gradient."""
    for i in range(x.shape[0]):
        gap[i], normal[i] = distance(grid, origin, inv_cell, x[i])


@ti.kernel
def middles(x: V3, tri: I3, middle: V3):
    """Centroid of every triangle [m]."""
    for t in range(tri.shape[0]):
        middle[t] = (x[tri[t][0]] + x[tri[t][1]] + x[tri[t][2]]) / 3.0


@ti.kernel
def body_contact(
    x: V3, vel: V3, mass: F32, dt: ti.f32, carry: V3, gap: F32, normal: V3, area: F32, offset: F32, floor: ti.f32,
    stiffness: ti.f32, friction_static: F32, friction_dynamic: F32, friction_most: ti.f32,
    anchor: V3, held: F32, force: V3, hess: M3, normal_force: F32,
):
    """Normal and friction force of the body on every vertex.

    ``gap`` [m] and ``normal`` are to the body at the step's end; its skin moves by ``carry`` [m] within the step.
    Inside ``offset`` [m] of it the pressure is ``stiffness`` [Pa/m] times :func:`pressure_law`. Friction is an
    elastic-plastic spring to an anchor point on the skin (``held`` 1 while touching), so that cloth comes to true rest
    on a slope. Its coefficients are each vertex' own, or ``friction_most`` where they are greater. Skin that moves off
    faster than static friction can take cloth along slides under it at once: the spring would take it along for a step.
    """
    for i in range(x.shape[0]):
        n = normal[i]
        way = vel[i] * dt - carry[i]
        # the gap before the skin moved: the step is linearised about going along with it
        d = gap[i] + n.dot(carry[i])
        f = vec3(0.0)
        h = mat3(0.0)
        pn = 0.0
        k = stiffness * area[i]
        if d >= offset[i] and d + n.dot(way) < offset[i]:
            # would come inside within this step: the (negative) force of the same spring makes it arrive at the offset
            f = n * (k * (offset[i] - d))
            h = (n * k).outer_product(n)
            held[i] = 0.0
        elif d < offset[i]:
            depth, slope = pressure_law(d, offset[i], floor)
            pn = k * depth
            f = n * pn
            h = (n * (k * slope)).outer_product(n)
            if held[i] < 0.5:
                anchor[i] = x[i]
                held[i] = 1.0
            slip = x[i] - anchor[i]
            slip -= n * n.dot(slip)
            away = slip.norm()
            kt = 0.5 * k * slope
            rub, slide = ti.min(friction_static[i], friction_most), ti.min(friction_dynamic[i], friction_most)
            soft = kt  # stiffness along the slip
            pull = 0.0
            if carry[i].norm_sqr() > 0.0:
                pull = mass[i] * (way - n * n.dot(way)).norm() / (dt * dt)
            if ti.max(kt * away, pull) > rub * pn:
                # slides: the anchor follows so that the spring carries the dynamic friction
                keep = slide * pn / kt
                slip *= ti.min(keep / ti.max(away, 1e-12), 1.0)
                travel = (way - n * n.dot(way)).norm()
                if travel > keep:
                    # in full motion: a drag that gives the dynamic friction at this speed
                    kt = slide * pn / travel
                    soft = kt
                    anchor[i] = x[i] - slip
                    slip = vec3(0.0)
                else:
                    # about to move: let go the more, the lighter it lies (a heavy contact would chatter)
                    soft = kt * ti.min(ti.max(keep / 5e-5, 0.05), 0.5)
                    anchor[i] = x[i] - slip
            else:
                anchor[i] = x[i] - slip
            f -= slip * kt
            for r in ti.static(range(3)):
                h[r, r] += kt
            h -= (n * kt).outer_product(n)
            along = slip.norm()
            if along > 1e-12:
                t = slip / along
                h -= (t * (kt - soft)).outer_product(t)
            anchor[i] += carry[i]
        else:
            held[i] = 0.0
        force[i] = f + h @ carry[i]
        hess[i] = h
        normal_force[i] = pn


@ti.kernel
def hold_pins(x: V3, at: V3, stiffness: F32, force: V3, hess: M3):
    """Adds stiff springs [N/m] that hold single particles in place."""
    for i in range(x.shape[0]):
        k = stiffness[i]
        if k > 0.0:
            force[i] += (at[i] - x[i]) * k
            for r in ti.static(range(3)):
                hess[i][r, r] += k


@ti.kernel
def keep_outside(
    ref: V3, x: V3, grid: GRID, origin: vec3, inv_cell: ti.f32, floor: ti.f32,
):
    """Stops each vertex' motion since ``ref`` at the floor gap [m] (or at its own gap, where it began deeper).

    Distances are told in one place of a loop: a function is compiled wherever it is called.
    """
    for i in range(x.shape[0]):
        least, d, n = floor, 0.0, vec3(0.0)
        for k in range(5):  # at the end of the motion, at its start, and after each of three pushes
            here, way = distance(grid, origin, inv_cell, ref[i] if k == 1 else x[i])
            if k == 1:
                least = ti.min(floor, here)
            else:
                d, n = here, way
            if d >= least:
                break
            if k > 0 and k < 4:
                x[i] += n * (least - d)
        if d < least - 1e-5:
            x[i] = ref[i]


@ti.kernel
def step_back(ref: V3, x: V3, grid: GRID, origin: vec3, inv_cell: ti.f32, floor: ti.f32):
    """Shortens motions that would still end below the floor gap [m] and deeper than they began."""
    for i in range(x.shape[0]):
        least, d = floor, 0.0
        for k in range(5):  # at the end of the motion, at its start, and after each of three halvings
            here, n = distance(grid, origin, inv_cell, ref[i] if k == 1 else x[i])
            if k == 1:
                least = ti.min(floor, here) - 1e-6
            else:
                d = here
            if d >= least:
                break
            if k > 0 and k < 4:
                x[i] = 0.5 * (x[i] + ref[i])
        if d < least:
            x[i] = ref[i]


@ti.kernel
def triangle_contact(
    tri: I3, carry: V3, gap: F32, normal: V3, area: F32, offset: ti.f32, floor: ti.f32, stiffness: ti.f32, force: V3,
    hess: M3, normal_force: F32,
):
    """Adds the body's push on triangles' interiors, where the body is rounder than the mesh is fine.

    Acts at the centroid, on the three corners alike; without friction, which the vertices carry.
    """
    for t in range(tri.shape[0]):
        i = tri[t]
        n = normal[t]
        way = carry[i[0]] + carry[i[1]] + carry[i[2]]
        d = gap[t] + n.dot(way) / 3.0
        normal_force[t] = 0.0
        if d < offset:
            depth, slope = pressure_law(d, offset, floor)
            k = stiffness * area[t]
            normal_force[t] = k * depth
            m = (n * (k * slope / 9.0)).outer_product(n)
            push = n * (k * depth / 3.0) + m @ way
            for a in ti.static(range(3)):
                force[3 * t + a] += push
            for b in ti.static(range(6)):
                hess[6 * t + b] += m
