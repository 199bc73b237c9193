"""Poses every body into one common T-pose by its own joints, and back.

Bones of different bodies point in different directions at Anny's rest (by several degrees), so a common pose has to
be set body by body before shapes can be compared. The T-pose vertices are found by inverting linear blend skinning,
so that skinning them back gives the sculpted rest surface exactly: the surface is best where it was sculpted, with
the arms low, and that is where garments are draped.
"""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from avatars.body_model import JOINT_NAMES, JOINT_PARENTS

__all__ = ["LEG_ANGLE", "posed", "rest_transforms", "t_pose_rotations", "to_t_pose"]

#: Angle of the hip-ankle line outwards from vertical in the T-pose [rad].
LEG_ANGLE = np.radians(2.0)

_J = {name: i for i, name in enumerate(JOINT_NAMES)}


def _minimal_rotation(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Smallest rotations turning directions ``a`` into ``b``, shape [B, 3, 3]."""
    a = a / np.linalg.norm(a, axis=1, keepdims=True)
    b = np.broadcast_to(b / np.linalg.norm(b), a.shape)
    axis = np.cross(a, b)
    cos = (a * b).sum(1)
    k = np.zeros((len(a), 3, 3))
    k[:, 0, 1], k[:, 0, 2], k[:, 1, 2] = -axis[:, 2], axis[:, 1], -axis[:, 0]
    k -= np.swapaxes(k, 1, 2)
    return np.eye(3) + k + (k @ k) / (1 + cos)[:, None, None]


def t_pose_rotations(joints: np.ndarray) -> np.ndarray:
    """World rotation of every joint from Anny's rest to the T-pose.

    Args:
        joints: rest joints [m], shape [B, 55, 3].

    Returns:
        shape [B, 55, 3, 3].
    """
    count = len(joints)
    rotation = np.tile(np.eye(3), (count, len(JOINT_NAMES), 1, 1))
    own = np.zeros(len(JOINT_NAMES), bool)

    def turn(name: str, world: np.ndarray) -> None:
        rotation[:, _J[name]] = world
        own[_J[name]] = True

    for side, x in (("left", 1.0), ("right", -1.0)):
        leg = joints[:, _J[f"{side}_ankle"]] - joints[:, _J[f"{side}_hip"]]
        turn(f"{side}_hip", _minimal_rotation(leg, np.array([x * np.sin(LEG_ANGLE), -np.cos(LEG_ANGLE), 0.0])))
        turn(f"{side}_ankle", np.tile(np.eye(3), (count, 1, 1)))  # soles stay flat
        along = np.array([x, 0.0, 0.0])
        above = np.tile(np.eye(3), (count, 1, 1))
        chain = (f"{side}_shoulder", f"{side}_elbow", f"{side}_wrist", f"{side}_middle1")
        for joint, tip in zip(chain, chain[1:], strict=False):
            bone = joints[:, _J[tip]] - joints[:, _J[joint]]
            above = _minimal_rotation((above @ bone[..., None])[..., 0], along) @ above
            turn(joint, above)
    for j, parent in enumerate(JOINT_PARENTS):
        if parent >= 0 and not own[j]:
            rotation[:, j] = rotation[:, parent]
    return rotation


def rest_transforms(joints: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """T-pose joints [B, 55, 3] (pelvis at the origin) and the maps x -> A x + t from the T-pose to the rest."""
    rotation = t_pose_rotations(joints)
    posed = np.zeros_like(joints)
    for j, parent in enumerate(JOINT_PARENTS):
        if parent >= 0:
            bone = joints[:, j] - joints[:, parent]
            posed[:, j] = posed[:, parent] + (rotation[:, parent] @ bone[..., None])[..., 0]
    inverse = np.swapaxes(rotation, 2, 3)
    return posed, inverse, joints - (inverse @ posed[..., None])[..., 0]


def to_t_pose(vertices: np.ndarray, joints: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """T-pose vertices [B, V, 3] and joints [B, 55, 3] whose skinning to the rest pose gives the rest vertices.

    Args:
        vertices: rest [m], shape [B, V, 3].
        joints: rest [m], shape [B, 55, 3].
        weights: shape [V, 55].
    """
    posed, linear, offset = rest_transforms(joints)
    out = np.empty_like(vertices)
    for b in range(len(vertices)):
        a = (weights @ linear[b].reshape(len(JOINT_NAMES), 9)).reshape(-1, 3, 3)
        out[b] = np.linalg.solve(a, (vertices[b] - weights @ offset[b])[..., None])[..., 0]
    return out, posed


def posed(vertices: np.ndarray, joints: np.ndarray, weights: np.ndarray, body_pose: np.ndarray) -> np.ndarray:
    """One T-pose body in a pose by linear blend skinning [m], shape [V, 3].

    Args:
        vertices: T-pose [m], shape [V, 3].
        joints: T-pose [m], shape [55, 3].
        weights: shape [V, 55].
        body_pose: axis-angle of joints 1-21 [rad], shape [21, 3].
    """
    turn = np.tile(np.eye(3), (len(JOINT_NAMES), 1, 1))
    turn[1:22] = Rotation.from_rotvec(body_pose).as_matrix()
    linear, at = turn.copy(), joints.copy()
    for j, parent in enumerate(JOINT_PARENTS):
        if parent >= 0:
            linear[j] = linear[parent] @ turn[j]
            at[j] = at[parent] + linear[parent] @ (joints[j] - joints[parent])
    offset = at - np.einsum("jab,jb->ja", linear, joints)
    a = (weights @ linear.reshape(-1, 9)).reshape(-1, 3, 3)
    return np.einsum("vab,vb->va", a, vertices) + weights @ offset
