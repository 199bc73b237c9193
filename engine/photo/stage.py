"""The photo as a stage of the main path: its views kept with the body, and the look shown in them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from engine.core import codec
from engine.core.errors import InputError, ToileError
from engine.core.types import Body, PhotoView
from engine.look import Look
from engine.runtime import Run

__all__ = ["PHOTOS", "keep_views", "load_views", "photo_try_on"]

PHOTOS = "photos.npz"
#: What may be missing for a picture that the rest of a run does without.
OPTIONAL = ("render.no_opengl", "light.few", "sim.diverged", "motion.failed_drape", "motion.model")


def keep_views(folder: Path, body: Body, views: Sequence[PhotoView]) -> None:
    """Saves how a body stands in its photos beside it."""
    codec.save({"betas": np.asarray(body.betas), "views": tuple(views)}, folder / PHOTOS)


def load_views(folder: Path, body: Body) -> tuple[PhotoView, ...]:
    """The views saved in ``folder``; none if there are none, or if they are of another body."""
    path = folder / PHOTOS
    if not path.is_file():
        return ()
    value = codec.load(path, dict)
    try:
        same = np.array_equal(value["betas"], body.betas)
        views = tuple(value["views"])
    except (KeyError, TypeError) as error:
        raise InputError("result.damaged", f"{path}: is not of a fit ({error})", "run toile fit again") from None
    return views if same else ()


def photo_try_on(run: Run, look: Look, views: Sequence[PhotoView]) -> dict[str, np.ndarray]:
    """Writes photo_tryon.png (of the first photo), photo_tryon_side.png and the photos' lights, light_front.json ...

    What cannot be done is said in the run's warnings; the rest of the run goes on.

    Returns:
        title -> picture for the report, sRGB uint8 [H, W, 3].
    """
    from engine.photo.light import light_of_photo, write_light
    from engine.photo.posed import look_in_photo
    from engine.photo.tryon import dress_photo
    from render.develop import write_png

    shown, first, model = {}, None, None
    if views and run.config.harmonise:
        from render.refine.weights import load_refiner

        model = load_refiner()
    for view in views:
        try:
            posed, camera = look_in_photo(run, look, view)
            with run.stage("photo", "Dressing the photo") as progress:
                progress(0.1, f"light of the {view.name} photo")
                light = light_of_photo(posed.body, camera, view)
                light = light.in_clothes_of(first) if first else light
                first = first or light
                write_light(run.out / f"light_{view.name}.json", light, camera)
                progress(0.3, view.name)
                dressed = dress_photo(posed, view, camera, light, quality=run.config.quality, model=model)
        except ToileError as error:
            if error.code not in OPTIONAL:
                raise
            run.warnings.append(f"no try-on in the {view.name} photo: {error}")
            continue
        name = "photo_tryon.png" if view is views[0] else f"photo_tryon_{view.name}.png"
        write_png(run.out / name, dressed.picture)
        run.warnings += [w for w in (*posed.drape.warnings, *dressed.warnings) if w not in run.warnings]
        shown[f"In the {view.name} photo"] = dressed.picture
    return shown
