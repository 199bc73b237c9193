"""A trained recommender in one .npz file, without pickles: arrays, and the rest as JSON beside them."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from scipy import sparse

from engine.core.errors import InputError
from engine.core.safe_io import load_npz, write_with
from recsys.blend import Blend
from recsys.candidates import ItemFacts
from recsys.features import ItemFeatures
from recsys.hybrid import COMPONENTS, Hybrid
from recsys.schema import Catalogue
from recsys.segments import SegmentedBlend
from recsys.tuning import as_json, options_of

__all__ = ["Model", "save_model", "load_model"]

FORMAT = 4
MAX_MODEL_BYTES = 16 << 30


@dataclass(frozen=True)
class Model:
    """All that recommending needs beside a user's own history."""

    hybrid: Hybrid
    catalogue: Catalogue
    features: ItemFeatures


def save_model(path: str | Path, model: Model) -> Path:
    """Writes the model whole or not at all."""
    hybrid, catalogue = model.hybrid, model.catalogue
    arrays: dict[str, np.ndarray] = {"open": hybrid.open, "available_from": catalogue.available_from}
    for component in hybrid.components:
        for name in component.fitted:
            _pack(arrays, f"{component.name}.{name}", getattr(component, name))
    blends = ("known", hybrid.blend.known), ("newcomers", hybrid.blend.newcomers)
    for part, value in (*blends, ("facts", hybrid.facts), ("features", model.features)):
        for f in fields(value):
            _pack(arrays, f"{part}.{f.name}", getattr(value, f.name))
    arrays |= {f"number.{name}": values for name, values in catalogue.numbers.items()}
    if catalogue.embedding is not None:
        arrays["embedding"] = catalogue.embedding
    meta = {
        "format": FORMAT, "repeats": hybrid.repeats, "report": hybrid.report,
        "components": {c.name: as_json(options_of(c)) for c in hybrid.components},
        "ids": catalogue.ids, "names": catalogue.names, "categories": catalogue.categories,
    }  # fmt: skip
    arrays["meta"] = np.frombuffer(json.dumps(meta, allow_nan=False).encode(), np.uint8)
    return write_with(path, lambda stream: np.savez(stream, **arrays))


def load_model(path: str | Path) -> Model:
    """Reads what ``save_model`` wrote; InputError where the file is none."""
    p = Path(path)
    arrays = load_npz(p, what="recommender model (run toile recsys train first)", limit=MAX_MODEL_BYTES)
    try:
        meta = json.loads(arrays["meta"].tobytes())
        if meta["format"] != FORMAT:
            raise InputError("model.format", f"{p}: has format {meta['format']}, not {FORMAT}", "train it again")
        components = []
        for name, options in meta["components"].items():
            component = COMPONENTS[name](**{k: np.inf if v is None else v for k, v in options.items()})
            for attribute in component.fitted:
                setattr(component, attribute, _unpack(arrays, f"{name}.{attribute}"))
            components.append(component)
        numbers = {k.removeprefix("number."): v for k, v in arrays.items() if k.startswith("number.")}
        categories = {k: [tuple(values) for values in column] for k, column in meta["categories"].items()}
        catalogue = Catalogue(
            tuple(meta["ids"]), tuple(meta["names"]), arrays["available_from"], categories, numbers,
            arrays.get("embedding"),
        )  # fmt: skip
        blend = SegmentedBlend(**{name: _blend(arrays, name) for name in ("known", "newcomers")})
        facts = ItemFacts(arrays["facts.table"], arrays["facts.price"], float(arrays["facts.now"]))
        features = ItemFeatures(**{f.name: _unpack(arrays, f"features.{f.name}") for f in fields(ItemFeatures)})
    except (KeyError, ValueError, TypeError) as error:
        raise InputError("model.damaged", f"{p}: is not a recommender model: {error}", "train it again") from None
    hybrid = Hybrid(components, blend, facts, arrays["open"], bool(meta["repeats"]), meta["report"])
    return Model(hybrid, catalogue, features)


def _blend(arrays: dict[str, np.ndarray], part: str) -> Blend:
    values = {f.name: arrays[f"{part}.{f.name}"] for f in fields(Blend)}
    values |= {name: int(values[name]) for name in ("new_feature", "length_feature")}
    return Blend(**values | {name: float(values[name]) for name in ("new_offset", "new_gap")})


def _pack(arrays: dict[str, np.ndarray], name: str, value: Any) -> None:
    if sparse.issparse(value):
        parts = value.tocsr()
        arrays |= {f"{name}.data": parts.data, f"{name}.indices": parts.indices, f"{name}.indptr": parts.indptr}
        arrays[f"{name}.shape"] = np.array(parts.shape)
    else:
        arrays[name] = np.asarray(value)


def _unpack(arrays: dict[str, np.ndarray], name: str) -> Any:
    if name in arrays:
        return arrays[name]
    parts = tuple(arrays[f"{name}.{part}"] for part in ("data", "indices", "indptr"))
    return sparse.csr_matrix(parts, shape=tuple(arrays[f"{name}.shape"]))
