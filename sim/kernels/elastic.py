"""Forces and Hessians of the cloth's own energies: orthotropic membrane with measured curves, and dihedral bending.

Each kernel writes per-element results; :mod:`sim.kernels.linear` gathers them per vertex, so that sums have one
order whatever the number of threads.
"""

from engine.core.taichi_runtime import ti
from sim.kernels.types import F32, I2, I3, I4, I32, M2, M3, V2, V3, V4, array, ivec2, ivec3, mat2, vec2, vec3, vec4

F32_2 = array(ti.f32, 2)
PI = 3.14159265
#: Slope of a strut's load past buckling, over its buckling load: P = P_c (1 + shortening / 2) (Timoshenko and Gere,
#: Theory of Elastic Stability, art. 2.7).
AFTER = 0.5


@ti.func
def positive_part(s: vec3) -> vec3:
    """Projects the symmetric 2x2 stress (s00, s11, s01) onto its tensile part."""
    a, b, c = s[0], s[1], s[2]
    mean = 0.5 * (a + b)
    dev = 0.5 * (a - b)
    r = ti.sqrt(dev * dev + c * c)
    hi, lo = mean + r, mean - r
    out = vec3(0.0, 0.0, 0.0)
    if lo >= 0.0:
        out = vec3(a, b, c)
    elif hi > 0.0:
        # hi * v v^T with v the eigenvector of hi: (S - lo I) / (hi - lo) is the projector
        k = hi / ti.max(hi - lo, 1e-20)
        out = vec3((a - lo) * k, (b - lo) * k, c * k)
    return out


@ti.func
def curve_at(table: F32_2, row: ti.i32, e: ti.f32):
    """Force of a measured curve [N/m] and its slope [N/m] at the strain e; straight beyond its ends.

    ``table[row]`` is the number of samples per strain, followed by the force at evenly spaced strains from 0.
    """
    last = table.shape[1] - 3
    t = ti.max(e, 0.0) * table[row, 0]
    k = ti.min(ti.cast(t, ti.i32), last)
    rise = table[row, k + 2] - table[row, k + 1]
    force = table[row, k + 1] + rise * (t - ti.cast(k, ti.f32))
    if e < 0.0:
        force = rise * e * table[row, 0]
    return force, rise * table[row, 0]


@ti.func
def tensile(c: vec4, row: ivec2, table: F32_2, ew: ti.f32, ef: ti.f32):
    """Secant and tangent stiffness (warp, weft, coupling, shear): the linear part and that of the measured curves."""
    secant = c
    tangent = c
    for d in ti.static(range(2)):
        if row[d] >= 0:
            e = ew if d == 0 else ef
            force, slope = curve_at(table, row[d], e)
            tangent[d] += slope
            secant[d] += force / e if ti.abs(e) > 1e-5 else slope
    return secant, tangent


@ti.func
def stretched(x: V3, i: ivec3, b: mat2):
    """Images of warp's and weft's unit vector in a triangle, their lengths, and the strains (warp, weft, shear).

    ``b`` is the inverse of its rest edges. A strain is taken from the squared length: exact in single precision.
    """
    d1 = x[i[1]] - x[i[0]]
    d2 = x[i[2]] - x[i[0]]
    fw = d1 * b[0, 0] + d2 * b[1, 0]
    ff = d1 * b[0, 1] + d2 * b[1, 1]
    lw, lf = ti.max(fw.norm(), 1e-3), ti.max(ff.norm(), 1e-3)
    strain = vec3((fw.dot(fw) - 1.0) / (lw + 1.0), (ff.dot(ff) - 1.0) / (lf + 1.0), fw.dot(ff))
    return fw, ff, lw, lf, strain


@ti.func
def softened(secant: vec4, most: ti.f32):
    """Share of warp's, weft's and coupling's stiffness, and the shear's stiffness, of cloth taken as ``most`` [N/m]."""
    return ti.min(1.0, most / ti.max(secant[0], secant[1])), ti.min(secant[3], 0.2 * most)


@ti.func
def wrinkle_compliance(c: vec4, load: vec2, q: vec2) -> vec3:
    """Shortening by wrinkles finer than the mesh, (warp, weft, coupling) [m/N], for every stress past buckling.

    Cloth that is pushed together holds like any plate until it buckles, and then hardly more. Waves that the mesh can
    show buckle there; finer ones, whose load is ``load`` [N/m] at least, are taken for a strut's. ``q`` is the stress
    of cloth that does not buckle past that load (:func:`past_buckling`). The wrinkles shorten the cloth by ``-p q``:
    those that, all at least 0, make the energy least (a tension field, Pipkin 1986, with wrinkles that cost what they
    do), which makes it convex and smooth.
    """
    a0 = c[0] + AFTER * load[0]
    a1 = c[1] + AFTER * load[1]
    p = vec3(0.0, 0.0, 0.0)
    if q[0] < 0.0 and q[1] - c[2] / a0 * q[0] >= 0.0:
        p[0] = 1.0 / a0
    elif q[1] < 0.0 and q[0] - c[2] / a1 * q[1] >= 0.0:
        p[1] = 1.0 / a1
    elif q[0] < 0.0 or q[1] < 0.0:
        det = a0 * a1 - c[2] * c[2]
        p = vec3(a1, a0, -c[2]) / det
    return p


@ti.func
def past_buckling(c: vec4, load: vec2, ew: ti.f32, ef: ti.f32) -> vec2:
    """Stress of unbuckled cloth past either direction's buckling load [N/m]; negative where it would buckle."""
    return vec2(c[0] * ew + c[2] * ef, c[2] * ew + c[1] * ef) + load


@ti.func
def taken_by_wrinkles(c: vec4, load: vec2, e: vec3) -> ti.f32:
    """Energy per area that wrinkles finer than the mesh spare unbuckled cloth [J/m2]."""
    q = past_buckling(c, load, e[0], e[1])
    p = wrinkle_compliance(c, load, q)
    return 0.5 * (p[0] * q[0] * q[0] + p[1] * q[1] * q[1]) + p[2] * q[0] * q[1]


@ti.func
def relaxed(k: vec4, p: vec3, share: ti.f32) -> vec4:
    """Tangent stiffness (warp, weft, coupling, shear) left where wrinkles of the compliance ``p`` take up strain."""
    w0, w1 = p[0] * k[0] + p[2] * k[2], p[0] * k[2] + p[2] * k[1]
    f0, f1 = p[2] * k[0] + p[1] * k[2], p[2] * k[2] + p[1] * k[1]
    return k - share * vec4(k[0] * w0 + k[2] * f0, k[2] * w1 + k[1] * f1, k[0] * w1 + k[2] * f1, 0.0)


@ti.kernel
def membrane(
    x: V3, tri: I3, dm_inv: M2, area: F32, stiff: V4, buckling: V2, curve: I2, table: F32_2, slack: ti.f32,
    most: ti.f32, damping: F32, inv_dt: ti.f32, first: ti.i32, force: V3, hess: M3,
):
    """Orthotropic membrane, linear in the engineering strains e of warp and weft unless they have measured curves.

    Energy A (kw ew^2 / 2 + kf ef^2 / 2 + kc ew ef + ks g^2 / 2), less what wrinkles finer than the mesh spare of it
    (:func:`wrinkle_compliance`; a share ``slack`` of the stiffness stays, which keeps triangles well shaped). e is the
    extension of the thread direction over its rest length (what a tensile test measures), g the dot product of both
    (the sine of the shear angle). ``stiff`` is (kw, kf, kc, ks) [N/m]; ``buckling`` the load at which cloth between
    vertices buckles along warp and weft [N/m]; ``curve`` the row of the measured curve of either direction in
    ``table``, or -1.
    ``force[3t+a]`` is the force on corner a [N]; ``hess[6t+k]`` the blocks (00, 01, 02, 11, 12, 22) of the positive
    semidefinite stiffness [N/m]: the exact material part and the tensile part of the geometric one, both raised by the
    internal ``damping`` time [s] over the step. Stiffer cloth is taken as if it had ``most`` [N/m], and buckles as much
    sooner: at the same strain. Triangles before the ``first`` are left as they were.
    """
    for t in range(first, tri.shape[0]):
        b = dm_inv[t]
        fw, ff, lw, lf, e = stretched(x, tri[t], b)
        ew, ef, es = e[0], e[1], e[2]
        a = area[t]
        secant, tangent = tensile(stiff[t], curve[t], table, ew, ef)
        soft, shear = softened(secant, most)
        secant *= soft
        tangent *= soft
        secant[3] = shear
        tangent[3] = shear
        load = soft * buckling[t]
        q = past_buckling(secant, load, ew, ef)
        p = wrinkle_compliance(secant, load, q)
        ww = ew - (1.0 - slack) * (p[0] * q[0] + p[2] * q[1])
        wf = ef - (1.0 - slack) * (p[2] * q[0] + p[1] * q[1])
        k = relaxed(tangent, p, 1.0 - slack)
        sw = (secant[0] * ww + secant[2] * wf) / lw
        sf = (secant[2] * ww + secant[1] * wf) / lf
        ss = secant[3] * es
        pw = fw * sw + ff * ss
        pf = fw * ss + ff * sf
        g1 = vec2(b[0, 0], b[0, 1])
        g2 = vec2(b[1, 0], b[1, 1])
        g0 = -g1 - g2
        f1 = -a * (pw * g1[0] + pf * g1[1])
        f2 = -a * (pw * g2[0] + pf * g2[1])
        force[3 * t] = -f1 - f2
        force[3 * t + 1] = f1
        force[3 * t + 2] = f2
        s = positive_part(vec3(sw, sf, ss))
        # second derivatives by the Green strains: de/dE = 1/l; the stress' own fall with l is in the geometric part
        k0 = ti.max(k[0] - ti.max(sw, 0.0), 0.0) / (lw * lw)
        k1 = ti.max(k[1] - ti.max(sf, 0.0), 0.0) / (lf * lf)
        k2 = k[2] / (lw * lf)
        bound = 0.95 * ti.sqrt(k0 * k1)
        k2 = ti.min(ti.max(k2, -bound), bound)
        scale = a * (1.0 + damping[t] * inv_dt)
        g = ti.Matrix.cols([g0, g1, g2])
        for p in ti.static(range(3)):
            wp = fw * g[0, p]
            fp = ff * g[1, p]
            sp = fw * g[1, p] + ff * g[0, p]
            # rows of the stiffness applied to the strain gradient of corner p
            cw = k0 * wp + k2 * fp
            cf = k2 * wp + k1 * fp
            cs = k[3] * sp
            for q in ti.static(range(p, 3)):
                wq = fw * g[0, q]
                fq = ff * g[1, q]
                sq = fw * g[1, q] + ff * g[0, q]
                geo = s[0] * g[0, p] * g[0, q] + s[1] * g[1, p] * g[1, q]
                geo += s[2] * (g[0, p] * g[1, q] + g[1, p] * g[0, q])
                m = cw.outer_product(wq) + cf.outer_product(fq) + cs.outer_product(sq)
                for r in ti.static(range(3)):
                    m[r, r] += geo
                hess[6 * t + ti.static(p * 3 - p * (p - 1) // 2 + q - p)] = scale * m


@ti.kernel
def membrane_energy(
    x: V3, tri: I3, dm_inv: M2, area: F32, stiff: V4, buckling: V2, curve: I2, table: F32_2, slack: ti.f32,
    energy: F32,
):
    """Energy of every triangle [J], whose slope :func:`membrane`'s forces are."""
    for t in range(tri.shape[0]):
        fw, ff, lw, lf, e = stretched(x, tri[t], dm_inv[t])
        c = stiff[t]
        secant, tangent = tensile(c, curve[t], table, e[0], e[1])
        single = vec2(0.5 * c[0] * e[0] ** 2, 0.5 * c[1] * e[1] ** 2)
        for d in ti.static(range(2)):
            row = curve[t][d]
            if row >= 0:
                step = e[d] / 64.0
                for n in range(64):  # the midpoint rule
                    force, slope = curve_at(table, row, (n + 0.5) * step)
                    single[d] += force * step
        taut = single[0] + single[1] + c[2] * e[0] * e[1] + 0.5 * c[3] * e[2] * e[2]
        energy[t] = area[t] * (taut - (1.0 - slack) * taken_by_wrinkles(secant, buckling[t], e))


@ti.func
def quadratic(c: vec4, load: vec2, slack: ti.f32, e: vec3) -> ti.f32:
    plain = 0.5 * (c[0] * e[0] * e[0] + c[1] * e[1] * e[1] + c[3] * e[2] * e[2]) + c[2] * e[0] * e[1]
    return plain - (1.0 - slack) * taken_by_wrinkles(c, load, e)


@ti.kernel
def overshoot(
    ref: V3, x: V3, vel: V3, inv_dt: ti.f32, mass: F32, tri: I3, dm_inv: M2, area: F32, stiff: V4, buckling: V2,
    curve: I2, table: F32_2, slack: ti.f32, most: ti.f32, excess: F32, lost: F32,
):
    """Energy that the step from ``ref`` to ``x`` makes of nothing, and that it takes out [J].

    ``excess[t]`` is a triangle's energy beyond that at the strains to which the linearised step believed to go: what
    its forces have not paid for. ``lost[i]`` is what an implicit step takes from a particle: half its mass times the
    square of its change of velocity.
    """
    for t in range(tri.shape[0]):
        fw0, ff0, lw0, lf0, e0 = stretched(ref, tri[t], dm_inv[t])
        fw, ff, lw, lf, e = stretched(x, tri[t], dm_inv[t])
        dw, df = fw - fw0, ff - ff0
        believed = e0 + vec3(fw0.dot(dw) / lw0, ff0.dot(df) / lf0, dw.dot(ff0) + fw0.dot(df))
        secant, tangent = tensile(stiff[t], curve[t], table, e[0], e[1])
        soft, shear = softened(secant, most)
        secant *= soft
        secant[3] = shear
        load = soft * buckling[t]
        excess[t] = area[t] * (quadratic(secant, load, slack, e) - quadratic(secant, load, slack, believed))
    for i in range(x.shape[0]):
        lost[i] = 0.5 * mass[i] * ((x[i] - ref[i]) * inv_dt - vel[i]).norm_sqr()


@ti.kernel
def hinges(
    x: V3, hinge: I4, rest: F32, start: I32, item: I32, value: F32, bound: F32, damping: F32, inv_dt: ti.f32,
    first: ti.i32, grad: V3, bend: F32, moment: F32, tangent: F32,
):
    """Dihedral angle's gradient at its four vertices (edge 0-1, tips 2 and 3), and the moments.

    theta > 0 where both tips lie behind the edge, seen from the right side. ``grad[4h+a]`` [1/m]; ``bend`` is theta
    past its rest angle [rad]; ``moment`` [N m] the product of the sparse rows (``start``, ``item``, ``value``) of
    :class:`sim.bending.HingeMatrix` with it. ``tangent`` [N m] stands in for them in the step's matrix: their diagonal
    ``bound``, raised by the internal ``damping`` time [s] over the step. Hinges before the ``first`` are left as they
    were.
    """
    for h in range(first, hinge.shape[0]):
        i = hinge[h]
        e = x[i[1]] - x[i[0]]
        u = x[i[2]] - x[i[0]]
        v = x[i[3]] - x[i[0]]
        n1 = e.cross(u)
        n2 = v.cross(e)
        l2 = ti.max(e.dot(e), 1e-16)
        length = ti.sqrt(l2)
        a1 = ti.max(n1.dot(n1), 1e-4 * l2 * l2)
        a2 = ti.max(n2.dot(n2), 1e-4 * l2 * l2)
        theta = ti.atan2(e.dot(n1.cross(n2)) / length, n1.dot(n2))
        g2 = -n1 * (length / a1)
        g3 = -n2 * (length / a2)
        t1 = u.dot(e) / l2
        t2 = v.dot(e) / l2
        grad[4 * h] = -(1.0 - t1) * g2 - (1.0 - t2) * g3
        grad[4 * h + 1] = -t1 * g2 - t2 * g3
        grad[4 * h + 2] = g2
        grad[4 * h + 3] = g3
        away = theta - rest[h]
        if away > PI:  # folded past flat: the short way round, not open again
            away -= 2.0 * PI
        elif away < -PI:
            away += 2.0 * PI
        bend[h] = away
        tangent[h] = bound[h] * (1.0 + damping[h] * inv_dt)
    for h in range(first, hinge.shape[0]):
        m = 0.0
        for k in range(start[h], start[h + 1]):
            m += value[k] * bend[item[k]]
        moment[h] = m
