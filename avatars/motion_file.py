"""Reads motions in the layout of AMASS and SMPL-X: an .npz with poses, root translation and frame rate."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.spatial.transform import Rotation, Slerp

from engine.core.errors import InputError
from engine.core.safe_io import load_npz

__all__ = ["RecordedMotion", "read_motion"]

MAX_BYTES = 256 << 20
MAX_SECONDS = 60.0
MAX_FRAMES = 200_000
RATES = ("mocap_framerate", "mocap_frame_rate", "fps")
_HINT = "give an .npz in SMPL-X's layout: poses [F, 165] (or root_orient and pose_body), trans and mocap_frame_rate"


@dataclass(frozen=True)
class RecordedMotion:
    """A motion in our world: +Y up, facing +Z at first, above the origin."""

    turns: np.ndarray  #: rotation vectors of pelvis and body joints [rad], shape [F, 22, 3]
    trans: np.ndarray  #: translation of the model [m], shape [F, 3]


def read_motion(path: str | Path, *, fps: float, pelvis: np.ndarray, seconds: float | None = None) -> RecordedMotion:
    """Reads a motion and samples it at ``fps``.

    The file's up axis (+Z in AMASS, +Y elsewhere) is told by which way the body stands on the whole.

    Args:
        pelvis: the body's pelvis in the T-pose [m], shape [3], about which the file's rotations turn it.
        seconds: at most so much of it.

    Raises:
        InputError: the file is not such a motion; the message names the array.
    """
    path = Path(path)
    if path.suffix.lower() != ".npz":
        raise InputError("motion.format", f"{path}: motions are read from .npz files", _HINT)
    arrays = load_npz(path, what="motion file", limit=MAX_BYTES)
    poses, trans, rate = _poses(arrays, path), _trans(arrays, path), _rate(arrays, path)
    if len(trans) != len(poses):
        raise _bad(path, f"'trans' has {len(trans)} frames, the poses {len(poses)}")
    longest = min(MAX_SECONDS, seconds or MAX_SECONDS)
    last = min((len(poses) - 1) / rate, longest)
    at = np.arange(int(math.floor(last * fps + 1e-6)) + 1) / fps
    known = np.arange(len(poses)) / rate
    turns = np.stack(
        [Slerp(known, Rotation.from_rotvec(poses[:, j]))(at).as_rotvec() for j in range(poses.shape[1])], axis=1
    )
    trans = np.stack([np.interp(at, known, trans[:, a]) for a in range(3)], axis=1)
    return _upright(turns, trans, np.asarray(pelvis, np.float64))


def _bad(path: Path, what: str) -> InputError:
    return InputError("motion.damaged", f"{path}: {what}", _HINT)


def _numbers(arrays: dict[str, np.ndarray], name: str, path: Path) -> np.ndarray:
    a = arrays[name]
    if a.dtype.kind not in "fiu":
        raise _bad(path, f"'{name}' holds no numbers")
    if not np.isfinite(a).all():
        raise _bad(path, f"'{name}' holds values that are not finite")
    return np.asarray(a, np.float64)


def _poses(arrays: dict[str, np.ndarray], path: Path) -> np.ndarray:
    """Rotation vectors of pelvis and body joints, shape [F, 22, 3]."""
    if "poses" in arrays:
        poses = _numbers(arrays, "poses", path)
        if poses.ndim != 2 or poses.shape[1] < 66:
            raise _bad(path, f"'poses' has shape {arrays['poses'].shape}, expected [frames, 66 or more]")
        poses = poses[:, :66]
    elif "root_orient" in arrays and "pose_body" in arrays:
        root, body = (_numbers(arrays, name, path) for name in ("root_orient", "pose_body"))
        if root.ndim != 2 or body.ndim != 2 or root.shape[1:] != (3,) or body.shape != (len(root), 63):
            raise _bad(path, f"'root_orient' {root.shape} and 'pose_body' {body.shape} are not [frames, 3] and "
                       "[frames, 63]")  # fmt: skip
        poses = np.concatenate([root, body], axis=1)
    else:
        raise _bad(path, "has neither 'poses' nor 'root_orient' and 'pose_body'")
    if not 2 <= len(poses) <= MAX_FRAMES:
        raise _bad(path, f"has {len(poses)} frames, expected 2 to {MAX_FRAMES:,}")
    return poses.reshape(-1, 22, 3)


def _trans(arrays: dict[str, np.ndarray], path: Path) -> np.ndarray:
    name = next((n for n in ("trans", "transl") if n in arrays), None)
    if name is None:
        raise _bad(path, "has no 'trans'")
    trans = _numbers(arrays, name, path)
    if trans.ndim != 2 or trans.shape[1] != 3:
        raise _bad(path, f"'{name}' has shape {arrays[name].shape}, expected [frames, 3]")
    return trans


def _rate(arrays: dict[str, np.ndarray], path: Path) -> float:
    name = next((n for n in RATES if n in arrays), None)
    if name is None:
        raise _bad(path, f"has no frame rate ('{RATES[0]}')")
    value = _numbers(arrays, name, path).ravel()
    if len(value) != 1 or not 1.0 <= value[0] <= 1000.0:
        raise _bad(path, f"'{name}' is not one number from 1 to 1000")
    return float(value[0])


def _upright(turns: np.ndarray, trans: np.ndarray, pelvis: np.ndarray) -> RecordedMotion:
    """Turns the whole motion so that +Y is up and the first frame faces +Z above the origin."""
    root = Rotation.from_rotvec(turns[:, 0])
    up = root.apply([0.0, 1.0, 0.0]).mean(0)
    whole = Rotation.from_rotvec([-np.pi / 2, 0, 0]) if up[2] > up[1] else Rotation.identity()
    front = (whole * root[0]).apply([0.0, 0.0, 1.0])
    whole = Rotation.from_rotvec([0, -np.arctan2(front[0], front[2]), 0]) * whole
    turned = turns.copy()
    turned[:, 0] = (whole * root).as_rotvec()
    moved = whole.apply(pelvis + trans) - pelvis
    moved[:, [0, 2]] -= moved[0, [0, 2]]
    return RecordedMotion(turned, moved)
