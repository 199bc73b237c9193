"""What each command of the command line does: reads its flags, calls the main path, prints for people.

A command returns (value for --json, exit code).
"""

from __future__ import annotations

import json
import math
import time
from argparse import Namespace
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from engine import pipeline
from engine.config import read_config
from engine.core.errors import InputError
from engine.core.types import Body, Drape, Garment
from engine.finish import read_finish
from engine.library_names import check_garment, default_fabric, load_fabric, read_options
from engine.look import BODY, load_body, load_look
from engine.measurement_file import SEXES, measurements_for_people, read_measurements
from engine.runtime import Run

__all__ = ["COMMANDS"]

Emit = Callable[[str], None]
Result = tuple[Any, int]


def _run(args: Namespace) -> Run:
    config = read_config(
        args.config,
        quality=args.quality,
        device=args.device,
        threads=args.threads,
        seed=args.seed,
        cache=False if args.no_cache else None,
        turntable=False if args.no_turntable else None,
        harmonise=False if args.no_harmonise else None,
    )
    return Run(Path(args.out), config, quiet=args.json)


def _number(name: str, value: float | None, low: float, high: float, unit: str) -> float | None:
    if value is None:
        return None
    if not math.isfinite(value) or not low <= value <= high:
        raise InputError(
            "cli.range", f"--{name} {value:g}: is not between {low:g} and {high:g} {unit}", f"give the {name} in {unit}"
        )
    return value


def _fit(run: Run, args: Namespace) -> Body:
    if not args.front and not args.side:
        raise InputError("cli.photos", "no photo given", "give --front photo.jpg and, better, --side photo.jpg too")
    height = _number("height", args.height, 100, 250, "cm")
    if height is None:
        raise InputError("cli.height", "--height is missing", "give the body height in cm, e.g. --height 172")
    weight = _number("weight", args.weight, 25, 300, "kg")
    if args.sex not in SEXES:
        raise InputError("cli.sex", f"--sex {args.sex}: is not known", f"one of {', '.join(SEXES)}")
    front, side = (Path(p) if p else None for p in (args.front, args.side))
    return pipeline.fit_body(run, front=front, side=side, height=height / 100, weight=weight, sex=args.sex)


def _load_body(run: Run, args: Namespace) -> Body:
    if args.measurements:
        run.input_file(args.measurements) if Path(args.measurements).is_file() else None
        values, sex = read_measurements(args.measurements)
        return pipeline.body_from_typed(run, values, sex=sex)
    return load_body(args.body or run.out, hint="give --body or --measurements, or run toile fit first")


def _outfit(args: Namespace) -> dict[str, list]:
    """Garments, their fabrics and options, once all are known to be readable: no long work for a misspelt name."""
    for garment in args.garment:
        check_garment(garment)
    given = args.fabric or []
    if len(given) > len(args.garment):
        raise InputError(
            "cli.fabrics", f"{len(given)} fabrics for {len(args.garment)} garment(s)",
            "give at most one --fabric for each --garment, in the same order",
        )
    fabrics = [*given, *(default_fabric(g) for g in args.garment[len(given) :])]
    for fabric in fabrics:
        load_fabric(fabric)
    options = read_options(args.garment, args.option or [])
    return {"garments": list(args.garment), "fabrics": fabrics, "options": options}


def _drape_json(garment: Garment, drape: Drape) -> dict[str, Any]:
    return {
        "status": drape.status,
        "vertices": len(garment.rest_uv),
        "triangles": len(garment.faces),
        **{
            k: (int(v) if float(v).is_integer() and not k.endswith(("_mm", "_s")) else v)
            for k, v in drape.metrics.items()
        },
        "warnings": list(drape.warnings),
    }


def _print_measurements(body: Body) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("measurement", "value", "95 % interval", "from", title=f"Body measurements ({body.sex})")
    for row in measurements_for_people(body).values():
        unit = next(k[6:] for k in row if k.startswith("value_"))
        low, high = row[f"interval95_{unit}"]
        table.add_row(row["label"], f"{row[f'value_{unit}']:.1f} {unit}", f"{low:.1f} to {high:.1f}", row["source"])
    Console().print(table)


def _body_json(run: Run, body: Body) -> dict[str, Any]:
    return {
        "status": "done",
        "out": str(run.out),
        "sex": body.sex,
        "measurements": measurements_for_people(body),
        "warnings": run.warnings,
        "timings_s": run.timings,
    }


def _say(args: Namespace, *lines: str) -> None:
    if not args.json:
        print("\n".join(lines))


def fit(args: Namespace, emit: Emit) -> Result:
    """toile fit"""
    run = _run(args)
    body = _fit(run, args)
    run.write_manifest()
    if not args.json:
        _print_measurements(body)
        print(f"Saved in {run.out}: {BODY}, avatar.glb, measurements.json", *run.warnings, sep="\n")
    return _body_json(run, body), 0


def avatar(args: Namespace, emit: Emit) -> Result:
    """toile avatar"""
    if args.model_file:
        from avatars.open_body import MODEL_PATH

        _say(args, str(MODEL_PATH))
        return {"model_file": str(MODEL_PATH)}, 0
    if not args.measurements:
        raise InputError(
            "cli.measurements", "--measurements is missing", "give a YAML file with lines like 'stature: 172'"
        )
    run = _run(args)
    args.body = None
    body = _load_body(run, args)
    run.write_manifest()
    if not args.json:
        _print_measurements(body)
        print(f"Saved in {run.out}: {BODY}, avatar.glb, measurements.json")
    return _body_json(run, body), 0


def measure(args: Namespace, emit: Emit) -> Result:
    """toile measure"""
    run = _run(args)
    body = _load_body(run, args)
    if not args.json:
        _print_measurements(body)
    return _body_json(run, body), 0


def drape(args: Namespace, emit: Emit) -> Result:
    """toile drape"""
    if not args.watch:
        return _drape(args)
    from engine.watch import input_files, watch

    files = input_files(args)

    def again() -> None:
        started = time.perf_counter()
        value, _ = _drape(args)
        if args.json:
            emit(json.dumps(value, allow_nan=False))
        _say(args, f"{time.perf_counter() - started:.1f} s. Drapes again when one of these is saved, until Ctrl-C: "
                   f"{', '.join(str(f) for f in files)}")  # fmt: skip

    watch(files, again)
    return {}, 0


def _drape(args: Namespace) -> Result:
    run = _run(args)
    outfit = _outfit(args)
    start = Path(args.start) if args.start else None
    look = pipeline.dress(run, _load_body(run, args), **outfit, start=start)
    run.write_manifest(**outfit, drape=look.drape.metrics, drape_status=look.drape.status)
    value = _drape_json(look.garment, look.drape)
    _say(
        args,
        f"{look.garment.name}: {value['status']}, {value['vertices']:,} vertices, "
        f"seam gap {value['seam_gap_max_mm']:.2f} mm, {value['self_intersections']} self-intersections, "
        f"deepest vertex in the body {value['body_penetration_max_mm']:.2f} mm",
        *run.warnings,
        f"Saved in {run.out}. Pictures: toile render {run.out}   GLB and report: toile export {run.out}",
    )
    return value, 1 if look.drape.status == "failed" else 0


def try_on(args: Namespace, emit: Emit) -> Result:
    """toile try-on"""
    run = _run(args)
    outfit = _outfit(args)
    photos = args.front or args.side
    finish = read_finish(args.colour, args.print_file)
    body = _fit(run, args) if photos else _load_body(run, args)
    look, report = pipeline.try_on(run, body, **outfit, finish=finish)
    value = {
        **_drape_json(look.garment, look.drape),
        "out": str(run.out),
        "timings_s": run.timings,
        "report": report,
        "warnings": run.warnings,
    }
    _say(
        args,
        report["summary"],
        *run.warnings,
        f"Saved in {run.out}: look.glb, front.png, turntable.webp, "
        f"fit_report.html ... ({sum(run.timings.values()):.0f} s)",
        f"Look at it: toile view {run.out}/look.glb",
    )
    return value, 1 if look.drape.status == "failed" else 0


def export(args: Namespace, emit: Emit) -> Result:
    """toile export"""
    run = _run(args)
    run.out = Path(args.folder or args.out)
    look = replace(load_look(run.out), finish=read_finish(args.colour, args.print_file))
    report = pipeline.export_look(run, look, pipeline.render_look(run, look))
    run.write_manifest(drape=look.drape.metrics, drape_status=look.drape.status)
    _say(args, report["summary"], f"Saved in {run.out}: look.glb, fit_report.html, fit_report.json", *run.warnings)
    return {"status": "done", "out": str(run.out), "report": report, "timings_s": run.timings}, 0


def view(args: Namespace, emit: Emit) -> Result:
    """toile view"""
    if Path(args.file).is_dir():
        from engine.app.look_pictures import serve_look as serve
    else:
        from engine.app.viewer import serve

    def ready(url: str) -> None:
        print(f"{args.file} is shown at {url} (Ctrl-C ends it)", flush=True)

    serve(args.file, port=args.port, open_browser=not args.no_browser, on_ready=ready)
    return {}, 0


def garments(args: Namespace, emit: Emit) -> Result:
    """toile garments"""
    from garments import library

    wanted = library.canonical(args.name) if args.name else None
    rows = [_garment_for_people(r) for r in library.describe() if wanted in (None, r["name"])]
    if not args.json:
        for row in rows:
            print(f"{row['name']:<16} {row['description']} (default fabric: {row['default_fabric']})")
            for name, o in row["options"].items() if wanted else ():
                print(f"  {name:<14} {o['range']:<24} {o['text']}")
    return {"garments": rows}, 0


def _garment_for_people(row: dict[str, Any]) -> dict[str, Any]:
    """A garment's description with its options as they are typed: lengths in centimetres."""
    options = {}
    for name, o in row["options"].items():
        scale, unit = (100, " cm") if o["unit"] == "m" else (1, "")
        default = o["default"] if o["unit"] == "word" or o["default"] is None else round(scale * o["default"], 6)
        shown = "" if default is None else f", usually {default:g}" if unit or o["unit"] != "word" else ""
        if o["unit"] == "word":
            about, text = {"values": list(o["values"])}, f"{' | '.join(o['values'])}"
        else:
            about = {"low": round(scale * o["low"], 6), "high": round(scale * o["high"], 6)}
            text = f"{about['low']:g} to {about['high']:g}{unit}{shown}"
        named = {f"{k}_cm" if unit else k: v for k, v in {"default": default, **about}.items()}
        options[name] = {**named, "text": o["text"], "range": text}
    return {**row, "options": options}


def fabrics(args: Namespace, emit: Emit) -> Result:
    """toile fabrics"""
    from garments.fabrics import load_fabrics

    rows = [
        {
            "name": f.name,
            "label": f.label,
            "areal_density_g_m2": round(1000 * f.areal_density, 1),
            "thickness_mm": round(1000 * f.thickness, 3),
            "stretch_warp_n_m": f.stretch_warp,
            "stretch_weft_n_m": f.stretch_weft,
            "bend_warp_n_m": f.bend_warp,
            "bend_weft_n_m": f.bend_weft,
            "sources": f.sources,
        }
        for f in load_fabrics().values()
    ]
    if not args.json:
        for row in rows:
            weight, thickness = row["areal_density_g_m2"], row["thickness_mm"]
            print(f"{row['name']:<16} {row['label']:<34} {weight:>6.0f} g/m2  {thickness:.2f} mm")
    return {"fabrics": rows}, 0


def warm(args: Namespace, emit: Emit) -> Result:
    """toile warm"""
    from engine.warm import warm_up

    warm_up()
    return {"status": "done"}, 0


COMMANDS: dict[str, Callable[[Namespace, Emit], Result]] = {
    "try-on": try_on,
    "fit": fit,
    "avatar": avatar,
    "measure": measure,
    "drape": drape,
    "export": export,
    "view": view,
    "garments": garments,
    "fabrics": fabrics,
    "warm": warm,
}
