"""Which pixels of a photo show hair, that new clothes must not cover."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from engine.core.mesh import vertex_normals
from engine.core.types import Body, Camera, PhotoView
from engine.photo.light import HEAD, Seen, face_colour, project, seen_points, skin_distance
from render.photo_composite import snapped_to_edges
from render.photo_light import photo_linear

__all__ = ["hair_mask"]

CROWN = 0.055  #: above the eyes there is hair, if any [m]
FALL = 0.45  #: length of hair that is looked for below the eyes [m]
ASIDE = 0.20  #: distance from the head's middle up to which it is looked for [m]
CHIN = 0.11  #: below the eyes, from which on what looks like the person's clothes is taken for clothes [m]
APART = 1.2  #: hair that is closer to skin in colour than this is not told apart (see :func:`skin_distance`)
LEAST = 10  #: samples of a colour
HAIRY = 0.3  #: least share of the crown that is hair; below that the head is bald, or told wrongly
ODDS = 1.0  #: log odds by which a pixel must rather be hair than skin
WIDEST = 9.0  #: squared distance from the hair's colours [standard deviations squared]


@dataclass(frozen=True)
class Tones:
    """Colours of one kind of thing: a normal distribution of their logarithms."""

    mean: np.ndarray
    inverse: np.ndarray
    log_det: float

    @classmethod
    def of(cls, colours: np.ndarray) -> Tones:
        """From samples, linear [N, 3]."""
        logs = _logs(colours)
        spread = np.cov(logs.T) + 0.02 * np.eye(3) + 0.08  # lighter and darker ones, too
        return cls(logs.mean(0), np.linalg.inv(spread), float(np.linalg.slogdet(spread)[1]))

    def distance(self, logs: np.ndarray) -> np.ndarray:
        """Squared distances in standard deviations, of logarithms [..., 3]."""
        away = logs - self.mean
        return np.einsum("...i,ij,...j->...", away, self.inverse, away)

    def log_likelihood(self, logs: np.ndarray) -> np.ndarray:
        return -0.5 * (self.distance(logs) + self.log_det)


def hair_mask(body: Body, view: PhotoView, camera: Camera) -> np.ndarray:
    """Share of each pixel around head and shoulders that is hair, float32 [H, W]; zeros where it looks like skin.

    Hair has the colours of the crown, where these are not the face's, rather than those of the skin that is seen or,
    below the chin, of the person's clothes; and it hangs together with the crown.
    """
    none = np.zeros(view.person.shape, np.float32)
    at = _crown(body, view, camera)
    if len(at) < LEAST:
        return none
    picture = cv2.GaussianBlur(photo_linear(view.picture), (0, 0), 0.8)
    seen, crown = seen_points(body, camera, view), picture[at[:, 1], at[:, 0]]
    skin = face_colour(body, seen.points, seen.vertex, seen.colours)
    # what only shines more than the face is skin in the light
    samples = crown[skin_distance(_as_bright(crown, skin), skin) > APART]
    if len(samples) < max(LEAST, HAIRY * len(crown)):
        return none
    logs, eyes = _logs(picture), body.joints[[23, 24]].mean(0)
    (pixel,), (depth,) = project(camera, eyes[None])
    scale = float(camera.K[1, 1]) / float(depth)
    y, x = np.mgrid[0 : camera.size[1], 0 : camera.size[0]]
    reach = (np.abs(x - pixel[0]) < ASIDE * scale) & (y > pixel[1] - ASIDE * scale) & (y < pixel[1] + FALL * scale)
    likely = reach & (view.person > 127) & _like_hair(logs, Tones.of(samples), seen, y > pixel[1] + CHIN * scale)
    solid = cv2.morphologyEx(likely.astype(np.uint8), cv2.MORPH_OPEN, np.ones((2, 2), np.uint8))
    _, parts = cv2.connectedComponents(solid)
    on_crown = parts[at[:, 1], at[:, 0]]
    if np.mean(on_crown > 0) < HAIRY:
        return none
    kept = np.isin(parts, np.unique(on_crown)) & (parts > 0)
    return snapped_to_edges(kept.astype(np.float32), view.picture)


def _crown(body: Body, view: PhotoView, camera: Camera) -> np.ndarray:
    """Pixels of the head above the forehead that the photo shows, int [N, 2]."""
    vertices = np.asarray(body.vertices, np.float64)
    eyes = body.joints[[23, 24]].mean(0)
    scalp = (np.argmax(body.skinning_weights, axis=1) == HEAD) & (vertices[:, 1] > eyes[1] + CROWN)
    towards = (np.asarray(camera.world_to_camera)[2, :3] @ vertex_normals(vertices, body.faces).T) < -0.1
    pixels, _ = project(camera, vertices[scalp & towards])
    at = np.clip(pixels.astype(int), 0, np.array(camera.size) - 1)
    return at[view.person[at[:, 1], at[:, 0]] > 200]


def _as_bright(colours: np.ndarray, as_bright: np.ndarray) -> np.ndarray:
    """Colours made no brighter than another, with their hue, [N, 3]."""
    return colours * np.minimum(as_bright.mean() / np.maximum(colours.mean(-1, keepdims=True), 1e-4), 1.0)


def _like_hair(logs: np.ndarray, hair: Tones, seen: Seen, low: np.ndarray) -> np.ndarray:
    """Pixels that rather look like hair than like skin or, where ``low``, like clothes, bool [H, W]."""
    own = hair.log_likelihood(logs)
    out = hair.distance(logs) < WIDEST
    for kind in range(int(seen.classes.max(initial=0)) + 1):
        colours = seen.colours[seen.classes == kind]
        if len(colours) > LEAST:
            rather = own > Tones.of(colours).log_likelihood(logs) + ODDS
            out &= rather if kind == 0 else rather | ~low
    return out


def _logs(colours: np.ndarray) -> np.ndarray:
    return np.log(colours + 0.004)
