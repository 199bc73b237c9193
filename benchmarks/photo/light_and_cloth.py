"""How well light and cloth are read off photos: path-traced pictures whose sun, colours and print are known.

    python benchmarks/photo/light_and_cloth.py [--cases sun_left,...] [--pictures DIR]

The sample person wears a T-shirt of known colour under a sun in a known direction, or a printed one in a room. Needs
the extra ``reference`` (Mitsuba). Prints one line per case on stderr and one JSON line on stdout: angle between the
true and the found direction of the main light [degrees], its power over the sky's, found and true, CIEDE2000 of base
colour and print.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from avatars.fit import fit_photos  # noqa: E402
from avatars.register import register_photo  # noqa: E402
from benchmarks.render.refine_measures import colour_difference  # noqa: E402
from engine.config import read_config  # noqa: E402
from engine.finish import Finish  # noqa: E402
from engine.look import scene  # noqa: E402
from engine.photo.cloth import cloth_colours  # noqa: E402
from engine.photo.light import light_of_photo  # noqa: E402
from engine.photo.posed import look_in_photo  # noqa: E402
from engine.pipeline import dress  # noqa: E402
from engine.runtime import Run  # noqa: E402
from render.photo_light import photo_linear  # noqa: E402
from tools.sample_photos.camera import PhoneCamera, save_jpeg  # noqa: E402
from tools.sample_photos.dressed import photograph_look, sun_and_sky  # noqa: E402
from tools.sample_photos.people import named_person  # noqa: E402
from tools.sample_photos.room import Room  # noqa: E402
from tools.sample_photos.scene import use_variant  # noqa: E402

PHOTOS = Path(__file__).parents[2] / "examples" / "photos"
SUN, SKY = 2.5, 0.4
#: name -> sun's azimuth (0 in front, 90 at the person's left) and elevation [degrees] or None for a room; linear colour
#: of the shirt or None for stripes
CASES: dict[str, tuple] = {
    "sun_left": ((60, 30), (0.35, 0.05, 0.06)),
    "sun_right": ((-50, 40), (0.06, 0.22, 0.12)),
    "sun_front_high": ((10, 60), (0.55, 0.53, 0.48)),
    "room_red": (None, (0.35, 0.05, 0.06)),
    "room_stripes": (None, None),
}
STRIPES = np.array([(30, 50, 120), (225, 225, 215)], np.uint8)  #: sRGB


def stripes(pixels: int = 1024, each: int = 20) -> np.ndarray:
    """Print of stripes across, sRGB uint8 [n, n, 3]."""
    return np.repeat(STRIPES[(np.arange(pixels) // each) % 2][:, None], pixels, axis=1)


def direction(azimuth: float, elevation: float) -> np.ndarray:
    """Unit vector in the body's axes."""
    a, e = np.radians([azimuth, elevation])
    return np.array([np.sin(a) * np.cos(e), np.sin(e), np.cos(a) * np.cos(e)])


def run_case(name: str, run: Run, look, body, view, pictures: Path) -> dict:
    """Takes one picture and reads it."""
    sun, colour = CASES[name]
    finish = Finish(colour) if colour else Finish(None, stripes())
    posed, _ = look_in_photo(run, replace(look, finish=finish), view)
    camera = PhoneCamera((600, 800), 26.0, 2.35, 1.28, 0.03, 0.15, 0.01, 0.006)
    place = sun_and_sky(direction(*sun), sun=np.pi * SUN, sky=SKY) if sun else Room(
        back=1.15, left=1.75, right=1.6, front=3.6, wall="cream", floor="oak", window_side=-1, window_z=1.3,
        daylight=9.0, lamp=5.0, seed=5, pieces=("shelf", "door", "plant"))  # fmt: skip
    start = time.process_time()
    picture = photograph_look(posed.body, scene(posed)[1:], named_person("sample"), place, camera, spp=12, seed=3,
                              own=("leggings",))  # fmt: skip
    path = pictures / f"{name}.jpg"
    save_jpeg(path, picture, camera)
    traced = time.process_time() - start
    seen = register_photo(path, body)
    there, its_camera = look_in_photo(run, look, seen)
    mesh = scene(there)[-1]
    light = light_of_photo(there.body, its_camera, seen, worn=mesh)
    found = cloth_colours(there, mesh, seen, its_camera, light)
    row: dict = {"trace_cpu_s": round(traced, 1), "read_cpu_s": round(time.process_time() - start - traced, 1),
                 "plain": found.plain, "seen_share": round(found.seen, 3)}  # fmt: skip
    main, key, rest = light.split()
    if sun:
        true = direction(*sun)
        row["light_error_deg"] = round(float(np.degrees(np.arccos(np.clip(main @ true, -1, 1)))), 1)
        row["key_over_sky"] = [round(float(key.mean() / rest.mean()), 2), round(SUN / SKY, 2)]
    if colour:
        row["base_dE00"] = round(colour_difference(found.base, np.array(colour)), 2)
    else:
        row |= _print_errors(found)
    return row


def _print_errors(found) -> dict:
    """Whether each texel of the print that was seen is the right stripe, and how far its inks are off."""
    truth, linear = stripes(len(found.print)), photo_linear(found.print)
    seen = np.abs(linear - found.base).sum(-1) > 1e-2
    dark = (truth[..., 0] < 100)
    inks = {"dark": seen & dark, "pale": seen & ~dark}
    errors = {f"{k}_dE00": round(colour_difference(np.median(linear[m], axis=0), photo_linear(truth[m][:1])[0]), 2)
              for k, m in inks.items()}  # fmt: skip
    right = (linear.mean(-1) < 0.5 * found.base.mean()) == dark
    return {**errors, "stripes_right": round(float(right[seen].mean()), 3)}


def main() -> int:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", default=",".join(CASES))
    parser.add_argument("--pictures", type=Path, help="folder for the pictures")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    use_variant(args.threads)
    fit = fit_photos(PHOTOS / "front.jpg", PHOTOS / "side.jpg", height=1.72, weight=63.0, sex="female")
    rows = {}
    with tempfile.TemporaryDirectory() as folder:
        pictures = args.pictures or Path(folder)
        pictures.mkdir(parents=True, exist_ok=True)
        run = Run(Path(folder), read_config(None, quality="draft", threads=args.threads), quiet=True)
        look = dress(run, fit.body, garments=["tee"], fabrics=["jersey"])
        for name in args.cases.split(","):
            rows[name] = run_case(name, run, look, fit.body, fit.views[0], pictures)
            print(name, json.dumps(rows[name]), file=sys.stderr, flush=True)
    print(json.dumps({"cases": rows}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
