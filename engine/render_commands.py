"""`toile render FOLDER ...`: all pictures of a saved look, or the one picture, turntable or layers asked for."""

from __future__ import annotations

import argparse
import math
import re
from argparse import Namespace
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine import finish, look
from engine.config import read_config
from engine.core.errors import InputError
from engine.core.types import Camera
from engine.finish import read_finish
from engine.refine_commands import add_render_arguments, finer_pictures
from engine.runtime import Run

__all__ = ["add_arguments", "run"]

MODE_NAMES = {"stress": "tension"}  #: other words for the modes of render.preview
SIDES = (16, 4096)  #: of pictures [px]
FRAMES = (1, 720)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds what `render` takes, besides what all commands take."""
    parser.add_argument("folder", nargs="?", help="folder with the saved drape (default: --out)")
    finish.add_arguments(parser)
    group = parser.add_argument_group("one picture instead of all", "written beside the look, as VIEW_MODE.png")
    group.add_argument("--view", help="front, back, side, left, right, three-quarter, or degrees from the front")
    group.add_argument("--mode", help="beauty (default), wireframe, strain, pressure or tension (stress)")
    group.add_argument("--size", metavar="WxH", help="width and height in pixels, e.g. 1024x1024")
    group.add_argument("--fov", type=float, help="vertical field of view in degrees (default: a portrait lens, 19)")
    group.add_argument("--close-up", type=float, nargs="?", const=3.0, metavar="CM",
                       help="the cloth so near that its threads are seen: CM across the picture (default 3)")
    group.add_argument("--backdrop", choices=("studio", "none"), help="none leaves the background transparent")
    group.add_argument("--turntable", metavar="FILE", help="all around the look, .webp or .mp4; takes --mode, --size")
    group.add_argument("--frames", type=int, help="of the turntable (default: the quality's)")
    group.add_argument("--fps", type=float, default=20.0, help="frames a second of the turntable (default 20)")
    group.add_argument("--buffers", metavar="FOLDER",
                       help="layers of the view: buffers.exr (linear RGB, alpha, depth, normal, albedo, id) and PNGs")
    add_render_arguments(parser)


def run(args: Namespace, emit: Callable[[str], None]) -> tuple[dict[str, Any], int]:
    """toile render"""
    config = read_config(
        args.config, quality=args.quality, device=args.device, threads=args.threads, seed=args.seed,
        cache=False if args.no_cache else None, turntable=False if args.no_turntable else None,
        harmonise=False if args.no_harmonise else None,
    )  # fmt: skip
    work = Run(Path(args.folder or args.out), config, quiet=args.json)
    one = ("view", "mode", "size", "fov", "close_up", "backdrop", "turntable", "frames", "buffers")
    finer = args.reference or args.refine or args.denoise or args.weights
    if finer or any(getattr(args, name) is not None for name in one):
        written = _asked(work, args)
    else:
        from engine import pipeline

        pipeline.render_look(work, _look(work, args))
        work.write_manifest()
        written = [str(work.out)]
    if not args.json:
        print(f"Saved: {', '.join(written)}", *work.warnings, sep="\n")
    value = {"status": "done", "out": str(work.out), "files": written, "warnings": work.warnings}
    return {**value, "timings_s": work.timings}, 0


def _look(work: Run, args: Namespace) -> Any:
    """The saved look in the colour and print asked for."""
    return replace(look.load_look(work.out), finish=read_finish(args.colour, args.print_file))


def _asked(work: Run, args: Namespace) -> list[str]:
    """Draws what the flags ask for; returns the paths written."""
    from render.moving import check_moving
    from render.preview import MODES, Preview
    from render.views import view_azimuth

    mode = MODE_NAMES.get(args.mode, args.mode) or "beauty"
    if mode not in MODES:
        raise InputError("render.mode", f"--mode {args.mode}: is not known", f"one of {', '.join(MODES)}")
    view, size = args.view or "three-quarter", _size(args.size)
    view_azimuth(view)
    fov = _between("--fov", args.fov, 2, 120, "degrees")
    close = _between("--close-up", args.close_up, 0.2, 50, "cm")
    frames = _between("--frames", args.frames, *FRAMES, "pictures")
    fps = _between("--fps", args.fps, 1, 120, "pictures a second")
    film = check_moving(args.turntable) if args.turntable else None
    if film and (close is not None or args.view):
        raise InputError("cli.turntable", "a turntable goes around the whole look", "leave out --view and --close-up")
    if frames is not None and not film:
        raise InputError("cli.frames", "--frames is for a turntable", "give --turntable FILE too, or leave it out")
    finer = finer_pictures(args, mode)
    shown = _look(work, args)
    meshes = look.scene(shown)
    with work.stage("render", "Taking pictures") as progress, Preview(
        meshes, quality=work.config.quality, backdrop=args.backdrop or "studio"
    ) as preview:
        written = []
        if film:
            written.append(_turntable(preview, film, mode, size, fov, frames, fps, progress))
        camera = _camera(preview, view, size or preview.quality.still, fov, close)
        if args.buffers:
            from engine.export.buffers import write_buffers

            folder = Path(args.buffers)
            names = write_buffers(folder, preview.view(camera, mode=mode), camera, meshes)
            written += [str(folder / name) for name in names]
        if finer:
            written += finer(work, shown.body, preview, camera, progress)
        if not written:
            written.append(_still(work.out, preview, camera, view, mode, close is not None))
    return written


def _still(out: Path, preview: Any, camera: Camera, view: str, mode: str, close: bool) -> str:
    from render.preview import write_png
    from render.views import draw_scale

    picture = preview.picture(camera, mode=mode)
    if close:
        picture = draw_scale(picture, camera)
    words = [view.replace("-", "_"), *(["close_up"] if close else []), *([mode] if mode != "beauty" else [])]
    return str(write_png(out / f"{'_'.join(words)}.png", picture))


def _turntable(
    preview: Any, path: Path, mode: str, size: tuple[int, int] | None, fov: float | None, frames: float | None,
    fps: float, progress: Callable[[float, str], None],
) -> str:  # fmt: skip
    from render.moving import write_moving

    lens = {} if fov is None else {"fov_y": math.radians(fov)}
    count = None if frames is None else int(frames)
    pictures = preview.turntable(count, size=size, mode=mode, progress=lambda s, w: progress(0.9 * s, w), **lens)
    return str(write_moving(path, pictures, fps=fps))


def _camera(preview: Any, view: str, size: tuple[int, int], fov: float | None, close: float | None) -> Camera:
    from render.views import close_up_camera, view_camera

    if close is not None:
        return close_up_camera(preview, view, size=size, field=close / 100)
    lens = {} if fov is None else {"fov_y": math.radians(fov)}
    return view_camera(preview.meshes, view, size=size, **lens)


def _size(text: str | None) -> tuple[int, int] | None:
    if text is None:
        return None
    found = re.fullmatch(r"(\d{1,5})x(\d{1,5})", text.strip().lower())
    if not found or not all(SIDES[0] <= int(n) <= SIDES[1] for n in found.groups()):
        raise InputError("cli.size", f"--size {text}: is not WIDTHxHEIGHT of {SIDES[0]} to {SIDES[1]} pixels",
                         "write e.g. --size 1024x1024")  # fmt: skip
    return int(found[1]), int(found[2])


def _between(name: str, value: float | None, low: float, high: float, unit: str) -> float | None:
    if value is not None and not (math.isfinite(value) and low <= value <= high):
        raise InputError("cli.range", f"{name} {value:g}: is not between {low:g} and {high:g} {unit}", "change it")
    return value
