"""Garment from a picture as a stage: drapes candidates by the main path, writes pattern, options and a comparison."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from engine.core.safe_io import write_json
from engine.core.types import Body, PhotoView
from engine.library_names import default_fabric, load_pattern
from engine.look import DRAPE, GARMENT, Look
from engine.photo.recut import Found, garment_from_photo
from engine.pipeline import dress
from engine.runtime import Run

__all__ = ["option_ranges", "recut"]

SEEN, MADE = np.array([60, 200, 90]), np.array([235, 70, 60])  #: sRGB of what only photo or only drape shows
MARGIN = 0.9  #: share of an option's range that is searched, so that no draft is at the edge of what can be sewn


def option_ranges(garment: str, body: Body) -> dict[str, tuple[float, float, float]]:
    """Default, least and most of a garment's options [m]; defaults that follow the body are worked out for it."""
    from garments import library

    m = {name: value.value for name, value in body.measurements.items()}
    drop = m["waist_height"] - m["hip_height"] + 0.02
    knee = m["waist_height"] - m["knee_height"]
    follow = {
        "tee": {"length": drop, "sleeve_length": 0.37 * m["arm_length"]},
        "shirt": {"length": drop, "sleeve_length": m["arm_length"]},
        "trousers": {"length": m["waist_height"] - 0.02},
    }.get(garment, {"length": knee})
    described = next(g for g in library.describe() if g["name"] == garment)["options"]
    out = {}
    for name, o in described.items():
        if o["unit"] == "m":
            default = follow.get(name, 0.0) if o["default"] is None else o["default"]
            spare = 0.5 * (1 - MARGIN) * (o["high"] - o["low"])
            out[name] = (default, o["low"] + spare, o["high"] - spare)
    return out


def recut(
    run: Run, body: Body, view: PhotoView, *, garment: str | None, fabric: str | None, rounds: int
) -> dict[str, Any]:
    """Finds the garment in a photo; writes its pattern, drape, outline.png and from_photo.json, whose content it
    returns."""
    from avatars.motion import move_to_pose
    from engine.core import codec
    from garments import library
    from garments.formats.toile_json import write_toile
    from render.develop import write_png

    garment = library.canonical(garment) if garment else None
    with run.stage("pose", "Taking the photo's pose") as progress:
        moving = move_to_pose(body, view.body_pose, progress=progress)

    def drape(name: str, options: Mapping[str, float]) -> Look:
        return dress(run, body, garments=[name], fabrics=[fabric or default_fabric(name)], options=[options])

    found = garment_from_photo(
        body, view, moving, drape, lambda name: option_ranges(name, body), garment=garment, rounds=rounds
    )
    for value, name in ((found.look.garment, GARMENT), (found.look.drape, DRAPE)):
        codec.save(value, run.out / name)
    pattern = write_toile(run.out / f"{found.garment}.json", load_pattern(found.garment, body, found.options))
    write_png(run.out / "outline.png", _compared(view, found))
    value = {
        "garment": found.garment,
        "options_cm": {name: round(100 * v, 1) for name, v in found.options.items()},
        "errors_cm": {name: round(100 * v, 2) for name, v in found.errors.items()},
        "worst_error_cm": round(100 * max((abs(v) for v in found.errors.values()), default=0.0), 2),
        "overlap": round(found.overlap, 4), "pattern": pattern.name, "out": str(run.out),
    }  # fmt: skip
    write_json(run.out / "from_photo.json", value)
    return value


def _compared(view: PhotoView, found: Found) -> np.ndarray:
    """The photo with what only the photo's garment covers in green and what only the drape covers in red."""
    picture = view.picture.astype(np.float32)
    for mask, colour in ((found.seen & ~found.made, SEEN), (found.made & ~found.seen, MADE)):
        picture[mask] = 0.35 * picture[mask] + 0.65 * colour
    return picture.astype(np.uint8)
