"""Kernels of the multilevel preconditioner: Galerkin products, and restriction and prolongation of vectors."""

from engine.core.taichi_runtime import ti
from sim.kernels.types import F32, I32, M3, V3, array, mat3, vec3

F32_2 = array(ti.f32, 2)


@ti.kernel
def galerkin(start: I32, slot: I32, weight: F32, fine: M3, coarse: M3):
    """Every block of P^T A P as a weighted sum of blocks of A."""
    for s in range(coarse.shape[0]):
        m = mat3(0.0)
        for k in range(start[s], start[s + 1]):
            m += fine[slot[k]] * weight[k]
        coarse[s] = m


@ti.kernel
def invert_diagonal(diag: I32, block: M3, inverse: M3):
    """Inverse of every diagonal block."""
    for i in range(inverse.shape[0]):
        inverse[i] = block[diag[i]].inverse()


@ti.kernel
def restrict(start: I32, item: I32, weight: F32, fine: V3, coarse: V3):
    """coarse = P^T fine, by gathering."""
    for i in range(coarse.shape[0]):
        s = vec3(0.0)
        for k in range(start[i], start[i + 1]):
            s += fine[item[k]] * weight[k]
        coarse[i] = s


@ti.kernel
def solve_coarsest(
    serial: ti.template(), start: I32, item: I32, weight: F32, fine: V3, inverse: F32_2, r: V3, z: V3,
):
    """r = P^T fine and z = A^-1 r on the coarsest level."""
    ti.loop_config(serialize=serial)
    for i in range(r.shape[0]):
        s = vec3(0.0)
        for k in range(start[i], start[i + 1]):
            s += fine[item[k]] * weight[k]
        r[i] = s
    ti.loop_config(block_dim=4, serialize=serial)
    for i in range(r.shape[0]):
        s = vec3(0.0)
        for j in range(r.shape[0]):
            v = r[j]
            for a in ti.static(range(3)):
                s[a] += (
                    inverse[3 * i + a, 3 * j] * v[0] + inverse[3 * i + a, 3 * j + 1] * v[1]
                    + inverse[3 * i + a, 3 * j + 2] * v[2]
                )
        z[i] = s


@ti.kernel
def smooth_and_prolong(inverse: M3, r: V3, start: I32, item: I32, weight: F32, coarse: V3, z: V3):
    """z = D^-1 r + P z_coarse."""
    for i in range(r.shape[0]):
        s = inverse[i] @ r[i]
        for k in range(start[i], start[i + 1]):
            s += coarse[item[k]] * weight[k]
        z[i] = s
