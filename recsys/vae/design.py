"""The typed design parameters of a pattern library, as numbers that a network learns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Design", "Family", "Library", "Parameter", "Value"]

Value = float | int | str | None


@dataclass(frozen=True)
class Parameter:
    """An option of a family: a number in a range [m unless its block says otherwise], or one of several words.

    A number is learnt as its share 0..1 of the range, a word as one column for each word, 1 for the one taken.
    """

    name: str
    default: Value  #: None: the block works it out from the body
    low: float = 0.0
    high: float = 1.0
    whole: bool = False  #: a whole number
    words: tuple[str, ...] = ()

    @property
    def width(self) -> int:
        """Columns that it takes."""
        return len(self.words) or 1

    def shares(self, value: Value) -> list[float]:
        """The columns of a value; NaN where it is left to the block."""
        if value is None:
            return [np.nan] * self.width
        if self.words:
            return [float(word == value) for word in self.words]
        return [(float(value) - self.low) / (self.high - self.low)]

    def value(self, shares: np.ndarray) -> Value:
        """The value that columns say, within its range; None for NaN."""
        if np.isnan(shares).any():
            return None
        if self.words:
            return self.words[int(np.argmax(shares))]
        number = self.low + float(np.clip(shares[0], 0.0, 1.0)) * (self.high - self.low)
        return int(round(number)) if self.whole else float(np.clip(round(number, 4), self.low, self.high))


@dataclass(frozen=True)
class Family:
    """A kind of garment and its design parameters."""

    name: str
    parameters: tuple[Parameter, ...]

    @property
    def width(self) -> int:
        """Columns of its parameters."""
        return sum(p.width for p in self.parameters)

    def shares(self, options: Mapping[str, Value]) -> np.ndarray:
        """Options (defaults where they are not given) as columns, shape [width]."""
        columns = [p.shares(options.get(p.name, p.default)) for p in self.parameters]
        return np.array([c for row in columns for c in row], np.float32)

    def options(self, shares: np.ndarray) -> dict[str, Value]:
        """Columns as options."""
        out, at = {}, 0
        for p in self.parameters:
            out[p.name] = p.value(shares[at : at + p.width])
            at += p.width
        return out


@dataclass(frozen=True)
class Design:
    """A family and its options: all that a library needs to draft the garment for a body."""

    family: str
    options: dict[str, Value]


@dataclass(frozen=True)
class Library:
    """The families that a model knows, in the order of its outputs."""

    families: tuple[Family, ...]

    @classmethod
    def described(cls, rows: Iterable[Mapping[str, Any]]) -> Library:
        """From a description: rows with ``name`` and ``options``.

        An option has its ``default`` and either ``low`` and ``high`` or ``values`` (words); its ``unit`` is ``count``
        for whole numbers.
        """
        return cls(tuple(Family(row["name"], tuple(map(_parameter, row["options"].items()))) for row in rows))

    def description(self) -> list[dict[str, Any]]:
        """What ``described`` reads, as plain values."""
        return [{"name": f.name, "options": {p.name: _described(p) for p in f.parameters}} for f in self.families]

    def __len__(self) -> int:
        return len(self.families)

    @property
    def width(self) -> int:
        """Columns of all families together."""
        return sum(f.width for f in self.families)

    def index(self, family: str) -> int:
        """Place of a family; KeyError if the model does not know it."""
        for i, f in enumerate(self.families):
            if f.name == family:
                return i
        raise KeyError(family)

    def columns(self, family: int) -> slice:
        """The columns of a family's parameters among those of all."""
        start = sum(f.width for f in self.families[:family])
        return slice(start, start + self.families[family].width)


def _parameter(item: tuple[str, Mapping[str, Any]]) -> Parameter:
    name, about = item
    if "values" in about:
        return Parameter(name, about["default"], words=tuple(about["values"]))
    whole = about.get("unit") == "count"
    return Parameter(name, about["default"], float(about["low"]), float(about["high"]), whole)


def _described(p: Parameter) -> dict[str, Any]:
    if p.words:
        return {"default": p.default, "values": list(p.words)}
    return {"default": p.default, "low": p.low, "high": p.high} | ({"unit": "count"} if p.whole else {})
