"""Cameras from OpenCV's conventions and back: +X right, +Y down, column vectors, lengths in pixels."""

from __future__ import annotations

import torch

from render.diff.cameras import PerspectiveCameras

__all__ = ["cameras_from_opencv_projection", "opencv_from_cameras_projection"]


def cameras_from_opencv_projection(
    R: torch.Tensor, tvec: torch.Tensor, camera_matrix: torch.Tensor, image_size: torch.Tensor
) -> PerspectiveCameras:
    """
    Args:
        R, tvec: ``x_view = R @ x_world + tvec``, [batch, 3, 3] and [batch, 3].
        camera_matrix: focal lengths and principal point [px], [batch, 3, 3], without skew.
        image_size: height and width [px], [batch, 2].
    """
    width_height, scale = _sizes(image_size, R)
    focal = torch.stack((camera_matrix[:, 0, 0], camera_matrix[:, 1, 1]), -1) / scale
    flip = R.new_tensor((-1.0, -1.0, 1.0))  # x and y turn round
    return PerspectiveCameras(
        R=R.transpose(1, 2) * flip, T=tvec * flip, focal_length=focal,
        principal_point=(width_height / 2 - camera_matrix[:, :2, 2]) / scale, image_size=image_size, device=R.device,
    )  # fmt: skip


def opencv_from_cameras_projection(
    cameras: PerspectiveCameras, image_size: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """R [batch, 3, 3], tvec [batch, 3] and the camera matrix [batch, 3, 3] of cameras in NDC."""
    width_height, scale = _sizes(image_size, cameras.R)
    flip = cameras.R.new_tensor((-1.0, -1.0, 1.0))
    matrix = torch.zeros_like(cameras.R)
    matrix[:, :2, 2] = width_height / 2 - cameras.principal_point * scale
    matrix[:, 0, 0], matrix[:, 1, 1] = (cameras.focal_length * scale).unbind(-1)
    matrix[:, 2, 2] = 1.0
    return (cameras.R * flip).transpose(1, 2), cameras.T * flip, matrix


def _sizes(image_size: torch.Tensor, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Width and height [batch, 2], and half the shorter side [batch, 1]."""
    width_height = torch.as_tensor(image_size).to(like).flip(-1)
    return width_height, width_height.amin(-1, keepdim=True) / 2
