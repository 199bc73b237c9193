"""Which seam pairs can be made one vertex now, without any cloth crossing cloth."""

import numpy as np

from engine.core.mesh import weld_map
from engine.core.types import Garment
from sim.guard import intersections, seam_gaps

__all__ = ["open_pairs", "joined"]


def joined(garment: Garment, positions: np.ndarray, is_open: np.ndarray) -> np.ndarray:
    """Positions with every closed pair moved to its middle [m], shape [N, 3]."""
    particle = weld_map(len(positions), garment.seam_pairs[~is_open])
    count = np.bincount(particle)
    middle = np.stack([np.bincount(particle, positions[:, a]) / count for a in range(3)], 1)
    return middle[particle]


def open_pairs(garment: Garment, positions: np.ndarray, tolerance: float) -> np.ndarray:
    """Pairs that must stay open: wider than ``tolerance`` [m], or crossing other cloth if they were joined.

    Returns:
        Mask, shape [S].
    """
    pairs = garment.seam_pairs
    gaps = seam_gaps(positions, pairs)
    result = gaps > tolerance
    moving = gaps > 1e-6
    if not (moving & ~result).any():
        return result
    group = weld_map(len(positions), pairs)
    before = {tuple(r) for r in intersections(positions, garment.faces, group).tolist()}
    for _ in range(6):
        trial = joined(garment, positions, result)
        new = [r for r in intersections(trial, garment.faces, group).tolist() if tuple(r) not in before]
        if not new:
            return result
        # reopen what moves at, or beside, the places where cloth would cross
        touched = np.zeros(len(positions), bool)
        for a, b, t in new:
            touched[[a, b]] = True
            touched[garment.faces[t]] = True
        groups = np.zeros(int(group.max()) + 1, bool)
        for _ in range(2):
            groups[group[touched]] = True
            touched = groups[group]
            touched[garment.faces[touched[garment.faces].any(1)]] = True
        mine = touched[pairs].any(1) & moving
        if not (mine & ~result).any():
            break
        result = result | mine
    return result | moving
