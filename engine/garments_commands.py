"""`toile garments similar|blend|sample|vary|embed`: garments like one, between two, in a style, or otherwise cut.

Every garment that these commands make is written as a pattern file to ``--out``; ``index.json`` there lists them.
"""

from __future__ import annotations

import argparse
import math
from argparse import Namespace
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine.core.errors import InputError
from engine.core.safe_io import write_json, write_with
from engine.core.types import Body
from engine.library_names import default_fabric, is_file, load_fabric, read_options
from engine.look import load_body
from engine.measurement_file import read_measurements

__all__ = ["add_parsers", "run"]

DIRECTION_NAMES = (
    "longer", "shorter", "looser", "tighter", "more_flared", "less_flared", "longer_sleeves", "shorter_sleeves",
    "deeper_neck", "higher_neck",
)  # fmt: skip
MAX_COUNT = 200
EMBED = "places of patterns in the garment space, for toile recsys train --embeddings"
Answer = tuple[Any, int]


def add_parsers(commands: Any) -> None:
    """Adds `garments similar`, `embed`, `blend`, `sample` and `vary` to the command line."""

    def add(name: str, text: str) -> argparse.ArgumentParser:
        p = commands.add_parser(f"garments {name}", help=text, description=text)
        p.add_argument("--body", help="draft for this body: body.npz, or the folder of a run that has one")
        p.add_argument("--measurements", help="draft for a body of these measurements: a YAML file in cm")
        p.add_argument("--out", default="out/garments", help="folder for the patterns (default: out/garments)")
        p.add_argument("--json", action="store_true", help="print one JSON line on stdout and nothing else there")
        return p

    def one(p: argparse.ArgumentParser) -> None:
        p.add_argument("garment", help="library name or pattern file")
        p.add_argument("--option", action="append", metavar="NAME=VALUE",
                       help="option of a library garment, lengths in cm (see toile garments NAME); repeatable")
        p.add_argument("--fabric", help="library name or fabric file; default: the garment's own")

    p = add("similar", "garments most like one: designs of Toile's own, or your patterns")
    one(p)
    p.add_argument("--items", help="search among these: a folder of pattern files, or a CSV table of them")
    p.add_argument("--count", type=int, default=6, help="how many (default: 6)")
    p = commands.add_parser("garments embed", help=EMBED, description=EMBED)
    p.add_argument("--items", required=True, help="a folder of pattern files, or a CSV table of them")
    p.add_argument("--out", default="out/embeddings.npz", help="the file to write (default: out/embeddings.npz)")
    p.add_argument("--json", action="store_true", help="print one JSON line on stdout and nothing else there")
    p = add("blend", "garments on the way from one to another")
    p.add_argument("garment", help="the first: library name or pattern file")
    p.add_argument("other", help="the last: library name or pattern file")
    p.add_argument("--steps", type=int, default=5, help="how many, both ends included (default: 5)")
    p = add("sample", "new garments in the style of one or several")
    p.add_argument("--like", action="append", required=True, help="library name or pattern file; several are mixed")
    p.add_argument("--count", type=int, default=6, help="how many (default: 6)")
    p.add_argument("--spread", type=float, default=0.4, help="0 as like as can be, 1 quite free (default: 0.4)")
    p.add_argument("--seed", type=int, default=0, help="seed of everything random")
    p = add("vary", "one garment, changed in one figure of its silhouette")
    one(p)
    p.add_argument("--direction", required=True, help=", ".join(DIRECTION_NAMES))
    p.add_argument("--amount", type=float, default=5.0,
                   help="cm; for flare and sleeves percent, of the waist (or knee) and of the arm (default: 5)")


def run(args: Namespace, emit: Callable[[str], None]) -> Answer:
    """Runs one of the commands. Returns (value for --json, exit code)."""
    return _COMMANDS[args.command.split()[1]](args), 0


def _checked(name: str, value: float, low: float, high: float) -> Any:
    if not math.isfinite(value) or not low <= value <= high:
        raise InputError("cli.range", f"--{name} {value:g}: is not between {low:g} and {high:g}", f"give --{name} so")
    return value


def _body(args: Namespace) -> Body:
    """The body to draft for; the mean woman where none is given."""
    if args.body:
        return load_body(args.body)
    if args.measurements:
        from avatars.typed import body_from_measurements

        values, sex = read_measurements(args.measurements)
        return body_from_measurements(values, sex=sex)
    return _mean_woman()


def _mean_woman() -> Body:
    from avatars.open_body import load_open_body, make_body, prior

    model = load_open_body()
    return make_body(model, prior(model, "female")[0], sex="female")


def _known(space: Any, name: str, body: Body, fabric: str | None = None, options: list[str] | None = None) -> Any:
    """A garment of the command line as the garment space knows it."""
    from engine.garment_space import known
    from engine.sewable import sewable_pattern, within_ranges
    from garments import library
    from garments.formats import read_design, read_pattern
    from recsys.vae.design import Design

    typed = read_options([name], options or [])[0]
    cloth = load_fabric(fabric or default_fabric(name))
    if not is_file(name):
        design = Design(library.canonical(name), typed)
        return known(space, sewable_pattern(design, body), cloth, design)
    pattern = read_pattern(Path(name))
    drafted = read_design(Path(name))
    design = None
    if drafted is not None and drafted[0] in library.names():
        design = within_ranges(Design(*drafted))
    return known(space, pattern, cloth, design)


def _ready(args: Namespace) -> tuple[Any, Body]:
    from recsys.vae.space import GarmentSpace

    return GarmentSpace.load(), _body(args)


def similar(args: Namespace) -> dict[str, Any]:
    """toile garments similar"""
    from engine.garment_space import similar as similar_designs

    count = _checked("count", args.count, 1, MAX_COUNT)
    space, body = _ready(args)
    garment = _known(space, args.garment, body, args.fabric, args.option)
    if args.items:
        return _similar_items(args, space, garment, count)
    return _write(args, similar_designs(space, garment, body, count))


def _similar_items(args: Namespace, space: Any, garment: Any, count: int) -> dict[str, Any]:
    import numpy as np

    from engine.garment_items import read_items
    from recsys.vae.space import nearest

    items, warnings = read_items(args.items)
    places = space.places(np.array([p.latent for p in space.points([(i.pattern, i.fabric) for i in items])]))
    rows = [{"item": items[i].name, "file": str(items[i].path), "distance": round(d, 4)}
            for i, d in nearest(space.places(garment.point.latent)[0], places, count)]  # fmt: skip
    _say(args, *(f"{row['distance']:.2f}  {row['item']}  ({row['file']})" for row in rows), *warnings)
    return {"status": "done", "items": rows, "warnings": warnings}


def embed(args: Namespace) -> dict[str, Any]:
    """toile garments embed"""
    import numpy as np

    from engine.garment_items import read_items
    from garments.silhouette import FIGURES, silhouette
    from recsys.vae.space import GarmentSpace

    items, warnings = read_items(args.items)
    space, mean = GarmentSpace.load(), _mean_woman().measurements
    points = space.points([(i.pattern, i.fabric) for i in items])
    seen = [silhouette(i.pattern, mean) for i in items]
    columns = {
        "item_id": np.array([i.name for i in items]),
        "embedding": space.places(np.array([p.latent for p in points])),
        "silhouette_names": np.array(list(FIGURES)),
        "silhouette": np.array([[figures[name] for name in FIGURES] for figures in seen]),
    }  # fmt: skip
    path = write_with(args.out, lambda stream: np.savez(stream, **columns))
    _say(args, *warnings, f"{len(items)} patterns: {path}", f"Use them: toile recsys train --embeddings {path} ...")
    return {"status": "done", "items": len(items), "embeddings": str(path), "warnings": warnings}


def blend(args: Namespace) -> dict[str, Any]:
    """toile garments blend"""
    from engine.garment_space import blend as blend_designs

    steps = _checked("steps", args.steps, 2, MAX_COUNT)
    space, body = _ready(args)
    ends = [_known(space, name, body) for name in (args.garment, args.other)]
    return _write(args, blend_designs(space, *ends, body, steps))


def sample(args: Namespace) -> dict[str, Any]:
    """toile garments sample"""
    from engine.garment_space import sample as sample_designs

    count, spread = _checked("count", args.count, 1, MAX_COUNT), _checked("spread", args.spread, 0, 3)
    space, body = _ready(args)
    like = [_known(space, name, body) for name in args.like]
    return _write(args, sample_designs(space, like, body, count, spread=spread, seed=args.seed))


def vary(args: Namespace) -> dict[str, Any]:
    """toile garments vary"""
    from engine.garment_space import vary as vary_design

    amount = _checked("amount", args.amount, 0.1, 200)
    if args.direction.replace("-", "_") not in DIRECTION_NAMES:
        raise InputError("garments.direction", f"--direction {args.direction}: is not known",
                         f"one of {', '.join(DIRECTION_NAMES)}")
    space, body = _ready(args)
    garment = _known(space, args.garment, body, args.fabric, args.option)
    result, reached = vary_design(space, garment, body, args.direction.replace("-", "_"), amount / 100)
    value = _write(args, [result])
    short = amount / 100 - reached > 0.1 * amount / 100
    warnings = [f"changed by {100 * reached:.1f} only: the garment's options go no further"] if short else []
    _say(args, *warnings)
    return value | {"asked": amount, "reached": round(100 * reached, 2), "warnings": warnings}


def _write(args: Namespace, results: list[Any]) -> dict[str, Any]:
    """Writes the patterns and their list, and prints what they are."""
    from garments.formats import write_toile

    out, rows = Path(args.out), []
    for number, result in enumerate(results, 1):
        design = result.sewn.design
        name = f"{number:02d}_{design.family}"
        path = write_toile(out / f"{name}.json", replace(result.sewn.pattern, name=name),
                           design={"garment": design.family, "options": design.options})  # fmt: skip
        rows.append({
            "file": str(path), "garment": design.family, "options": design.options, "fabric": result.fabric,
            "distance": round(result.distance, 4), "figures": _for_people(result.figures),
            "moved": {k: list(v) for k, v in result.sewn.moved.items()},
        })  # fmt: skip
    write_json(out / "index.json", {"command": args.command.split()[1], "garments": rows})
    lines = [f"{row['file']}  in {row['fabric']}: "
             + ", ".join(f"{k} {v:g}" for k, v in row["figures"].items()) for row in rows]  # fmt: skip
    _say(args, *lines, f"Drape one: toile drape --garment {rows[0]['file']} --fabric {rows[0]['fabric']} ...")
    return {"status": "done", "out": str(out), "garments": rows}


def _for_people(figures: dict[str, float]) -> dict[str, float]:
    """Lengths in cm, ratios as they are; what the garment does not have left out."""
    ratios = ("hem_to_waist", "leg_flare", "sleeve_length")
    return {
        name if name in ratios else f"{name}_cm": round(v, 2) if name in ratios else round(100 * v, 1)
        for name, v in figures.items() if math.isfinite(v)
    }  # fmt: skip


def _say(args: Namespace, *lines: str) -> None:
    if not args.json:
        print("\n".join(lines))


_COMMANDS: dict[str, Callable[[Namespace], dict[str, Any]]] = {
    "similar": similar, "embed": embed, "blend": blend, "sample": sample, "vary": vary,
}  # fmt: skip
