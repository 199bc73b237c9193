"""Cameras that frame dressed people: the standard product views and the turntable."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engine.core.errors import InputError
from engine.core.types import Camera, SceneMesh

__all__ = ["PORTRAIT_FOV", "look_at", "orbit_camera", "standard_cameras", "turntable_cameras", "gl_bytes",
           "gl_matrices", "resized"]  # fmt: skip

#: Vertical field of view of a portrait lens (105 mm on a 24 x 36 mm frame, held upright) [rad].
PORTRAIT_FOV = 2 * np.arctan(18.0 / 105.0)
#: Azimuth of the standard views, from the front towards the wearer's left [rad].
STANDARD_AZIMUTHS = {"front": 0.0, "back": np.pi, "three_quarter": np.deg2rad(38.0)}


def look_at(eye: np.ndarray, target: np.ndarray, *, fov_y: float, size: tuple[int, int]) -> Camera:
    """A camera at ``eye`` that looks at ``target`` with world +Y upright.

    Args:
        eye, target: [m], shape [3].
        fov_y: vertical field of view [rad].
        size: (width, height) [px].
    """
    eye, target = np.asarray(eye, np.float64), np.asarray(target, np.float64)
    forward = target - eye
    forward /= np.linalg.norm(forward)
    right = np.cross(forward, [0.0, 1.0, 0.0])
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    pose = np.eye(4)
    pose[:3, :3] = np.stack([right, down, forward])
    pose[:3, 3] = -pose[:3, :3] @ eye
    f = size[1] / 2 / np.tan(fov_y / 2)
    intrinsics = np.array([[f, 0, size[0] / 2], [0, f, size[1] / 2], [0, 0, 1]])
    return Camera(intrinsics.astype(np.float32), pose.astype(np.float32), (int(size[0]), int(size[1])))


def orbit_camera(
    meshes: Sequence[SceneMesh],
    azimuth: float,
    *,
    size: tuple[int, int] = (900, 1200),
    elevation: float = np.deg2rad(4.0),
    fov_y: float = PORTRAIT_FOV,
    margin: float = 0.07,
) -> Camera:
    """A camera on a circle around the meshes that frames them all at every azimuth.

    Args:
        azimuth: from the front (+Z) towards the wearer's left (+X) [rad].
        elevation: above the horizontal [rad].
        margin: free border, as a fraction of the picture's height and width.
    """
    low, high = _bounds(meshes)
    centre = (low + high) / 2
    # the circle that the widest point sweeps, so that a turntable never cuts or zooms
    radius = max(
        float(np.hypot(m.vertices[:, 0] - centre[0], m.vertices[:, 2] - centre[2]).max())
        for m in meshes
        if len(m.vertices)
    )
    half_height = (high[1] - low[1]) / 2
    tan_y = np.tan(fov_y / 2) * (1 - 2 * margin)
    tan_x = tan_y * size[0] / size[1]
    # the tangent from the eye to that circle, and the head and feet a little in front of the axis
    depth = max(half_height / tan_y + 0.3 * radius, radius * np.hypot(1.0, 1.0 / tan_x), 0.05)
    direction = np.array([np.sin(azimuth) * np.cos(elevation), np.sin(elevation), np.cos(azimuth) * np.cos(elevation)])
    return look_at(centre + depth * direction, centre, fov_y=fov_y, size=size)


def standard_cameras(meshes: Sequence[SceneMesh], *, size: tuple[int, int] = (900, 1200)) -> dict[str, Camera]:
    """The three product views: front, back and three_quarter."""
    return {name: orbit_camera(meshes, azimuth, size=size) for name, azimuth in STANDARD_AZIMUTHS.items()}


def turntable_cameras(
    meshes: Sequence[SceneMesh], frames: int, *, size: tuple[int, int] = (480, 640), fov_y: float = PORTRAIT_FOV
) -> list[Camera]:
    """Cameras evenly around the meshes, so that the subject seems to turn to its left, starting from the front."""
    if frames < 1:
        raise InputError("render.frames", f"a turntable needs at least one frame, not {frames}", "give --frames 36")
    return [orbit_camera(meshes, -2 * np.pi * i / frames, size=size, fov_y=fov_y) for i in range(frames)]


def resized(camera: Camera, size: tuple[int, int]) -> Camera:
    """The same view in another resolution (the shorter direction keeps its field of view)."""
    scale = min(size[0] / camera.size[0], size[1] / camera.size[1])
    k = np.array(camera.K, np.float32)
    k[:2] *= scale
    k[0, 2] += (size[0] - camera.size[0] * scale) / 2
    k[1, 2] += (size[1] - camera.size[1] * scale) / 2
    return Camera(k, camera.world_to_camera, (int(size[0]), int(size[1])))


def gl_matrices(camera: Camera, near: float, far: float) -> tuple[np.ndarray, np.ndarray]:
    """OpenGL's view and projection matrices of a camera, shape [4, 4] each (row-major, acting on columns)."""
    flip = np.diag([1.0, -1.0, -1.0, 1.0])
    view = flip @ np.asarray(camera.world_to_camera, np.float64)
    width, height = camera.size
    k = np.asarray(camera.K, np.float64)
    projection = np.zeros((4, 4))
    projection[0, 0] = 2 * k[0, 0] / width
    projection[0, 1] = -2 * k[0, 1] / width
    projection[0, 2] = 1 - 2 * k[0, 2] / width
    projection[1, 1] = 2 * k[1, 1] / height
    projection[1, 2] = 2 * k[1, 2] / height - 1
    projection[2, 2] = -(far + near) / (far - near)
    projection[2, 3] = -2 * far * near / (far - near)
    projection[3, 2] = -1
    return view, projection


def gl_bytes(matrix: np.ndarray) -> bytes:
    """A matrix as OpenGL takes it."""
    return np.ascontiguousarray(matrix.T, np.float32).tobytes()


def _bounds(meshes: Sequence[SceneMesh]) -> tuple[np.ndarray, np.ndarray]:
    filled = [m.vertices for m in meshes if len(m.vertices)]
    if not filled:
        raise InputError("render.empty", "there is nothing to show: all meshes are empty", "drape the garment first")
    low = np.min([v.min(0) for v in filled], axis=0).astype(np.float64)
    high = np.max([v.max(0) for v in filled], axis=0).astype(np.float64)
    return low, high
