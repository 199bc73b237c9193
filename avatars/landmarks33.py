"""MediaPipe's 33 landmarks as sparse affine combinations of SMPL-X's 55 joints.

MediaPipe marks what its annotators saw, not anatomical joints: its hips lie outside and below the hip joints, its
shoulders on the outline. The weights and spreads in ``data/landmarks33.json`` were calibrated on pictures of bodies
whose joints are known.
"""

from __future__ import annotations

import json
from functools import lru_cache
from importlib import resources

import numpy as np

from avatars.body_model import JOINT_NAMES
from avatars.mediapipe_landmarks import LANDMARK_NAMES

__all__ = ["Regressor", "load_regressor"]


class Regressor:
    """``matrix @ joints`` gives the landmarks.

    Attributes:
        matrix: rows sum to 1, shape [33, 55].
        std: standard error of a landmark's place in the picture, per view [m], front and side, shape [2, 33].
    """

    def __init__(self, matrix: np.ndarray, std: np.ndarray) -> None:
        self.matrix = np.asarray(matrix, np.float64)
        self.std = np.asarray(std, np.float64)


@lru_cache(maxsize=1)
def load_regressor() -> Regressor:
    """The calibrated regressor."""
    text = resources.files("avatars").joinpath("data/landmarks33.json").read_text(encoding="utf-8")
    table = json.loads(text)["landmarks"]
    matrix = np.zeros((len(LANDMARK_NAMES), len(JOINT_NAMES)))
    std = np.zeros((2, len(LANDMARK_NAMES)))
    for i, name in enumerate(LANDMARK_NAMES):
        row = table[name]
        for joint, weight in row["joints"].items():
            matrix[i, JOINT_NAMES.index(joint)] = weight
        std[:, i] = row["std_front"], row["std_side"]
    return Regressor(matrix, std)
