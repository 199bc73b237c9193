"""MediaPipe's 33 body landmarks and coarse person mask of a photo, without its noise on stderr.

Only the models inside the ``mediapipe`` wheel are used; nothing is downloaded.
"""

from __future__ import annotations

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from engine.core.errors import JobError

__all__ = ["LANDMARK_NAMES", "Detection", "detect", "index"]

LANDMARK_NAMES: tuple[str, ...] = (
    "nose", "eye_inner_l", "eye_l", "eye_outer_l", "eye_inner_r", "eye_r", "eye_outer_r", "ear_l", "ear_r",
    "mouth_l", "mouth_r", "shoulder_l", "shoulder_r", "elbow_l", "elbow_r", "wrist_l", "wrist_r", "pinky_l",
    "pinky_r", "index_l", "index_r", "thumb_l", "thumb_r", "hip_l", "hip_r", "knee_l", "knee_r", "ankle_l",
    "ankle_r", "heel_l", "heel_r", "foot_index_l", "foot_index_r",
)
_INDEX = {name: i for i, name in enumerate(LANDMARK_NAMES)}


def index(name: str) -> int:
    """Number of a landmark by its name."""
    return _INDEX[name]


@dataclass(frozen=True)
class Detection:
    """One person found in a picture. Rows follow ``LANDMARK_NAMES``; left is the person's own."""

    points: np.ndarray  #: [px], pixel centres at .5, shape [33, 2]; may lie outside the picture
    visibility: np.ndarray  #: 0..1, shape [33]
    world: np.ndarray  #: rough metric positions around the hips, x right, y down, z away [m], shape [33, 3]
    mask: np.ndarray  #: coarse probability of person, shape [H, W]

    def point(self, name: str) -> np.ndarray:
        """Position of one landmark [px], shape [2]."""
        return self.points[_INDEX[name]]

    def middle(self, name: str) -> np.ndarray:
        """Midpoint of a left/right pair [px], shape [2]."""
        return 0.5 * (self.points[_INDEX[name + "_l"]] + self.points[_INDEX[name + "_r"]])

    def seen(self, name: str) -> float:
        """Visibility of one landmark, 0..1."""
        return float(self.visibility[_INDEX[name]])


@contextmanager
def _quiet() -> Iterator[None]:
    """Sends what native code writes to stderr into a file that is thrown away."""
    os.environ.setdefault("GLOG_minloglevel", "3")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    sys.stderr.flush()
    saved = os.dup(2)
    with tempfile.TemporaryFile() as sink:
        os.dup2(sink.fileno(), 2)
        try:
            yield
        finally:
            sys.stderr.flush()
            os.dup2(saved, 2)
            os.close(saved)


def detect(rgb: np.ndarray) -> Detection | None:
    """Finds the most prominent person; None if there is none.

    Args:
        rgb: sRGB uint8, shape [H, W, 3].
    """
    with _quiet():
        try:
            import mediapipe as mp

            solution = mp.solutions.pose.Pose
        except (ImportError, AttributeError, OSError) as error:
            raise JobError(
                "photo.mediapipe", f"MediaPipe's pose model cannot be loaded: {error}", "run make again to install it"
            ) from None
        # model_complexity 1 is the only one whose weights come with the package
        with solution(
            static_image_mode=True, model_complexity=1, enable_segmentation=True, min_detection_confidence=0.5
        ) as pose:
            result = pose.process(np.ascontiguousarray(rgb))
    if result.pose_landmarks is None:
        return None
    height, width = rgb.shape[:2]
    marks = np.array([[m.x, m.y, m.visibility] for m in result.pose_landmarks.landmark])
    world = np.array([[m.x, m.y, m.z] for m in result.pose_world_landmarks.landmark])
    mask = result.segmentation_mask
    return Detection(
        points=marks[:, :2] * [width, height],
        visibility=marks[:, 2],
        world=world,
        mask=np.zeros((height, width), np.float32) if mask is None else np.array(mask, np.float32),
    )
