"""The implicit step's linear system: gathering element forces and Hessians into 3x3 block rows.

Sums run in a fixed order (by CSR lists), so that the result does not depend on the number of threads.
"""

from engine.core.taichi_runtime import ti
from sim.kernels.body import GRID, distance
from sim.kernels.types import F32, I32, M3, V3, V4, mat3, vec3


@ti.kernel
def gather_blocks(
    slot_tri_start: I32, slot_tri: I32, slot_hinge_start: I32, slot_hinge: I32, slot_seam: F32,
    tri_hess: M3, hinge_grad: V3, hinge_stiff: F32, seam_stiff: ti.f32, first: ti.i32, block: M3,
):
    """Sums the elements' contributions into every block of the sparse matrix from the ``first`` on.

    ``slot_tri`` packs 16 * triangle + 2 * (block of the six) + transposed; ``slot_hinge`` packs 16 * hinge + 4a + b.
    """
    for s in range(first, block.shape[0]):
        m = mat3(0.0)
        for k in range(slot_tri_start[s], slot_tri_start[s + 1]):
            code = slot_tri[k]
            h = tri_hess[6 * (code >> 4) + ((code & 15) >> 1)]
            if code & 1 == 1:
                h = h.transpose()
            m += h
        for k in range(slot_hinge_start[s], slot_hinge_start[s + 1]):
            code = slot_hinge[k]
            e = code >> 4
            ga = hinge_grad[4 * e + ((code & 15) >> 2)]
            gb = hinge_grad[4 * e + (code & 3)]
            m += (ga * hinge_stiff[e]).outer_product(gb)
        diag = seam_stiff * slot_seam[s]
        for r in ti.static(range(3)):
            m[r, r] += diag
        block[s] = m


@ti.kernel
def gather_forces(
    x: V3, vel: V3, mass: F32, inv_dt: ti.f32, drag: ti.f32, gravity: ti.f32,
    vert_tri_start: I32, vert_tri: I32, tri_force: V3,
    vert_hinge_start: I32, vert_hinge: I32, hinge_grad: V3, hinge_moment: F32,
    partner_start: I32, partner: I32, seam_stiff: ti.f32, seam_step: ti.f32,
    grid: GRID, origin: vec3, inv_cell: ti.f32, clear: ti.f32, moving: ti.i32,
    body_force: V3, body_hess: M3, slot_diag: I32, block: M3, force: V3, rhs: V3,
):
    """Net force on every vertex, and the right-hand side and diagonal of (M/dt2 + drag M/dt + K) dx = f + M v/dt.

    Seam partners pull with a spring whose rest separation shrinks by ``seam_step`` [m] a step, so that the speed and
    the force of closing are bounded. Where the body is between them (``clear`` [m] is kept from it), both are also led
    the shortest way around it: shoulder seams close over the shoulder, not below the arm. On what comes before the
    vertex ``moving``, which is held, no force is taken to act.
    """
    for i in range(moving):
        force[i] = vec3(0.0)
        rhs[i] = vec3(0.0)
    for i in range(moving, x.shape[0]):
        f = vec3(0.0, -gravity * mass[i], 0.0) + body_force[i]
        for k in range(vert_tri_start[i], vert_tri_start[i + 1]):
            f += tri_force[vert_tri[k]]
        for k in range(vert_hinge_start[i], vert_hinge_start[i + 1]):
            f -= hinge_grad[vert_hinge[k]] * hinge_moment[vert_hinge[k] // 4]
        lead = 0.0
        for k in range(partner_start[i], partner_start[i + 1]):
            gap = x[partner[k]] - x[i]
            length = gap.norm()
            f += gap * (seam_stiff * ti.min(1.0, seam_step / ti.max(length, 1e-9)))
            if length > 4.0 * clear:
                d, n = distance(grid, origin, inv_cell, x[i] + 0.5 * gap)
                if d < clear:
                    lead += 0.5 * seam_stiff
                    f += n * (0.5 * seam_stiff * ti.min(clear - d, seam_step))
        m = mass[i] * inv_dt
        force[i] = f
        rhs[i] = f + vel[i] * m
        b = block[slot_diag[i]] + body_hess[i]
        for r in ti.static(range(3)):
            b[r, r] += m * (inv_dt + drag) + lead
        block[slot_diag[i]] = b


@ti.kernel
def contact_rows(
    start: I32, entry: I32, weight: V4, normal: V3, push: F32, stiff: F32, drag: F32, moving: ti.i32,
    slot_diag: I32, block: M3, force: V3, rhs: V3, pre: M3,
):
    """Adds the cloth-cloth contacts' forces to the right-hand side, and inverts the diagonal as preconditioner.

    ``entry`` packs 4 * contact + corner for every contact of a vertex; the first to move is ``moving``.
    """
    for i in range(moving, rhs.shape[0]):
        f = vec3(0.0)
        d = block[slot_diag[i]]
        for k in range(start[i], start[i + 1]):
            c = entry[k] // 4
            w = weight[c][entry[k] % 4]
            n = normal[c]
            f += n * (w * push[c])
            w2 = w * w
            d += (n * ((stiff[c] - drag[c]) * w2)).outer_product(n)
            for r in ti.static(range(3)):
                d[r, r] += drag[c] * w2
        force[i] += f
        rhs[i] += f
        pre[i] = d.inverse()
