"""Saves and loads the core types as .npz: arrays as arrays, the rest as one JSON text."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np

from engine.core import pattern_types, types
from engine.core.errors import InputError
from engine.core.safe_io import load_npz, write_with

__all__ = ["save", "load", "content_hash"]

FORMAT = 1
KNOWN = {name: getattr(module, name) for module in (types, pattern_types) for name in module.__all__}


def _pack(value: Any, key: str, arrays: dict[str, np.ndarray]) -> Any:
    if isinstance(value, np.ndarray):
        arrays[key] = value
        return {"$array": key}
    if dataclasses.is_dataclass(value):
        fields = {f.name: _pack(getattr(value, f.name), f"{key}.{f.name}", arrays) for f in dataclasses.fields(value)}
        return {"$type": type(value).__name__, "fields": fields}
    if isinstance(value, dict):
        return {"$dict": [[k, _pack(v, f"{key}.{k}", arrays)] for k, v in value.items()]}
    if isinstance(value, tuple | list):
        return {"$tuple": [_pack(v, f"{key}.{i}", arrays) for i, v in enumerate(value)]}
    if isinstance(value, np.generic):
        return value.item()
    return value


def _unpack(value: Any, arrays: dict[str, np.ndarray]) -> Any:
    if not isinstance(value, dict):
        return value
    if "$array" in value:
        return arrays[value["$array"]]
    if "$dict" in value:
        return {k: _unpack(v, arrays) for k, v in value["$dict"]}
    if "$tuple" in value:
        return tuple(_unpack(v, arrays) for v in value["$tuple"])
    cls = KNOWN.get(value["$type"])
    return cls(**{k: _unpack(v, arrays) for k, v in value["fields"].items()})


def save(value: Any, path: str | Path) -> Path:
    """Writes a core type to ``path`` (.npz), whole or not at all."""
    arrays: dict[str, np.ndarray] = {}
    meta = {"format": FORMAT, "value": _pack(value, "root", arrays)}
    arrays["meta"] = np.frombuffer(json.dumps(meta).encode(), np.uint8)
    return write_with(path, lambda stream: np.savez_compressed(stream, **arrays))


def load(path: str | Path, kind: type) -> Any:
    """Reads a core type of class ``kind``; InputError if the file holds anything else."""
    arrays = load_npz(path)
    try:
        meta = json.loads(arrays["meta"].tobytes())
        if meta["format"] != FORMAT:
            raise InputError("result.version", f"{path}: written by another version of Toile", "run the stage again")
        value = _unpack(meta["value"], arrays)
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        raise InputError("result.damaged", f"{path}: is not a saved result ({error})", "run the stage again") from None
    if not isinstance(value, kind):
        raise InputError(
            "result.kind", f"{path}: holds a {type(value).__name__}, not a {kind.__name__}", "give the right file"
        )
    return value


def content_hash(value: Any) -> str:
    """SHA-256 of a core type, number, text or container of them: equal content, equal hash."""
    import hashlib

    arrays: dict[str, np.ndarray] = {}
    packed = _pack(value, "root", arrays)
    digest = hashlib.sha256(json.dumps(packed, sort_keys=True, default=str).encode())
    for key in sorted(arrays):
        a = np.ascontiguousarray(arrays[key])
        digest.update(f"{key}{a.dtype}{a.shape}".encode())
        digest.update(a.tobytes())
    return digest.hexdigest()
