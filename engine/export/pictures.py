"""The pictures of a look: stills, a turntable, strain and pressure maps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from engine.core.types import Camera, DragLine, SceneMesh
from render.heatmap import draw_legend
from render.moving import write_webp
from render.preview import Preview, standard_cameras, write_png
from render.strokes import draw_strokes

__all__ = ["write_pictures"]

STILLS = {"front": "Front", "back": "Back", "three_quarter": "Three quarters"}
TENSION_ENDS = (50.0, 100.0, 200.0, 500.0, 1000.0)  #: ends of the colour bar [N/m]
MAPS = {"strain": "Stretch", "pressure": "Pressure on the body"}


def write_pictures(
    out: Path,
    meshes: Sequence[SceneMesh],
    *,
    quality: str,
    turntable: bool = True,
    drag_lines: Sequence[DragLine] = (),
    progress: Callable[[float, str], None] | None = None,
) -> dict[str, np.ndarray]:
    """Writes front.png, back.png, three_quarter.png, strain and pressure maps, and turntable.webp into ``out``.

    Drag lines, if there are any, are drawn in tension_front.png and tension_back.png.

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
        for view in ("front", "back") if drag_lines else ():
            report(0.44, f"tension, {view}")
            title = f"Tension, {view}"
            shown[title] = _with_lines(preview, cameras[view], shown[STILLS[view]], drag_lines)
            write_png(out / f"tension_{view}.png", shown[title])
        if turntable:
            frames = preview.turntable(progress=lambda share, what: report(0.45 + 0.5 * share, what))
            write_webp(out / "turntable.webp", frames)
    return shown


def _with_lines(preview: Preview, camera: Camera, picture: np.ndarray, lines: Sequence[DragLine]) -> np.ndarray:
    """The picture with its drag lines in view, coloured by their tension."""
    depth = preview.view(camera, supersample=1).depth
    end = next((v for v in TENSION_ENDS if v >= lines[0].tension), TENSION_ENDS[-1])
    strokes = [(line.points, min(line.tension / end, 1.0)) for line in lines]
    return draw_legend(draw_strokes(picture, strokes, camera, depth, "tension"), "tension", (0.0, end))
