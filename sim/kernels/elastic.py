"""Forces and Hessians of the cloth's own energies: orthotropic StVK membrane and dihedral bending.

Each kernel writes per-element results; :mod:`sim.kernels.linear` gathers them per vertex, so that sums have one
order whatever the number of threads.
"""

from engine.core.taichi_runtime import ti
from sim.kernels.types import F32, I3, I4, M2, M3, V3, V4, vec2, vec3, vec4


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
def relaxed(c: vec4, ew: ti.f32, ef: ti.f32, slack: ti.f32) -> vec4:
    """Stiffness (warp, weft, coupling, shear) with compression buckled away but for a share ``slack``.

    Cloth does not resist compression: it buckles, at loads far below what matters, in wrinkles that may be finer than
    the mesh. The tension-field energy (least over all shortenings by wrinkles, each of warp and weft) has that; the
    share ``slack`` of the plain energy keeps triangles well shaped. Both are convex and smooth.
    """
    sw = c[0] * ew + c[2] * ef
    sf = c[2] * ew + c[1] * ef
    full = c
    field = c
    if sw < 0.0 and sf - c[2] / c[0] * sw >= 0.0:
        field = vec4(0.0, c[1] - c[2] * c[2] / c[0], 0.0, c[3])
    elif sf < 0.0 and sw - c[2] / c[1] * sf >= 0.0:
        field = vec4(c[0] - c[2] * c[2] / c[1], 0.0, 0.0, c[3])
    elif sw < 0.0 or sf < 0.0:
        field = vec4(0.0, 0.0, 0.0, c[3])
    return field + (full - field) * slack


@ti.kernel
def membrane(x: V3, tri: I3, dm_inv: M2, area: F32, stiff: V4, slack: ti.f32, most: ti.f32, force: V3, hess: M3):
    """Saint Venant-Kirchhoff energy A/2 E:C:E per triangle, E the Green strain in (warp, weft) axes.

    ``stiff`` is (warp, weft, coupling, shear) [N/m]. ``force[3t+a]`` is the force on corner a [N]; ``hess[6t+k]`` the
    blocks (00, 01, 02, 11, 12, 22) of the positive semidefinite stiffness [N/m]: the exact material part and the
    tensile part of the geometric one. Stiffer cloth is taken as if it had ``most`` [N/m].
    """
    for t in range(tri.shape[0]):
        i = tri[t]
        d1 = x[i[1]] - x[i[0]]
        d2 = x[i[2]] - x[i[0]]
        b = dm_inv[t]
        fw = d1 * b[0, 0] + d2 * b[1, 0]
        ff = d1 * b[0, 1] + d2 * b[1, 1]
        ew = 0.5 * (fw.dot(fw) - 1.0)
        ef = 0.5 * (ff.dot(ff) - 1.0)
        es = fw.dot(ff)  # twice the tensor shear
        a = area[t]
        soft = stiff[t] * ti.min(1.0, most / ti.max(stiff[t][0], stiff[t][1]))
        soft[3] = ti.min(stiff[t][3], 0.2 * most)
        c = relaxed(soft, ew, ef, slack)
        sw = c[0] * ew + c[2] * ef
        sf = c[2] * ew + c[1] * ef
        ss = c[3] * es
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
        g = ti.Matrix.cols([g0, g1, g2])
        for p in ti.static(range(3)):
            wp = fw * g[0, p]
            fp = ff * g[1, p]
            sp = fw * g[1, p] + ff * g[0, p]
            # rows of C applied to the strain gradient of corner p
            cw = c[0] * wp + c[2] * fp
            cf = c[2] * wp + c[1] * fp
            cs = c[3] * sp
            for q in ti.static(range(p, 3)):
                wq = fw * g[0, q]
                fq = ff * g[1, q]
                sq = fw * g[1, q] + ff * g[0, q]
                geo = s[0] * g[0, p] * g[0, q] + s[1] * g[1, p] * g[1, q]
                geo += s[2] * (g[0, p] * g[1, q] + g[1, p] * g[0, q])
                m = cw.outer_product(wq) + cf.outer_product(fq) + cs.outer_product(sq)
                for r in ti.static(range(3)):
                    m[r, r] += geo
                hess[6 * t + ti.static(p * 3 - p * (p - 1) // 2 + q - p)] = a * m


@ti.kernel
def hinges(x: V3, hinge: I4, rest: F32, stiff: F32, grad: V3, moment: F32):
    """Dihedral angle's gradient at its four vertices (edge 0-1, tips 2 and 3) and the moment k (theta - rest).

    theta > 0 where both tips lie behind the edge, seen from the right side. ``grad[4h+a]`` [1/m], ``moment`` [N m].
    """
    for h in range(hinge.shape[0]):
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
        moment[h] = stiff[h] * (theta - rest[h])
