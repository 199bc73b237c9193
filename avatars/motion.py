"""Sets a dressed body in motion: from the pose in which it was dressed into a motion of ours or a recorded one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from scipy.spatial.transform import Rotation

from avatars.body_model import JOINT_NAMES, BodyModel
from avatars.measure_topology import topology_of
from avatars.motion_curves import BODY_JOINTS, CURVES, Curve
from avatars.motion_file import read_motion
from avatars.open_body import load_open_body
from avatars.parting import Parting
from engine.core.errors import InputError, UnsupportedError
from engine.core.types import Body, BodyMotion

__all__ = ["MOTIONS", "is_cyclic", "move", "move_to_pose"]

MOTIONS = tuple(CURVES)
FPS = 30.0
LEAD_IN = 0.9  #: time from the dressing pose into the motion [s]
POSE_FPS = 20.0  #: of the way into a pose, of which only the end is looked at
REST = 0.5  #: time that a pose is held after the way into it, for the clothes to come to rest [s]
MAX_SECONDS = 60.0
Progress = Callable[[float, str], None]


def move(
    body: Body, motion: str, *, seconds: float | None = None, progress: Progress | None = None,
    model: BodyModel | None = None,
) -> BodyMotion:  # fmt: skip
    """A body in motion at 30 frames a second.

    Args:
        body: in the pose in which it was dressed, where the motion starts.
        motion: a name of ``MOTIONS``, or an .npz file in AMASS's or SMPL-X's layout.
        seconds: length without the lead-in; by default the motion's own.

    Raises:
        InputError: no such motion, a damaged file, or a length out of range.
        UnsupportedError: the body is of a model that does not ship with Toile.
    """
    if seconds is not None and not 0.1 <= seconds <= MAX_SECONDS:
        what = f"--seconds {seconds:g}: is not between 0.1 and {MAX_SECONDS:g}"
        raise InputError("motion.seconds", what, "give another length")
    model = model or _model_of(body)
    curve = CURVES.get(motion)
    if curve is not None:
        vectors, trans = _curve_frames(curve, seconds)
    elif Path(motion).suffix or Path(motion).exists():
        rest = _forward(model, body, np.zeros((1, BODY_JOINTS, 3)), hands=False)[1][0]
        recorded = read_motion(motion, fps=FPS, pelvis=rest[0], seconds=seconds)
        vectors, trans = recorded.turns, recorded.trans
    else:
        known = f"one of {', '.join(MOTIONS)}, or an .npz file"
        raise InputError("motion.unknown", f"no motion is called '{motion}'", known)
    walking = curve is not None and curve.feet == "walking"
    return _in_motion(model, body, Path(motion).stem, vectors, trans, walking=walking, fps=FPS, progress=progress)


def move_to_pose(
    body: Body, body_pose: np.ndarray, *, progress: Progress | None = None, model: BodyModel | None = None
) -> BodyMotion:
    """A body on its way from the pose in which it was dressed into another one, which it then holds for a while.

    It goes on facing +Z.

    Args:
        body_pose: axis-angle of joints 1-21 at the end [rad], shape [21, 3].

    Raises:
        UnsupportedError: the body is of a model that does not ship with Toile.
    """
    goal = np.concatenate([np.zeros((1, 3)), np.reshape(body_pose, (21, 3))]).astype(np.float64)
    held = np.repeat(goal[None], int(round(REST * POSE_FPS)), axis=0)
    model = model or _model_of(body)
    return _in_motion(model, body, "pose", held, None, walking=False, fps=POSE_FPS, progress=progress)


def _in_motion(
    model: BodyModel, body: Body, name: str, vectors: np.ndarray, trans: np.ndarray | None, *, walking: bool,
    fps: float, progress: Progress | None,
) -> BodyMotion:  # fmt: skip
    """The body in frames of rotation vectors [F, 22, 3] and translations [F, 3] (or None), with the way into them."""
    lead = int(round(LEAD_IN * fps))
    vectors = _eased(_pose_of(body), vectors, lead)
    vertices, joints, turns = _posed_frames(model, body, vectors, progress)
    shift = _shifts(body, vertices, joints, None if trans is None else np.concatenate([trans[:1]] * lead + [trans]),
                    lead, walking=walking)  # fmt: skip
    vertices, joints = vertices + shift[:, None], joints + shift[:, None]
    contact, warnings = _contact(model, body, vertices, progress)
    rest_vertices, rest_joints, _ = _forward(model, body, np.zeros((1, BODY_JOINTS, 3)), hands=False)
    return BodyMotion(
        name=name, rest_vertices=rest_vertices[0].astype(np.float32),
        rest_joints=rest_joints[0].astype(np.float32), turns=turns.astype(np.float32),
        joints=joints.astype(np.float32), vertices=vertices.astype(np.float32), contact_vertices=contact, fps=fps,
        lead_in=lead, warnings=warnings,
    )  # fmt: skip


def is_cyclic(motion: str) -> bool:
    """Whether a motion ends as it begins, to be shown over and over."""
    return motion in CURVES and CURVES[motion].cyclic


def _model_of(body: Body) -> BodyModel:
    if body.model != "open_body":
        raise UnsupportedError("motion.model", f"the body is of the model '{body.model}', which is not at hand",
                               "dress an open body (toile avatar, toile fit)")  # fmt: skip
    return load_open_body()


def _pose_of(body: Body) -> np.ndarray:
    return np.concatenate([body.global_orient[None], body.body_pose]).astype(np.float64)


def _curve_frames(curve: Curve, seconds: float | None) -> tuple[np.ndarray, None]:
    length = seconds or curve.seconds
    return curve.pose(np.arange(int(round(length * FPS)) + 1) / FPS), None


def _eased(start: np.ndarray, vectors: np.ndarray, lead: int) -> np.ndarray:
    """Frames from the starting pose into the motion, whose first frame is held meanwhile, and then the motion.

    Speeds are continuous: the share of the motion's pose grows as a smooth step over the lead-in and, so that a motion
    that is in full swing at its first frame is not begun with a jerk, for as long again within the motion.
    """
    held = np.concatenate([np.repeat(vectors[:1], lead, axis=0), vectors])
    t = np.arange(len(held)) / lead
    share = np.clip(t, 0, 1)
    share = share * share * (3 - 2 * share)
    out = np.empty_like(held)
    for j in range(held.shape[1]):
        first = Rotation.from_rotvec(start[j])
        way = (first.inv() * Rotation.from_rotvec(held[:, j])).as_rotvec()
        out[:, j] = (first * Rotation.from_rotvec(way * share[:, None])).as_rotvec()
    return out


def _forward(
    model: BodyModel, body: Body, vectors: np.ndarray, *, hands: bool = True
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vertices, joints [m] and joints' rotations of frames; rotation vectors, shape [F, 22, 3]."""
    frames = len(vectors)
    row = lambda a: torch.as_tensor(np.asarray(a, np.float64))  # noqa: E731
    same = lambda a: row(a)[None].expand(frames, *a.shape)  # noqa: E731
    left, right = (body.left_hand_pose, body.right_hand_pose) if hands else (-model.hands_mean[0], -model.hands_mean[1])
    with torch.no_grad():
        v, j, turns = model.forward_turns(
            betas=same(body.betas), global_orient=row(vectors[:, 0]), body_pose=row(vectors[:, 1:]),
            left_hand_pose=same(left.reshape(15, 3)), right_hand_pose=same(right.reshape(15, 3)),
        )  # fmt: skip
    return v.numpy(), j.numpy(), turns.numpy()


def _posed_frames(
    model: BodyModel, body: Body, vectors: np.ndarray, progress: Progress | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    parts = []
    for k in range(0, len(vectors), 8):
        parts.append(_forward(model, body, vectors[k : k + 8]))
        if progress:
            progress(0.3 * k / len(vectors), "posing the body")
    return tuple(np.concatenate(p) for p in zip(*parts, strict=True))


def _shifts(
    body: Body, vertices: np.ndarray, joints: np.ndarray, trans: np.ndarray | None, lead: int, *, walking: bool
) -> np.ndarray:
    """Translation of every frame [m], shape [F, 3]: soles on the floor, feet or pelvis where they were at first."""
    lowest = vertices[:, :, 1].min(1)
    if trans is not None:
        shift = trans.copy()
        shift[:, 1] -= (lowest + trans[:, 1])[lead:].min()
        share = np.clip(np.arange(len(shift)) / lead, 0, 1)[:, None]
        share = share * share * (3 - 2 * share)
        return body.transl * (1 - share) + shift * share
    ankles = [JOINT_NAMES.index(f"{side}_ankle") for side in ("left", "right")]
    anchor = joints[:, 0] if walking else joints[:, ankles].mean(1)
    shift = anchor[:1] - anchor + body.transl
    ground = -lowest
    smooth = ground.copy()
    smooth[1:-1] = 0.25 * ground[:-2] + 0.5 * ground[1:-1] + 0.25 * ground[2:]
    shift[:, 1] = np.maximum(smooth, ground)  # no sole sinks into the floor
    return shift


def _contact(
    model: BodyModel, body: Body, vertices: np.ndarray, progress: Progress | None
) -> tuple[np.ndarray, tuple[str, ...]]:
    """The surface for cloth in every frame [m], shape [F, C, 3], with room for cloth between limbs that press."""
    topology = topology_of(model)
    parting = Parting(topology.contact_faces, body.contact_segment)
    out, deepest = np.empty((len(vertices), len(topology.contact_index), 3), np.float32), 0.0
    for f, frame in enumerate(vertices):
        surface = topology.contact_vertices(frame) if f else body.contact_vertices
        out[f], pressed = parting.part(surface) if f else (surface, 0.0)
        deepest = max(deepest, pressed)
        if progress:
            progress(0.3 + 0.7 * f / len(vertices), "the body's surface for cloth")
    warnings = () if deepest < 0.02 else (
        f"limbs of this motion run {1000 * deepest:.0f} mm into each other: cloth between them has nowhere to go",)
    return out, warnings
