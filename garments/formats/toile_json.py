"""Toile's own pattern file: everything that a ``Pattern`` holds, as JSON that people can read and mend.

    {"format": "toile-pattern", "version": 1, "pattern": {"name": "tee", "panels": [...], "seams": [...], ...},
     "design": {"garment": "tee", "options": {"ease": 0.1}}}

Lengths are metres, angles radians. Objects have the fields of the dataclasses of ``engine.core.pattern_types`` by
their names; fields at their default are left out; an edge says its ``kind``: line, bezier or arc. Numbers are written
in full, so that what is read back equals what was written. ``design``, optional, is what the pattern was drafted from.
"""

from __future__ import annotations

import dataclasses
import difflib
import math
import types
from pathlib import Path
from typing import Any, NoReturn, Union, get_args, get_origin, get_type_hints

import numpy as np

from engine.core.errors import InputError
from engine.core.pattern_types import ArcEdge, BezierEdge, LineEdge, Pattern
from engine.core.safe_io import read_json, write_json
from garments.seams import check_pattern

__all__ = ["FORMAT", "read_design", "read_toile", "write_toile"]

FORMAT, VERSION = "toile-pattern", 1
_KINDS = {"line": LineEdge, "bezier": BezierEdge, "arc": ArcEdge}
#: Shapes of arrays by class and field; polylines otherwise.
_SHAPES = {("Placement", "rotation"): (3, 3), ("Placement", "translation"): (3,)}
_POLYLINE = (None, 2)
MAX_ENTRIES, MAX_NUMBER, MAX_SIZE = 20_000, 1e6, 100.0  #: of a list; of any number; of coordinates [m]


def write_toile(path: str | Path, pattern: Pattern, *, design: dict[str, Any] | None = None) -> Path:
    """Writes a pattern, whole or not at all.

    Args:
        design: ``{"garment": name, "options": {...}}`` of the library, if that is where it is from.
    """
    value = {"format": FORMAT, "version": VERSION, "pattern": _plain(pattern)}
    return write_json(path, value | ({"design": design} if design else {}))


def read_toile(path: str | Path) -> Pattern:
    """Reads what ``write_toile`` wrote.

    Raises:
        InputError: one line naming the file, the place in it and the mend.
    """
    path = Path(path)
    pattern = _Reader(path).read(_root(path).get("pattern"), Pattern, "'pattern'")
    _check_places(path, pattern)
    warnings = check_pattern(pattern, f"{path}: ")
    return dataclasses.replace(pattern, repairs=tuple(dict.fromkeys(pattern.repairs + warnings)))


def read_design(path: str | Path) -> tuple[str, dict[str, float | None]] | None:
    """The library garment and the options that a pattern file says it was drafted from, if it does; unchecked."""
    path = Path(path)
    design = _root(path).get("design")
    if design is None:
        return None
    if not isinstance(design, dict) or not isinstance(design.get("garment"), str) or not isinstance(
        design.get("options"), dict
    ):
        raise InputError(
            "toile_json.design", f"{path}: 'design' is not a garment with its options",
            'write {"garment": "tee", "options": {"ease": 0.1}}, or leave it out',
        )
    return design["garment"], design["options"]


def _root(path: Path) -> dict[str, Any]:
    root = read_json(path, what="pattern file")
    if not isinstance(root, dict) or root.get("format") != FORMAT:
        raise InputError("toile_json.format", f"{path}: is not a Toile pattern", f"'format' must be '{FORMAT}'")
    if root.get("version") != VERSION:
        hint = f"this Toile reads version {VERSION}"
        raise InputError("toile_json.version", f"{path}: has version {str(root.get('version'))[:20]}", hint)
    return root


def _plain(value: Any) -> Any:
    """A dataclass as plain JSON values."""
    if dataclasses.is_dataclass(value):
        kind = next((name for name, cls in _KINDS.items() if type(value) is cls), None)
        out = {"kind": kind} if kind else {}
        for f in dataclasses.fields(value):
            item = getattr(value, f.name)
            if f.default is dataclasses.MISSING or item != f.default:
                out[f.name] = _plain(item)
        return out
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(v) for v in value]
    return value.item() if isinstance(value, np.generic) else value


class _Reader:
    """Builds dataclasses from JSON values by their type hints; every message names file and place."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def fail(self, place: str, hint: str) -> NoReturn:
        raise InputError("toile_json.content", f"{self.path}: {place}", hint)

    def read(self, value: Any, hint: Any, place: str, shape: tuple[int | None, ...] = _POLYLINE) -> Any:
        """The value as the type ``hint`` says."""
        if isinstance(hint, type) and dataclasses.is_dataclass(hint):
            return self._record(value, hint, place)
        if get_origin(hint) in (Union, types.UnionType):
            return self._one_of(value, get_args(hint), place)
        if get_origin(hint) is tuple:
            return self._row(value, get_args(hint), place)
        if get_origin(hint) is dict:
            key, item = get_args(hint)
            return {k: self.read(v, item, f"{place}: '{k}'") for k, v in self._table(value, place).items()}
        if hint is np.ndarray:
            return self._array(value, shape, place)
        if hint is float:
            if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
                self.fail(f"{place} is {str(value)[:40]!r}, not a number", "write a number alone")
            if abs(value) > MAX_NUMBER:
                self.fail(f"{place} is {value:.4g}", "lengths are in metres, angles in radians")
            return float(value)
        if type(value) is not hint:
            self.fail(f"{place} is {str(value)[:40]!r}", f"give {'a text' if hint is str else f'an {hint.__name__}'}")
        return value

    def _table(self, value: Any, place: str) -> dict[str, Any]:
        if not isinstance(value, dict) or len(value) > MAX_ENTRIES:
            self.fail(f"{place} must be an object {{...}}", "mend it, or export the pattern again")
        return value

    def _record(self, value: Any, cls: type, place: str) -> Any:
        given = {k: v for k, v in self._table(value, place).items() if not (k == "kind" and cls in _KINDS.values())}
        known = {f.name: f for f in dataclasses.fields(cls)}
        for name in given:
            if name not in known:
                close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
                self.fail(f"{place} has an unknown field '{name[:40]}'",
                          f"did you mean '{close[0]}'?" if close else f"its fields are: {', '.join(known)}")
        for name, f in known.items():
            if name not in given and f.default is dataclasses.MISSING and f.default_factory is dataclasses.MISSING:
                self.fail(f"{place} has no '{name}'", "add it, or export the pattern again")
        hints = get_type_hints(cls)
        label = f"{place} ('{given['name'][:40]}')" if isinstance(given.get("name"), str) else place
        return cls(**{
            name: self.read(item, hints[name], f"{label}: '{name}'", _SHAPES.get((cls.__name__, name), _POLYLINE))
            for name, item in given.items()
        })  # fmt: skip

    def _one_of(self, value: Any, classes: tuple[type, ...], place: str) -> Any:
        cls = _KINDS.get(str(self._table(value, place).get("kind")))
        if cls not in classes:
            self.fail(f"{place} is of kind {str(value.get('kind'))[:20]!r}", f"use {', '.join(_KINDS)}")
        return self._record(value, cls, place)

    def _row(self, value: Any, hints: tuple[Any, ...], place: str) -> tuple[Any, ...]:
        if not isinstance(value, list) or len(value) > MAX_ENTRIES:
            self.fail(f"{place} must be a list [...] of at most {MAX_ENTRIES}", "mend it")
        if hints[-1] is Ellipsis:
            return tuple(self.read(v, hints[0], f"{place}[{i}]") for i, v in enumerate(value))
        if len(value) != len(hints):
            self.fail(f"{place} has {len(value)} entries, not {len(hints)}", "mend it")
        return tuple(self.read(v, h, f"{place}[{i}]") for i, (v, h) in enumerate(zip(value, hints, strict=True)))

    def _array(self, value: Any, shape: tuple[int | None, ...], place: str) -> np.ndarray:
        try:
            array = np.array(value, dtype=float) if isinstance(value, list) else np.zeros(0)
        except (TypeError, ValueError):
            array = np.zeros(0)
        fits = array.ndim == len(shape) and all(n in (None, m) for n, m in zip(shape, array.shape, strict=True))
        if not fits or not 0 < len(array) <= MAX_ENTRIES:
            text = " x ".join("n" if n is None else str(n) for n in shape)
            self.fail(f"{place} is not a list of {text} numbers", "mend it")
        if not np.isfinite(array).all() or np.abs(array).max() > MAX_SIZE:
            self.fail(f"{place} holds {np.abs(array).max():.4g}", "coordinates are in metres")
        return array


def _check_places(path: Path, pattern: Pattern) -> None:
    """What the types do not say: indices, rotations, radii and factors in range."""
    for panel in pattern.panels:
        place = f"{path}: panel '{panel.name}'"
        for i, edge in enumerate(panel.edges):
            if not (0 <= edge.start < len(panel.vertices) and 0 <= edge.end < len(panel.vertices)):
                raise InputError("toile_json.content", f"{place}: edge {i} refers to a vertex that is not there",
                                 f"use 0 to {len(panel.vertices) - 1}")
            if isinstance(edge, ArcEdge) and edge.radius <= 0:
                raise InputError("toile_json.content", f"{place}: edge {i}: radius {edge.radius:g}", "give metres, > 0")
            if isinstance(edge, BezierEdge) and len(edge.controls) not in (1, 2):
                raise InputError("toile_json.content", f"{place}: edge {i} has {len(edge.controls)} control points",
                                 "give one or two")
        r = panel.placement.rotation
        if np.abs(r @ r.T - np.eye(3)).max() > 1e-4 or np.linalg.det(r) < 0:
            raise InputError("toile_json.content", f"{place}: 'rotation' turns and stretches", "give a rotation matrix")
        if not 0 < panel.stiffness <= MAX_SIZE or not 0 <= panel.layer <= 100:
            raise InputError("toile_json.content", f"{place}: stiffness {panel.stiffness:g}, layer {panel.layer}",
                             "stiffness is a factor above 0, layers count from 0")
        for notch in panel.notches:
            if not (0 <= notch.edge < len(panel.edges) and 0 <= notch.fraction <= 1):
                raise InputError("toile_json.content", f"{place}: a notch lies on no edge", "mend or remove it")
