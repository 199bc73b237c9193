"""The body as the photo fit sees it: betas and one pose per view -> points in the picture, with Jacobians.

Linear blend skinning in NumPy, float64, for chosen vertices only and for a batch of parameter vectors at once: one
batch of finite differences gives the whole Jacobian.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from avatars.body_model import JOINT_PARENTS

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
        joint(hip, (0.0, 0.05 * side, 0.06 * side), (0.15, 0.15, 0.12))
        joint(knee, (0.05, 0.0, 0.0), (0.12, 0.06, 0.04))
        joint(ankle, (0.0, 0.05 * side, 0.0), (0.15, 0.12, 0.10))
    joint(SPINE1, (0.0, 0.0, 0.0), (0.08, 0.04, 0.05))
    joint(SPINE2, (0.0, 0.0, 0.0), (0.08, 0.04, 0.05))
    joint(SPINE3, (0.0, 0.0, 0.0), (0.08, 0.04, 0.05))
    joint(NECK, (0.0, 0.0, 0.0), (0.15, 0.10, 0.10))
    joint(HEAD, (0.0, 0.0, 0.0), (0.15, 0.15, 0.10))
    for side, (collar, shoulder, elbow) in (
        (1, (L_COLLAR, L_SHOULDER, L_ELBOW)), (-1, (R_COLLAR, R_SHOULDER, R_ELBOW)),
    ):
        joint(collar, (0.0, 0.0, -0.05 * side), (0.05, 0.12, 0.12))
        joint(shoulder, (0.0, 0.0, -0.85 * side), (0.30, 0.35, 0.40))
        joint(elbow, (0.0, -0.20 * side, 0.0), (0.15, 0.30, 0.15))
    return tuple(out)


POSE_DOFS = _dofs()
ORIENT = slice(0, 3)  #: small rotation after the view's base rotation [rad]
CENTRE = slice(3, 6)  #: pelvis in the camera's axes [m]
FOCAL = 6  #: logarithm of the focal length over its guess
POSE = slice(7, 7 + len(POSE_DOFS))
PARAMETERS = 7 + len(POSE_DOFS)
_STEP = 1e-5


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
    prior_mean: np.ndarray = field(default_factory=lambda: view_parameters()[0])  #: shape [PARAMETERS]
    prior_std: np.ndarray = field(default_factory=lambda: view_parameters()[1])  #: shape [PARAMETERS]


def view_parameters() -> tuple[np.ndarray, np.ndarray]:
    """Mean and standard deviation of a view's parameters before the photo is seen."""
    mean, std = np.zeros(PARAMETERS), np.full(PARAMETERS, np.inf)
    std[ORIENT] = (0.12, 0.25, 0.06)
    std[FOCAL] = 0.12
    mean[POSE] = [d[2] for d in POSE_DOFS]
    std[POSE] = [d[3] for d in POSE_DOFS]
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

    def local_rotations(self, pose: np.ndarray) -> np.ndarray:
        """Rotations of all joints but the root's from pose degrees of freedom, shape [B, D] -> [B, 55, 3, 3]."""
        batch = len(pose)
        angles = np.zeros((batch, 55, 3))
        angles[:, [d[0] for d in POSE_DOFS], [d[1] for d in POSE_DOFS]] = pose
        angles[:, 25:] = self.hand_pose
        return rotation(angles)

    def transforms(self, betas: np.ndarray, q: np.ndarray, base: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Skinning transforms into the camera's axes, shape [B, 55, 3, 4], and posed joints [m], shape [B, 55, 3]."""
        joints = self.joints + np.einsum("bk,jck->bjc", betas, self.joint_directions)
        local = self.local_rotations(q[:, POSE])
        turn = np.empty_like(local)
        place = np.empty_like(joints)
        turn[:, 0] = base @ rotation(q[:, ORIENT])
        place[:, 0] = q[:, CENTRE]
        for j in range(1, 55):
            p = JOINT_PARENTS[j]
            turn[:, j] = turn[:, p] @ local[:, j]
            place[:, j] = place[:, p] + np.einsum("bij,bj->bi", turn[:, p], joints[:, j] - joints[:, p])
        shift = place - np.einsum("bjik,bjk->bji", turn, joints)
        return np.concatenate([turn, shift[..., None]], axis=-1), place

    def points(self, betas: np.ndarray, q: np.ndarray, base: np.ndarray, ids=slice(None)):
        """Vertices ``ids`` and joints in the camera's axes [m], shapes [B, N, 3] and [B, 55, 3]."""
        moves, joints = self.transforms(betas, q, base)
        batch = len(betas)
        rest = self.template[ids] + np.tensordot(betas, self.directions[ids], axes=(1, 2))
        if self.pose_directions is not None:
            # correctives of the first pose for the whole batch: their change over a step is of second order
            bend = (self.local_rotations(q[:1, POSE])[0, 1:] - np.eye(3)).reshape(-1)
            rest = rest + self.pose_directions[ids] @ bend.astype(self.pose_directions.dtype)
        blend = (self.weights[ids] @ np.moveaxis(moves, 0, 1).reshape(55, batch * 12)).reshape(-1, batch, 3, 4)
        posed = np.einsum("nbij,bnj->bni", blend[..., :3], rest) + np.moveaxis(blend[..., 3], 1, 0)
        return posed, joints

    def rest(self, betas: np.ndarray) -> np.ndarray:
        """Vertices in the template's pose [m], shape [V, 3]."""
        return self.template + self.directions @ betas


def project(points: np.ndarray, view: View, log_focal: np.ndarray) -> np.ndarray:
    """Camera axes [m] to pixels, shape [B, N, 3] -> [B, N, 2]; principal point in the middle of the picture."""
    focal = view.focal * np.exp(np.asarray(log_focal))[:, None, None]
    return focal * points[..., :2] / np.maximum(points[..., 2:], 0.05) + 0.5 * np.asarray(view.size, np.float64)


def project_with_jacobian(
    body: BodyArrays, betas: np.ndarray, view: View, ids: np.ndarray, regressor: np.ndarray, free: np.ndarray
):
    """Vertices and landmarks of a view in pixels, with derivatives.

    Args:
        ids: vertices wanted, shape [N].
        regressor: landmarks as combinations of the joints, shape [L, 55].
        free: numbers of the view parameters that move, shape [Q].

    Returns:
        Pixels, shape [N + L, 2]; derivatives by betas [N + L, 2, K]; by the free view parameters [N + L, 2, Q].
    """
    count = body.shape_count
    batch = 1 + count + len(free)
    b = np.tile(betas, (batch, 1))
    q = np.tile(view.q, (batch, 1))
    b[1 + np.arange(count), np.arange(count)] += _STEP
    q[1 + count + np.arange(len(free)), free] += _STEP
    pixels = project_points(body, b, q, view, ids, regressor)
    slopes = np.moveaxis((pixels[1:] - pixels[0]) / _STEP, 0, -1)
    return pixels[0], slopes[..., :count], slopes[..., count:]


def project_points(body: BodyArrays, b: np.ndarray, q: np.ndarray, view: View, ids, regressor) -> np.ndarray:
    """Vertices ``ids`` and landmarks for a batch of betas [B, K] and view parameters [B, P]: pixels [B, N + L, 2]."""
    vertices, joints = body.points(b, q, view.base, ids)
    return project(np.concatenate([vertices, regressor @ joints], axis=1), view, q[:, FOCAL])
