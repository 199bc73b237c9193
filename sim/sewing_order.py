"""What waits while others are sewn: seams that would close around a limb, and pieces with nothing left to sew."""

import numpy as np
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from engine.core.types import Garment
from sim.body_field import DistanceGrid
from sim.cloth import Cloth

__all__ = ["behind_limb", "lapped", "sewn_pieces"]

#: Body between the sides of a pair from which it counts as cut off [m], and from which a limb is surely there [m].
INSIDE, LIMB = 0.01, 0.03


def behind_limb(grid: DistanceGrid, garment: Garment, x: np.ndarray, is_open: np.ndarray) -> np.ndarray:
    """Seam pairs that a limb cuts off from the rest of their line of seams.

    Where a low arm passes between a front and a back, the side seam's pairs at the arm would wrap it, and those above
    would close on its wrong side. The longest part of the line that nothing cuts off is on the right side; closed, it
    draws the others along.

    Args:
        x: Positions of the garment's vertices [m], shape [N, 3].
        is_open: Pairs still to be sewn, shape [S] bool.

    Returns:
        Mask, shape [S].
    """
    pairs, ids = garment.seam_pairs, garment.seam_ids
    share = np.linspace(0.1, 0.9, 9)[None, :, None]
    depth = -grid.at(x[pairs[:, 0], None] * (1 - share) + x[pairs[:, 1], None] * share).min(1)
    cut = is_open & (depth > INSIDE)
    if not cut.any():
        return cut
    _, node = np.unique(pairs, axis=0, return_inverse=True)
    node = node.ravel()
    step = np.flatnonzero(ids[1:] == ids[:-1])
    steps = np.stack([node[step], node[step + 1]])
    free = ~np.isin(np.arange(node.max() + 1), node[cut])
    line, part = _components(steps, len(free))[node], _components(steps[:, free[steps].all(0)], len(free))[node]
    waits = np.zeros(len(pairs), bool)
    for number in np.unique(line[cut]):
        mine = is_open & (line == number)
        sizes = np.bincount(part[mine & ~cut], minlength=1)
        beyond = mine & ~cut & (part != sizes.argmax())
        if beyond.any() or depth[mine].max() > LIMB:
            waits |= (mine & cut) | beyond
    return waits


def sewn_pieces(cloth: Cloth, x: np.ndarray, near: float) -> np.ndarray:
    """Particles of pieces of cloth, whole or sewn, whose pairs to be sewn are all nearer than ``near`` [m].

    Args:
        x: Positions of the particles [m], shape [P, 3].

    Returns:
        Mask, shape [P].
    """
    piece = _components(np.concatenate([cloth.edges, cloth.pairs]).T, len(x))
    apart = np.linalg.norm(x[cloth.pairs[:, 0]] - x[cloth.pairs[:, 1]], axis=1) > near
    is_open = np.zeros(len(x), bool)
    is_open[piece[cloth.pairs[apart, 0]]] = True
    return ~is_open[piece]


def lapped(garment: Garment) -> np.ndarray:
    """Seam pairs that hold a panel on top of another to which a seam joins it too: caught layers, stitched lines.

    A tailor closes the seam under a lap before stitching the lap down. Pulled at once with it, a fold may land on the
    wrong side of the edge that belongs beneath it.

    Returns:
        Mask, shape [S].
    """
    edges = np.sort(np.stack([garment.faces, np.roll(garment.faces, -1, axis=1)], -1), axis=-1).reshape(-1, 2)
    edges, count = np.unique(edges, axis=0, return_counts=True)
    border = np.zeros(len(garment.positions), bool)
    border[edges[count == 1]] = True
    a, b = garment.seam_pairs.T
    panels = np.sort(garment.vertex_panel[garment.seam_pairs], axis=1).astype(np.int64)
    across, both = panels[:, 0] != panels[:, 1], panels[:, 0] * len(garment.panel_names) + panels[:, 1]
    on_top = np.isnan(garment.seam_angles) | ~border[a] | ~border[b]
    return across & on_top & np.isin(both, both[~on_top])


def _components(steps: np.ndarray, count: int) -> np.ndarray:
    """Number of the connected part of each of ``count`` nodes, which steps [2, k] join."""
    return connected_components(coo_matrix((np.ones(steps.shape[1]), tuple(steps)), shape=(count, count)))[1]
