"""Our own motions: smooth curves of a few joint angles on SMPL-X's tree, from textbook figures of gait and reach.

The walk's hip, knee and ankle angles follow the means of adult gait (after Perry and Burnfield, Gait Analysis),
rounded, with more hip and shoulder movement, as on a catwalk.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicSpline, PchipInterpolator
from scipy.spatial.transform import Rotation

from avatars.body_model import JOINT_NAMES

__all__ = ["CURVES", "Curve"]

JOINTS = len(JOINT_NAMES)
BODY_JOINTS = 22  #: pelvis and joints 1-21; hands and face keep the pose that they have
X, Y, Z = np.eye(3)
#: degrees from the T-pose's level arms down to arms that hang clear of the hips
HANGING = 66.0


@dataclass(frozen=True)
class Curve:
    """A motion as a function of time.

    ``pose`` gives rotation vectors of pelvis and body joints [rad], shape [F, 22, 3], at times [s], shape [F].
    """

    pose: Callable[[np.ndarray], np.ndarray]
    seconds: float  #: how long it takes, without the way into it
    cyclic: bool = False
    feet: str = "planted"  #: planted: the feet stay where they stand; walking: the pelvis stays and the floor moves


def _waves(phase: np.ndarray, keys: list[tuple[float, float]]) -> np.ndarray:
    """A periodic curve with continuous curvature through (phase 0..1, degrees) [rad]."""
    at, value = np.array([*keys, (keys[0][0] + 1, keys[0][1])]).T
    return np.radians(CubicSpline(at, value, bc_type="periodic")(phase % 1.0))


def _path(t: np.ndarray, keys: list[tuple[float, float]]) -> np.ndarray:
    """A curve through (time [s], degrees) without overshoot, level before and after [rad]."""
    at, value = np.array(keys).T
    return np.radians(PchipInterpolator(at, value)(np.clip(t, at[0], at[-1])))


class _Pose:
    """Rotations of the joints, put together from turns about the axes of the parent's frame."""

    def __init__(self, frames: int) -> None:
        self.frames = frames
        self.joints: dict[str, Rotation] = {}

    def turn(self, joint: str, axis: np.ndarray, angle: np.ndarray | float) -> None:
        """Turns a joint by an angle [rad] about an axis, after the turns that it has made already."""
        vector = np.broadcast_to(angle, self.frames)[:, None] * axis
        now = self.joints.get(joint)
        turned = Rotation.from_rotvec(vector)
        self.joints[joint] = turned if now is None else turned * now

    def vectors(self) -> np.ndarray:
        """Rotation vectors [rad], shape [F, 22, 3]."""
        out = np.zeros((self.frames, BODY_JOINTS, 3))
        for joint, rotation in self.joints.items():
            out[:, JOINT_NAMES.index(joint)] = rotation.as_rotvec()
        return out


def _arm(
    pose: _Pose, side: str, *, lower: np.ndarray | float, forward: np.ndarray | float, elbow: np.ndarray | float
) -> None:
    """Lowers an arm from the T-pose, swings it forward about the left-right axis, bends its elbow; all [rad]."""
    sign = 1.0 if side == "left" else -1.0
    pose.turn(f"{side}_shoulder", Z, -sign * np.asarray(lower))
    pose.turn(f"{side}_shoulder", X, -np.asarray(forward))
    pose.turn(f"{side}_elbow", Y, -sign * np.asarray(elbow))


def _leg(
    pose: _Pose, side: str, *, hip: np.ndarray | float, knee: np.ndarray | float, ankle: np.ndarray | float,
    apart: np.ndarray | float,
) -> None:  # fmt: skip
    """Flexes hip (forward), knee (backward) and ankle (toes up), and spreads the leg; all [rad]."""
    sign = 1.0 if side == "left" else -1.0
    pose.turn(f"{side}_hip", X, -np.asarray(hip))
    pose.turn(f"{side}_hip", Z, sign * np.asarray(apart))
    pose.turn(f"{side}_knee", X, np.asarray(knee))
    pose.turn(f"{side}_ankle", X, -np.asarray(ankle))


HIP = [(0.0, 26), (0.12, 22), (0.3, 6), (0.5, -11), (0.6, -3), (0.72, 18), (0.85, 30), (0.95, 28)]
KNEE = [(0.0, 6), (0.13, 16), (0.3, 7), (0.42, 6), (0.52, 15), (0.62, 42), (0.72, 58), (0.84, 32), (0.95, 6)]
ANKLE = [(0.0, 0), (0.07, -5), (0.2, 4), (0.42, 10), (0.52, 3), (0.62, -16), (0.75, -2), (0.88, 2)]
WALK_PERIOD = 1.16  #: of two steps [s]


def _catwalk(t: np.ndarray) -> np.ndarray:
    pose, phase = _Pose(len(t)), t / WALK_PERIOD
    # the left heel strikes at phase 0: pelvis turned to the left's front, sinking on the swinging side
    turn, list_ = _waves(phase, [(0, -9), (0.25, 0), (0.5, 9), (0.75, 0)]), _waves(phase, [(0.2, 6), (0.7, -6)])
    pose.turn("pelvis", Y, turn)
    pose.turn("pelvis", Z, list_)
    for spine in ("spine1", "spine2", "spine3"):
        pose.turn(spine, Y, -0.55 * turn)
        pose.turn(spine, Z, -0.4 * list_)
    for side, shift in (("left", 0.0), ("right", 0.5)):
        own = phase + shift
        _leg(pose, side, hip=_waves(own, HIP), knee=_waves(own, KNEE), ankle=_waves(own, ANKLE),
             apart=np.radians(1.0))  # fmt: skip
        swing = _waves(own, [(0.02, -20), (0.5, 17)])
        bend = 0.18 * (swing + np.sqrt(swing**2 + 0.01))  # the elbow bends with the forward swing
        _arm(pose, side, lower=np.radians(HANGING), forward=swing, elbow=np.radians(12) + bend)
        # hips sway over the standing foot: the legs stay upright in the world
        pose.turn(f"{side}_hip", Z, -list_)
    return pose.vectors()


def _sit(t: np.ndarray) -> np.ndarray:
    pose = _Pose(len(t))
    down = _path(t, [(0, 0), (1.7, 82), (2.6, 82)])
    lean = _path(t, [(0, 0), (0.8, 30), (1.8, 4), (2.6, 4)])
    pose.turn("pelvis", X, 0.5 * lean)
    for spine in ("spine1", "spine2"):
        pose.turn(spine, X, 0.25 * lean)
    for side in ("left", "right"):
        _leg(pose, side, hip=down + 0.5 * lean, knee=1.05 * down, ankle=0.05 * down, apart=np.radians(5.0))
        _arm(pose, side, lower=np.radians(HANGING), forward=0.42 * down, elbow=np.radians(14) + 0.3 * down)
    return pose.vectors()


def _reach(t: np.ndarray) -> np.ndarray:
    pose = _Pose(len(t))
    up = _path(t, [(0, 0), (1.3, 140), (1.9, 140), (3.1, 0)])
    pose.turn("spine3", X, -0.04 * up)
    for side, sign in (("left", 1.0), ("right", -1.0)):
        # a third of the arm's elevation comes from the shoulder blade
        pose.turn(f"{side}_collar", Z, sign * 0.12 * up)
        _arm(pose, side, lower=np.radians(HANGING), forward=0.85 * up, elbow=np.radians(14))
        _leg(pose, side, hip=0.0, knee=0.0, ankle=0.0, apart=np.radians(3.5))
        pose.turn(f"{side}_ankle", Z, -sign * np.radians(3.5))
    return pose.vectors()


def _turn(t: np.ndarray) -> np.ndarray:
    pose = _Pose(len(t))
    pose.turn("pelvis", Y, _path(t, [(0, 0), (0.15, 0), (1.65, 360), (2.4, 360)]))
    for side, sign in (("left", 1.0), ("right", -1.0)):
        _arm(pose, side, lower=np.radians(50.0), forward=0.0, elbow=np.radians(14))
        _leg(pose, side, hip=0.0, knee=0.0, ankle=0.0, apart=np.radians(1.0))
        pose.turn(f"{side}_ankle", Z, -sign * np.radians(1.0))
    return pose.vectors()


CURVES: dict[str, Curve] = {
    "catwalk": Curve(_catwalk, 2 * WALK_PERIOD, cyclic=True, feet="walking"),
    "sit": Curve(_sit, 2.6),
    "reach": Curve(_reach, 3.1),
    "turn": Curve(_turn, 2.4, feet="walking"),
}
