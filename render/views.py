"""Where to look from: named views, angles, and the cloth from a hand's breadth away."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from engine.core.errors import InputError
from engine.core.types import Camera, SceneMesh
from render.camera import PORTRAIT_FOV, STANDARD_AZIMUTHS, look_at, orbit_camera
from render.preview import Preview

__all__ = ["VIEWS", "close_up_camera", "draw_scale", "view_azimuth", "view_camera"]

#: Azimuth of the named views, from the front towards the wearer's left [rad].
VIEWS = {**{name.replace("_", "-"): azimuth for name, azimuth in STANDARD_AZIMUTHS.items()},
         "side": math.pi / 2, "left": math.pi / 2, "right": -math.pi / 2}  # fmt: skip
CLOSE_DISTANCE = 0.35  #: from which cloth is looked at close by [m]
LOOK_AROUND = (300, 400)  #: size of the picture in which a place for a close-up is sought [px]
BARS = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1)  #: lengths of a drawn scale [m]


def view_azimuth(view: str) -> float:
    """Azimuth [rad] of a name of ``VIEWS``, or of a number of degrees from the front towards the wearer's left.

    Raises:
        InputError: ``render.view``.
    """
    name = view.strip().lower().replace("_", "-")
    if name in VIEWS:
        return VIEWS[name]
    try:
        degrees = float(name)
    except ValueError:
        degrees = math.nan
    if not math.isfinite(degrees):
        raise InputError(
            "render.view", f"no view is called '{view}'", f"one of {', '.join(VIEWS)}, or degrees from the front"
        )
    return math.radians(degrees)


def view_camera(
    meshes: Sequence[SceneMesh], view: str, *, size: tuple[int, int], fov_y: float = PORTRAIT_FOV
) -> Camera:
    """A camera that frames the meshes from a view; ``fov_y`` [rad], ``size`` (width, height) [px]."""
    return orbit_camera(meshes, view_azimuth(view), size=size, fov_y=fov_y)


def close_up_camera(preview: Preview, view: str, *, size: tuple[int, int], field: float = 0.03) -> Camera:
    """A camera close to the cloth that is best seen from a view: in the middle of it, turned to the camera, lit.

    Args:
        preview: of a scene with cloth.
        field: width of what fills the picture [m].

    Raises:
        InputError: ``render.close_up``, if no cloth is seen from there.
    """
    far = view_camera(preview.meshes, view, size=LOOK_AROUND)
    buffers = preview.view(far, supersample=1)
    cloth = np.isin(buffers.material_id, [i for i, m in enumerate(preview.meshes) if m.material.double_sided])
    if not cloth.any():
        raise InputError("render.close_up", f"no cloth is seen from '{view}'", "choose another --view")
    from scipy.ndimage import distance_transform_edt

    inside = distance_transform_edt(cloth)
    rows, columns = np.nonzero(cloth)
    pose = np.asarray(far.world_to_camera, np.float64)
    back = -pose[2, :3]  # from the scene to the camera
    facing = buffers.normal[cloth] @ back
    light = np.abs(buffers.rgb[cloth].mean(1) - 0.45)  # where relief is neither lost in shadow nor in glare
    centre = np.hypot(rows - rows.mean(), columns - columns.mean()) / LOOK_AROUND[1]
    score = facing - 1.2 * light + 0.04 * np.minimum(inside[cloth], 12) - 1.5 * centre
    best = int(np.argmax(score))
    i, j = rows[best], columns[best]
    ray = np.linalg.solve(np.asarray(far.K, np.float64), [j + 0.5, i + 0.5, 1.0]) * buffers.depth[i, j]
    point = pose[:3, :3].T @ (ray - pose[:3, 3])
    way = buffers.normal[i, j] + 0.35 * back  # a little towards the view, which keeps the light at an angle
    way /= np.linalg.norm(way)
    height = field * size[1] / size[0]
    return look_at(point + CLOSE_DISTANCE * way, point, fov_y=2 * math.atan(height / 2 / CLOSE_DISTANCE), size=size)


def draw_scale(image: np.ndarray, camera: Camera, distance: float = CLOSE_DISTANCE) -> np.ndarray:
    """The picture [H, W, 3] uint8 with a bar that tells lengths at a distance [m] from the camera."""
    from PIL import Image, ImageDraw, ImageFont

    per_metre = float(camera.K[0, 0]) / distance
    width, height = camera.size
    length = max((bar for bar in BARS if bar * per_metre < 0.3 * width), default=BARS[0])
    canvas = Image.fromarray(image[..., :3])
    draw = ImageDraw.Draw(canvas)
    unit = height / 100
    left, low, right = 4 * unit, height - 4 * unit, 4 * unit + length * per_metre
    text = f"{1000 * length:g} mm"
    font = ImageFont.load_default(size=max(10, 2.6 * unit))
    for ink, grow in (((20, 20, 20), 0.5 * unit), ((250, 250, 250), 0.0)):  # to be read on any cloth
        draw.rectangle((left - grow, low - 0.5 * unit - grow, right + grow, low + grow), fill=ink)
        draw.text((left, low - 1.4 * unit), text, fill=ink, font=font, anchor="ls", stroke_width=round(grow),
                  stroke_fill=ink)  # fmt: skip
    return np.asarray(canvas)
