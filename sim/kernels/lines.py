"""Tension of elastics and tapes along mesh edges, in the implicit step's forces and matrix."""

from engine.core.taichi_runtime import ti
from sim.kernels.types import F32, I2, I32, M3, V3, mat3, vec3


@ti.kernel
def tension(
    x: V3, edge: I2, rest: F32, stiff: F32, damping: F32, inv_dt: ti.f32, pull: V3, hess: M3,
    count: ti.i32, vertex: I32, start: I32, entry: I32, slots: ti.i32, slot: I32, slot_start: I32, slot_entry: I32,
    block: M3, force: V3, rhs: V3,
):
    """Adds the forces and the stiffness of tapes: energy k L0 e^2 / 2 with e = L / L0 - 1 where e > 0, else none.

    ``pull[l]`` is the force on the first vertex of tape edge l [N]; ``hess[l]`` its positive semidefinite stiffness
    [N/m], raised by the internal ``damping`` time [s] over the step. ``entry`` packs 2 * tape edge + end for each of
    the ``count`` vertices in ``vertex``; ``slot_entry`` packs 2 * tape edge + (1 where the block is off the diagonal).
    """
    for e in range(edge.shape[0]):
        d = x[edge[e][1]] - x[edge[e][0]]
        length = ti.max(d.norm(), 1e-9)
        n = d / length
        force_here = stiff[e] * (length / rest[e] - 1.0)
        m = mat3(0.0)
        f = vec3(0.0)
        if force_here > 0.0:
            f = n * force_here
            m = (n * (stiff[e] / rest[e] - force_here / length)).outer_product(n)
            for r in ti.static(range(3)):
                m[r, r] += force_here / length
        pull[e] = f
        hess[e] = m * (1.0 + damping[e] * inv_dt)
    for k in range(count):
        f = vec3(0.0)
        for q in range(start[k], start[k + 1]):
            f += pull[entry[q] // 2] * (1.0 - 2.0 * ti.cast(entry[q] % 2, ti.f32))
        force[vertex[k]] += f
        rhs[vertex[k]] += f
    for k in range(slots):
        m = mat3(0.0)
        for q in range(slot_start[k], slot_start[k + 1]):
            m += hess[slot_entry[q] // 2] * (1.0 - 2.0 * ti.cast(slot_entry[q] % 2, ti.f32))
        block[slot[k]] += m
