"""A size model as one file, without pickles: arrays, and the names as JSON beside them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from engine.core.errors import InputError
from engine.core.safe_io import load_npz, write_with
from recsys.ordinal import Ordinal
from recsys.size_bodies import Population
from recsys.size_chart import SizeChart
from recsys.size_features import FEATURES
from recsys.size_fit import EFFECTS, SizeModel

__all__ = ["load_sizes", "save_sizes"]

FORMAT = 1
_CHART = ("start", "garment", "body", "stretch")


def save_sizes(path: str | Path, model: SizeModel) -> Path:
    """Writes the model whole or not at all."""
    chart = model.chart
    arrays = {f"chart.{name}": getattr(chart, name) for name in _CHART}
    arrays |= {"mean": model.population.mean, "covariance": model.population.covariance}
    arrays |= {"weights": model.ordinal.weights, "weights_covariance": model.ordinal.covariance}
    for name, (effect, covariance) in model.effects.items():
        arrays |= {f"effect.{name}": effect, f"effect_covariance.{name}": covariance}
    arrays |= {f"spread.{name}": spread for name, spread in model.spreads.items()}
    meta = {"format": FORMAT, "items": chart.items, "sizes": chart.sizes, "zones": chart.zones,
            "features": FEATURES, "verdicts": model.verdicts}  # fmt: skip
    arrays["meta"] = np.frombuffer(json.dumps(meta).encode(), np.uint8)
    return write_with(path, lambda stream: np.savez(stream, **arrays))


def load_sizes(path: str | Path) -> SizeModel:
    """Reads what ``save_sizes`` wrote; InputError where the file is none."""
    p = Path(path)
    arrays = load_npz(p, what="size model (run toile recsys train --sizes first)")
    try:
        meta = json.loads(arrays["meta"].tobytes())
        if meta["format"] != FORMAT or tuple(meta["features"]) != FEATURES:
            raise InputError("size.format", f"{p}: is a size model of another version", "train it again")
        start, garment, body, stretch = (arrays[f"chart.{name}"] for name in _CHART)
        chart = SizeChart(tuple(meta["items"]), start, tuple(meta["sizes"]), tuple(meta["zones"]), garment, body,
                          stretch)  # fmt: skip
        ordinal = Ordinal(arrays["weights"], arrays["weights_covariance"], len(FEATURES))
        effects = {name: (arrays[f"effect.{name}"], arrays[f"effect_covariance.{name}"]) for name in EFFECTS}
        spreads = {name: arrays[f"spread.{name}"] for name in (*EFFECTS, "person")}
        population = Population(arrays["mean"], arrays["covariance"])
        return SizeModel(chart, population, ordinal, effects, spreads, int(meta["verdicts"]))
    except (KeyError, ValueError, TypeError) as error:
        raise InputError("size.damaged", f"{p}: is not a size model: {error}", "train it again") from None
