"""Exponential and logarithm of rotations (SO(3)) and rigid motions (SE(3)), with PyTorch3D's names."""

from __future__ import annotations

import torch

from engine.core.errors import ArgumentError
from render.diff.rotations import matrix_to_axis_angle

__all__ = ["acos_linear_extrapolation", "hat", "hat_inv", "se3_exp_map", "se3_log_map", "so3_exp_map", "so3_log_map"]
__all__ += ["so3_relative_angle", "so3_rotation_angle"]


def acos_linear_extrapolation(x: torch.Tensor, bounds=(-1.0 + 1e-4, 1.0 - 1e-4)) -> torch.Tensor:
    """Arc cosine that goes on along its tangents outside the bounds, so that its gradient is finite everywhere."""
    low, high = bounds
    if not -1.0 < low <= high < 1.0:
        raise ArgumentError(
            "rotation.bounds", f"the bounds {low} and {high}", "both inside -1 to 1, the lower one first"
        )
    inside = x.clamp(low, high)
    return torch.acos(inside) - (x - inside) / torch.sqrt(1 - inside.detach() ** 2)


def hat(v: torch.Tensor) -> torch.Tensor:
    """[n, 3] to the matrices [n, 3, 3] that multiply as the cross product with v."""
    if v.ndim != 2 or v.shape[1] != 3:
        raise ArgumentError("rotation.shape", f"vectors of shape {tuple(v.shape)}", "[n, 3] is wanted")
    x, y, z = v.unbind(1)
    o = torch.zeros_like(x)
    return torch.stack((o, -z, y, z, o, -x, -y, x, o), 1).reshape(-1, 3, 3)


def hat_inv(h: torch.Tensor) -> torch.Tensor:
    """Skew-symmetric [n, 3, 3] to [n, 3]."""
    _check_matrices(h, 3)
    if bool(((h + h.transpose(1, 2)).abs() > 1e-5).any()):
        raise ArgumentError("rotation.skew", "a matrix is not skew-symmetric", "hat_inv is for results of hat")
    return torch.stack((h[:, 2, 1], h[:, 0, 2], h[:, 1, 0]), 1)


def so3_exp_map(log_rot: torch.Tensor, eps: float = 1e-4) -> torch.Tensor:
    """Vectors [n, 3] along the axis, as long as the angle [rad], to [n, 3, 3] (Rodrigues); below ``eps`` the angle
    counts as ``eps`` in the coefficients."""
    return _exponential(log_rot, eps)[0]


def so3_log_map(R: torch.Tensor, eps: float = 1e-4, cos_bound: float = 1e-4) -> torch.Tensor:
    """[n, 3, 3] to [n, 3], the inverse of :func:`so3_exp_map` for angles up to half a turn.

    By way of quaternions, which lose no digits at any angle; the two limits are accepted and change nothing.
    """
    _check_matrices(R, 3)
    return matrix_to_axis_angle(R)


def so3_rotation_angle(
    R: torch.Tensor, eps: float = 1e-4, cos_angle: bool = False, cos_bound: float = 1e-4
) -> torch.Tensor:
    """Angles [n] of rotations [n, 3, 3], or their cosines; within ``cos_bound`` of 1 and -1 along the tangent."""
    _check_matrices(R, 3)
    trace = R[:, 0, 0] + R[:, 1, 1] + R[:, 2, 2]
    if bool(((trace < -1.0 - eps) | (trace > 3.0 + eps)).any()):
        raise ArgumentError("rotation.trace", "a matrix has a trace outside -1 to 3", "it is no rotation")
    cosine = (trace - 1.0) / 2
    if cos_angle:
        return cosine
    if cos_bound > 0:
        return acos_linear_extrapolation(cosine, (-(1.0 - cos_bound), 1.0 - cos_bound))
    return torch.acos(cosine)


def so3_relative_angle(
    R1: torch.Tensor, R2: torch.Tensor, cos_angle: bool = False, cos_bound: float = 1e-4, eps: float = 1e-4
) -> torch.Tensor:
    """Angles [n] between rotations, or their cosines."""
    return so3_rotation_angle(R1 @ R2.transpose(1, 2), cos_angle=cos_angle, cos_bound=cos_bound, eps=eps)


def se3_exp_map(log_transform: torch.Tensor, eps: float = 1e-4) -> torch.Tensor:
    """Motions [n, 6] (translation, then rotation) to matrices [n, 4, 4] that act on row vectors."""
    if log_transform.ndim != 2 or log_transform.shape[1] != 6:
        raise ArgumentError("rotation.shape", f"motions of shape {tuple(log_transform.shape)}", "[n, 6] is wanted")
    shift, log_rot = log_transform[:, :3], log_transform[:, 3:]
    rotation, skew, square, angle = _exponential(log_rot, eps)
    place = (_left(skew, square, angle) @ shift[:, :, None])[:, :, 0]
    out = torch.zeros((len(shift), 4, 4), dtype=shift.dtype, device=shift.device)
    out[:, :3, :3], out[:, 3, :3], out[:, 3, 3] = rotation.transpose(1, 2), place, 1.0
    return out


def se3_log_map(transform: torch.Tensor, eps: float = 1e-4, cos_bound: float = 1e-4) -> torch.Tensor:
    """Matrices [n, 4, 4] that act on row vectors to motions [n, 6], the inverse of :func:`se3_exp_map`."""
    _check_matrices(transform, 4)
    if not torch.allclose(transform[:, :3, 3], torch.zeros_like(transform[:, :3, 3])):
        raise ArgumentError("rotation.motion", "the last column is not 0 0 0 1", "a rigid motion is wanted")
    log_rot = so3_log_map(transform[:, :3, :3].transpose(1, 2), eps=eps, cos_bound=cos_bound)
    _, skew, square, angle = _exponential(log_rot, eps)
    shift = torch.linalg.solve(_left(skew, square, angle), transform[:, 3, :3, None])[:, :, 0]
    return torch.cat((shift, log_rot), 1)


def _exponential(log_rot: torch.Tensor, eps: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Rotations, the cross products' matrices, their squares, and angles of at least ``eps``."""
    skew = hat(log_rot)
    angle = (log_rot * log_rot).sum(1).clamp(min=eps**2).sqrt()[:, None, None]
    square = skew @ skew
    one = torch.eye(3, dtype=log_rot.dtype, device=log_rot.device)
    return one + torch.sin(angle) / angle * skew + (1 - torch.cos(angle)) / angle**2 * square, skew, square, angle


def _left(skew: torch.Tensor, square: torch.Tensor, angle: torch.Tensor) -> torch.Tensor:
    """What turns a motion's first three numbers into its translation (the left Jacobian of SO(3))."""
    one = torch.eye(3, dtype=skew.dtype, device=skew.device)
    return one + (1 - torch.cos(angle)) / angle**2 * skew + (angle - torch.sin(angle)) / angle**3 * square


def _check_matrices(matrices: torch.Tensor, side: int) -> None:
    if matrices.ndim != 3 or matrices.shape[1:] != (side, side):
        raise ArgumentError("rotation.shape", f"matrices of shape {tuple(matrices.shape)}", f"[n, {side}, {side}]")
