"""What the solver knows of a garment at one level of detail: masses, stiffnesses, and who neighbours whom.

Sewn vertices are one particle. Triangles keep their own flat rest shape, so that sewing is only renumbering, and
gathers and darts need nothing special.
"""

from dataclasses import dataclass

import numpy as np

from engine.core.mesh import unique_edges
from engine.core.types import Fabric, Garment
from sim.bending import HingeMatrix, bending_form, hinge_matrix

__all__ = ["Cloth", "build_cloth", "rest_corners", "stretch_tables", "thickest"]

#: Angular frequency at which the internal damping is the fabric's fraction of critical [rad/s]: the swing of a hem,
#: twice a second. Damping proportional to stiffness is stronger for faster waves.
DAMPED_AT = 4 * np.pi
SLIVER = 0.12  #: height below which a triangle is a sliver, in medians of the mesh
CURVE_SAMPLES = 128
#: Length of flat cloth over the thickness that bends as easily as a pressed fold opens [-]; an estimate (paper and
#: film: tens of thicknesses; Lechenault, Thiria and Adda-Bedia, Phys. Rev. Lett. 112, 2014).
CREASE = 10.0


@dataclass(frozen=True)
class Cloth:
    """Particles and elements. ``particle`` maps the garment's vertices to particles, shape [N]."""

    particle: np.ndarray
    faces: np.ndarray  #: into particles, shape [T, 3]
    flat: np.ndarray  #: into the garment's vertices, which no seam has joined, shape [T, 3]
    rest: np.ndarray  #: flat corners in (warp, weft) [m], shape [T, 3, 2]
    panel: np.ndarray  #: of every triangle, shape [T]
    dm_inv: np.ndarray  #: inverse rest edges in (warp, weft), shape [T, 2, 2]
    area: np.ndarray  #: rest area [m2], shape [T]
    membrane: np.ndarray  #: linear stiffness (warp, weft, coupling, shear) [N/m], shape [T, 4]
    buckling: np.ndarray  #: load of the warp and the weft at which cloth between vertices buckles [N/m], shape [T, 2]
    curve: np.ndarray  #: row in ``curves`` of the warp's and the weft's measured curve, or -1, shape [T, 2]
    curves: np.ndarray  #: samples per strain, then forces at even strains from 0 [N/m], shape [rows, 1 + samples]
    damping: np.ndarray  #: internal damping as a time [s], shape [T]
    mass: np.ndarray  #: [kg], shape [P]
    vertex_area: np.ndarray  #: [m2], shape [P]
    hinge: np.ndarray  #: edge's two particles and both tips, shape [H, 4]
    hinge_rest: np.ndarray  #: [rad], shape [H]
    bending: HingeMatrix  #: moments of the hinges from their angles
    hinge_damping: np.ndarray  #: [s], shape [H]
    friction: np.ndarray  #: static and dynamic Coulomb coefficient of every particle, shape [P, 2]
    edges: np.ndarray  #: shape [E, 2]
    thickness: np.ndarray  #: room that a layer takes at every particle, of those that touch [m], shape [P]
    radius: np.ndarray  #: beyond which nothing touches, where triangles are small [m], shape [P]
    group: np.ndarray  #: particles that are (to be) sewn together share a number, shape [P]
    pairs: np.ndarray  #: particle pairs still to be sewn, shape [Q, 2]


def rest_corners(garment: Garment) -> np.ndarray:
    """Flat rest corners of every triangle in (warp, weft) axes [m], shape [T, 3, 2]."""
    uv = garment.rest_uv.astype(np.float64)[garment.faces]
    angle = garment.grain[garment.panel_id].astype(np.float64)
    warp = np.stack([np.cos(angle), np.sin(angle)], -1)
    weft = np.stack([np.sin(angle), -np.cos(angle)], -1)
    # weft is warp turned clockwise: a panel with its warp along +y keeps x as weft. The flip that this makes of the
    # plane's orientation does not matter to strains.
    return np.stack([(uv * warp[:, None]).sum(-1), (uv * weft[:, None]).sum(-1)], -1)


def build_cloth(
    garment: Garment, particle: np.ndarray, group: np.ndarray, pairs: np.ndarray, *, layer_gap: float
) -> Cloth:
    """Assembles the particles and elements of a garment.

    Args:
        particle: Particle of every vertex, dense from 0, shape [N].
        group: Particles that will be one when all is sewn share a number, shape [P].
        pairs: Particle pairs still to be sewn, shape [Q, 2].
        layer_gap: Room that a layer takes at least, in cloth thinner than that [m].
    """
    count = int(particle.max()) + 1
    faces = particle[garment.faces].astype(np.int32)
    rest = rest_corners(garment)
    dm = np.stack([rest[:, 1] - rest[:, 0], rest[:, 2] - rest[:, 0]], -1)
    area = np.abs(np.linalg.det(dm)) / 2
    fabrics = garment.fabrics
    panel = garment.panel_id
    table, curve, curves = stretch_tables(fabrics)
    shared = lambda value: _spread(faces, np.array(value)[panel] * area, count)  # noqa: E731
    vertex_area = shared([1.0] * len(fabrics))
    rubbing = [shared([f.friction_static for f in fabrics]), shared([f.friction_dynamic for f in fabrics])]
    damping = np.array([2 * f.damping / DAMPED_AT for f in fabrics])[panel]
    hinge, hinge_rest, bending, sides = _hinges(garment, faces, rest)
    edges, _ = unique_edges(faces)
    return Cloth(
        particle=particle.astype(np.int32), faces=faces, flat=garment.faces, rest=rest, panel=panel,
        dm_inv=np.linalg.inv(dm).astype(np.float32),
        area=area.astype(np.float32), curve=curve[panel],
        membrane=(table[panel] * _sliver_share(rest)[:, None]).astype(np.float32),
        buckling=_buckling_load(garment, rest).astype(np.float32),
        curves=curves.astype(np.float32), damping=damping.astype(np.float32),
        mass=shared([f.areal_density for f in fabrics]).astype(np.float32), vertex_area=vertex_area.astype(np.float32),
        hinge=hinge, hinge_rest=hinge_rest, bending=bending,
        hinge_damping=damping[sides].mean(1).astype(np.float32),
        friction=(np.stack(rubbing, 1) / np.maximum(vertex_area, 1e-12)[:, None]).astype(np.float32), edges=edges,
        thickness=thickest(faces, np.maximum([f.thickness for f in fabrics], layer_gap)[panel], count),
        radius=_contact_radius(faces, rest, count), group=group.astype(np.int32),
        pairs=np.asarray(pairs, np.int32).reshape(-1, 2),
    )


def _spread(faces: np.ndarray, value: np.ndarray, count: int) -> np.ndarray:
    """A third of every triangle's value to each of its corners, shape [count]."""
    return sum(np.bincount(faces[:, a], value / 3, minlength=count) for a in range(3))


def stretch_tables(fabrics: tuple[Fabric, ...]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Linear stiffness (warp, weft, coupling, shear) [N/m] of every fabric, and its measured curves.

    The lateral coupling keeps the force of a strip with free sides at what the fabric's figures and curves say. For a
    curve it is that of its smallest slope, which keeps the energy convex.

    Returns:
        The linear part, shape [F, 4]; rows of the curves (-1: none), shape [F, 2]; the curves as in :class:`Cloth`.
    """
    linear, rows, curves = [], [], []
    for fabric in fabrics:
        least, row = [fabric.stretch_warp, fabric.stretch_weft], [-1, -1]
        part = [1.0, 1.0]
        for d, name in enumerate(("warp", "weft")):
            if name in fabric.stretch_curves:
                samples = _sampled(np.array(fabric.stretch_curves[name]))
                least[d], part[d], row[d] = float(np.diff(samples[1:]).min() * samples[0]), 0.0, len(curves)
                curves.append(samples)
        square = fabric.poisson**2
        # k e / (1 - p^2) where straight; beside a curve only what the coupling takes away again
        own = [k * (p + square / (1 - square)) for k, p in zip(least, part, strict=True)]
        linear.append([*own, fabric.poisson * np.sqrt(least[0] * least[1]) / (1 - square), fabric.shear])
        rows.append(row)
    none = np.zeros((1, 2 + CURVE_SAMPLES))
    return np.array(linear), np.array(rows, np.int32), np.array(curves) if curves else none


def _sampled(points: np.ndarray) -> np.ndarray:
    """A measured curve through the origin at even strains, without its corners (monotone cubic)."""
    if points[0, 0] > 0:
        points = np.concatenate([[[0.0, 0.0]], points])
    strain = np.linspace(0, points[-1, 0], CURVE_SAMPLES + 1)
    force = monotone_cubic(*points.T, strain)
    # a stretch without any force would leave the solver without a hold: at least a hundredth of the mean slope
    floor = 0.01 * force[-1] / CURVE_SAMPLES
    force = np.concatenate([[0.0], np.cumsum(np.maximum(np.diff(force), floor))])
    return np.concatenate([[CURVE_SAMPLES / points[-1, 0]], force])


def monotone_cubic(x: np.ndarray, y: np.ndarray, at: np.ndarray) -> np.ndarray:
    """A smooth curve through points that rises and falls only where they do, shape of ``at``.

    Piecewise cubic with the slopes of Fritsch and Butland (SIAM J. Sci. Stat. Comput. 5, 1984): harmonic means of the
    chords' on either side, none where these have not one sign; three-point slopes at the ends, bounded likewise.

    Args:
        x: rising, shape [K], K >= 2.
        y: shape [K].
        at: within x.
    """
    h, chord = np.diff(x), np.diff(y) / np.diff(x)
    slope = np.full(len(x), chord[0])
    if len(x) > 2:
        a, b = chord[:-1], chord[1:]
        before, after = 2 * h[1:] + h[:-1], h[1:] + 2 * h[:-1]
        alike = a * b > 0
        a, b = np.where(alike, a, 1.0), np.where(alike, b, 1.0)
        slope[1:-1] = np.where(alike, (before + after) / (before / a + after / b), 0.0)
        slope[0] = _end_slope(h[0], h[1], chord[0], chord[1])
        slope[-1] = _end_slope(h[-1], h[-2], chord[-1], chord[-2])
    k = np.clip(np.searchsorted(x, at, "right") - 1, 0, len(h) - 1)
    t, width = (at - x[k]) / h[k], h[k]
    return (
        y[k] * (1 + 2 * t) * (1 - t) ** 2 + y[k + 1] * t**2 * (3 - 2 * t)
        + width * (slope[k] * t * (1 - t) ** 2 - slope[k + 1] * t**2 * (1 - t))
    )


def _end_slope(h: float, next_h: float, chord: float, next_chord: float) -> float:
    slope = ((2 * h + next_h) * chord - h * next_chord) / (h + next_h)
    if slope * chord <= 0:
        return 0.0
    return 3 * chord if chord * next_chord <= 0 and abs(slope) > 3 * abs(chord) else slope


def _sliver_share(rest: np.ndarray) -> np.ndarray:
    """Share of the membrane's stiffness that each triangle keeps, shape [T]: all, but for slivers at sharp corners.

    The stiffness of a triangle grows with the inverse square of its height; a step of a millimetre would turn one that
    is a third of that high over and over, and the sewing would shake the panel to pieces.
    """
    height = _heights(rest)
    return np.minimum(height / (SLIVER * np.median(height)), 1.0) ** 2


def _buckling_load(garment: Garment, rest: np.ndarray) -> np.ndarray:
    """Load along warp and weft at which a strip as long as the triangle buckles inside it [N/m], shape [T, 2].

    Euler's load per width of a strip clamped at both ends, B (2 pi / h)^2: the cloth's slope goes on into the
    neighbours, so that a wave inside a triangle is at most as long as it. Longer ones show on the mesh, which buckles
    by itself.
    """
    rigidity = np.array([[f.bend_warp, f.bend_weft] for f in garment.fabrics])[garment.panel_id]
    extent = rest.max(1) - rest.min(1)
    return rigidity * garment.bend_scale[:, None] * (2 * np.pi / extent) ** 2


def _heights(rest: np.ndarray) -> np.ndarray:
    """Least height of every triangle [m], shape [T]."""
    length = np.linalg.norm(rest - np.roll(rest, -1, axis=1), axis=2)
    d = rest[:, 1:] - rest[:, :1]
    return np.abs(d[:, 0, 0] * d[:, 1, 1] - d[:, 0, 1] * d[:, 1, 0]) / length.max(1)


def thickest(faces: np.ndarray, thickness: np.ndarray, count: int) -> np.ndarray:
    """The greatest thickness of the triangles around every particle [m], shape [count]."""
    most = np.zeros(count)
    for a in range(3):
        np.maximum.at(most, faces[:, a], thickness)
    return most.astype(np.float32)


def _contact_radius(faces: np.ndarray, rest: np.ndarray, count: int) -> np.ndarray:
    """How far cloth can keep others off that are close to it in its own sheet: less where triangles are small."""
    height = _heights(rest)
    least = np.full(count, np.inf)
    for a in range(3):
        np.minimum.at(least, faces[:, a], height)
    return (0.4 * least).astype(np.float32)


def _hinges(garment: Garment, faces: np.ndarray, rest: np.ndarray) -> tuple:
    """Interior and sewn edges with their rest angles, their stiffness, and the triangles of both sides."""
    h1, h2, angle, is_fold = _hinge_sides(garment, faces)
    half = np.stack([faces, np.roll(faces, -1, axis=1)], -1).reshape(-1, 2)
    t1, t2 = h1 // 3, h2 // 3
    tips = faces[t1, (h1 + 2) % 3], faces[t2, (h2 + 2) % 3]
    hinge = np.stack([*half[h1].T, *tips], 1).astype(np.int32)
    form = np.array([bending_form(f.bend_warp, f.bend_weft, f.bend_bias) for f in garment.fabrics])
    form = form[garment.panel_id] * garment.bend_scale[:, None]
    # a pressed fold gives as much as CREASE thicknesses of flat cloth bend, however fine the mesh
    thickness = np.array([f.thickness for f in garment.fabrics])[garment.panel_id[t1]]
    # sides that run the same way would need one panel turned over: no angle is defined, and none is held
    active = half[h2, 0] != half[h1, 0]
    bending = hinge_matrix(rest, form, np.stack([h1, h2], 1), active, np.where(is_fold, CREASE * thickness, 0.0))
    return hinge, angle.astype(np.float32), bending, np.stack([t1, t2], 1)


def _hinge_sides(garment: Garment, faces: np.ndarray) -> tuple[np.ndarray, ...]:
    """Both half edges (3 * triangle + corner) of every hinge, its rest angle [rad], and whether it is a pressed fold.

    Inside a panel two triangles share an edge, also where that edge is sewn to something; at outlines those seams
    join that hold an angle: a layer only caught in a seam (nan) has no hinge.
    """
    flat = garment.faces.astype(np.int64)
    half, n = np.stack([flat, np.roll(flat, -1, axis=1)], -1).reshape(-1, 2), int(flat.max()) + 1
    key = _edge_keys(half, n)
    order = np.argsort(key, kind="stable")
    k = key[order]
    first = np.flatnonzero(k[1:] == k[:-1])
    h1, h2 = order[first], order[first + 1]
    folds = _edge_keys(garment.fold_edges.astype(np.int64), n)
    sort = np.argsort(folds)
    angle = np.zeros(len(h1))
    is_fold = np.isin(key[h1], folds)
    angle[is_fold] = garment.fold_angles[sort][np.searchsorted(folds[sort], key[h1[is_fold]])]
    border = np.ones(len(half), bool)
    border[h1] = border[h2] = False
    s1, s2, seam_angle = _sewn_sides(garment, faces, half, np.flatnonzero(border))
    return (np.append(h1, s1), np.append(h2, s2), np.append(angle, seam_angle),
            np.append(is_fold, np.zeros(len(s1), bool)))


def _sewn_sides(
    garment: Garment, faces: np.ndarray, half: np.ndarray, border: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pairs of outlines' half edges that a seam joins and holds at an angle, and that angle [rad]."""
    welded = np.stack([faces, np.roll(faces, -1, axis=1)], -1).reshape(-1, 2).astype(np.int64)[border]
    key = _edge_keys(welded, int(faces.max()) + 1)
    order = np.argsort(key, kind="stable")
    k = key[order]
    n = int(half.max()) + 1
    pairs = _edge_keys(garment.seam_pairs.astype(np.int64), n)
    sort = np.argsort(pairs, kind="stable")
    pairs, angles = np.append(pairs[sort], -1), np.append(garment.seam_angles[sort], np.nan)

    def joined(u: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Angle of the seam that joins vertices u and v; 0 for one and the same, nan for none."""
        at = np.minimum(np.searchsorted(pairs[:-1], _edge_keys(np.stack([u, v], 1), n)), len(pairs) - 1)
        hit = pairs[at] == _edge_keys(np.stack([u, v], 1), n)
        return np.where(u == v, 0.0, np.where(hit, angles[at], np.nan))

    found = []
    apart = 1
    while len(k) > apart and (same := np.flatnonzero(k[apart:] == k[:-apart])).size:
        i, j = order[same], order[same + apart]
        crossed = welded[i, 0] != welded[j, 0]
        (a0, a1), (b0, b1) = half[border[i]].T, half[border[j]].T
        start, end = joined(a0, np.where(crossed, b1, b0)), joined(a1, np.where(crossed, b0, b1))
        angle = np.where(np.abs(start) < np.abs(end), end, start)
        held = np.isfinite(start) & np.isfinite(end)
        found.append((border[i[held]], border[j[held]], angle[held]))
        apart += 1
    if not found:
        return np.zeros(0, int), np.zeros(0, int), np.zeros(0)
    return tuple(np.concatenate([f[c] for f in found]) for c in range(3))


def _edge_keys(pairs: np.ndarray, n: int) -> np.ndarray:
    """One number for each unordered pair of indices below ``n``."""
    return pairs.min(1) * n + pairs.max(1) if len(pairs) else np.zeros(0, np.int64)
