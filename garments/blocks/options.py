"""Typed, range-checked options of the blocks."""

from __future__ import annotations

import dataclasses
import difflib
import math
from typing import Any, TypeVar

from engine.core.errors import InputError

__all__ = ["choice", "count", "option", "options_of", "read_options", "typed_options"]

T = TypeVar("T")


def option(default: float | None, low: float, high: float, text: str, *, unit: str = "m") -> Any:
    """A number in ``unit`` (m or "" for none); None means that the block works it out from the body."""
    return dataclasses.field(default=default, metadata={"low": low, "high": high, "unit": unit, "text": text})


def count(default: int, low: int, high: int, text: str) -> Any:
    """A whole number."""
    return dataclasses.field(default=default, metadata={"low": low, "high": high, "unit": "count", "text": text})


def choice(default: str, values: tuple[str, ...], text: str) -> Any:
    """One of several words."""
    return dataclasses.field(default=default, metadata={"values": values, "unit": "word", "text": text})


def options_of(kind: type) -> dict[str, dict[str, Any]]:
    """Of every option of a block: default, unit (m, count, word or none), meaning, and its range or its words."""
    return {f.name: {"default": f.default, **f.metadata} for f in dataclasses.fields(kind)}


def typed_options(kind: type, given: dict[str, str], garment: str) -> dict[str, Any]:
    """Options as people type them, in centimetres where they are lengths, as values for :func:`read_options`."""
    known, values = options_of(kind), {}
    for name, text in given.items():
        unit = _known(known, name, garment)["unit"]
        try:
            values[name] = text if unit == "word" else int(text) if unit == "count" else float(text)
        except ValueError:
            what = {"count": "a whole number", "m": "a number in centimetres"}.get(unit, "a number")
            raise InputError("garment.option_type", f"{garment}: option {name} is '{text}'", f"give {what}") from None
        if unit == "m":
            values[name] /= 100
    return values


def read_options(kind: type[T], given: dict[str, Any], garment: str) -> T:
    """Checks options [m] against a block's dataclass."""
    known = options_of(kind)
    for name, value in given.items():
        about = _known(known, name, garment)
        if value is None and about["default"] is None:
            continue
        if about["unit"] == "word":
            if value not in about["values"]:
                raise InputError("garment.option_type", f"{garment}: option {name} is '{value}'",
                                 f"one of {', '.join(about['values'])}")
            continue
        whole = about["unit"] == "count"
        right = isinstance(value, int) if whole else isinstance(value, int | float) and math.isfinite(value)
        if isinstance(value, bool) or not right:
            raise InputError("garment.option_type", f"{garment}: option {name} is '{value}'",
                             "give a whole number" if whole else "give a number in metres")
        if not about["low"] <= value <= about["high"]:
            scale, unit = (100, " cm") if about["unit"] == "m" else (1, "")
            raise InputError(
                "garment.option_range",
                f"{garment}: option {name} is {scale * value:g}{unit}, outside {scale * about['low']:g} to "
                f"{scale * about['high']:g}{unit}", about["text"],
            )
    return kind(**given)


def _known(known: dict[str, dict[str, Any]], name: str, garment: str) -> dict[str, Any]:
    if name in known:
        return known[name]
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    hint = f"did you mean '{close[0]}'?" if close else f"its options are: {', '.join(known)}"
    raise InputError("garment.unknown_option", f"{garment}: has no option '{name}'", hint)
