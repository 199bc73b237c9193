"""`toile photo light|fabric`, `toile garments from-photo`: what a photo tells of light, cloth and cut."""

from __future__ import annotations

import argparse
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from engine.config import read_config
from engine.core.errors import InputError
from engine.core.types import Body, PhotoView
from engine.look import load_body
from engine.runtime import Run

__all__ = ["add_parsers", "run"]


def add_parsers(commands: Any) -> None:
    """Adds `photo light`, `photo fabric` and `garments from-photo` to the command line."""

    def add(name: str, text: str) -> argparse.ArgumentParser:
        p = commands.add_parser(f"photo {name}", help=text, description=text)
        p.add_argument("folder", help="folder of toile fit or toile try-on, with the person's body")
        p.add_argument("--out", help="folder for the results (default: the same)")
        p.add_argument("--json", action="store_true", help="print one JSON line on stdout and nothing else there")
        p.add_argument("--config", help="YAML file with device, threads, seed, cache")
        p.add_argument("--threads", type=int, help="CPU threads, 0 for all")
        p.add_argument("--view", choices=("front", "side"), default="front", help="what the photo shows")
        return p

    p = add("light", "the light in a photo: main direction, its share, radiance from all around, as light_VIEW.json")
    p.add_argument("--photo", help="another photo of the person (default: the one that the body was fitted to)")
    p = add("fabric", "colour and print of a garment from a photo of the person in it: print.png, fabric_colour.json")
    p.add_argument("--photo", required=True, help="photo of the person in the garment of the folder's look")
    text = "a library garment cut like the one in a photo: options, pattern file and drape"
    p = commands.add_parser("garments from-photo", help=text, description=text)
    p.add_argument("photo", help="photo from the front of a person in a garment of one colour")
    p.add_argument("--body", required=True, help="that person's body.npz, or the folder of toile fit that has it")
    p.add_argument("--garment", help="library name; without it the top or dress that the outline looks like "
                   "(skirts and trousers must be named)")  # fmt: skip
    p.add_argument("--fabric", help="library name or fabric file (default: the garment's own)")
    p.add_argument("--rounds", type=int, default=2, help="drapes after the first (default 2)")
    p.add_argument("--out", default="out/from_photo", help="folder for the results (default: out/from_photo)")
    p.add_argument("--json", action="store_true", help="print one JSON line on stdout and nothing else there")
    p.add_argument("--config", help="YAML file with quality, device, threads, seed, cache")
    p.add_argument("--quality", default="draft", help="draft (default), standard or fine")
    p.add_argument("--threads", type=int, help="CPU threads, 0 for all")


def run(args: Namespace, emit: Callable[[str], None]) -> tuple[Any, int]:
    """Runs one of the commands. Returns (value for --json, exit code)."""
    if args.command == "garments from-photo":
        return _from_photo(args), 0
    folder = Path(args.folder)
    if not folder.is_dir():
        raise InputError("look.missing", f"{folder}: no such folder", "give the --out folder of toile fit or try-on")
    work = Run(Path(args.out or folder), read_config(args.config, threads=args.threads), quiet=args.json)
    return _COMMANDS[args.command](work, folder, args), 0


def registered(work: Run, body: Body, photo: str, view: str) -> PhotoView:
    """How a body stands in a photo that it was not fitted to."""
    from avatars.register import register_photo

    if Path(photo).is_file():
        work.input_file(photo)
    with work.stage("register", "Finding the pose"):
        return register_photo(photo, body, view=view, seed=work.config.seed)


def _light(work: Run, folder: Path, args: Namespace) -> dict[str, Any]:
    from avatars.motion import move_to_pose
    from engine.photo.light import light_of_photo, write_light
    from engine.photo.posed import body_in_photo, photo_camera
    from engine.photo.stage import load_views

    body = load_body(folder)
    kept = [v for v in load_views(folder, body) if v.name == args.view]
    if not args.photo and not kept:
        raise InputError("photo.none", f"{folder}: has no {args.view} photo of its body", "give one with --photo")
    view = registered(work, body, args.photo, args.view) if args.photo else kept[0]
    with work.stage("light", "Reading the light"):
        moving = move_to_pose(body, view.body_pose)
        camera = photo_camera(view, moving.joints[-1, 0])
        light = light_of_photo(body_in_photo(body, moving), camera, view)
        value = write_light(work.out / f"light_{view.name}.json", light, camera)
    if not args.json:
        main = value["key"]
        print(f"Main light from azimuth {value['azimuth_deg']:.0f} degrees (0 is the body's front, 90 its left), "
              f"{value['elevation_deg']:.0f} degrees up; a white card facing it gets {np.mean(main['on_white']):.2f} "
              f"from it and {np.mean(value['ambient_on_white']):.2f} from all around",
              f"Saved: {work.out / f'light_{view.name}.json'}", sep="\n")  # fmt: skip
    return {"status": "done", **{k: v for k, v in value.items() if k not in ("directions", "radiance")}}


def _fabric(work: Run, folder: Path, args: Namespace) -> dict[str, Any]:
    from engine.core.safe_io import write_json
    from engine.finish import hex_of_linear
    from engine.look import load_look, scene
    from engine.photo.cloth import cloth_colours
    from engine.photo.light import light_of_photo
    from engine.photo.posed import look_in_photo
    from render.develop import write_png

    look = load_look(folder)
    view = registered(work, look.body, args.photo, args.view)
    posed, camera = look_in_photo(work, look, view)
    with work.stage("fabric", "Reading the cloth"):
        mesh = scene(posed)[-1]
        light = light_of_photo(posed.body, camera, view, worn=mesh)
        found = cloth_colours(posed, mesh, view, camera, light)
        if found.seen < 0.02:
            raise InputError(
                "photo.unseen", f"{args.photo}: shows {100 * found.seen:.0f} % of the garment of {folder}",
                "give a photo of the person in that garment, from the front, or from the side with --view side",
            )
        path = write_png(work.out / "print.png", found.print)
    value = {
        "colour": hex_of_linear(found.base), "colour_linear_rgb": [round(float(v), 4) for v in found.base],
        "plain": found.plain, "spread": round(found.spread, 3), "seen_share": round(found.seen, 3), "print": str(path),
    }  # fmt: skip
    write_json(work.out / "fabric_colour.json", value)
    if not args.json:
        use = f"--colour '{value['colour']}'" if found.plain else f"--print {path}"
        print(f"{mesh.name}: {value['colour']}, {'plain' if found.plain else 'printed'}; the photo shows "
              f"{100 * found.seen:.0f} % of its panels", f"Use it: toile render {folder} {use}", sep="\n")  # fmt: skip
    return {"status": "done", **value, "warnings": work.warnings}


def _from_photo(args: Namespace) -> dict[str, Any]:
    from engine.photo.recut_stage import recut

    if not 0 <= args.rounds <= 8:
        raise InputError("cli.rounds", f"--rounds {args.rounds}: is not between 0 and 8", "2 are enough for most")
    config = read_config(args.config, quality=args.quality, threads=args.threads)
    body = load_body(args.body, hint="fit one to photos in tight clothes: toile fit")
    work = Run(Path(args.out), config, quiet=args.json)
    view = registered(work, body, args.photo, "front")
    value = recut(work, body, view, garment=args.garment, fabric=args.fabric, rounds=args.rounds)
    if not args.json:
        words = " ".join(f"--option {name}={value['options_cm'][name]:g}" for name in value["options_cm"])
        print(f"{value['garment']}: outlines overlap by {100 * value['overlap']:.0f} %; worst figure off by "
              f"{value['worst_error_cm']:.1f} cm", f"--garment {value['garment']} {words}", *work.warnings,
              f"Saved in {work.out}: {value['pattern']}, outline.png, from_photo.json, drape.npz",
              sep="\n")  # fmt: skip
    return {"status": "done", **value, "warnings": work.warnings}


_COMMANDS: dict[str, Any] = {"photo light": _light, "photo fabric": _fabric, "garments from-photo": _from_photo}
