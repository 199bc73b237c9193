"""Garment from a picture: options of a library garment whose drape has the outline that a photo shows.

Each figure of the outline answers mostly to one option (the hem to the length, a width to an ease). A first guess by
those slopes is draped, measured in the photo's own view, and corrected by the slopes that the drapes show (secants).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from engine.core.errors import InputError
from engine.core.mesh import vertex_normals
from engine.core.types import Body, BodyMotion, Camera, PhotoView
from engine.look import Look
from engine.photo.cut import FEATURES, cut_of, family_of, garment_mask
from engine.photo.light import project
from engine.photo.posed import body_in_photo, photo_camera

__all__ = ["Found", "carried", "garment_from_photo", "mask_of"]

#: Of each garment: option -> (figure it answers to, change of the figure by that of the option). A girth shows as its
#: diameter from the front, of a body twice as wide as deep: about 0.38 of it; an ease lies half on the front.
ANSWERS: dict[str, dict[str, tuple[str, float]]] = {
    "tee": {"length": ("hem", 1.0), "ease": ("bust", 0.30), "ease_hip": ("hem_width", 0.36),
            "sleeve_length": ("sleeve", 0.95)},
    "shirt": {"length": ("hem", 1.0), "ease": ("bust", 0.30), "ease_hip": ("hem_width", 0.36),
              "sleeve_length": ("sleeve", 0.95)},
    "skirt_straight": {"length": ("hem", 1.0), "ease_hip": ("hip", 0.36)},
    "skirt_a_line": {"length": ("hem", 1.0), "flare": ("hem_width", 1.2)},
    "trousers": {"length": ("hem", 1.0), "ease_hip": ("hip", 0.36)},
    "sheath": {"length": ("hem", 1.0), "ease_waist": ("waist", 0.34), "ease_hip": ("hip", 0.36)},
}  # fmt: skip
BOTTOMS = ("skirt_straight", "skirt_a_line", "trousers")
SLOPE_RANGE = (0.5, 2.0)  #: a drape's slope may differ from the first one by these factors
MOVED = 0.004  #: change of an option from which a slope is measured [m]


@dataclass(frozen=True)
class Found:
    """A garment read off a photo."""

    garment: str
    options: dict[str, float]  #: [m]
    look: Look  #: draped, in the draping pose
    seen: np.ndarray  #: the garment's mask in the photo, bool [H, W]
    made: np.ndarray  #: that of the drape in the photo's view, bool [H, W]
    errors: dict[str, float]  #: figure -> drape's less photo's [m]
    overlap: float  #: intersection over union of the two masks


def garment_from_photo(
    body: Body, view: PhotoView, moving: BodyMotion, drape: Callable[[str, Mapping[str, float]], Look],
    defaults: Callable[[str], Mapping[str, tuple[float, float, float]]], *, garment: str | None = None, rounds: int = 2,
) -> Found:
    """Finds options of a garment by its outline.

    Args:
        body: in the draping pose; ``moving`` takes it into the photo's.
        drape: garment and options [m] -> look in the draping pose.
        defaults: garment -> option -> (default, least, most) [m], the default as drafted for this body.
        garment: of the library; by default what the outline looks like.
        rounds: drapes after the first.

    Raises:
        InputError: no garment is to be seen, or not one of those that can be found.
    """
    posed, camera = body_in_photo(body, moving), photo_camera(view, moving.joints[-1, 0])
    garment, seen = _seen(posed, view, camera, garment)
    wanted = cut_of(seen, _standing(posed, body), camera).figures
    answers, ranges = ANSWERS[garment], defaults(garment)
    options = {name: ranges[name][0] for name in answers}
    slopes = {name: slope for name, (_, slope) in answers.items()}
    best: Found | None = None
    last: tuple[dict[str, float], np.ndarray] | None = None
    for _ in range(rounds + 1):
        look = drape(garment, options)
        made = mask_of(look, body, moving, camera)
        figures = cut_of(made, _standing(posed, body), camera).figures
        found = Found(garment, dict(options), look, seen, made, _errors(figures, wanted, answers), _overlap(seen, made))
        best = found if best is None or found.overlap > best.overlap else best
        if last is not None:
            slopes = _secants(answers, slopes, options, figures, *last)
        last = dict(options), figures
        options = _corrected(answers, slopes, options, figures, wanted, ranges)
    return best


def _seen(posed: Body, view: PhotoView, camera: Camera, garment: str | None) -> tuple[str, np.ndarray]:
    """The garment's family, as given or by its outline, and its mask."""
    if garment is not None and garment not in ANSWERS:
        raise InputError("photo.garment", f"--garment {garment}: is not found by its outline",
                         f"one of {', '.join(ANSWERS)}")  # fmt: skip
    mask = garment_mask(posed, view, camera, bottoms=garment in BOTTOMS)
    family = garment
    if family is None:
        cut = cut_of(mask, posed, camera)
        if not cut.covers_chest:
            mask = garment_mask(posed, view, camera, bottoms=True)
            cut = cut_of(mask, posed, camera)
        family = family_of(cut) if mask.any() else None
    if family is None or mask.mean() < 0.003:
        raise InputError(
            "photo.no_garment", f"{view.path}: no garment is to be told from skin and surroundings",
            "give a photo from the front in a garment of one colour, unlike skin and the clothes beside it",
        )
    return family, mask


def _standing(posed: Body, body: Body) -> Body:
    """The posed body with its landmarks carried along by the trunk, which stays upright."""
    shift = posed.joints[0] - body.joints[0]
    return replace(posed, landmarks={name: point + shift for name, point in body.landmarks.items()})


def carried(points: np.ndarray, body: Body, moving: BodyMotion) -> np.ndarray:
    """Cloth taken along rigidly with the nearest skin, from the draping pose into the motion's last [m], [N, 3].

    No simulation: good for outlines when the poses differ little.
    """
    from scipy.spatial import cKDTree

    start, end = moving.contact_vertices[0].astype(np.float64), moving.contact_vertices[-1].astype(np.float64)
    frames = []
    for vertices in (start, end):
        normal = vertex_normals(vertices, body.contact_faces)
        first = _some_edge(vertices, body.contact_faces)
        tangent = first - (first * normal).sum(1, keepdims=True) * normal
        tangent /= np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-12)
        frames.append(np.stack([tangent, np.cross(normal, tangent), normal], axis=1))
    distance, near = cKDTree(start).query(points, k=8)
    weight = 1 / (distance + 0.01) ** 2
    weight /= weight.sum(1, keepdims=True)
    local = np.einsum("nkij,nkj->nki", frames[0][near], points[:, None] - start[near])
    moved = end[near] + np.einsum("nkji,nkj->nki", frames[1][near], local)
    return (weight[..., None] * moved).sum(1)


def _some_edge(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """At every vertex an edge of one of its faces, always the same one [m], shape [V, 3]."""
    out = np.zeros_like(vertices)
    for k in range(3):
        out[faces[:, k]] = vertices[faces[:, (k + 1) % 3]] - vertices[faces[:, k]]
    return out


def mask_of(look: Look, body: Body, moving: BodyMotion, camera: Camera) -> np.ndarray:
    """Where a look's garment shows in the photo's view, bool [H, W]."""
    import torch

    from render.raster import visible_shares

    cloth = carried(look.drape.positions.astype(np.float64), body, moving)
    vertices = np.concatenate([cloth, moving.vertices[-1]])
    faces = np.concatenate([look.garment.faces, body.faces + len(cloth)])
    labels = np.repeat([0, 1], [len(look.garment.faces), len(body.faces)])
    pixels, depth = project(camera, vertices)
    width, height = camera.size
    ndc = (np.array([width, height]) / 2 - pixels) * 2 / min(width, height)
    # cloth that lies on the skin hides it, though coarse meshes cut corners
    depth[: len(cloth)] -= 0.006
    shares = visible_shares(
        torch.from_numpy(np.column_stack([ndc, depth]).astype(np.float32)), torch.from_numpy(faces.astype(np.int32)),
        torch.from_numpy(labels.astype(np.int32)), (height, width), count=2,
    )  # fmt: skip
    return shares[0, 0].numpy() > 0.5


def _errors(figures: np.ndarray, wanted: np.ndarray, answers: Mapping[str, tuple[str, float]]) -> dict[str, float]:
    used = [FEATURES.index(figure) for figure, _ in answers.values()]
    return {FEATURES[k]: float(figures[k] - wanted[k]) for k in used if np.isfinite(figures[k] - wanted[k])}


def _overlap(a: np.ndarray, b: np.ndarray) -> float:
    return float((a & b).sum() / max((a | b).sum(), 1))


def _secants(
    answers: Mapping[str, tuple[str, float]], slopes: dict[str, float], options: dict[str, float], figures: np.ndarray,
    old_options: dict[str, float], old_figures: np.ndarray,
) -> dict[str, float]:  # fmt: skip
    """Slopes as the last two drapes show them, within bounds of the first ones."""
    out = {}
    for name, (figure, first) in answers.items():
        k = FEATURES.index(figure)
        way, change = options[name] - old_options[name], figures[k] - old_figures[k]
        out[name] = slopes[name]
        if abs(way) > MOVED and np.isfinite(change):
            out[name] = float(np.clip(change / way, SLOPE_RANGE[0] * first, SLOPE_RANGE[1] * first))
    return out


def _corrected(
    answers: Mapping[str, tuple[str, float]], slopes: Mapping[str, float], options: Mapping[str, float],
    figures: np.ndarray, wanted: np.ndarray, ranges: Mapping[str, Any],
) -> dict[str, float]:  # fmt: skip
    out = {}
    for name, (figure, _) in answers.items():
        k = FEATURES.index(figure)
        missing = wanted[k] - figures[k]
        step = missing / slopes[name] if np.isfinite(missing) else 0.0
        out[name] = float(np.clip(options[name] + step, *ranges[name][1:]))
    return out
