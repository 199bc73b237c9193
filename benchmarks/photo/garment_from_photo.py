"""How well a garment's cut is read off a picture: known garments put into a photo of a fitted person, and found again.

    python benchmarks/photo/garment_from_photo.py [--cases tee_long,...] [--rounds 2] [--pictures DIR]

The pictures are Toile's own (``photo_tryon.png`` of the sample person, in red), so that every option is known. Skirts
and trousers are named to the search, tops and dresses are not. Prints a line per case on stderr and one JSON line on
stdout: error of each option [cm], overlap of the outlines, seconds of processor time.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from avatars.fit import fit_photos  # noqa: E402
from avatars.register import register_photo  # noqa: E402
from engine.config import read_config  # noqa: E402
from engine.finish import Finish  # noqa: E402
from engine.library_names import default_fabric  # noqa: E402
from engine.photo.light import light_of_photo  # noqa: E402
from engine.photo.posed import look_in_photo  # noqa: E402
from engine.photo.recut import BOTTOMS  # noqa: E402
from engine.photo.recut_stage import recut  # noqa: E402
from engine.photo.tryon import dress_photo  # noqa: E402
from engine.pipeline import dress  # noqa: E402
from engine.runtime import Run  # noqa: E402
from render.develop import write_png  # noqa: E402

PHOTOS = Path(__file__).parents[2] / "examples" / "photos"
#: name -> garment, options that differ from the usual [m]
CASES = {
    "tee_long": ("tee", {"length": 0.36, "ease": 0.22, "ease_hip": 0.20, "sleeve_length": 0.32}),
    "tee_short": ("tee", {"length": 0.12, "ease": 0.03, "ease_hip": 0.02, "sleeve_length": 0.15}),
    "skirt_long": ("skirt_a_line", {"length": 0.75, "flare": 0.11}),
    "sheath_short": ("sheath", {"length": 0.45, "ease_waist": 0.10, "ease_hip": 0.10}),
    "trousers_short": ("trousers", {"length": 0.75, "ease_hip": 0.12}),
}


def run_case(name: str, body, view, *, rounds: int, pictures: Path | None) -> dict:
    """Dresses the sample person in a known garment and reads it off the picture."""
    garment, options = CASES[name]
    start = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        run = Run(Path(folder), read_config(None, quality="draft", threads=1), quiet=True)
        look = dress(run, body, garments=[garment], fabrics=[default_fabric(garment)], options=[options])
        posed, camera = look_in_photo(run, replace(look, finish=Finish((0.35, 0.05, 0.06))), view)
        dressed = dress_photo(posed, view, camera, light_of_photo(posed.body, camera, view), quality="draft")
        picture = write_png((pictures or Path(folder)) / f"{name}.png", dressed.picture)
        made = time.process_time() - start
        out = Run(Path(folder) / "found", run.config, quiet=True)
        out.out.mkdir()
        told = garment if garment in BOTTOMS else None
        found = recut(out, body, register_photo(picture, body), garment=told, fabric=None, rounds=rounds)
        if pictures:
            (out.out / "outline.png").rename(pictures / f"{name}_outline.png")
    errors = {}
    if found["garment"] == garment:
        errors = {k: round(found["options_cm"][k] - 100 * v, 1) for k, v in options.items() if k in found["options_cm"]}
    return {"garment": found["garment"], "right_garment": found["garment"] == garment, "option_errors_cm": errors,
            "outline_errors_cm": found["errors_cm"], "overlap": found["overlap"], "make_cpu_s": round(made, 1),
            "find_cpu_s": round(time.process_time() - start - made, 1)}  # fmt: skip


def main() -> int:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--pictures", type=Path, help="folder for the pictures and the compared outlines")
    args = parser.parse_args()
    if args.pictures:
        args.pictures.mkdir(parents=True, exist_ok=True)
    fit = fit_photos(PHOTOS / "front.jpg", PHOTOS / "side.jpg", height=1.72, weight=63.0, sex="female")
    rows = {}
    for name in args.cases.split(","):
        try:
            rows[name] = run_case(name, fit.body, fit.views[0], rounds=args.rounds, pictures=args.pictures)
        except Exception as error:  # noqa: BLE001 - a case that fails is a figure of the benchmark too
            rows[name] = {"error": f"{type(error).__name__}: {error}"}
        print(name, json.dumps(rows[name]), file=sys.stderr, flush=True)
    print(json.dumps({"rounds": args.rounds, "cases": rows}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
