"""The typed design parameters of a pattern library, as numbers that a network learns."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Design", "Family", "Library", "Parameter"]


@dataclass(frozen=True)
class Parameter:
    """A numeric option of a family [m unless its block says otherwise]; None as default: worked out from the body."""

    name: str
    low: float
    high: float
    default: float | None


@dataclass(frozen=True)
class Family:
    """A kind of garment and its design parameters."""

    name: str
    parameters: tuple[Parameter, ...]

    def normalised(self, options: Mapping[str, float | None]) -> np.ndarray:
        """Options as shares 0..1 of their ranges, NaN where they are left to the block, shape [parameter]."""
        values = [options.get(p.name, p.default) for p in self.parameters]
        return np.array(
            [np.nan if v is None else (v - p.low) / (p.high - p.low)
             for v, p in zip(values, self.parameters, strict=True)], np.float32,
        )  # fmt: skip

    def options(self, shares: np.ndarray) -> dict[str, float | None]:
        """Shares of the ranges as options, clipped to the ranges; NaN leaves an option to the block."""
        return {
            p.name: None if np.isnan(s) else float(round(p.low + float(np.clip(s, 0, 1)) * (p.high - p.low), 4))
            for s, p in zip(shares, self.parameters, strict=True)
        }


@dataclass(frozen=True)
class Design:
    """A family and its options: all that a library needs to draft the garment for a body."""

    family: str
    options: dict[str, float | None]


@dataclass(frozen=True)
class Library:
    """The families that a model knows, in the order of its outputs."""

    families: tuple[Family, ...]

    @classmethod
    def described(cls, rows: Iterable[Mapping[str, Any]]) -> Library:
        """From a description: rows with ``name`` and ``options`` {name: {default, low, high}}."""
        return cls(tuple(
            Family(row["name"], tuple(
                Parameter(name, float(o["low"]), float(o["high"]), o["default"])
                for name, o in row["options"].items()
            ))
            for row in rows
        ))  # fmt: skip

    def description(self) -> list[dict[str, Any]]:
        """What ``described`` reads, as plain values."""
        return [
            {"name": f.name, "options": {p.name: {"default": p.default, "low": p.low, "high": p.high}
                                         for p in f.parameters}}
            for f in self.families
        ]  # fmt: skip

    def __len__(self) -> int:
        return len(self.families)

    @property
    def width(self) -> int:
        """Parameters of all families together."""
        return sum(len(f.parameters) for f in self.families)

    def index(self, family: str) -> int:
        """Place of a family; KeyError if the model does not know it."""
        for i, f in enumerate(self.families):
            if f.name == family:
                return i
        raise KeyError(family)

    def columns(self, family: int) -> slice:
        """The columns of a family's parameters among those of all."""
        start = sum(len(f.parameters) for f in self.families[:family])
        return slice(start, start + len(self.families[family].parameters))
