"""Tension in a draped garment for people: drag lines, and what every seam carries."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from engine.core.mesh import face_normals_areas
from engine.core.types import DragLine, Drape, Garment, SeamFit
from sim.cloth import rest_corners

__all__ = ["DRAG", "drag_lines", "principal_tension", "seam_fits"]

DRAG = 20.0  #: tension from which a line is drawn [N/m]
ONE_WAY = 0.3  #: least of the tension across over that along, up to which cloth is dragged one way, not stretched both
STEP = 0.005  #: along a line [m]
LONGEST, SHORTEST = 0.30, 0.04  #: of a line [m]
APART = 0.02  #: between lines beside each other [m]
MOST_LINES = 120


def principal_tension(garment: Garment, drape: Drape) -> tuple[np.ndarray, np.ndarray]:
    """Principal tensions of every triangle as it hangs [N/m], the greater first, shape [T, 2], and its way [T, 3].

    The Cauchy stress of the cloth: forces over the width that it has when draped. The way is a unit vector in the
    triangle's plane, along which the greater tension pulls.
    """
    x, flat = np.asarray(drape.positions, np.float64)[garment.faces], rest_corners(garment)
    rest = np.stack([flat[:, 1] - flat[:, 0], flat[:, 2] - flat[:, 0]], -1)
    f = np.stack([x[:, 1] - x[:, 0], x[:, 2] - x[:, 0]], -1) @ np.linalg.inv(rest)
    s = np.asarray(drape.stress, np.float64)
    area = np.linalg.norm(np.cross(f[:, :, 0], f[:, :, 1]), axis=1)
    # an orthonormal frame of the draped triangle's plane: along the warp, and across
    one = f[:, :, 0] / np.maximum(np.linalg.norm(f[:, :, 0], axis=1, keepdims=True), 1e-12)
    two = f[:, :, 1] - (f[:, :, 1] * one).sum(1, keepdims=True) * one
    two /= np.maximum(np.linalg.norm(two, axis=1, keepdims=True), 1e-12)
    plane = np.stack([one, two], 1) @ f
    stress = plane @ np.stack([s[:, [0, 2]], s[:, [2, 1]]], 1) @ np.swapaxes(plane, 1, 2)
    values, ways = np.linalg.eigh(stress / np.maximum(area, 1e-12)[:, None, None])
    return values[:, ::-1], ways[:, :1, 1] * one + ways[:, 1:, 1] * two


def drag_lines(garment: Garment, drape: Drape, *, threshold: float = DRAG) -> tuple[DragLine, ...]:
    """Lines along which cloth is dragged one way by more than ``threshold`` [N/m], the strongest first."""
    if not len(drape.stress):
        return ()
    tension, way = principal_tension(garment, drape)
    pulled = (tension[:, 0] > threshold) & (tension[:, 1] < ONE_WAY * tension[:, 0])
    if not pulled.any():
        return ()
    centre = np.asarray(drape.positions, np.float64)[garment.faces].mean(1)
    normal = face_normals_areas(np.asarray(drape.positions), garment.faces)[0].astype(np.float64)
    tree = cKDTree(centre)
    reach = 2 * float(np.sqrt(face_normals_areas(np.asarray(drape.positions), garment.faces)[1].mean()))
    taken, lines = np.zeros((0, 3)), []
    for seed in np.flatnonzero(pulled)[np.argsort(-tension[pulled, 0], kind="stable")]:
        if len(lines) == MOST_LINES:
            break
        if len(taken) and np.linalg.norm(taken - centre[seed], axis=1).min() < APART:
            continue
        halves = [_trace(seed, sign, tree, centre, normal, way, pulled, reach) for sign in (1.0, -1.0)]
        points = np.array([*halves[1][0][:0:-1], *halves[0][0]])
        taken = np.concatenate([taken, points])
        if STEP * (len(points) - 1) < SHORTEST:
            continue
        along = np.unique([*halves[0][1], *halves[1][1]])
        lines.append(DragLine(
            panel=garment.panel_names[garment.panel_id[seed]], points=points.astype(np.float32),
            tension=float(tension[along, 0].mean()),
        ))
    return tuple(sorted(lines, key=lambda line: -line.tension))


def _trace(
    seed: int, sign: float, tree: cKDTree, centre: np.ndarray, normal: np.ndarray, way: np.ndarray, pulled: np.ndarray,
    reach: float,
) -> tuple[list[np.ndarray], list[int]]:
    """Points [m] from a triangle's centre along the way of tension, and the triangles passed."""
    points, passed = [centre[seed]], [int(seed)]
    heading = sign * way[seed]
    while STEP * len(points) < LONGEST / 2:
        ahead = points[-1] + STEP * heading
        distance, t = tree.query(ahead)
        if distance > reach or not pulled[t]:
            break
        turned = way[t] if way[t] @ heading > 0 else -way[t]
        if turned @ heading < 0.7 or abs(normal[t] @ normal[passed[-1]]) < 0.5:
            break
        points.append(ahead - normal[t] * (normal[t] @ (ahead - centre[t])))
        passed.append(int(t))
        heading = turned
    return points, passed


def seam_fits(garment: Garment, drape: Drape) -> tuple[SeamFit, ...]:
    """The load of every seam between two panels (or within one), the most loaded first.

    Its threshold is that of the weaker of the two fabrics, where both are known.
    """
    if not len(drape.seam_load):
        return ()
    ends = np.sort(garment.vertex_panel[garment.seam_pairs], axis=1)
    found = []
    for a, b in np.unique(ends, axis=0):
        load = np.asarray(drape.seam_load, np.float64)[(ends == [a, b]).all(1)]
        limits = [garment.fabrics[p].seam_slippage for p in (a, b)]
        found.append(SeamFit(
            panels=(garment.panel_names[a], garment.panel_names[b]), load_mean=float(load.mean()),
            load_max=float(load.max()), slippage=min(limits) if min(limits) > 0 else 0.0,
        ))
    return tuple(sorted(found, key=lambda seam: -seam.load_max))
