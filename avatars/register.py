"""Finds how a person whose body is known stands in a new photo, whatever they wear."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from avatars.body_model import BodyModel
from avatars.fit import body_arrays, contour_weight, look_at_photo, photo_view
from avatars.fit_solver import Problem, Settings, ShapeKnowledge
from avatars.landmarks33 import load_regressor
from avatars.open_body import load_open_body
from engine.core.errors import InputError, UnsupportedError
from engine.core.types import Body, PhotoView

__all__ = ["register_photo"]

CERTAIN = 1e8  #: precision of betas that are known
#: Where clothes seldom are, or lie close: feet, neck, head, shoulders, forearms (SMPL-X joints). Elsewhere the outline
#: is that of the clothes.
BARE = (7, 8, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 22)
CALVES = (4, 5)
MOST_RMS = 0.09  #: of landmarks that can be of that body [m]


def register_photo(
    path: str | Path, body: Body, *, view: str = "front", seed: int = 0, model: BodyModel | None = None
) -> PhotoView:
    """The pose and the camera of a photo of a person whose shape is known, by landmarks and by the outline of parts
    that clothes leave bare.

    Args:
        path: the photo.
        view: front or side.
        seed: of GrabCut's colour clusters.

    Raises:
        InputError: a photo without a person, or one that does not go with the body.
        UnsupportedError: the body is of a model that does not ship with Toile.
    """
    if view not in ("front", "side"):
        raise InputError("photo.view", f"no view is called '{view}'", "front or side")
    if body.model != "open_body" and model is None:
        raise UnsupportedError("photo.model", f"the body is of the model '{body.model}'", "fit an open body: toile fit")
    arrays = body_arrays(model or load_open_body())
    seen = look_at_photo(view, path, body.measurements["stature"].value, seed)
    betas = np.asarray(body.betas, np.float64)
    weight = contour_weight(arrays) * np.isin(arrays.segment, (*BARE, *CALVES))
    knowledge = ShapeKnowledge(betas, CERTAIN * np.eye(len(betas)))
    problem = Problem(
        arrays, [seen.view], [seen.observation], knowledge, load_regressor().matrix, weight,
        Settings(contour_std=0.004),
    )  # fmt: skip
    result = photo_view(problem, problem.solve(), 0, seen)
    if not result.landmark_rms < MOST_RMS:
        raise InputError(
            "photo.other_body",
            f"{path}: the person's joints lie {100 * result.landmark_rms:.0f} cm from where this body's would be",
            f"give the body of the person in the photo, and --view side if they are seen from the side, not the {view}",
        )
    return result
