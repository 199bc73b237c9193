"""Dresses random bodies in random garments: ``python -m tools.refine.looks --out DIR --looks 24 --seed 1``.

Every look is a folder as ``toile drape`` saves it, and depends on the seed and its number only; those that are there
are left alone, so that an interrupted run goes on. Every fourth look is then moved a little way into a motion and kept
in that pose.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from engine import pipeline
from engine.config import read_config
from engine.core import codec
from engine.core.errors import ToileError
from engine.core.safe_io import write_json
from engine.library_names import default_fabric
from engine.look import BODY, DRAPE, Look
from engine.runtime import Run

MEAN = {"female": (1.65, 0.068), "male": (1.78, 0.072)}  #: stature of adults: mean and spread [m]
GARMENTS = (
    ("tee",), ("shirt",), ("sheath",), ("skirt_a_line",), ("skirt_pleated",), ("trousers",), ("skirt_straight",),
    ("tee", "trousers"), ("shirt", "trousers"), ("tee", "skirt_a_line"), ("tee", "jacket"),
)  # fmt: skip
#: other cloth than a garment's own, light and heavy
FABRICS = ("poplin", "linen", "jersey", "satin", "silk_charmeuse", "wool_suiting", "twill", "denim", "ponte")
MOTIONS = ("catwalk", "reach", "turn", "sit")


def main(argv: list[str] | None = None) -> int:
    """Drapes the looks that are missing."""
    parser = argparse.ArgumentParser(prog="python -m tools.refine.looks", description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--looks", type=int, default=24)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--quality", default="draft")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args(argv)
    for index in range(args.first, args.first + args.looks):
        folder = args.out / f"look_{index:03d}"
        if (folder / "look.json").exists():
            continue
        start = time.process_time()
        try:
            what = make_look(folder, np.random.default_rng([args.seed, index]), posed=index % 4 == 3,
                             quality=args.quality, threads=args.threads)  # fmt: skip
        except ToileError as error:
            what = {"failed": str(error)}
        what["cpu_s"] = round(time.process_time() - start, 1)
        write_json(folder / "look.json", what)
        print(folder.name, what, file=sys.stderr)
    return 0


def make_look(folder: Path, rng: np.random.Generator, *, posed: bool, quality: str, threads: int) -> dict:
    """One random body dressed; in a pose of a motion if ``posed``. Returns what it is."""
    sex = str(rng.choice(list(MEAN)))
    mean, spread = MEAN[sex]
    stature = float(mean + spread * np.clip(rng.standard_normal(), -2, 2))
    bmi = float(np.clip(23.5 + 4.0 * rng.standard_normal(), 18.0, 36.0))
    garments = GARMENTS[rng.integers(len(GARMENTS))]
    fabrics = [str(rng.choice(FABRICS)) if rng.random() < 0.5 else default_fabric(name) for name in garments]
    folder.mkdir(parents=True, exist_ok=True)
    run = Run(folder, read_config(None, quality=quality, threads=threads, turntable=False, cache=False), quiet=True)
    body = pipeline.body_from_typed(run, {"stature": stature, "body_mass": bmi * stature**2}, sex=sex)
    look = pipeline.dress(run, body, garments=garments, fabrics=fabrics)
    what = {"sex": sex, "stature_m": round(stature, 3), "bmi": round(bmi, 1), "garments": garments, "fabrics": fabrics}
    if posed:
        what["motion"] = str(rng.choice(MOTIONS))
        _pose(look, what["motion"], folder, threads)
    return what


def _pose(look: Look, motion: str, folder: Path, threads: int) -> None:
    """Replaces the saved look by the same one in the last frame of the way into a motion."""
    from avatars.motion import move
    from sim.motion import MotionConfig, animate

    moving = move(look.body, motion, seconds=0.1)
    moved = animate(look.garment, look.drape, look.body, moving, config=MotionConfig(threads=threads))
    body = replace(look.body, vertices=moving.vertices[-1], joints=moving.joints[-1],
                   contact_vertices=moving.contact_vertices[-1])  # fmt: skip
    drape = replace(moved, positions=moved.positions[-1], strain=moved.strain[-1], pressure=moved.pressure[-1])
    codec.save(body, folder / BODY)
    codec.save(drape, folder / DRAPE)


if __name__ == "__main__":
    sys.exit(main())
