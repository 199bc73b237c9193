"""The fit report as one self-contained HTML page and as JSON, in centimetres."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, select_autoescape

from engine.core.safe_io import write_json, write_text
from engine.core.types import FitReport

__all__ = ["report_for_people", "write_report"]

VERDICTS = {
    "too_tight": "too tight",
    "tight": "tighter than intended",
    "as_intended": "as intended",
    "loose": "looser than intended",
}


def _cm(value: float | None) -> float | None:
    return None if value is None else round(100 * value, 1)


def report_for_people(report: FitReport, labels: dict[str, str]) -> dict[str, Any]:
    """The report as plain values: lengths in cm, strain in per cent, pressure in kPa."""
    zones = [
        {
            "zone": z.zone,
            "label": labels[z.zone],
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
        for z in report.zones
    ]
    return {
        "garment": report.garment,
        "fabric": report.fabric,
        "summary": report.summary,
        "zones": zones,
        "warnings": list(report.warnings),
    }


def _data_uri(picture: np.ndarray) -> str:
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=88)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode()


def write_report(
    out: Path,
    report: FitReport,
    labels: dict[str, str],
    measurements: dict[str, Any],
    pictures: dict[str, np.ndarray],
    facts: dict[str, str],
) -> dict[str, Any]:
    """Writes fit_report.json and fit_report.html.

    Args:
        pictures: title -> sRGB uint8 picture [H, W, 3], shown in this order; may be empty.
        facts: short lines about the run (drape status, vertices, seam gap ...), title -> text.

    Returns:
        What stands in the JSON.
    """
    value = report_for_people(report, labels)
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
