"""Hands drawn in while a body is dressed, as one draws a hand through a sleeve, and put out again when that is sewn.

A sleeve that starts past the hand would close beside or around it; over a slim stub it is drawn up the arm.
"""

import numpy as np

from engine.core.types import Body, Garment
from sim.guard import seam_gaps

__all__ = ["drawn_in", "past_hands"]

#: SMPL-X joints of each arm: elbow, wrist, and the fingers' first and last.
ARMS = (18, 20, 25, 39), (19, 21, 40, 54)
STUB = 0.08, 0.3  #: size of a hand drawn in: along its axis, across it [-]
TAPER = 0.03  #: way from the wrist over which the hand narrows, as it is when put out [m]
PAST = 0.09  #: beyond the wrist, past the knuckles: cloth that starts there may close beside the thumb [m]
AROUND = 0.15  #: distance from the hand's axis within which cloth would be drawn over it [m]


def drawn_in(body: Body) -> np.ndarray:
    """Contact vertices of the body with its hands drawn in [m], shape [C, 3]; the rest of it is the same to the bit.

    Beyond the wrist all is nearer to it along the hand's axis, and soon nearer to that axis too; a body without hands
    stays as it is.
    """
    out = body.contact_vertices.copy()
    for some, wrist, axis in _hands(body):
        along, off = _parts(body.contact_vertices[some], wrist, axis)
        slim = 1 + (STUB[1] - 1) * _smooth(along / TAPER)
        moved = wrist + STUB[0] * along[:, None] * axis + slim[:, None] * off
        out[some[along > 0]] = moved[along > 0]
    return out


def past_hands(body: Body, garment: Garment) -> bool:
    """Whether panels that have yet to be sewn start around a wrist and reach past the knuckles.

    What starts wholly beyond a hand has only the hand itself to show it the way.
    """
    pairs, panel = garment.seam_pairs, garment.vertex_panel
    to_sew = panel[pairs[seam_gaps(garment.positions, pairs) > 0]]
    points = garment.positions[np.isin(panel, to_sew)]
    for _, wrist, axis in _hands(body):
        along, off = _parts(points, wrist, axis)
        along = along[np.linalg.norm(off, axis=1) < AROUND]
        if (along > PAST).any() and ((-PAST < along) & (along < 0)).any():
            return True
    return False


def _hands(body: Body) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Of each hand: contact vertices of it and the forearm, the wrist [m], and the unit direction of the hand."""
    found, joints = [], body.joints.astype(np.float64)
    for elbow, wrist, first, last in ARMS:
        segment = body.contact_segment
        hand = (segment == wrist) | ((segment >= first) & (segment <= last))
        if not hand.any():
            continue
        axis = body.contact_vertices[hand].astype(np.float64).mean(0) - joints[wrist]
        found.append((np.flatnonzero(hand | (segment == elbow)), joints[wrist], axis / np.linalg.norm(axis)))
    return found


def _parts(points: np.ndarray, wrist: np.ndarray, axis: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Way of points [N, 3] beyond the wrist along the hand [m], shape [N], and off its axis [m], shape [N, 3]."""
    away = points - wrist
    along = away @ axis
    return along, away - along[:, None] * axis


def _smooth(t: np.ndarray) -> np.ndarray:
    t = np.clip(t, 0.0, 1.0)
    return t * t * (3 - 2 * t)
