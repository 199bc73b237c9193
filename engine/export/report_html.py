"""The fit report as one self-contained HTML page and as JSON, in centimetres."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, select_autoescape

from engine.core.outfit import main_fabric, split
from engine.core.safe_io import write_json, write_text
from engine.core.types import DragLine, Drape, FitReport, Garment, HemLevel

__all__ = ["drape_facts", "report_for_people", "write_report"]

VERDICTS = {
    "too_tight": "too tight",
    "tight": "tighter than intended",
    "as_intended": "as intended",
    "loose": "looser than intended",
}


def _cm(value: float | None) -> float | None:
    return None if value is None else round(100 * value, 1)


def report_for_people(reports: Sequence[FitReport]) -> dict[str, Any]:
    """The garments' reports as plain values: lengths in cm, strain in per cent, pressure in kPa.

    Of an outfit, ``garments`` has each garment's own words, and each zone says of which ``garment`` it is.
    """
    zones = [
        {
            "garment": report.garment,
            "zone": z.zone,
            "label": z.label,
            "body_cm": _cm(z.body),
            "body_interval95_cm": [_cm(z.body - 1.96 * z.body_stderr), _cm(z.body + 1.96 * z.body_stderr)],
            "garment_cm": _cm(z.garment),
            "ease_cm": _cm(z.ease),
            "ease_stderr_cm": round(100 * z.body_stderr, 2),
            "ease_intended_cm": _cm(z.ease_intended),
            "stretch_p95_percent": round(100 * z.strain_p95, 1),
            "pressure_mean_kpa": round(z.pressure_mean / 1000, 3),
            "pressure_p95_kpa": round(z.pressure_p95 / 1000, 3),
            "verdict": z.verdict,
            "missing_cm": _cm(z.missing),
            "advice": z.advice,
        }
        for report in reports
        for z in report.zones
    ]
    seams = [
        {
            "garment": report.garment,
            "seam": " to ".join(dict.fromkeys(s.panels)),
            "load_mean_n_m": round(s.load_mean, 1),
            "load_max_n_m": round(s.load_max, 1),
            "slips_from_n_m": round(s.slippage, 1) if s.slippage else None,
        }
        for report in reports
        for s in report.seams
    ]
    lines = [
        {"garment": report.garment, **_drag_line_for_people(line)} for report in reports for line in report.drag_lines
    ]
    garments = [
        {"garment": r.garment, "fabric": r.fabric, "summary": r.summary, "hem_height_cm": _hem_for_people(r.hem)}
        for r in reports
    ]
    told = [f"{_title(r.garment)}: {r.summary}" for r in reports]
    return {
        "garment": " + ".join(r.garment for r in reports),
        "fabric": " + ".join(r.fabric for r in reports),
        "summary": " ".join(told) if len(reports) > 1 else reports[0].summary,
        "garments": garments,
        "zones": zones,
        "seams": seams,
        "drag_lines": lines,
        "warnings": list(dict.fromkeys(w for r in reports for w in r.warnings)),
    }


def _hem_for_people(hem: HemLevel | None) -> dict[str, float | None] | None:
    """Heights of the hem above the floor at the centre front, the sides and the centre back."""
    return None if hem is None else {"front": _cm(hem.front), "side": _cm(hem.side), "back": _cm(hem.back)}


def _drag_line_for_people(line: DragLine) -> dict[str, Any]:
    """Where a drag line begins and ends, above the floor and to the left of the body's middle, and how it pulls."""
    ends = np.asarray(line.points, np.float64)[[0, -1]]
    ends = ends[np.argsort(ends[:, 1])]
    return {
        "panel": line.panel,
        "tension_n_m": round(line.tension, 1),
        "length_cm": round(100 * float(np.linalg.norm(np.diff(line.points, axis=0), axis=1).sum()), 1),
        "height_cm": [round(100 * float(y), 1) for y in ends[:, 1]],
        "to_the_left_cm": [round(100 * float(x), 1) for x in ends[:, 0]],
    }


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize()


def drape_facts(garment: Garment, drape: Drape) -> dict[str, str]:
    """Short lines about a drape, title -> text."""
    metrics = drape.metrics
    fabrics = [main_fabric(piece) for piece, _ in split(garment, drape)]
    return {
        "Drape": drape.status.replace("_", " "),
        "Mesh": f"{len(garment.rest_uv):,} vertices, {len(garment.faces):,} triangles",
        "Largest seam gap": f"{metrics['seam_gap_max_mm']:.2f} mm",
        "Deepest vertex in the body": f"{metrics['body_penetration_max_mm']:.2f} mm",
        "Self-intersections": f"{metrics['self_intersections']:.0f}",
        "Fabric": "; ".join(f"{f.label}, {1000 * f.areal_density:.0f} g/m²" for f in fabrics),
    }


def _data_uri(picture: np.ndarray) -> str:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=88)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def write_report(
    out: Path,
    reports: Sequence[FitReport],
    measurements: dict[str, Any],
    pictures: dict[str, np.ndarray],
    facts: dict[str, str],
) -> dict[str, Any]:
    """Writes fit_report.json and fit_report.html.

    Args:
        reports: one for each garment, from the body outwards.
        pictures: title -> sRGB uint8 picture [H, W, 3], shown in this order; may be empty.
        facts: short lines about the run (drape status, vertices, seam gap ...), title -> text.

    Returns:
        What stands in the JSON.
    """
    value = report_for_people(reports)
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=select_autoescape(["html"]),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("fit_report.html").render(
        report=value,
        measurements=measurements,
        verdicts=VERDICTS,
        facts=facts,
        pictures={title: _data_uri(picture) for title, picture in pictures.items()},
    )
    write_json(out / "fit_report.json", value)
    write_text(out / "fit_report.html", page)
    return value
