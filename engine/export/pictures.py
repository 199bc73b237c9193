"""The pictures of a look: stills, a turntable, strain and pressure maps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from engine.core.types import SceneMesh
from render.preview import Preview, standard_cameras, write_png, write_webp

__all__ = ["write_pictures"]

STILLS = {"front": "Front", "back": "Back", "three_quarter": "Three quarters"}
MAPS = {"strain": "Stretch", "pressure": "Pressure on the body"}


def write_pictures(
    out: Path,
    meshes: Sequence[SceneMesh],
    *,
    quality: str,
    turntable: bool = True,
    progress: Callable[[float, str], None] | None = None,
) -> dict[str, np.ndarray]:
    """Writes front.png, back.png, three_quarter.png, strain and pressure maps, and turntable.webp into ``out``.

    Returns:
        title -> picture for the report, sRGB uint8 [H, W, 3].

    Raises:
        JobError: ``render.no_opengl`` where the system has no OpenGL.
    """
    report = progress or (lambda share, what: None)
    shown: dict[str, np.ndarray] = {}
    with Preview(meshes, quality=quality) as preview:
        cameras = standard_cameras(meshes, size=preview.quality.still)
        for i, (name, title) in enumerate(STILLS.items()):
            report(0.05 + 0.1 * i, name)
            shown[title] = preview.picture(cameras[name])
            write_png(out / f"{name}.png", shown[title])
        for i, (mode, title) in enumerate(MAPS.items()):
            for view in ("front", "back"):
                report(0.35 + 0.05 * i, f"{mode}, {view}")
                shown[f"{title}, {view}"] = preview.picture(cameras[view], mode=mode)
                write_png(out / f"{mode}_{view}.png", shown[f"{title}, {view}"])
        if turntable:
            frames = preview.turntable(progress=lambda share, what: report(0.45 + 0.5 * share, what))
            write_webp(out / "turntable.webp", frames)
    return shown
