"""The main path, one call a stage: photos and height -> body; patterns -> garments -> drape -> pictures, GLB, report.

Every stage saves its result in the output folder, and each can start from what the one before saved there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from engine.ahead import begun
from engine.core import codec
from engine.core.errors import InputError, ToileError
from engine.core.outfit import main_fabric, put_over, split
from engine.core.safe_io import write_json
from engine.core.store import Store, stage_key
from engine.core.types import Body, Drape, Garment
from engine.finish import Finish
from engine.look import BODY, DRAPE, GARMENT, Look, load_start, scene
from engine.measurement_file import measurements_for_people
from engine.placing import drape_config, placed
from engine.runtime import Progress, Run, code_version

__all__ = ["body_from_typed", "dress", "export_look", "fit_body", "render_look", "try_on"]

def _keep_body(run: Run, body: Body) -> Body:
    from engine.export.gltf import write_glb
    from engine.export.scene import body_scene_mesh

    codec.save(body, run.out / BODY)
    write_json(
        run.out / "measurements.json",
        {"sex": body.sex, "model": body.model, "measurements": measurements_for_people(body)},
    )
    write_glb(run.out / "avatar.glb", [body_scene_mesh(body)])
    return body


def fit_body(
    run: Run, *, front: Path | None, side: Path | None, height: float, weight: float | None = None, sex: str = "neutral"
) -> Body:
    """Fits a body to one or two photos. Height [m], weight [kg]."""
    from avatars.fit import fit_photos, write_overlays
    from engine.photo.stage import keep_views

    for photo in (front, side):
        if photo is not None and photo.is_file():
            run.input_file(photo)
    with run.stage("fit", "Fitting the body") as progress:
        result = fit_photos(front, side, height=height, weight=weight, sex=sex, seed=run.config.seed, progress=progress)
        write_overlays(result, run.out)
        keep_views(run.out, result.body, result.views)
        run.warnings += result.warnings
        return _keep_body(run, result.body)


def body_from_typed(run: Run, measurements: dict[str, float], *, sex: str = "neutral") -> Body:
    """Makes the most likely body with the typed measurements [m, kg].

    In a second process where there can be one: with torch loaded, this one could not be copied to place garments.
    """

    def work(progress: Progress) -> Body:
        from avatars.typed import body_from_measurements

        return body_from_measurements(measurements, sex=sex)

    with begun(work, run.config.threads) as result, run.stage("avatar", "Building the body") as progress:
        return _keep_body(run, result(progress, ()))


def dress(
    run: Run, body: Body, *, garments: Sequence[str], fabrics: Sequence[str], options: Sequence[Mapping] | None = None,
    start: Path | None = None,
) -> Look:
    """Meshes, places and drapes garments (library names or pattern files), from the body outwards, each in its fabric.

    ``options`` are each garment's, as :func:`garments.library.draft` takes them.

    Each is placed around those before it, which are worn by then; at the end all are draped together. With ``start``,
    a folder with a drape of the same garments, they go on from there: in other fabrics, or on a similar body.
    """
    before = load_start(start) if start else None
    for name in (*garments, *fabrics):
        if Path(name).is_file():
            run.input_file(name)
    choices, run.garments = options or [{} for _ in garments], len(garments)
    outfit = placed(run, body, garments[0], fabrics[0], choices[0], None)
    for garment, fabric, chosen in zip(garments[1:], fabrics[1:], choices[1:], strict=True):
        if not before:
            outfit = _simulated(run, "wear", Garment, outfit, body)
        outfit = put_over(outfit, placed(run, body, garment, fabric, chosen, None if before else outfit))
    result = _redraped(run, outfit, body, before) if before else _simulated(run, "drape", Drape, outfit, body)
    run.warnings += [w for w in (*outfit.warnings, *result.warnings) if w not in run.warnings]
    for value, name in ((body, BODY), (outfit, GARMENT), (result, DRAPE)):
        codec.save(value, run.out / name)
    return Look(body, outfit, result)


def _simulated(run: Run, stage: str, kind: type, garment: Garment, body: Body) -> Any:
    """What the simulator's ``wear`` or ``drape`` makes of a garment, from the store if it is there."""

    def work() -> Any:
        from sim import drape as simulator  # not before it is known that there is something to simulate

        return getattr(simulator, stage)(garment, body, config=drape_config(run), progress=progress)

    inputs = [codec.content_hash(garment), codec.content_hash(body)]
    key = stage_key(stage, code_version(), [run.config.quality, run.config.device], inputs, run.config.seed)
    with run.stage(stage, {"wear": "Putting it on", "drape": "Draping"}[stage]) as progress:
        store = Store.default() if run.config.cache else Store(None)
        result, was_stored = store.fetch(key, kind, work)
    if was_stored:
        run.cached.append(stage)
    return result


def _redraped(run: Run, garment: Garment, body: Body, before: Look) -> Drape:
    """The drape of a garment, starting from that of the same panels."""
    from sim import drape as simulator

    meshes = [(g.faces, g.seam_pairs, g.vertex_panel) for g in (garment, before.garment)]
    if not all(np.array_equal(*pair) for pair in zip(*meshes, strict=True)):
        raise InputError(
            "look.other_panels", f"the drape to start from is of other panels than {garment.name}",
            "give the same garments, options and quality; what is drafted to measure changes with the body, a pattern "
            "file does not",
        )
    positions = before.drape.positions.astype(np.float64)
    with run.stage("drape", "Draping") as progress:
        return simulator.redrape(
            garment, body, start=positions, before=before.body, config=drape_config(run), progress=progress
        )


def render_look(run: Run, look: Look) -> dict:
    """Writes front.png, back.png, three_quarter.png, turntable.webp, and photo_tryon.png where the body has photos;
    returns pictures for the report.

    Without OpenGL it says so, and the rest of the run goes on.
    """
    from engine.photo.stage import load_views, photo_try_on

    return {**_pictures(run, look), **photo_try_on(run, look, load_views(run.out, look.body))}


def _pictures(run: Run, look: Look) -> dict:
    from engine.export.pictures import write_pictures
    from engine.export.tension import drag_lines

    with run.stage("render", "Taking pictures") as progress:
        try:
            return write_pictures(
                run.out,
                scene(look),
                quality=run.config.quality,
                turntable=run.config.turntable,
                drag_lines=drag_lines(look.garment, look.drape),
                progress=progress,
            )
        except ToileError as error:
            if error.code != "render.no_opengl":
                raise
            run.warnings.append(f"no pictures: {error}")
            return {}


def export_look(run: Run, look: Look, pictures: dict | None = None) -> dict:
    """Writes look.glb, fit_report.html and fit_report.json; returns the report's JSON."""
    from engine.export.fit_report import fit_report
    from engine.export.gltf import write_glb
    from engine.export.report_html import drape_facts, write_report
    from engine.export.scene import look_info

    with run.stage("export", "Writing GLB and report"):
        write_glb(run.out / "look.glb", scene(look), info=look_info(look.body, look.garment, look.drape))
        reports = [fit_report(*part, look.body, main_fabric(part[0])) for part in split(look.garment, look.drape)]
        facts, measurements = drape_facts(look.garment, look.drape), measurements_for_people(look.body)
        return write_report(run.out, reports, measurements, pictures or {}, facts)


def try_on(
    run: Run, body: Body, *, garments: Sequence[str], fabrics: Sequence[str], options: Sequence[Mapping] | None = None,
    finish: Finish | None = None,
) -> tuple[Look, dict]:  # fmt: skip
    """A body dressed, pictured, exported and judged. Returns the look and the fit report's JSON."""
    look = replace(dress(run, body, garments=garments, fabrics=fabrics, options=options), finish=finish)
    pictures = render_look(run, look)
    report = export_look(run, look, pictures)
    worn = {"garments": garments, "fabrics": fabrics, "options": options or []}
    run.write_manifest(**worn, drape=look.drape.metrics, drape_status=look.drape.status)
    return look, report
