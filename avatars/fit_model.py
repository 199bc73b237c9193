"""The body as the photo fit sees it: betas and one pose per view -> points in the picture, with Jacobians.

Linear blend skinning in NumPy, float64, for chosen vertices only and for a batch of parameter vectors at once: one
batch of finite differences gives the whole Jacobian.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from avatars.body_model import JOINT_PARENTS
from engine.core.types import Camera

__all__ = [
    "POSE_DOFS", "BodyArrays", "View", "project", "project_points", "project_with_jacobian", "rotation",
    "view_parameters",
]

# SMPL-X joints 0..21
PELVIS, L_HIP, R_HIP, SPINE1, L_KNEE, R_KNEE, SPINE2, L_ANKLE, R_ANKLE, SPINE3, L_FOOT, R_FOOT, NECK = range(13)
L_COLLAR, R_COLLAR, HEAD, L_SHOULDER, R_SHOULDER, L_ELBOW, R_ELBOW, L_WRIST, R_WRIST = range(13, 22)


def _dofs() -> tuple[tuple[int, int, float, float], ...]:
    """(joint, axis, mean, standard deviation) [rad] of a person standing for a measuring photo."""
    out: list[tuple[int, int, float, float]] = []

    def joint(number: int, mean: tuple[float, float, float], std: tuple[float, float, float]) -> None:
        out.extend((number, axis, mean[axis], std[axis]) for axis in range(3) if std[axis] > 0)

    for side, (hip, knee, ankle) in ((1, (L_HIP, L_KNEE, L_ANKLE)), (-1, (R_HIP, R_KNEE, R_ANKLE))):
        joint(hip, (-0.03, 0.05 * side, 0.06 * side), (0.07, 0.12, 0.08))
        joint(knee, (0.06, 0.0, 0.0), (0.07, 0.05, 0.03))
        joint(ankle, (0.0, 0.05 * side, 0.0), (0.15, 0.12, 0.10))
    joint(SPINE1, (0.0, 0.0, 0.0), (0.035, 0.03, 0.03))
    joint(SPINE2, (0.0, 0.0, 0.0), (0.035, 0.03, 0.03))
    joint(SPINE3, (0.0, 0.0, 0.0), (0.035, 0.03, 0.03))
    joint(NECK, (0.0, 0.0, 0.0), (0.08, 0.08, 0.06))
    joint(HEAD, (0.0, 0.0, 0.0), (0.10, 0.10, 0.06))
    for side, (collar, shoulder, elbow) in (
        (1, (L_COLLAR, L_SHOULDER, L_ELBOW)), (-1, (R_COLLAR, R_SHOULDER, R_ELBOW)),
    ):
        joint(collar, (0.0, 0.0, -0.05 * side), (0.05, 0.12, 0.12))
        joint(shoulder, (0.0, 0.0, -0.95 * side), (0.15, 0.20, 0.30))
        joint(elbow, (0.10, -0.25 * side, 0.0), (0.20, 0.25, 0.10))
    return tuple(out)


POSE_DOFS = _dofs()
ORIENT = slice(0, 3)  #: small rotation after the view's base rotation [rad]
CENTRE = slice(3, 6)  #: pelvis in the camera's axes [m]
FOCAL = 6  #: logarithm of the focal length over its guess
POSE = slice(7, 7 + len(POSE_DOFS))
PARAMETERS = 7 + len(POSE_DOFS)
SOLE_STD = 0.04  #: [rad]
CAMERA_HEIGHT, CAMERA_HEIGHT_STD = 1.25, 0.22  #: phones are held or put up at chest height [m]
_STEP = 1e-5
_SOLES = np.zeros((2, PARAMETERS))
for _leg, _joints in enumerate(((L_HIP, L_KNEE, L_ANKLE), (R_HIP, R_KNEE, R_ANKLE))):
    for _i, _dof in enumerate(POSE_DOFS):
        if _dof[0] in _joints and _dof[1] == 0:
            _SOLES[_leg, POSE.start + _i] = 1.0
_HANGING = 1.3  #: shoulder rotation from the T-pose with arms hanging [rad]


def rotation(axis_angle: np.ndarray) -> np.ndarray:
    """Rotation matrices of axis-angle vectors (Rodrigues), shape [..., 3] -> [..., 3, 3]."""
    angle = np.linalg.norm(axis_angle, axis=-1)[..., None, None]
    x, y, z = np.moveaxis(axis_angle, -1, 0)
    zero = np.zeros_like(x)
    k = np.stack([zero, -z, y, z, zero, -x, -y, x, zero], -1).reshape(*x.shape, 3, 3)
    small = angle < 1e-6
    safe = np.where(small, 1.0, angle)
    first = np.where(small, 1.0 - angle**2 / 6, np.sin(safe) / safe)
    second = np.where(small, 0.5 - angle**2 / 24, (1 - np.cos(safe)) / safe**2)
    return np.eye(3) + first * k + second * (k @ k)


@dataclass
class View:
    """One photo's camera and pose, as the fit moves them."""

    name: str  #: front or side
    size: tuple[int, int]  #: (width, height) [px]
    focal: float  #: guess of the focal length [px]
    base: np.ndarray  #: rotation of the body into the camera's axes before ``ORIENT``, shape [3, 3]
    q: np.ndarray  #: shape [PARAMETERS]
    pelvis_height: float = 0.9  #: of the pelvis joint above the floor, roughly [m]
    prior_mean: np.ndarray = field(default_factory=lambda: view_parameters()[0])  #: shape [PARAMETERS]
    prior_std: np.ndarray = field(default_factory=lambda: view_parameters()[1])  #: shape [PARAMETERS]

    def standing(self) -> tuple[np.ndarray, np.ndarray]:
        """How unusual the stance is, in standard deviations, shape [3], and its derivatives by q, [3, PARAMETERS].

        The camera's height above the floor, taken along the root's own axis; and for each leg whether its sole is
        parallel to the floor, that is, whether the bends of hip, knee and ankle cancel.
        """

        def height(q: np.ndarray) -> float:
            up = (self.base @ rotation(q[ORIENT]))[:, 1]
            return float(self.pelvis_height - up @ q[CENTRE] - CAMERA_HEIGHT) / CAMERA_HEIGHT_STD

        slopes = np.zeros((3, PARAMETERS))
        for i in range(CENTRE.stop):
            moved = self.q.copy()
            moved[i] += _STEP
            slopes[0, i] = (height(moved) - height(self.q)) / _STEP
        slopes[1:] = _SOLES / SOLE_STD
        return np.concatenate([[height(self.q)], slopes[1:] @ self.q]), slopes

    def camera(self) -> Camera:
        """The camera in a world of the body's axes with the pelvis joint at the origin [m]."""
        focal = self.focal * float(np.exp(self.q[FOCAL]))
        k = np.array([[focal, 0.0, 0.5 * self.size[0]], [0.0, focal, 0.5 * self.size[1]], [0.0, 0.0, 1.0]])
        move = np.eye(4)
        move[:3, :3], move[:3, 3] = self.base, self.q[CENTRE]
        return Camera(k.astype(np.float32), move.astype(np.float32), self.size)


def view_parameters(name: str = "front") -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of a view's parameters before the photo is seen.

    Args:
        name: front (arms away from the body) or side (arms hanging).
    """
    mean, std = np.zeros(PARAMETERS), np.full(PARAMETERS, np.inf)
    std[ORIENT] = (0.07, 0.20, 0.07)
    std[FOCAL] = 0.12
    mean[POSE] = [d[2] for d in POSE_DOFS]
    std[POSE] = [d[3] for d in POSE_DOFS]
    if name == "side":
        for i, (joint, axis, _, _) in enumerate(POSE_DOFS):
            if joint in (L_SHOULDER, R_SHOULDER) and axis == 2:
                mean[POSE.start + i] = _HANGING if joint == R_SHOULDER else -_HANGING
                std[POSE.start + i] = 0.15
    return mean, std


class BodyArrays:
    """Arrays of an SMPL-X-format model in float64.

    Args:
        template: [m], shape [V, 3].
        directions: shape directions, shape [V, 3, K].
        joint_regressor: shape [55, V].
        weights: shape [V, 55].
        faces: shape [F, 3].
        hand_pose: rest rotations of joints 25..54 (axis-angle), shape [30, 3].
        pose_directions: pose correctives, shape [V, 3, 486], or None.
    """

    def __init__(
        self, template, directions, joint_regressor, weights, faces, *, hand_pose=None, pose_directions=None
    ) -> None:
        self.template = np.asarray(template, np.float64)
        self.directions = np.asarray(directions, np.float64)
        regressor = np.asarray(joint_regressor, np.float64)
        self.joints = regressor @ self.template
        self.joint_directions = np.einsum("jv,vck->jck", regressor, self.directions, optimize=True)
        self.weights = np.asarray(weights, np.float64)
        self.faces = np.asarray(faces, np.int64)
        self.hand_pose = np.zeros((30, 3)) if hand_pose is None else np.asarray(hand_pose, np.float64)
        self.pose_directions = pose_directions
        self.segment = np.argmax(self.weights, axis=1)  #: joint that moves each vertex most, shape [V]

    @property
    def shape_count(self) -> int:
        """Number of betas."""
        return self.directions.shape[2]

    def angles(self, q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Axis-angles of the root, shape [3], and of joints 1-21, shape [21, 3], from a view's parameters."""
        angles = np.zeros((22, 3))
        angles[[d[0] for d in POSE_DOFS], [d[1] for d in POSE_DOFS]] = q[POSE]
        return q[ORIENT].copy(), angles[1:]

    def local_rotations(self, pose: np.ndarray) -> np.ndarray:
        """Rotations of all joints but the root's from pose degrees of freedom, shape [B, D] -> [B, 55, 3, 3]."""
        batch = len(pose)
        angles = np.zeros((batch, 55, 3))
        angles[:, [d[0] for d in POSE_DOFS], [d[1] for d in POSE_DOFS]] = pose
        angles[:, 25:] = self.hand_pose
        return rotation(angles)

    def _chain(self, joints: np.ndarray, q: np.ndarray, base: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Rotations, shape [B, 55, 3, 3], and places of the joints [m], shape [B, 55, 3], in the camera's axes."""
        local = self.local_rotations(q[:, POSE])
        turn = np.empty_like(local)
        place = np.empty(local.shape[:-1])
        turn[:, 0] = base @ rotation(q[:, ORIENT])
        place[:, 0] = q[:, CENTRE]
        for j in range(1, 55):
            p = JOINT_PARENTS[j]
            turn[:, j] = turn[:, p] @ local[:, j]
            place[:, j] = place[:, p] + turn[:, p] @ (joints[j] - joints[p])
        return turn, place

    def _shaped(self, betas: np.ndarray, q: np.ndarray, ids) -> np.ndarray:
        """Vertices before skinning [m], shape [N, 3]: shape and pose correctives."""
        rest = self.template[ids] + self.directions[ids] @ betas
        if self.pose_directions is not None:
            bend = (self.local_rotations(q[None, POSE])[0, 1:] - np.eye(3)).reshape(-1)
            rest = rest + self.pose_directions[ids] @ bend.astype(self.pose_directions.dtype)
        return rest

    def posed(self, betas: np.ndarray, q: np.ndarray, base: np.ndarray, ids=slice(None)):
        """Vertices ``ids`` and joints in the camera's axes [m], shapes [N, 3] and [55, 3]."""
        joints = self.joints + self.joint_directions @ betas
        turn, place = (a[0] for a in self._chain(joints, q[None], base))
        shift = place - (turn @ joints[..., None])[..., 0]
        blend = (self.weights[ids] @ np.concatenate([turn, shift[..., None]], -1).reshape(55, 12)).reshape(-1, 3, 4)
        rest = self._shaped(betas, q, ids)
        return (blend[..., :3] @ rest[..., None])[..., 0] + blend[..., 3], place

    def slopes(self, betas: np.ndarray, q: np.ndarray, base: np.ndarray, ids: np.ndarray, free: np.ndarray):
        """Derivatives of :meth:`posed` by the betas (exact) and by the view parameters ``free`` (differences).

        The change of pose correctives with the pose is left out: it is small, and they are in the points themselves.

        Returns:
            Of vertices: [N, 3, K] and [N, 3, Q]; of joints: [55, 3, K] and [55, 3, Q].
        """
        joints = self.joints + self.joint_directions @ betas
        many = np.tile(q, (1 + len(free), 1))
        many[1 + np.arange(len(free)), free] += _STEP
        turn, place = self._chain(joints, many, base)
        shift = place - (turn @ joints[..., None])[..., 0]
        weights, rest = self.weights[ids], self._shaped(betas, q, ids)
        # sum over joints of weight * (turn @ rest + shift) as one matrix product
        change = np.concatenate([turn, shift[..., None]], -1)
        change = (change[1:] - change[0]) / _STEP
        carried = weights[:, :, None] * np.concatenate([rest, np.ones((len(rest), 1))], 1)[:, None, :]
        by_q = carried.reshape(len(rest), 55 * 4) @ change.transpose(1, 3, 2, 0).reshape(55 * 4, -1)
        moved = np.zeros_like(self.joint_directions)
        for j in range(1, 55):
            p = JOINT_PARENTS[j]
            moved[j] = moved[p] + turn[0, p] @ (self.joint_directions[j] - self.joint_directions[p])
        slide = moved - turn[0] @ self.joint_directions
        turned = (weights @ turn[0].reshape(55, 9)).reshape(-1, 3, 3)
        slid = (weights @ slide.reshape(55, -1)).reshape(len(rest), 3, self.shape_count)
        by_betas = turned @ self.directions[ids] + slid
        joints_by_q = np.moveaxis((place[1:] - place[0]) / _STEP, 0, -1)
        return by_betas, by_q.reshape(len(rest), 3, len(free)), moved, joints_by_q

    def rest(self, betas: np.ndarray) -> np.ndarray:
        """Vertices in the template's pose [m], shape [V, 3]."""
        return self.template + self.directions @ betas


def project(points: np.ndarray, view: View) -> np.ndarray:
    """Camera axes [m] to pixels, shape [N, 3] -> [N, 2]; the principal point is the middle of the picture."""
    focal = view.focal * np.exp(view.q[FOCAL])
    return focal * points[:, :2] / np.maximum(points[:, 2:], 0.05) + 0.5 * np.asarray(view.size, np.float64)


def project_points(body: BodyArrays, betas: np.ndarray, view: View, ids, regressor: np.ndarray) -> np.ndarray:
    """Vertices ``ids`` and landmarks of a view in pixels, shape [N + L, 2]."""
    vertices, joints = body.posed(betas, view.q, view.base, ids)
    return project(np.concatenate([vertices, regressor @ joints]), view)


def project_with_jacobian(
    body: BodyArrays, betas: np.ndarray, view: View, ids: np.ndarray, regressor: np.ndarray, free: np.ndarray
):
    """Vertices and landmarks of a view in pixels, with derivatives.

    Args:
        ids: vertices wanted, shape [N].
        regressor: landmarks as combinations of the joints, shape [L, 55].
        free: numbers of the view parameters that move, shape [Q].

    Returns:
        Pixels, shape [N + L, 2]; derivatives by betas and the free view parameters, shape [N + L, 2, K + Q].
    """
    vertices, joints = body.posed(betas, view.q, view.base, ids)
    points = np.concatenate([vertices, regressor @ joints])
    by_betas, by_q, joints_by_betas, joints_by_q = body.slopes(betas, view.q, view.base, ids, free)
    by_joints = np.tensordot(regressor, np.concatenate([joints_by_betas, joints_by_q], -1), axes=1)
    moves = np.concatenate([np.concatenate([by_betas, by_q], -1), by_joints])
    focal = view.focal * np.exp(view.q[FOCAL])
    depth = np.maximum(points[:, 2], 0.05)[:, None, None]
    slant = points[:, :2, None] / depth
    slopes = focal / depth * (moves[:, :2] - slant * moves[:, 2:])
    if FOCAL in free:
        slopes[..., body.shape_count + int(np.nonzero(free == FOCAL)[0][0])] = focal * slant[..., 0]
    return project(points, view), slopes
