"""Conjugate gradients for the implicit step's linear system, preconditioned on several levels.

Dot products are summed by fixed chunks of vertices, so that the result does not depend on the number of threads.
"""

from engine.core.taichi_runtime import ti
from sim.kernels.multilevel import F32_2, prolong, restrict, solve_coarsest
from sim.kernels.types import F32, I4, I32, M3, V3, V4, vec3

CHUNK = 64  #: vertices per partial sum of a dot product
CHECK = 4  #: iterations between two looks at the residual


@ti.kernel
def cg_start(still: I32, rhs: V3, dx: V3, p: V3, r: V3):
    """Starts from zero; nothing acts on what is held still."""
    for i in range(rhs.shape[0]):
        dx[i] = vec3(0.0)
        p[i] = vec3(0.0)
        r[i] = rhs[i] * ti.cast(1 - still[i], ti.f32)


@ti.func
def total(partial: F32) -> ti.f32:
    s = 0.0
    for k in range(partial.shape[0]):
        s += partial[k]
    return s


@ti.func
def direction(
    is_first: ti.i32, moving: ti.i32, still: I32, inverse: M3, fine_start: I32, fine_item: I32, fine_weight: F32,
    coarse: V3, r: V3, z: V3, p: V3, partial: F32, scalar: F32, serial: ti.template(),
):
    """The preconditioner's finest level, z = D^-1 r + P z_coarse, and the next search direction p."""
    n = r.shape[0]
    ti.loop_config(block_dim=4, serialize=serial)
    for chunk in range(moving // CHUNK, partial.shape[0]):
        acc = 0.0
        for i in range(ti.max(moving, chunk * CHUNK), ti.min(n, (chunk + 1) * CHUNK)):
            s = vec3(0.0)
            if still[i] == 0:
                s = inverse[i] @ r[i]
                for k in range(fine_start[i], fine_start[i + 1]):
                    s += coarse[fine_item[k]] * fine_weight[k]
            z[i] = s
            acc += s.dot(r[i])
        partial[chunk] = acc
    ti.loop_config(serialize=True)  # a pool of threads has nothing to share out here
    for _ in range(1):
        new = total(partial)
        if is_first == 1:
            scalar[2] = new
        scalar[3] = new / ti.max(scalar[0], 1e-30)
        scalar[0] = new
    ti.loop_config(serialize=serial)
    for i in range(moving, n):
        if is_first == 1:  # the factor may not be a number
            p[i] = z[i]
        else:
            p[i] = z[i] + p[i] * scalar[3]


@ti.func
def advance(
    row: I32, col: I32, block: M3, contacts: ti.i32, corner: I4, weight: V4, normal: V3, stiff: F32, drag: F32,
    relative: V3, start: I32, entry: I32, moving: ti.i32, still: I32, dx: V3, r: V3, p: V3, ap: V3, partial: F32,
    scalar: F32, serial: ti.template(),
):
    """The product of the matrix with the direction, and the step along it."""
    n = r.shape[0]
    # each contact's stiffness times the relative motion of its two sides
    ti.loop_config(serialize=serial)
    for c in range(contacts):
        i = corner[c]
        w = weight[c]
        rel = p[i[0]] * w[0] + p[i[1]] * w[1] + p[i[2]] * w[2] + p[i[3]] * w[3]
        m = normal[c]
        relative[c] = m * ((stiff[c] - drag[c]) * m.dot(rel)) + rel * drag[c]
    ti.loop_config(block_dim=4, serialize=serial)
    for chunk in range(moving // CHUNK, partial.shape[0]):
        acc = 0.0
        for i in range(ti.max(moving, chunk * CHUNK), ti.min(n, (chunk + 1) * CHUNK)):
            y = vec3(0.0)
            if still[i] == 0:
                for k in range(row[i], row[i + 1]):
                    y += block[k] @ p[col[k]]
                for k in range(start[i], start[i + 1]):
                    y += relative[entry[k] // 4] * weight[entry[k] // 4][entry[k] % 4]
            ap[i] = y
            acc += y.dot(p[i])
        partial[chunk] = acc
    ti.loop_config(serialize=True)  # a pool of threads has nothing to share out here
    for _ in range(1):
        scalar[1] = scalar[0] / ti.max(total(partial), 1e-30)
    ti.loop_config(serialize=serial)
    for i in range(moving, n):
        dx[i] += p[i] * scalar[1]
        r[i] -= ap[i] * scalar[1]


@ti.kernel
def cg_iterate(
    serial: ti.template(), levels: ti.template(), begin: ti.i32, end: ti.i32, tolerance: ti.f32,
    first: I32, down_start: I32, down_item: I32, down_weight: F32, up_start: I32, up_item: I32, up_weight: F32,
    inverse: M3, dense: F32_2, coarse_r: V3, coarse_z: V3,
    pre: M3, fine_start: I32, fine_item: I32, fine_weight: F32, row: I32, col: I32, block: M3,
    contacts: ti.i32, corner: I4, weight: V4, normal: V3, stiff: F32, drag: F32, relative: V3, start: I32, entry: I32,
    moving: ti.i32, still: I32, dx: V3, r: V3, z: V3, p: V3, ap: V3, partial: F32, scalar: F32,
):
    """Iterations from ``begin``: until ``end`` or convergence on the calling thread (``serial``), else exactly one.

    A launch from Python costs as much as a few thousand vertices' arithmetic, and so does handing work to another
    thread: a small cloth's whole solve is one launch on one thread. ``serial`` and ``levels`` (coarser levels) are
    fixed when compiled; ``first`` to ``coarse_z`` are the lists of :class:`sim.multilevel.Multilevel`. Particles that
    are ``still`` do not move, nor does any before the one numbered ``moving``, where ``partial`` is zero. ``scalar`` =
    (r.z, step, first r.z, beta, iterations done).
    """
    if ti.static(serial):
        ti.loop_config(serialize=True)
        for _ in range(1):
            it = begin
            while it < end:
                for level in range(levels - 1):
                    restrict(level, first, down_start, down_item, down_weight, r, coarse_r, True)
                solve_coarsest(
                    levels - 1, first, down_start, down_item, down_weight, r, dense, coarse_r, coarse_z, True
                )
                for level in range(levels - 1):
                    prolong(levels - 2 - level, first, up_start, up_item, up_weight, inverse, coarse_r, coarse_z, True)
                direction(
                    int(it == 0), moving, still, pre, fine_start, fine_item, fine_weight, coarse_z, r, z, p, partial,
                    scalar, True,
                )
                advance(
                    row, col, block, contacts, corner, weight, normal, stiff, drag, relative, start, entry, moving,
                    still, dx, r, p, ap, partial, scalar, True,
                )
                it += 1
                if it % CHECK == 0 and scalar[0] <= tolerance * tolerance * scalar[2]:
                    break
            scalar[4] = it
    else:
        for level in ti.static(range(levels - 1)):
            restrict(level, first, down_start, down_item, down_weight, r, coarse_r, False)
        solve_coarsest(levels - 1, first, down_start, down_item, down_weight, r, dense, coarse_r, coarse_z, False)
        for level in ti.static(range(levels - 2, -1, -1)):
            prolong(level, first, up_start, up_item, up_weight, inverse, coarse_r, coarse_z, False)
        direction(
            int(begin == 0), moving, still, pre, fine_start, fine_item, fine_weight, coarse_z, r, z, p, partial, scalar,
            False,
        )
        advance(
            row, col, block, contacts, corner, weight, normal, stiff, drag, relative, start, entry, moving, still, dx,
            r, p, ap, partial, scalar, False,
        )
