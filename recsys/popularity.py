"""Recent popularity: what everybody wants now, the same for all."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from recsys.base import Data
from recsys.histories import Histories

__all__ = ["Popularity", "span_of"]


def span_of(histories: Histories) -> float:
    """Time from the first wanted entry to now [s], at least one."""
    return max(histories.now - float(histories.time.min(initial=histories.now)), 1.0)


@dataclass
class Popularity:
    """Wants per item, each halved by age.

    Args:
        half_life: As a share of the time that the histories span; inf counts all alike.
    """

    half_life: float = 1 / 16
    name: ClassVar[str] = "popularity"
    grid: ClassVar[dict[str, list[Any]]] = {"half_life": [1 / 16, 1 / 4, 1 / 64, 1 / 256, np.inf]}
    query_options: ClassVar[tuple[str, ...]] = ()
    fitted: ClassVar[tuple[str, ...]] = ("weight",)
    weight: np.ndarray = field(init=False, repr=False)

    def fit(self, data: Data) -> Popularity:
        """Counts."""
        h = data.histories
        self.weight = np.log1p(h.popularity(self.half_life * span_of(h)) * 100).astype(np.float32)
        return self

    def score(self, histories: Histories) -> np.ndarray:
        """The same row for everybody, shape [row, item]."""
        return np.tile(self.weight, (len(histories), 1))
