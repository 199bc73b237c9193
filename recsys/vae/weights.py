"""The garment space in one file: safetensors with the model, its scales, directions and a gallery of designs."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.errors import InputError
from engine.core.safe_io import read_bytes, write_bytes
from recsys.vae.design import Library
from recsys.vae.figures import BODY, FABRIC
from recsys.vae.model import LATENT, GarmentVae
from recsys.vae.raster import FORMAT as RASTER_FORMAT

__all__ = ["WEIGHTS", "Weights", "load_weights", "save_weights"]

#: The file that comes with Toile.
WEIGHTS = Path(__file__).parent / "garment_vae.safetensors"
FORMAT = 2
MAX_BYTES = 10_000_000
MAX_HEADER = 200_000
MAX_FAMILIES, MAX_PARAMETERS = 200, 4000


@dataclass(frozen=True)
class Weights:
    """A trained model and what is known of the garments that it learnt from."""

    model: GarmentVae
    library: Library
    figures: tuple[str, ...]  #: names of the silhouette's figures
    fabric_scale: np.ndarray  #: mean and spread, shape [2, 8]
    body_scale: np.ndarray  #: mean and spread [m], shape [2, 6]
    figure_spread: np.ndarray  #: spread of each figure within a family, NaN where it has none, shape [family, figure]
    directions: np.ndarray  #: latent shift per unit of each figure, 0 where a family has none, [family, figure, 32]
    anchors: np.ndarray  #: parameters of a usual garment of each family as shares, shape [parameter]
    gallery: np.ndarray  #: latents of designs to find, shape [n, 32]
    gallery_family: np.ndarray  #: shape [n]
    gallery_shares: np.ndarray  #: NaN where another family's or left to the block, shape [n, parameter]
    gallery_fabric: np.ndarray  #: standardised figures, shape [n, 8]


_ARRAYS = tuple(name for name in Weights.__dataclass_fields__ if name not in ("model", "library", "figures"))


def save_weights(path: str | Path, weights: Weights) -> Path:
    """Writes the file whole or not at all."""
    from safetensors.numpy import save

    arrays = {f"model.{k}": v.numpy() for k, v in weights.model.state_dict().items() if "num_batches" not in k}
    arrays |= {name: np.ascontiguousarray(getattr(weights, name), np.float32) for name in _ARRAYS}
    meta = {
        "format": FORMAT, "raster": RASTER_FORMAT, "library": weights.library.description(),
        "figures": list(weights.figures), "fabric": list(FABRIC), "body": list(BODY),
    }  # fmt: skip
    return write_bytes(path, save(arrays, {"toile": json.dumps(meta, allow_nan=False)}))


def load_weights(path: str | Path | None = None) -> Weights:
    """Reads what ``save_weights`` wrote; the file that comes with Toile by default.

    Raises:
        InputError: the file is missing, too large, damaged, or of another version.
    """
    import torch

    p = Path(path) if path is not None else WEIGHTS
    arrays, meta = _read(p)
    again = "train it again with python -m tools.garment_vae.build"
    try:
        current = {"format": FORMAT, "raster": RASTER_FORMAT, "fabric": list(FABRIC), "body": list(BODY)}
        if any(meta[k] != v for k, v in current.items()):
            raise InputError("garment_vae.version", f"{p}: is of another version of Toile", again)
        library = Library.described(meta["library"])
        if not 0 < len(library) <= MAX_FAMILIES or library.width > MAX_PARAMETERS:
            raise ValueError("library")
        figures = tuple(str(name) for name in meta["figures"])
        model = GarmentVae(len(library), library.width, len(figures))
        state = {k: v for k, v in model.state_dict().items() if "num_batches" not in k}
        given = {k.removeprefix("model."): torch.from_numpy(v) for k, v in arrays.items() if k.startswith("model.")}
        if given.keys() != state.keys() or any(given[k].shape != v.shape for k, v in state.items()):
            raise ValueError("layers of the model")
        model.load_state_dict(given, strict=False)
        rest = {name: arrays[name] for name in _ARRAYS}
        _check_shapes(rest, library, len(figures))
    except (KeyError, TypeError, ValueError) as error:
        raise InputError("garment_vae.damaged", f"{p}: is no garment model: {error}", again) from None
    rest["gallery_family"] = rest["gallery_family"].astype(int)
    return Weights(model.eval(), library, figures, **rest)


def _check_shapes(arrays: dict[str, np.ndarray], library: Library, figures: int) -> None:
    n = len(arrays["gallery"])
    wanted = {
        "fabric_scale": (2, len(FABRIC)), "body_scale": (2, len(BODY)), "figure_spread": (len(library), figures),
        "directions": (len(library), figures, LATENT), "anchors": (library.width,), "gallery": (n, LATENT),
        "gallery_family": (n,), "gallery_shares": (n, library.width), "gallery_fabric": (n, len(FABRIC)),
    }  # fmt: skip
    for name, shape in wanted.items():
        if arrays[name].shape != shape:
            raise ValueError(f"{name} has shape {arrays[name].shape}, not {shape}")
    family = arrays["gallery_family"]
    if not np.isfinite(arrays["gallery"]).all() or ((family < 0) | (family >= len(library))).any():
        raise ValueError("gallery")


def _read(p: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """Arrays and description of a bounded safetensors file (its format holds no code)."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    raw = read_bytes(p, limit=MAX_BYTES, what="garment model")
    try:
        size = int.from_bytes(raw[:8], "little")
        if len(raw) < 8 or size > min(MAX_HEADER, len(raw) - 8):
            raise ValueError("header")
        meta = json.loads(json.loads(raw[8 : 8 + size])["__metadata__"]["toile"])
        arrays = load(raw)
        if any(v.dtype != np.float32 for v in arrays.values()) or not isinstance(meta, dict):
            raise ValueError("types")
    except (ValueError, KeyError, TypeError, SafetensorError, RecursionError) as error:
        hint = "give a file made by python -m tools.garment_vae.build"
        raise InputError("garment_vae.damaged", f"{p}: is no garment model: {error}", hint) from None
    return arrays, meta
