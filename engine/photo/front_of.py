"""What of the photographed person stays in front of new clothes, and what of their own clothes shows beside them."""

from __future__ import annotations

import cv2
import numpy as np

from engine.core.mesh import vertex_normals
from engine.core.types import Body, Camera, PhotoView
from engine.photo.light import face_colour, project, seen_points, skin_distance
from render.photo_composite import snapped_to_edges
from render.photo_light import photo_linear

__all__ = ["hair_mask", "own_clothes_left"]

HEAD = 15
CROWN = 0.055  #: above the eyes there is hair, if any [m]
FALL = 0.45  #: length of hair that is looked for below the eyes [m]
ASIDE = 0.20  #: distance from the head's middle up to which it is looked for [m]
APART = 1.2  #: hair that is closer to skin in colour than this is not told apart (see :func:`skin_distance`)
SHOWN = 0.10  #: share of a garment of their own that shows beside the new one, from which people are told
HIDDEN = 0.5  #: least share of it that the new one hides for it to be the one that is replaced
LEAST_PIECE = 0.02  #: of the person's pixels, of a piece of clothing


def hair_mask(body: Body, view: PhotoView, camera: Camera) -> np.ndarray:
    """Share of each pixel around head and shoulders that is hair, float32 [H, W]; zeros where it looks like skin."""
    none = np.zeros(view.person.shape, np.float32)
    vertices = np.asarray(body.vertices, np.float64)
    eyes = body.joints[[23, 24]].mean(0)
    scalp = (np.argmax(body.skinning_weights, axis=1) == HEAD) & (vertices[:, 1] > eyes[1] + CROWN)
    towards = (np.asarray(camera.world_to_camera)[2, :3] @ vertex_normals(vertices, body.faces).T) < -0.1
    pixels, _ = project(camera, vertices[scalp & towards])
    at = np.clip(pixels.astype(int), 0, np.array(camera.size) - 1)
    at = at[view.person[at[:, 1], at[:, 0]] > 200]
    if len(at) < 10:
        return none
    picture = cv2.GaussianBlur(photo_linear(view.picture), (0, 0), 0.8)
    samples = picture[at[:, 1], at[:, 0]]
    seen = seen_points(body, camera, view)
    skin = face_colour(body, seen.points, seen.vertex, seen.colours)
    samples = samples[skin_distance(samples, skin) > APART]
    if len(samples) < 10:
        return none
    middle, scale = project(camera, eyes[None])[0][0], float(camera.K[1, 1]) / float(project(camera, eyes[None])[1][0])
    y, x = np.mgrid[0 : camera.size[1], 0 : camera.size[0]]
    reach = (np.abs(x - middle[0]) < ASIDE * scale) & (y > middle[1] - ASIDE * scale) & (y < middle[1] + FALL * scale)
    mean, spread = np.log(samples + 0.004).mean(0), np.cov(np.log(samples + 0.004).T) + 0.02 * np.eye(3)
    away = np.log(picture + 0.004) - mean
    likely = np.einsum("hwi,ij,hwj->hw", away, np.linalg.inv(spread), away) < 9.0
    mask = (likely & reach & (view.person > 127)).astype(np.uint8)
    _, parts = cv2.connectedComponents(cv2.morphologyEx(mask, cv2.MORPH_OPEN, np.ones((2, 2), np.uint8)))
    kept = np.isin(parts, np.unique(parts[at[:, 1], at[:, 0]])) & (parts > 0)
    return snapped_to_edges(kept.astype(np.float32), view.picture)


def own_clothes_left(body: Body, view: PhotoView, camera: Camera, alpha: np.ndarray) -> tuple[str, ...]:
    """Says which of the person's own clothes show beside those that replace them: they are kept, not painted over."""
    seen = seen_points(body, camera, view)
    at = np.clip(project(camera, seen.points)[0].astype(int), 0, np.array(camera.size) - 1)
    bare = 1 - alpha[at[:, 1], at[:, 0]]
    said = []
    for k in range(1, int(seen.classes.max(initial=0)) + 1):
        piece = seen.classes == k
        if seen.weights[piece].sum() < LEAST_PIECE:
            continue
        shown = float(np.average(bare[piece], weights=seen.weights[piece]))
        if SHOWN < shown < 1 - HIDDEN:
            colour = _colour_word(np.median(seen.colours[piece], axis=0))
            said.append(
                f"{view.path}: {100 * shown:.0f} % of the person's own {colour} clothes show beside the new "
                "ones and were kept; take the photo in closer or shorter clothes"
            )
    return tuple(said)


def _colour_word(linear: np.ndarray) -> str:
    """A plain word for how a colour looks."""
    level = float(linear.mean())
    chroma = (linear.max() - linear.min()) / max(float(linear.max()), 1e-4)
    if chroma < 0.25:
        return "dark" if level < 0.05 else "grey" if level < 0.4 else "white"
    names = ("red", "green", "blue")
    return ("dark " if level < 0.05 else "") + names[int(np.argmax(linear))] + "ish"
