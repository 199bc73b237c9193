"""What of a photographed person's own clothes shows beside new ones."""

from __future__ import annotations

import numpy as np

from engine.core.types import Body, Camera, PhotoView
from engine.photo.light import project, seen_points

__all__ = ["own_clothes_left"]

SHOWN = 0.10  #: share of a garment of their own that shows beside the new one, from which people are told
HIDDEN = 0.5  #: least share of it that the new one hides for it to be the one that is replaced
LEAST_PIECE = 0.02  #: of the person's pixels, of a piece of clothing


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
