"""The refiner's weights in one safetensors file, float32 or float16."""

from __future__ import annotations

import json
from pathlib import Path

import torch

from engine.core.errors import InputError
from engine.core.safe_io import read_bytes, write_bytes
from render.refine.features import PLANES
from render.refine.network import Refiner

__all__ = ["WEIGHTS", "load_refiner", "save_refiner"]

#: The file that comes with Toile: half precision, worked with in single.
WEIGHTS = Path(__file__).parent / "refiner.safetensors"
MAX_BYTES = 10_000_000
FORMAT = 1
AGAIN = "train one with toile refine train --data FOLDER"


def save_refiner(path: str | Path, model: Refiner, *, half: bool = False, about: dict | None = None) -> Path:
    """Writes the file whole or not at all; ``about`` says how it was trained."""
    from safetensors.torch import save

    state = {k: v.detach().cpu().to(torch.float16 if half else torch.float32) for k, v in model.state_dict().items()}
    meta = {"format": FORMAT, "planes": list(PLANES), "about": about or {}}
    return write_bytes(path, save({k: v.contiguous() for k, v in state.items()}, {"toile": json.dumps(meta)}))


def load_refiner(path: str | Path | None = None) -> Refiner:
    """Reads a model, ready for use; the one that comes with Toile by default.

    Raises:
        InputError: the file is missing, too large, damaged, or of another version.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load

    p = Path(path) if path is not None else WEIGHTS
    raw = read_bytes(p, limit=MAX_BYTES, what="refining weights")
    try:
        size = int.from_bytes(raw[:8], "little")
        if len(raw) < 8 or size > min(200_000, len(raw) - 8):
            raise ValueError("header")
        meta = json.loads(json.loads(raw[8 : 8 + size])["__metadata__"]["toile"])
        if meta["format"] != FORMAT or tuple(meta["planes"]) != PLANES:
            raise InputError("refine.version", f"{p}: is of another version of Toile", AGAIN)
        state, model = load(raw), Refiner()
        if any(not torch.isfinite(v.float()).all() for v in state.values()):
            raise ValueError("numbers")
        model.load_state_dict({k: v.float() for k, v in state.items()})
    except (ValueError, KeyError, TypeError, RuntimeError, SafetensorError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError("refine.damaged", f"{p}: holds no refining weights: {reason}", AGAIN) from None
    return model.eval().to(memory_format=torch.channels_last)
