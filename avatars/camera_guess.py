"""Where the camera stood, at first sight: a starting view for the fit from the landmarks and the lens."""

from __future__ import annotations

import numpy as np

from avatars.fit_model import CENTRE, FOCAL, ORIENT, View, view_parameters
from avatars.mediapipe_landmarks import Detection
from avatars.photos import Photo
from avatars.segment import person_height

__all__ = ["first_view", "faces_right"]

_UPRIGHT = np.diag([1.0, -1.0, -1.0])  #: body axes (left, up, front) seen by a camera that it faces
PELVIS_SHARE = 0.53  #: height of the pelvis joint over stature
_PITCH = 0.08  #: phones are held at chest height and look down a little [rad]
_TILT_SPREAD = np.array([0.07, 0.20, 0.03])  #: of pitch, turn and roll [rad]
_PELVIS_SPREAD = np.array([1.0, 1.0, 2.0])  #: how far off the first guess of the place may be [m]


def faces_right(found: Detection) -> bool:
    """Whether a person seen from the side looks towards the right edge of the picture."""
    votes = [found.point("nose")[0] - found.middle("ear")[0]]
    for side in "lr":
        if found.seen(f"foot_index_{side}") > 0.5:
            votes.append(0.5 * (found.point(f"foot_index_{side}")[0] - found.point(f"heel_{side}")[0]))
    return float(np.sum(votes)) > 0


def first_view(name: str, photo: Photo, found: Detection, height: float) -> View:
    """A view whose body stands upright at the place of the landmarks.

    Args:
        name: front or side.
        height: stature [m].
    """
    turn = 0.0
    if name == "side":
        turn = np.pi / 2 if faces_right(found) else -np.pi / 2
    c, s = np.cos(turn), np.sin(turn)
    base = _UPRIGHT @ np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])
    focal = photo.focal.per_diagonal * photo.diagonal
    depth = focal * height / person_height(found)
    centre = np.asarray(photo.size, np.float64) / 2
    pelvis = np.append((found.middle("hip") - centre) * depth / focal, depth)
    mean, std = view_parameters(name)
    # the camera's pitch, the turn around the vertical and the camera's roll, about the body's axes
    mean[ORIENT] = base.T @ [_PITCH, 0.0, 0.0]
    std[ORIENT] = np.abs(base.T) @ _TILT_SPREAD
    mean[CENTRE], std[CENTRE] = pelvis, _PELVIS_SPREAD
    std[FOCAL] = photo.focal.log_std
    return View(name, photo.size, focal, base, mean.copy(), PELVIS_SHARE * height, mean, std)
