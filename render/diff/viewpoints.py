"""Where cameras stand and how they are turned: PyTorch3D's functions around world-to-view transforms."""

from __future__ import annotations

import math

import torch
from torch.nn.functional import normalize

from engine.core.errors import ArgumentError
from render.diff.transforms import Rotate, Transform3d, Translate

__all__ = [
    "camera_position_from_spherical_angles", "camera_to_eye_at_up", "get_world_to_view_transform", "look_at_rotation",
    "look_at_view_transform", "rotate_on_spot",
]  # fmt: skip

_R = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
_T = (0.0, 0.0, 0.0)


def get_world_to_view_transform(R=_R, T=_T) -> Transform3d:
    """``x_world @ R + T``; R [3, 3] or [batch, 3, 3], T [3] or [batch, 3]."""
    R, T = torch.as_tensor(R, dtype=torch.float32), torch.as_tensor(T, dtype=torch.float32)
    R, T = R if R.ndim == 3 else R[None], T if T.ndim == 2 else T[None]
    if R.ndim != 3 or R.shape[1:] != (3, 3) or T.ndim != 2 or T.shape[1] != 3:
        raise ArgumentError("camera.pose", f"R {tuple(R.shape)} and T {tuple(T.shape)}", "R [n, 3, 3], T [n, 3]")
    return Rotate(R).compose(Translate(T))


def look_at_rotation(camera_position, at=((0, 0, 0),), up=((0, 1, 0),), device="cpu") -> torch.Tensor:
    """Rotations R of cameras that look from their positions at a point, shape [batch, 3, 3]."""
    position, at, up = _rows(device, camera_position, at, up)
    z = normalize(at - position, eps=1e-5)
    x = normalize(torch.linalg.cross(up, z), eps=1e-5)
    y = normalize(torch.linalg.cross(z, x), eps=1e-5)
    along_up = torch.isclose(x, torch.tensor(0.0, device=x.device), atol=5e-3).all(1, keepdim=True)
    x = torch.where(along_up, normalize(torch.linalg.cross(y, z), eps=1e-5), x)
    return torch.stack((x, y, z), 2)


def camera_position_from_spherical_angles(
    distance, elevation, azimuth, degrees: bool = True, device="cpu"
) -> torch.Tensor:
    """Places on a sphere around the origin, [batch, 3]; see :func:`look_at_view_transform` for the angles."""
    values = [_column(v, device) for v in (distance, elevation, azimuth)]
    if len({len(v) for v in values} - {1}) > 1:
        raise ArgumentError("camera.batch", f"batches of {[len(v) for v in values]}", "as many, or one")
    dist, elev, azim = torch.broadcast_tensors(*values)
    if degrees:
        elev, azim = math.pi / 180.0 * elev, math.pi / 180.0 * azim
    flat = dist * torch.cos(elev)
    return torch.stack((flat * torch.sin(azim), dist * torch.sin(elev), flat * torch.cos(azim)), 1)


def look_at_view_transform(
    dist=1.0, elev=0.0, azim=0.0, degrees: bool = True, eye=None, at=((0, 0, 0),), up=((0, 1, 0),), device="cpu"
) -> tuple[torch.Tensor, torch.Tensor]:
    """R [batch, 3, 3] and T [batch, 3] of cameras on a sphere around ``at``, or at ``eye``.

    Args:
        dist: distance from ``at``.
        elev: angle above the horizontal plane.
        azim: angle from +Z towards +X.
        degrees: angles are in degrees, not radians.
    """
    if eye is None:
        place = camera_position_from_spherical_angles(dist, elev, azim, degrees, device)
        place, at, up = _rows(device, place, at, up)
        eye = place + at
    eye, at, up = _rows(device, eye, at, up)
    rotation = look_at_rotation(eye, at, up, device)
    return rotation, -(rotation.transpose(1, 2) @ eye[:, :, None])[:, :, 0]


def camera_to_eye_at_up(world_to_view_transform: Transform3d) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Places, points one ahead, and upward directions, each [batch, 3], that make the same cameras again."""
    back = world_to_view_transform.inverse(invert_composed=True)
    ends = torch.tensor((_T, _R[2], _R[1]), device=back.device)
    eye, ahead, above = back.transform_points(ends).view(-1, 3, 3).unbind(1)
    return eye, ahead, above - eye


def rotate_on_spot(R: torch.Tensor, T: torch.Tensor, rotation: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """R and T of cameras that stay where they are and are turned about their own axes.

    Args:
        R, T: world to view, [3, 3] and [3] or batches of them.
        rotation: acts on row vectors of view space, [3, 3] or a batch.
    """
    R, T, rotation = R if R.ndim == 3 else R[None], T if T.ndim == 2 else T[None], rotation.reshape(-1, 3, 3)
    centre = -(R @ T[:, :, None])
    turned = R @ rotation.transpose(1, 2)
    return turned, -(turned.transpose(1, 2) @ centre)[:, :, 0]


def _column(value, device) -> torch.Tensor:
    return torch.as_tensor(value, dtype=torch.float32, device=device).reshape(-1)


def _rows(device, *values) -> list[torch.Tensor]:
    rows = [torch.as_tensor(v, dtype=torch.float32, device=device) for v in values]
    for row in rows:
        if row.ndim not in (1, 2) or row.shape[-1] != 3:
            raise ArgumentError("camera.place", f"a place of shape {tuple(row.shape)}", "three numbers, or [batch, 3]")
    return list(torch.broadcast_tensors(*(row.reshape(-1, 3) for row in rows)))
