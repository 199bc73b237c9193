"""One level of detail of a garment inside a solver: which vertices are one particle, and the way to the next level."""

import numpy as np

from engine.core.mesh import unique_edges, weld_map
from engine.core.types import Garment
from sim.body_field import DistanceGrid
from sim.cloth import Cloth, build_cloth, thickest
from sim.multilevel import from_coarser, spread_points
from sim.solver import Solver

__all__ = ["Level", "refine"]


class Level:
    """A garment's level with its solver.

    Args:
        positions: Of the garment's vertices [m], shape [N, 3].
        open_pairs: Seam pairs that are not joined yet, shape [S] bool.
        coarser: The level before, if there is one (with the same seams joined).
        body_gap: Air between the cloth's lower face and the skin [m].
        layer_gap: Least distance of two layers' middles, in cloth thinner than that [m].
    """

    def __init__(
        self, garment: Garment, positions: np.ndarray, grid: DistanceGrid, *, open_pairs: np.ndarray,
        coarser: "Level | None" = None, body_gap: float = 0.002, layer_gap: float = 0.002,
    ) -> None:
        self.garment = garment
        n = len(garment.positions)
        self.particle = weld_map(n, garment.seam_pairs[~open_pairs])
        count = int(self.particle.max()) + 1
        group = np.zeros(count, np.int64)
        group[self.particle] = weld_map(n, garment.seam_pairs)
        pairs = np.unique(np.sort(self.particle[garment.seam_pairs[open_pairs]], axis=1), axis=0).reshape(-1, 2)
        pairs = pairs[pairs[:, 0] != pairs[:, 1]]
        self.cloth: Cloth = build_cloth(garment, self.particle, group, pairs, layer_gap=layer_gap)
        x = np.stack([np.bincount(self.particle, positions[:, a], minlength=count) for a in range(3)], 1)
        x /= np.bincount(self.particle, minlength=count)[:, None]
        if coarser is None:
            self.interpolations = [spread_points(self.cloth)]
        else:
            edges, _ = unique_edges(coarser.garment.faces)
            self.interpolations = [from_coarser(self.particle, coarser.particle, edges), *coarser.interpolations]
        thickness = np.array([f.thickness for f in garment.fabrics])[garment.panel_id]
        self.solver = Solver(
            self.cloth, x, grid, body_offset=body_gap + 0.5 * thickest(self.cloth.faces, thickness, count),
            interpolations=self.interpolations, garment=garment, particle=self.particle,
        )

    def vertices(self) -> np.ndarray:
        """Positions of the garment's vertices [m], shape [N, 3]."""
        return self.solver.positions()[self.particle]

    def pressure(self) -> np.ndarray:
        """Contact pressure on the body at the garment's vertices [Pa], shape [N]."""
        force = self.solver.body_normal_force()
        return (force / np.maximum(self.cloth.vertex_area, 1e-12))[self.particle]


def refine(coarse: Garment, positions: np.ndarray) -> np.ndarray:
    """Vertices of the next finer level on the very same surface [m]."""
    edges, _ = unique_edges(coarse.faces)
    return np.concatenate([positions, positions[edges].mean(1)])
