"""The multilevel preconditioner: Galerkin products, and restriction and prolongation of vectors.

The coarser levels' vectors lie one after the other in one array; ``first`` [levels + 1] tells where each begins.
"""

from engine.core.taichi_runtime import ti
from sim.kernels.types import F32, I32, M3, V3, array, mat3, vec3

F32_2 = array(ti.f32, 2)
REAL, REAL_2 = ti.types.ndarray(ndim=1), ti.types.ndarray(ndim=2)  #: of single or double precision


@ti.kernel
def galerkin(start: I32, slot: I32, weight: F32, fine: M3, coarse: M3):
    """Every block of P^T A P as a weighted sum of blocks of A."""
    for s in range(coarse.shape[0]):
        m = mat3(0.0)
        for k in range(start[s], start[s + 1]):
            m += fine[slot[k]] * weight[k]
        coarse[s] = m


@ti.kernel
def invert_diagonal(diag: I32, block: M3, extra: M3, begin: ti.i32, inverse: M3):
    """Inverse of every diagonal block with something added, from entry ``begin`` on."""
    for i in range(diag.shape[0]):
        inverse[begin + i] = (block[diag[i]] + extra[i]).inverse()


@ti.kernel
def contact_matrix(
    start: I32, contact: I32, weight: REAL, row_start: I32, item: I32, row_weight: REAL, normal: V3, stiff: F32,
    drag: F32, dense: REAL_2,
):
    """Adds every contact's matrix to ``dense``, row by row.

    ``start``, ``contact`` and ``weight`` list the contacts of every unknown, ``row_start``, ``item`` and ``row_weight``
    the unknowns of every contact.
    """
    for i in range(start.shape[0] - 1):
        for k in range(start[i], start[i + 1]):
            c = contact[k]
            n = normal[c]
            for m in range(row_start[c], row_start[c + 1]):
                both = weight[k] * row_weight[m]
                for a in ti.static(range(3)):
                    for b in ti.static(range(3)):
                        # not +=, which on an array is atomic and slow: row i is this thread's alone
                        own = dense[3 * i + a, 3 * item[m] + b] + both * (stiff[c] - drag[c]) * n[a] * n[b]
                        if ti.static(a == b):
                            own += both * drag[c]
                        dense[3 * i + a, 3 * item[m] + b] = own


@ti.func
def gathered(
    i: ti.i32, level: ti.i32, start: I32, item: I32, weight: F32, finest: V3, coarse: V3,
) -> vec3:
    """Entry i of P^T r: of the finest residual on the first coarser level, else of the level's above."""
    s = vec3(0.0)
    for k in range(start[i], start[i + 1]):
        if level == 0:
            s += finest[item[k]] * weight[k]
        else:
            s += coarse[item[k]] * weight[k]
    return s


@ti.func
def restrict(
    level: ti.i32, first: I32, start: I32, item: I32, weight: F32, finest: V3, coarse: V3, serial: ti.template(),
):
    """The residual on one coarser level, by gathering."""
    ti.loop_config(serialize=serial)
    for i in range(first[level], first[level + 1]):
        coarse[i] = gathered(i, level, start, item, weight, finest, coarse)


@ti.func
def solve_coarsest(
    level: ti.i32, first: I32, start: I32, item: I32, weight: F32, finest: V3, dense: F32_2, r: V3, z: V3,
    serial: ti.template(),
):
    """The residual on the coarsest level, and z = A^-1 r there."""
    low, high = first[level], first[level + 1]
    ti.loop_config(serialize=serial)
    for i in range(low, high):
        r[i] = gathered(i, level, start, item, weight, finest, r)
    ti.loop_config(block_dim=4, serialize=serial)
    for i in range(high - low):
        s = vec3(0.0)
        for j in range(high - low):
            v = r[low + j]
            for a in ti.static(range(3)):
                s[a] += (
                    dense[3 * i + a, 3 * j] * v[0] + dense[3 * i + a, 3 * j + 1] * v[1]
                    + dense[3 * i + a, 3 * j + 2] * v[2]
                )
        z[low + i] = s


@ti.func
def prolong(
    level: ti.i32, first: I32, start: I32, item: I32, weight: F32, inverse: M3, r: V3, z: V3, serial: ti.template(),
):
    """z = D^-1 r + P z_coarser on one level."""
    ti.loop_config(serialize=serial)
    for i in range(first[level], first[level + 1]):
        s = inverse[i] @ r[i]
        for k in range(start[i], start[i + 1]):
            s += z[item[k]] * weight[k]
        z[i] = s
