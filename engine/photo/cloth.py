"""Colour and print of a garment from a photo of someone who wears it: the inverse of drawing it.

The look is brought into the photo's pose. Every point of its panels that the photo shows gives what is seen there over
the light that falls there: its own colour. Panels that the photo does not show get the garment's main colour.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from engine.core.mesh import vertex_normals
from engine.core.types import Camera, PhotoView, SceneMesh
from engine.export.uv_raster import rasterise
from engine.look import Look
from engine.photo.light import project, sample
from render.develop import srgb_from_linear
from render.photo_light import LightEstimate, photo_linear, visible_cosines

__all__ = ["ClothColours", "cloth_colours"]

PIXELS = 1024  #: side of a recovered print
#: Share of the light on it that rough cloth mirrors, whatever its colour: of 4 % at a right angle by the fit of Karis
#: (2014) at roughness 0.9, less a fifth, for what stands in the mirror's way.
GLOSS = 0.015
FACING = 0.35  #: least cosine between cloth and camera; more slanted cloth shows its gloss
INSIDE = 2.2  #: distance from what lies beside the cloth in the photo [px]
FEATHER = 6.0  #: over which what was seen runs into the main colour [px of the print]
LIGHTEST, DARKEST = 0.95, 0.004
PLAIN = 0.22  #: spread of four fifths of the colours' logarithms below which cloth counts as plain
INKS = 3  #: colours that a print is taken to have, to find that of its ground
SHADED = 0.4  #: share of the usual light below which colours are not read


@dataclass(frozen=True)
class ClothColours:
    """What a garment is made of, by its looks."""

    base: np.ndarray  #: main colour, linear RGB, shape [3]
    print: np.ndarray  #: sRGB uint8 over the panels' texture coordinates, shape [n, n, 3]
    seen: float  #: share of the panels' area that the photo shows
    spread: float  #: of the colours' logarithms where seen, see PLAIN
    plain: bool  #: no print to speak of


def cloth_colours(
    look: Look, mesh: SceneMesh, view: PhotoView, camera: Camera, light: LightEstimate, *, pixels: int = PIXELS
) -> ClothColours:
    """Colours of a garment that the person in a photo wears.

    Args:
        look: in the photo's pose.
        mesh: the garment in it, with texture coordinates.
        camera: the photo's, in the look's world.
        light: of the photo.
    """
    corners = np.concatenate([mesh.vertices, _facing_camera(mesh, camera), _light(look, mesh, light)], axis=1)
    values, _ = rasterise(mesh.uv, mesh.faces, corners[mesh.faces].astype(np.float32), pixels)
    own = _charts(mesh, pixels)
    at = np.nonzero(own)
    points, slant, front, back = np.split(values[at], [3, 4, 7], axis=1)
    seen, colours = _look_up(look, mesh, points, slant[:, 0], view, camera)
    lit = np.where(slant > 0, front, back)
    albedo = np.clip(colours / np.maximum(lit, 0.02) - GLOSS, DARKEST, LIGHTEST)
    # in deep shadow a little light too much or too little makes another colour
    level = lit.mean(1)
    seen = seen * (level > SHADED * (np.median(level[seen > 0]) if (seen > 0).any() else 0))
    weight = seen * np.abs(slant[:, 0])
    if weight.sum() < 1e-6:
        return ClothColours(np.array([0.5] * 3), np.zeros((pixels, pixels, 3), np.uint8), 0.0, 0.0, True)
    visible = seen > 0
    plain, spread = _plainness(albedo[visible], weight[visible])
    base = _median(albedo[visible], weight[visible]) if plain else _ground(albedo[visible], weight[visible])
    full = np.zeros((pixels, pixels, 3), np.float32)
    full[at] = albedo
    where = np.zeros((pixels, pixels), np.float32)
    where[at] = seen
    return ClothColours(base, _filled(full, where, base), float(seen.mean()), spread, plain)


def _facing_camera(mesh: SceneMesh, camera: Camera) -> np.ndarray:
    """Cosine between the right side's normal and the way to the camera, < 0 where the wrong side shows, [V, 1]."""
    pose = np.asarray(camera.world_to_camera, np.float64)
    way = -pose[:3, :3].T @ pose[:3, 3] - mesh.vertices
    way /= np.linalg.norm(way, axis=1, keepdims=True)
    return (way * _normals(mesh)).sum(1, keepdims=True)


def _normals(mesh: SceneMesh) -> np.ndarray:
    return mesh.normals if mesh.normals is not None else vertex_normals(mesh.vertices, mesh.faces)


def _light(look: Look, mesh: SceneMesh, light: LightEstimate) -> np.ndarray:
    """What would be white on the right and on the wrong side of each vertex, linear RGB, shape [V, 6]."""
    vertices = np.concatenate([look.body.vertices, mesh.vertices])
    surface = (vertices, np.concatenate([look.body.faces, mesh.faces + len(look.body.vertices)]))
    normals = _normals(mesh)
    sides = [visible_cosines(mesh.vertices, way, surface, light.directions) @ light.radiance
             for way in (normals, -normals)]  # fmt: skip
    return np.concatenate(sides, axis=1)


def _charts(mesh: SceneMesh, pixels: int) -> np.ndarray:
    """Texels that lie in a panel, bool [n, n]."""
    mask = np.zeros((pixels, pixels), np.uint8)
    corners = np.round((mesh.uv[mesh.faces] * pixels - 0.5) * 16).astype(np.int32)
    cv2.fillPoly(mask, list(corners), 1, cv2.LINE_8, 4)
    return mask > 0


def _look_up(
    look: Look, mesh: SceneMesh, points: np.ndarray, slant: np.ndarray, view: PhotoView, camera: Camera
) -> tuple[np.ndarray, np.ndarray]:
    """Which points the photo shows, 0 or 1, shape [P], and their colours there, linear, shape [P, 3]."""
    from engine.core.open3d_runtime import surface_scene, tensor

    pixels, _ = project(camera, points)
    pose = np.asarray(camera.world_to_camera, np.float64)
    eye = -pose[:3, :3].T @ pose[:3, 3]
    way = eye - points
    distance = np.linalg.norm(way, axis=1, keepdims=True)
    rays = np.concatenate([points + 0.006 * way / distance, way / distance], axis=1)
    vertices = np.concatenate([look.body.vertices, mesh.vertices])
    faces = np.concatenate([look.body.faces, mesh.faces + len(look.body.vertices)])
    free = ~surface_scene(vertices, faces).test_occlusions(tensor(rays)).numpy()
    # what the photo shows as cloth, less the border that belongs to its neighbours if the pose is a little off
    shown = np.zeros(view.person.shape, np.uint8)
    x, y = np.clip(pixels[free].astype(int), 0, np.array(camera.size) - 1).T
    shown[y, x] = 1
    shown = cv2.morphologyEx(shown, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)) * (view.person > 127)
    inside = sample(cv2.distanceTransform(shown, cv2.DIST_L2, 5)[..., None], pixels)[:, 0] > INSIDE
    return (free & inside & (np.abs(slant) > FACING)).astype(np.float32), sample(photo_linear(view.picture), pixels)


def _weighted_median(values: np.ndarray, weights: np.ndarray) -> float:
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, 0.5 * total[-1])])


def _plainness(albedo: np.ndarray, weight: np.ndarray) -> tuple[bool, float]:
    """Whether colours [P, 3] vary no more than wrinkles and a light not quite right make them, and their spread.

    The spread is that of the logarithms' chroma and half their brightness, robust (median of deviations).
    """
    logs = np.log(albedo)
    level = logs.mean(1, keepdims=True)
    features = np.concatenate([logs - level, 0.5 * level], axis=1)
    away = np.linalg.norm(features - _median(features, weight), axis=1)
    order = np.argsort(away)
    total = np.cumsum(weight[order])
    spread = float(away[order][np.searchsorted(total, 0.8 * total[-1])])
    return spread < PLAIN, spread


def _median(features: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Weighted median of each column."""
    return np.array([_weighted_median(column, weight) for column in features.T])


def _ground(albedo: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The colour of most of a print: the middle of its largest cluster (k-means in log colours), shape [3]."""
    from scipy.cluster.vq import kmeans2

    chosen = np.random.default_rng(0).choice(len(albedo), size=min(len(albedo), 8000), p=weight / weight.sum())
    _, label = kmeans2(np.log(albedo[chosen]), INKS, minit="++", seed=0)
    largest = np.argmax(np.bincount(label, minlength=INKS))
    return np.median(albedo[chosen][label == largest], axis=0)


def _filled(albedo: np.ndarray, seen: np.ndarray, base: np.ndarray) -> np.ndarray:
    """The print: what was seen, running softly into the main colour elsewhere, sRGB uint8 [n, n, 3]."""
    away = cv2.distanceTransform((seen < 0.5).astype(np.uint8), cv2.DIST_L2, 5)
    spread = np.zeros_like(albedo)
    weight = np.zeros(seen.shape, np.float32)
    for sigma, share in ((0.7, 1.0), (2.0, 1e-2), (FEATHER, 1e-4)):  # the nearest texels that were seen win
        spread += share * cv2.GaussianBlur(albedo * seen[..., None], (0, 0), sigma)
        weight += share * cv2.GaussianBlur(seen, (0, 0), sigma)
    spread /= np.maximum(weight, 1e-9)[..., None]
    fade = np.clip(1 - away / FEATHER, 0, 1)[..., None] * (weight > 1e-8)[..., None]
    linear = np.where(seen[..., None] > 0.5, albedo, fade * spread + (1 - fade) * base)
    return np.round(255 * srgb_from_linear(linear)).astype(np.uint8)
