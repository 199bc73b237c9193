"""The light of a photo, read off the person in it; written as ``light_front.json`` and the like."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from engine.core.mesh import vertex_normals
from engine.core.safe_io import write_json
from engine.core.types import Body, Camera, PhotoView, SceneMesh
from render.photo_light import LightEstimate, estimate_light, photo_linear

__all__ = ["Seen", "light_of_photo", "project", "sample", "seen_points", "skin_distance", "write_light"]

HEAD, JAW, EYES = 15, 22, (23, 24)  #: SMPL-X joints
FEET = (7, 8, 10, 11)
FACING = 0.25  #: least cosine between a point's normal and the way to the camera
BORDER = 2.5  #: left out inside the person's outline [px]
BLUR = 1.0  #: sigma over which colours are averaged [px]
SKIN_CHROMA, SKIN_DARKEST = 0.22, 0.25  #: skin is this close to the face's colour: log chroma, share of its brightness
NEARLY_SKIN = 1.7  #: distance from skin below which a colour is left out of it
PIECES = 3  #: colours of clothes that are told apart
ENOUGH = 400  #: points beside a garment that tell of the light
CLIPPED = 0.93  #: linear value from which a photo's colours are cut off, and their hue is not to be trusted
LEAST_SHARE = 0.04  #: of the points, of a colour that counts


@dataclass(frozen=True)
class Seen:
    """Points of a body that a photo shows, and what they look like."""

    vertex: np.ndarray  #: into the body's vertices, shape [P]
    points: np.ndarray  #: [m], shape [P, 3]
    normals: np.ndarray  #: unit, shape [P, 3]
    colours: np.ndarray  #: linear values of the photo, shape [P, 3]
    weights: np.ndarray  #: area in the picture, shape [P]
    classes: np.ndarray  #: 0 skin, 1.. clothes by colour, -1 anything else (hair, feet), shape [P]


def project(camera: Camera, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Pixels [N, 2] and view depths [m], shape [N], of world points."""
    pose = np.asarray(camera.world_to_camera, np.float64)
    seen = points @ pose[:3, :3].T + pose[:3, 3]
    pixels = seen @ np.asarray(camera.K, np.float64).T
    return pixels[:, :2] / np.maximum(pixels[:, 2:], 1e-6), seen[:, 2]


def seen_points(body: Body, camera: Camera, view: PhotoView, *, worn: SceneMesh | None = None) -> Seen:
    """What the photo shows of a body that stands in its pose.

    Args:
        worn: a garment that is known to hide parts of it.
    """
    from engine.core.open3d_runtime import surface_scene, tensor

    vertices = np.asarray(body.vertices, np.float64)
    normals = vertex_normals(vertices, body.faces).astype(np.float64)
    pixels, depth = project(camera, vertices)
    pose = np.asarray(camera.world_to_camera, np.float64)
    way = -pose[:3, :3].T @ pose[:3, 3] - vertices
    distance = np.linalg.norm(way, axis=1)
    way /= distance[:, None]
    facing = (way * normals).sum(1)
    rays = np.concatenate([vertices + 0.004 * normals, way], axis=1)
    hidden = surface_scene(body.vertices, body.faces).test_occlusions(tensor(rays)).numpy()
    if worn is not None:
        hidden |= surface_scene(worn.vertices, worn.faces).test_occlusions(tensor(rays)).numpy()
    inside = cv2.distanceTransform(((view.person > 127) & (view.silhouette > 0)).astype(np.uint8), cv2.DIST_L2, 5)
    depth_in = sample(inside[..., None], pixels)[:, 0]
    vertex = np.nonzero((facing > FACING) & ~hidden & (depth_in > BORDER))[0]
    picture = cv2.GaussianBlur(photo_linear(view.picture), (0, 0), BLUR)
    colours = sample(picture, pixels[vertex])
    areas = _vertex_areas(vertices, body.faces)[vertex] * facing[vertex] / depth[vertex] ** 2
    classes = _classes(body, vertices[vertex], vertex, colours, areas)
    return Seen(vertex, vertices[vertex], normals[vertex], colours, areas / areas.sum(), classes)


def skin_distance(colours: np.ndarray, skin: np.ndarray) -> np.ndarray:
    """How far colours [..., 3] are from being skin of colour ``skin`` [3] in some light; 1 is the limit."""
    chroma, level = _log_chroma(colours)
    own, bright = _log_chroma(skin[None])
    dark = np.maximum(np.log(SKIN_DARKEST) - (level - bright[0]), 0) + np.maximum(level - bright[0] - np.log(2.5), 0)
    return np.hypot(np.linalg.norm(chroma - own[0], axis=-1) / SKIN_CHROMA, dark / 0.5)


def face_colour(body: Body, points: np.ndarray, vertex: np.ndarray, colours: np.ndarray) -> np.ndarray:
    """Median colour of the face below the eyes, where it is not overexposed, shape [3]; of all points where none of it
    is seen."""
    segment = np.argmax(body.skinning_weights[vertex], axis=1)
    eyes, jaw = body.joints[list(EYES)].mean(0), body.joints[JAW]
    forward = points[:, 2] > jaw[2] + 0.02
    face = np.isin(segment, (HEAD, JAW)) & (points[:, 1] < eyes[1] - 0.01) & (points[:, 1] > eyes[1] - 0.09) & forward
    face = face if face.sum() > 20 else np.ones(len(points), bool)
    true = face & (colours.max(1) < CLIPPED)
    return np.median(colours[true if true.sum() > 20 else face], axis=0)


def _classes(
    body: Body, points: np.ndarray, vertex: np.ndarray, colours: np.ndarray, areas: np.ndarray
) -> np.ndarray:
    """Skin where the colour is the face's; clothes by their colours (k-means); the hair's and the feet's place is
    neither."""
    from scipy.cluster.vq import kmeans2

    segment = np.argmax(body.skinning_weights[vertex], axis=1)
    away = skin_distance(colours, face_colour(body, points, vertex, colours))
    skin = away < 1
    hair = np.isin(segment, (HEAD, *EYES)) & (points[:, 1] > body.joints[list(EYES), 1].mean() - 0.01)
    classes = np.where(skin, 0, -1)
    rest = ~skin & ~hair & ~np.isin(segment, (HEAD, JAW, *EYES, *FEET))
    if rest.sum() > 50:
        chroma, level = _log_chroma(colours[rest])
        features = np.column_stack([chroma, 0.5 * level])
        _, label = kmeans2(features, PIECES, minit="++", seed=0)
        number, shares = 0, np.bincount(label, areas[rest], minlength=PIECES) / areas.sum()
        numbers = np.full(PIECES, -1)
        for k in np.argsort(-shares):
            # skin in a shadow, or with the light of a wall on it, is no piece of clothing
            if shares[k] > LEAST_SHARE and np.median(away[rest][label == k]) > NEARLY_SKIN:
                number += 1
                numbers[k] = number
        classes[rest] = numbers[label]
    classes[hair | np.isin(segment, FEET)] = -1
    return classes


def light_of_photo(
    body: Body, camera: Camera, view: PhotoView, *, worn: SceneMesh | None = None
) -> LightEstimate:
    """The light on a person who stands in the photo's pose before its camera.

    Args:
        worn: a garment that hides parts of the body and whose colours are not to be trusted; where too little is left,
            it is taken for the body after all.

    Raises:
        InputError: too little of the person is to be seen.
    """
    seen = seen_points(body, camera, view, worn=worn)
    if worn is not None and (seen.classes >= 0).sum() < ENOUGH:
        seen = seen_points(body, camera, view)
    use = seen.classes >= 0
    true = use & (seen.colours.max(1) < CLIPPED)
    use = true if true.sum() >= ENOUGH else use
    return estimate_light(
        seen.points[use], seen.normals[use], seen.colours[use], seen.classes[use], seen.weights[use],
        (body.vertices, body.faces),
    )  # fmt: skip


def write_light(path: Path, estimate: LightEstimate, camera: Camera) -> dict[str, Any]:
    """Writes the light for people and for other renderers; returns what was written."""
    direction, key, rest = estimate.split()
    to_camera = np.asarray(camera.world_to_camera, np.float64)[:3, :3]
    value = {
        "axes": "the body's: +x its left, +y up, +z its front; directions point towards the light",
        "azimuth_deg": round(float(np.degrees(np.arctan2(direction[0], direction[2]))), 1),
        "elevation_deg": round(float(np.degrees(np.arcsin(np.clip(direction[1], -1, 1)))), 1),
        "key": {"direction": _rounded(direction), "direction_camera": _rounded(to_camera @ direction),
                "on_white": _rounded(key)},
        "ambient_on_white": _rounded(rest.mean(0)),
        "skin_linear_rgb": _rounded(estimate.albedo[0]),
        "clothes_linear_rgb": [_rounded(a) for a in estimate.albedo[1:]],
        "colour_error_median": round(estimate.residual, 4),
        "directions": [_rounded(d) for d in estimate.directions],
        "radiance": [_rounded(r) for r in estimate.radiance],
    }  # fmt: skip
    write_json(path, value)
    return value


def _log_chroma(colours: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Logarithms of red and blue over green, shape [..., 2], and of the mean, shape [...]."""
    x = np.log(np.maximum(colours, 2e-3))
    return np.stack([x[..., 0] - x[..., 1], x[..., 2] - x[..., 1]], axis=-1), x.mean(-1)


def sample(image: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """Bilinear samples at pixels whose centres are at half-integers, shape [N, channels]."""
    at = (pixels - 0.5).astype(np.float32)[:, None]
    parts = [cv2.remap(image, at[i : i + 30000], None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
             for i in range(0, len(at), 30000)]  # fmt: skip
    return np.concatenate(parts).reshape(len(at), -1)


def _vertex_areas(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    area = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 6
    return np.bincount(faces.ravel(), np.repeat(area, 3), minlength=len(vertices))


def _rounded(values: np.ndarray) -> list[float]:
    return [round(float(v), 4) for v in values]
