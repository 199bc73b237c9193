"""`toile animate FOLDER --motion ...`: a saved look in motion, as animated GLB and preview."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.config import read_config
from engine.core.errors import InputError
from engine.runtime import Run

__all__ = ["add_arguments", "run"]


def add_arguments(parser: Any) -> None:
    """Adds what `animate` takes to its parser."""
    parser.add_argument("folder", help="folder with a saved look, of toile drape or toile try-on")
    parser.add_argument(
        "--motion",
        default="catwalk",
        help="catwalk (default), sit, reach, turn, or an .npz file in AMASS's or SMPL-X's layout",
    )
    parser.add_argument("--seconds", type=float, help="length of the motion in seconds (default: the motion's own)")
    parser.add_argument("--out", help="folder for the results (default: the look's)")
    parser.add_argument("--json", action="store_true", help="print one JSON line on stdout and nothing else there")
    parser.add_argument("--config", help="YAML file with device, threads")
    parser.add_argument("--device", help="cpu, gpu, cuda, vulkan or metal")
    parser.add_argument("--threads", type=int, help="CPU threads, 0 for all")
    parser.add_argument("--no-preview", action="store_true", help="skip animation.webp")
    parser.add_argument("--mp4", action="store_true", help="also write animation.mp4 (VP9)")


def run(args: Namespace, emit: Callable[[str], None]) -> tuple[dict[str, Any], int]:
    """toile animate"""
    from engine.look import load_look
    from engine.motion_pipeline import animate_look

    folder = Path(args.folder)
    if not folder.is_dir():
        raise InputError("look.missing", f"{folder}: no such folder", "give the --out folder of toile drape")
    config = read_config(
        args.config, device=args.device, threads=args.threads, turntable=False if args.no_preview else None
    )
    work = Run(Path(args.out) if args.out else folder, config, quiet=args.json)
    if Path(args.motion).is_file():
        work.input_file(args.motion)
    result, held = animate_look(work, load_look(folder), motion=args.motion, seconds=args.seconds, film=args.mp4)
    figures = result.metrics
    work.write_manifest(motion=args.motion, animation=figures, animation_status=result.status)
    if not args.json:
        print(
            f"{args.motion}: {result.status}, {figures['frames']} frames at {figures['fps']:.0f} a second, "
            f"{figures['self_intersections']} self-intersections, deepest vertex in the body "
            f"{figures['body_penetration_max_mm']:.2f} mm, {figures['cpu_ms_per_frame']:.0f} ms of processor a frame",
            *work.warnings,
            f"Saved in {work.out}: animation.glb ({held['bytes'] / 1e6:.1f} MB), animation.npz",
            f"Look at it: toile view {work.out}/animation.glb",
            sep="\n",
        )
    value = {
        "status": result.status, "motion": args.motion, **figures, "glb": held, "out": str(work.out),
        "timings_s": work.timings, "warnings": work.warnings,
    }  # fmt: skip
    return value, 1 if result.status == "failed" else 0
