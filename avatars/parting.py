"""Room for cloth where limbs press against each other or the trunk: the flesh of both yields, as it does when dressed.

A surface for contact that closed there would leave cloth no place to be: between arm and chest, between the thighs.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from avatars.body_model import JOINT_NAMES
from avatars.contact_surface import neighbour_means
from engine.core.mesh import vertex_normals

__all__ = ["Parting"]

ROOM = 0.012  #: kept free for cloth between two limbs [m]
DEEPEST = 0.03  #: overlap of limbs up to which they are told apart [m]
BESIDE = 0.02  #: sideways distance up to which two places face each other [m]
OPPOSED = -0.4  #: cosine between the normals of places that face each other
NEAREST = 8


class Parting:
    """Parts the limbs of one body surface.

    Args:
        faces: shape [D, 3].
        segment: dominant joint of each vertex, shape [C].
    """

    def __init__(self, faces: np.ndarray, segment: np.ndarray) -> None:
        self.faces = faces
        limb = np.array([_limb(name) for name in JOINT_NAMES])
        self.limb = limb[np.asarray(segment)]
        self.means = neighbour_means(faces, len(segment))

    def part(self, vertices: np.ndarray) -> tuple[np.ndarray, float]:
        """Moves what faces another limb closer than ``ROOM`` inwards by half of what lacks.

        Args:
            vertices: [m], shape [C, 3].

        Returns:
            Vertices, shape [C, 3], and the deepest overlap of two limbs that was found [m].
        """
        v = np.asarray(vertices, np.float64)
        normal = vertex_normals(v, self.faces).astype(np.float64)
        lacking = np.zeros(len(v))
        for a in range(5):
            for b in range(a + 1, 5):
                self._measure(v, normal, self.limb == a, self.limb == b, lacking)
        if not lacking.any():
            return v, 0.0
        depth = 0.5 * lacking
        for _ in range(3):  # yields smoothly, without a rim where the room ends
            depth = np.maximum(depth, 0.9 * (self.means @ depth))
        depth = self.means @ depth
        return v - depth[:, None] * normal, float(max(lacking.max() - ROOM, 0.0))

    @staticmethod
    def _measure(v: np.ndarray, normal: np.ndarray, first: np.ndarray, second: np.ndarray, lacking: np.ndarray) -> None:
        """Raises ``lacking`` to the room [m] that vertices of two limbs lack between each other."""
        if not first.any() or not second.any():
            return
        near = ROOM + BESIDE
        low, high = v[second].min(0) - near, v[second].max(0) + near
        i = np.flatnonzero(first & ((v >= low) & (v <= high)).all(1))
        j = np.flatnonzero(second)
        if not len(i):
            return
        distance, found = cKDTree(v[j]).query(v[i], k=NEAREST, distance_upper_bound=near + DEEPEST)
        rows, columns = np.nonzero(np.isfinite(distance))
        i, j = i[rows], j[found[rows, columns]]
        way = v[j] - v[i]
        across = 0.5 * (normal[i] - normal[j])
        across /= np.maximum(np.linalg.norm(across, axis=1, keepdims=True), 1e-9)
        gap = (way * across).sum(1)
        beside = np.linalg.norm(way - gap[:, None] * across, axis=1)
        facing = ((normal[i] * normal[j]).sum(1) < OPPOSED) & (beside < BESIDE) & (gap < ROOM) & (gap > -DEEPEST)
        for side in (i, j):
            np.maximum.at(lacking, side[facing], ROOM - gap[facing])


def _limb(joint: str) -> int:
    """0 trunk and head, 1 left arm, 2 right arm, 3 left leg, 4 right leg."""
    side = 0 if joint.startswith("left") else 1
    if any(part in joint for part in ("hip", "knee", "ankle", "foot")):
        return 3 + side
    if joint.startswith(("left_", "right_")) and not joint.endswith(("collar", "eye")):
        return 1 + side
    return 0
