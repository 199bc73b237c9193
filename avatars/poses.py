"""Standing poses as SMPL-X body_pose arrays (axis-angle of joints 1-21 [rad], shape [21, 3])."""

from __future__ import annotations

import numpy as np

from avatars.body_model import JOINT_NAMES

__all__ = ["POSES", "a_pose", "measuring_pose", "t_pose", "pose_named", "ARM_ANGLE", "LEG_SPREAD"]

ARM_ANGLE = np.radians(45.0)  #: arms below horizontal in the draping and measuring poses [rad]
LEG_SPREAD = np.radians(3.5)  #: each leg outwards from the T-pose in the draping pose [rad]
_ELBOW_BEND = np.radians(8.0)


def _set(pose: np.ndarray, joint: str, axis_angle: tuple[float, float, float]) -> None:
    pose[JOINT_NAMES.index(joint) - 1] = axis_angle


def t_pose() -> np.ndarray:
    """Arms level, legs nearly vertical: the pose of the model's template."""
    return np.zeros((21, 3), np.float32)


def measuring_pose() -> np.ndarray:
    """The standing pose in which bodies are measured: legs of the T-pose, straight arms lowered to 45 degrees."""
    pose = t_pose()
    _set(pose, "left_shoulder", (0, 0, -ARM_ANGLE))
    _set(pose, "right_shoulder", (0, 0, ARM_ANGLE))
    return pose


def a_pose() -> np.ndarray:
    """The draping pose: arms lowered to 45 degrees, elbows nearly straight, legs 11 degrees apart, soles flat."""
    pose = measuring_pose()
    for side, sign in (("left", 1.0), ("right", -1.0)):
        _set(pose, f"{side}_hip", (0, 0, sign * LEG_SPREAD))
        _set(pose, f"{side}_ankle", (0, 0, -sign * LEG_SPREAD))
        _set(pose, f"{side}_elbow", (0, -sign * _ELBOW_BEND, 0))
    return pose


POSES = {"a_pose": a_pose, "t_pose": t_pose, "measuring_pose": measuring_pose}


def pose_named(name: str) -> np.ndarray:
    """The pose of that name (a_pose, t_pose or measuring_pose)."""
    if name not in POSES:
        raise ValueError(f"no pose '{name}'; there are {', '.join(POSES)}")
    return POSES[name]()
