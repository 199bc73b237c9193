"""The main path, one call a stage: photos and height -> body; pattern -> garment -> drape -> pictures, GLB, report.

Every stage saves its result in the output folder, and each can start from what the one before saved there.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from engine.core import codec
from engine.core.errors import InputError, ToileError
from engine.core.safe_io import write_json
from engine.core.store import Store, stage_key
from engine.core.types import Body, Drape, Fabric, Garment, SceneMesh
from engine.library_names import load_fabric, load_pattern
from engine.measurement_file import measurements_for_people
from engine.runtime import Run, code_version

__all__ = ["Look", "body_from_typed", "drape_garment", "export_look", "fit_body", "load_look", "render_look", "try_on"]

BODY, GARMENT, DRAPE, FABRIC = "body.npz", "garment.npz", "drape.npz", "fabric.npz"


@dataclass(frozen=True)
class Look:
    """A garment at rest on a body."""

    body: Body
    garment: Garment
    drape: Drape
    fabric: Fabric


def _store(run: Run) -> Store:
    return Store.default() if run.config.cache else Store(None)


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

    for photo in (front, side):
        if photo is not None and photo.is_file():
            run.input_file(photo)
    with run.stage("fit", "Fitting the body") as progress:
        result = fit_photos(front, side, height=height, weight=weight, sex=sex, seed=run.config.seed, progress=progress)
        write_overlays(result, run.out)
        run.warnings += result.warnings
        return _keep_body(run, result.body)


def body_from_typed(run: Run, measurements: dict[str, float], *, sex: str = "neutral") -> Body:
    """Makes the most likely body with the typed measurements [m, kg]."""
    from avatars.typed import body_from_measurements

    with run.stage("avatar", "Building the body"):
        return _keep_body(run, body_from_measurements(measurements, sex=sex))


def drape_garment(run: Run, body: Body, *, garment: str, fabric: str) -> Look:
    """Meshes, places and drapes a garment (library name or pattern file) in a fabric on a body."""
    from garments.fabrics import load_fabrics
    from garments.placement import place
    from sim.drape import DrapeConfig, drape

    for name in (garment, fabric):
        if Path(name).is_file():
            run.input_file(name)
    preset = run.config.preset
    with run.stage("place", "Placing the panels") as progress:
        cloth = load_fabric(fabric)
        pattern = load_pattern(garment, body)
        placed = place(
            pattern,
            body,
            cloth,
            fabrics=load_fabrics(),
            edge_length=preset.edge_length,
            levels=preset.levels,
            progress=progress,
        )
    with run.stage("drape", "Draping") as progress:
        settings = DrapeConfig(device=run.config.device, threads=run.config.threads, seed=run.config.seed)
        inputs = [codec.content_hash(placed), codec.content_hash(body)]
        key = stage_key("drape", code_version(), [run.config.quality, run.config.device], inputs, run.config.seed)
        result, was_stored = _store(run).fetch(
            key, Drape, lambda: drape(placed, body, config=settings, progress=progress)
        )
        if was_stored:
            run.cached.append("drape")
    run.warnings += [w for w in (*placed.warnings, *result.warnings) if w not in run.warnings]
    look = Look(body, placed, result, cloth)
    for value, name in ((body, BODY), (placed, GARMENT), (result, DRAPE), (cloth, FABRIC)):
        codec.save(value, run.out / name)
    return look


def load_look(folder: Path) -> Look:
    """A drape saved before in ``folder``."""
    parts = ((BODY, Body), (GARMENT, Garment), (DRAPE, Drape), (FABRIC, Fabric))
    missing = [name for name, _ in parts if not (folder / name).is_file()]
    if missing:
        raise InputError(
            "look.missing", f"{folder}: has no {', '.join(missing)}", "run 'toile drape --out FOLDER' first"
        )
    return Look(*(codec.load(folder / name, kind) for name, kind in parts))


def scene(look: Look) -> list[SceneMesh]:
    """The look as named meshes: what is pictured is what is exported."""
    from engine.export.scene import body_scene_mesh, garment_scene_mesh

    return [body_scene_mesh(look.body, dressed=True), garment_scene_mesh(look.garment, look.drape, look.fabric)]


def render_look(run: Run, look: Look) -> dict:
    """Writes front.png, back.png, three_quarter.png, turntable.webp; returns pictures for the report.

    Without OpenGL it says so, and the rest of the run goes on.
    """
    from engine.export.pictures import write_pictures

    with run.stage("render", "Taking pictures") as progress:
        try:
            return write_pictures(
                run.out,
                scene(look),
                quality=run.config.quality,
                turntable=run.config.turntable,
                progress=progress,
            )
        except ToileError as error:
            if error.code != "render.no_opengl":
                raise
            run.warnings.append(f"no pictures: {error}")
            return {}


def export_look(run: Run, look: Look, pictures: dict | None = None) -> dict:
    """Writes look.glb, fit_report.html and fit_report.json; returns the report's JSON."""
    from engine.export.fit_report import fit_report, zone_labels
    from engine.export.gltf import write_glb
    from engine.export.report_html import write_report
    from engine.export.scene import look_info

    with run.stage("export", "Writing GLB and report"):
        info = look_info(look.body, look.garment, look.drape, look.fabric)
        write_glb(run.out / "look.glb", scene(look), info=info)
        report = fit_report(look.garment, look.drape, look.body, look.fabric)
        metrics = look.drape.metrics
        facts = {
            "Drape": look.drape.status.replace("_", " "),
            "Mesh": f"{len(look.garment.rest_uv):,} vertices, {len(look.garment.faces):,} triangles",
            "Largest seam gap": f"{metrics['seam_gap_max_mm']:.2f} mm",
            "Deepest vertex in the body": f"{metrics['body_penetration_max_mm']:.2f} mm",
            "Self-intersections": f"{metrics['self_intersections']:.0f}",
            "Fabric": f"{look.fabric.label}, {1000 * look.fabric.areal_density:.0f} g/m²",
        }
        labels = zone_labels(look.body, look.garment.kind)
        measurements = measurements_for_people(look.body)
        return write_report(run.out, report, labels, measurements, pictures or {}, facts)


def try_on(run: Run, body: Body, *, garment: str, fabric: str) -> tuple[Look, dict]:
    """A body dressed, pictured, exported and judged. Returns the look and the fit report's JSON."""
    look = drape_garment(run, body, garment=garment, fabric=fabric)
    pictures = render_look(run, look)
    report = export_look(run, look, pictures)
    run.write_manifest(drape=look.drape.metrics, drape_status=look.drape.status)
    return look, report
