"""Files of pairs: a drawn view's features beside the path-traced picture of the same view, as float16."""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from functools import cached_property
from pathlib import Path

import numpy as np

from engine.core.errors import InputError
from engine.core.safe_io import load_npz, write_with
from render.refine.features import Features, demodulated, planes

__all__ = ["Pair", "load_pair", "pair_files", "save_pair"]

FORMAT = 2
PHOTO = re.compile(r"_p\d+$")  #: how names end of pairs in light such as photos are taken in
SPLITS = ("train", "test")
_NAMES = tuple(f.name for f in fields(Features))


@dataclass(frozen=True)
class Pair:
    """One view, drawn and traced."""

    name: str
    look: str  #: looks that share a name share body and garment
    planes: np.ndarray  #: the network's input, shape [len(PLANES), H, W]
    drawn: np.ndarray  #: linear radiance, premultiplied, shape [H, W, 3]
    traced: np.ndarray  #: the same path-traced
    albedo: np.ndarray  #: linear, premultiplied, shape [H, W, 3]
    alpha: np.ndarray  #: shape [H, W]
    weight: np.ndarray  #: how much of each pixel is to be refined, shape [H, W]
    cloth: np.ndarray  #: share of opaque cloth, shape [H, W]
    white: np.ndarray  #: light of the scene, see ``features.white_ball``, shape [3]
    noisy: np.ndarray | None = None  #: of tests: what was traced, before it was denoised, shape [H, W, 3]

    @cached_property
    def change(self) -> np.ndarray:
        """Log radiance that the traced picture has more than the drawn one, shape [3, H, W]."""
        logs = [demodulated(rgb / self.white, self.albedo, self.alpha) for rgb in (self.traced, self.drawn)]
        return np.ascontiguousarray(np.moveaxis(logs[0] - logs[1], -1, 0), np.float32)


def save_pair(
    path: str | Path, features: Features, traced: np.ndarray, *, look: str, noisy: np.ndarray | None = None
) -> Path:
    """Writes one pair; ``traced`` and ``noisy`` are premultiplied linear radiance, shape [H, W, 3]."""
    arrays = {name: np.asarray(value, np.float16) for name, value in features.arrays().items()}
    for name, rgb in (("traced", traced), ("noisy", noisy)):
        if rgb is not None:
            arrays[name] = np.asarray(np.clip(rgb, 0, 6e4), np.float16)
    arrays["look"] = np.frombuffer(look.encode(), np.uint8)
    return write_with(path, lambda stream: np.savez_compressed(stream, format=np.int64(FORMAT), **arrays))


def load_pair(path: str | Path) -> Pair:
    """Reads one pair.

    Raises:
        InputError: the file is no pair, or has numbers that are none.
    """
    arrays = load_npz(path)
    hint = "make pairs with python -m tools.refine.pairs"
    missing = [n for n in (*_NAMES, "traced", "look", "format") if n not in arrays]
    if missing or int(arrays["format"]) != FORMAT:
        raise InputError("refine.pair", f"{path}: is no pair of this version ({', '.join(missing) or 'format'})", hint)
    f = {n: arrays[n].astype(np.float32) for n in (*_NAMES, "traced", "noisy") if n in arrays}
    shape, white = f["alpha"].shape, f["white"]
    sizes = {v.shape[:2] for n, v in f.items() if n != "white"}
    fine = sizes == {shape} and len(shape) == 2 and white.shape == (3,) and white.min() > 0
    if not fine or not all(np.isfinite(v).all() for v in f.values()):
        raise InputError("refine.pair", f"{path}: its pictures differ in size or hold no numbers", hint)
    return Pair(Path(path).stem, arrays["look"].tobytes().decode(), planes(f), f["rgb"], f["traced"], f["albedo"],
                f["alpha"], f["weight"], f["share"][..., 0], white, f.get("noisy"))  # fmt: skip


def pair_files(folder: str | Path, split: str, *, photos: bool | None = None) -> list[Path]:
    """Pairs of ``train`` or ``test`` in a folder, sorted.

    Args:
        photos: only those lit as photos are (True) or as in a studio (False), which their names tell.

    Raises:
        InputError: there are none.
    """
    files = sorted((Path(folder) / split).glob("*.npz"))
    if photos is not None:
        files = [f for f in files if (PHOTO.search(f.stem) is not None) == photos]
    if not files:
        what = f"{folder}: has no pairs in its folder '{split}'"
        raise InputError("refine.data", what, "make pairs with python -m tools.refine.pairs --out FOLDER")
    return files
