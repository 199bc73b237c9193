"""What suits a taste among what is in demand: the log odds of an item by popularity and by its attributes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from scipy import sparse

from recsys.base import Data
from recsys.histories import Histories
from recsys.popularity import span_of

__all__ = ["Taste"]

FLOOR = 0.1


@dataclass
class Taste:
    """Naive Bayes (Maron 1961) over the values of the items' attributes, with popularity for its prior.

    An item scores log p(item) plus, for each column of the table, the mean over its values v of
    log p(v | history) / p(v), where p(v | history) is the history's share of v smoothed by ``prior`` wants of
    everybody's share p(v). Columns of a catalogue tell of each other, so their sum counts by ``weight``.

    Args:
        weight: Of the attributes beside the popularity.
        half_life: Of a want in the popularity, as a share of the time spanned.
        recent: Entries of a user's history after which an older one weighs half.
        prior: Wants that everybody's share is worth.
    """

    weight: float = 1.0
    half_life: float = 1 / 16
    recent: float = 16.0
    prior: float = 4.0
    name: ClassVar[str] = "taste"
    grid: ClassVar[dict[str, list[Any]]] = {
        "weight": [1.0, 0.5, 0.2, 2.0], "recent": [16.0, 4.0, np.inf], "prior": [4.0, 1.0, 16.0],
        "half_life": [1 / 16, 1 / 4, 1 / 64],
    }  # fmt: skip
    query_options: ClassVar[tuple[str, ...]] = ("weight", "recent", "prior")
    fitted: ClassVar[tuple[str, ...]] = ("level", "values", "column", "share")
    level: np.ndarray = field(init=False, repr=False)
    values: sparse.csr_matrix = field(init=False, repr=False)
    column: np.ndarray = field(init=False, repr=False)
    share: np.ndarray = field(init=False, repr=False)

    def fit(self, data: Data) -> Taste:
        """Counts items and values, recent wants most."""
        demand = data.histories.popularity(self.half_life * span_of(data.histories))
        self.level = np.log(demand + FLOOR).astype(np.float32)
        self.values, self.column = data.features.values, data.features.column
        count = self.values.T @ (demand + 1e-3)
        self.share = (count / np.bincount(self.column, count)[self.column]).astype(np.float32)
        return self

    def score(self, histories: Histories) -> np.ndarray:
        """Log odds up to a constant, shape [row, item]."""
        if not len(self.column):
            return np.tile(self.level, (len(histories), 1))
        held = (histories.profile(self.recent) @ self.values).toarray()
        columns = sparse.csr_matrix((np.ones(len(self.column), np.float32), (np.arange(len(self.column)), self.column)))
        known = held @ columns
        expected = self.prior * self.share
        odds = np.log((held + expected) / ((known[:, self.column] + self.prior) * self.share))
        return np.ascontiguousarray((self.values @ (self.weight * odds.T)).T + self.level, dtype=np.float32)
