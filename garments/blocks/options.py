"""Typed, range-checked options of the blocks."""

from __future__ import annotations

import dataclasses
import difflib
import math
from typing import Any, TypeVar

from engine.core.errors import InputError

__all__ = ["option", "options_of", "read_options"]

T = TypeVar("T")


def option(default: float | None, low: float, high: float, text: str) -> Any:
    """A numeric option [m unless the text says otherwise]; None means that the block works it out from the body."""
    return dataclasses.field(default=default, metadata={"low": low, "high": high, "text": text})


def options_of(kind: type) -> dict[str, dict[str, Any]]:
    """Default, range and meaning of every option of a block."""
    return {f.name: {"default": f.default, **f.metadata} for f in dataclasses.fields(kind)}


def read_options(kind: type[T], given: dict[str, Any], garment: str) -> T:
    """Checks options that a user typed against a block's dataclass."""
    known = options_of(kind)
    for name, value in given.items():
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f"did you mean '{close[0]}'?" if close else f"its options are: {', '.join(known)}"
            raise InputError("garment.unknown_option", f"{garment}: has no option '{name}'", hint)
        if value is None and known[name]["default"] is None:
            continue
        low, high = known[name]["low"], known[name]["high"]
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise InputError("garment.option_type", f"{garment}: option {name} is '{value}'", "give a number in metres")
        if not low <= value <= high:
            raise InputError(
                "garment.option_range", f"{garment}: option {name} is {value:g}, outside {low:g} to {high:g}",
                known[name]["text"],
            )
    return kind(**given)
