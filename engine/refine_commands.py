"""Finer pictures on the command line: `toile render --reference`, `toile render --refine`, `toile refine train`."""

from __future__ import annotations

import math
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from typing import Any

from engine.core.errors import InputError
from engine.core.types import Body, Camera
from engine.runtime import Run

__all__ = ["add_parser", "add_render_arguments", "finer_pictures", "run"]

TRAIN = "train the network behind 'toile render --refine' on pairs of drawn and path-traced pictures"


def add_render_arguments(parser: ArgumentParser) -> None:
    """What ``toile render`` takes for finer pictures."""
    group = parser.add_argument_group("finer pictures of a view", "take --view, --size, --fov, --close-up, --backdrop")
    group.add_argument("--reference", action="store_true",
                       help="path-trace the view: VIEW_reference.png; needs Mitsuba 3 (the extra 'reference')")
    group.add_argument("--samples", type=int, default=64, help="paths per pixel of --reference (default: 64)")
    group.add_argument("--denoise", action="store_true", help="denoise --reference with Open Image Denoise")
    group.add_argument("--refine", action="store_true",
                       help="the view refined towards path tracing by a network: VIEW_refined.png")
    group.add_argument("--weights", help="weights of --refine, from 'toile refine train' (default: Toile's own)")


def add_parser(commands: Any) -> None:
    """``toile refine`` and what is below it."""
    parser = commands.add_parser("refine", help=TRAIN, description=TRAIN)
    own = parser.add_subparsers(dest="refine_command", required=True, metavar="command")
    p = own.add_parser("train", help=TRAIN, description=TRAIN)
    p.add_argument("--data", required=True, help="folder of pairs, from 'python -m tools.refine.pairs'")
    p.add_argument("--out", default="out/refine", help="folder for weights and state (default: out/refine)")
    p.add_argument("--steps", type=int, default=12000, help="of this phase (default: 12000)")
    p.add_argument("--batch", type=int, default=4, help="squares a step (default: 4)")
    p.add_argument("--square", type=int, default=96, help="their side in pixels (default: 96)")
    p.add_argument("--rate", type=float, default=2e-4, help="greatest learning rate (default: 0.0002)")
    p.add_argument("--gan", type=float, default=0.0,
                   help="weight of the discriminator, e.g. 0.02, for a second phase from --start (default: 0, none)")
    p.add_argument("--start", help="weights to begin with")
    p.add_argument("--seconds", type=float, default=math.inf, help="stop after so long; the same call goes on later")
    p.add_argument("--device", choices=("auto", "cpu", "cuda"), default="auto", help="auto: the GPU, if there is one")
    p.add_argument("--bfloat", action="store_true", help="work in bfloat16: twice as fast on processors that have it")
    p.add_argument("--threads", type=int, default=0, help="CPU threads, 0 for all")
    p.add_argument("--seed", type=int, default=0, help="seed of everything random")
    p.add_argument("--json", action="store_true", help="print one JSON line on stdout and nothing else there")


def run(args: Namespace, emit: Callable[[str], None]) -> tuple[Any, int]:
    """toile refine train"""
    import torch

    from render.refine.train import Settings, train
    from render.refine.weights import load_refiner

    for name, low, high in (("steps", 1, 10**7), ("batch", 1, 256), ("square", 64, 2048), ("rate", 1e-6, 0.1),
                            ("gan", 0, 1), ("threads", 0, 1024), ("seed", 0, 2**31 - 1)):  # fmt: skip
        value = getattr(args, name)
        if not low <= value <= high:
            what = f"--{name} {value:g}: is not between {low:g} and {high:g}"
            raise InputError("cli.range", what, f"change --{name}")
    if not args.seconds > 0:
        raise InputError("cli.range", f"--seconds {args.seconds:g}: leaves no time to train", "give more seconds")
    if args.threads:
        torch.set_num_threads(args.threads)
    settings = Settings(steps=args.steps, batch=args.batch, square=args.square, rate=args.rate, gan=args.gan,
                        seed=args.seed, bfloat=args.bfloat)  # fmt: skip
    found = torch.cuda.is_available()
    if args.device == "cuda" and not found:
        raise InputError("cli.device", "--device cuda: torch finds no such GPU here", "leave --device out")
    device = "cuda" if found and args.device != "cpu" else "cpu"
    start = load_refiner(args.start) if args.start else None
    say = (lambda line: None) if args.json else (lambda line: emit(line))
    weights = train(args.data, args.out, settings, start=start, device=device, seconds=args.seconds, say=say)
    if not args.json:
        emit(f"Weights saved in {weights}" if weights else "Stopped in time; the same call goes on from here")
    return {"status": "done" if weights else "unfinished", "weights": weights and str(weights)}, 0


def finer_pictures(args: Namespace, mode: str) -> Callable[..., list[str]] | None:
    """Checks what ``toile render`` was asked for; returns what takes finer pictures of a view, None if none are asked.

    What it returns takes the run, the body, a preview, a camera and a progress callback, and returns the files written.
    """
    if args.weights and not args.refine:
        raise InputError("cli.usage", "--weights is given without --refine", "add --refine")
    if args.denoise and not args.reference:
        raise InputError("cli.usage", "--denoise is given without --reference", "add --reference")
    if not (args.refine or args.reference):
        return None
    if mode != "beauty":
        raise InputError("cli.usage", f"--mode {mode}: maps are neither refined nor path-traced", "leave --mode out")
    model = None
    if args.refine:
        from render.refine.weights import load_refiner

        model = load_refiner(args.weights)
    if args.reference:
        from render.reference import check

        check(args.samples, denoise=args.denoise)

    def take(run: Run, body: Body, preview: Any, camera: Camera, progress: Callable[[float, str], None]) -> list[str]:
        from engine.export.finer_pictures import write_reference, write_refined

        view, written = (args.view or "three-quarter").replace("-", "_"), []
        if model is not None:
            written.append(write_refined(run.out / f"{view}_refined.png", preview, camera, model, body))
        if args.reference:
            written.append(write_reference(
                run.out / f"{view}_reference.png", preview, camera, samples=args.samples, denoise=args.denoise,
                threads=run.config.threads, seed=run.config.seed, progress=progress,
            ))  # fmt: skip
        return [str(path) for path in written]

    return take
