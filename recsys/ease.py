"""EASE (Steck 2019, "Embarrassingly shallow autoencoders for sparse data") with recency, in closed form.

The item-item weights B minimise |X - X B|^2 + l2 |B|^2 with an empty diagonal; with P = (X'X + l2)^-1,
B = I - P / diag(P). Wants enter X with the square root of their decay, so that a pair of recent ones counts most.

The inverse is cubic in the items, so it runs over the *active* ones: the ``max_items`` with the most recent wants,
and in single precision, which halves its time and memory: the ridge bounds the condition number. In a shop of 100,000
items these carry most of the events; the others are scored by the recommenders beside it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from scipy.linalg import lapack

from engine.core.errors import JobError
from recsys.base import Data
from recsys.histories import Histories
from recsys.item_knn import LATEST
from recsys.popularity import span_of

__all__ = ["EASE", "active_items"]


def active_items(histories: Histories, limit: int) -> np.ndarray:
    """The items with the most wants, the recent half of the log counting in full, at most ``limit``, sorted."""
    weight = histories.popularity(span_of(histories) / 4) + 1e-3 * histories.popularity()
    wanted = int((weight > 0).sum())
    return np.sort(np.argsort(-weight, kind="stable")[: min(limit, wanted)])


@dataclass
class EASE:
    """EASE over the active items.

    Args:
        l2: Ridge weight, in units of the diagonal of X'X as a want meets it, sum d^2 / sum d: so the same value
            means the same whether few or many items are active, where the mean would fall with every rare one.
        half_life: Of a want in X, as a share of the time spanned.
        recent: Entries of a user's history after which an older one weighs half.
        max_items: Most active items.
    """

    l2: float = 3.0
    half_life: float = np.inf
    recent: float = 64.0
    max_items: int = 8_000
    name: ClassVar[str] = "ease"
    grid: ClassVar[dict[str, list[Any]]] = {
        "recent": [64.0, 16.0, 4.0, np.inf],
        "l2": [3.0, 1.0, 10.0, 0.3, 0.1],
        "half_life": [np.inf, 1 / 4, 1 / 16],
    }
    query_options: ClassVar[tuple[str, ...]] = ("recent",)
    fitted: ClassVar[tuple[str, ...]] = ("active", "weights")
    active: np.ndarray = field(init=False, repr=False)
    weights: np.ndarray = field(init=False, repr=False)

    def fit(self, data: Data) -> EASE:
        """Solves for the weights, float32, shape [active, active]."""
        h = data.histories.latest(LATEST)
        self.active = active_items(h, self.max_items)
        x = h.matrix(h.strength * np.sqrt(h.decay(self.half_life * span_of(h))))[:, self.active]
        gram = (x.T @ x).toarray(order="F")
        d = gram.diagonal().astype(np.float64)
        np.fill_diagonal(gram, d + self.l2 * (d @ d) / max(d.sum(), 1e-6) + 1e-6)
        factor, info = lapack.spotrf(gram, lower=1, overwrite_a=1)
        inverse, info2 = lapack.spotri(factor, lower=1, overwrite_c=1)
        if info or info2:
            raise JobError("ease.singular", f"EASE cannot invert {len(gram)} items", "raise l2")
        lower = np.tril(inverse)
        weights = lower + lower.T
        weights /= -lower.diagonal()
        np.fill_diagonal(weights, 0)
        self.weights = np.ascontiguousarray(weights)  # row by row, as scoring reads it
        return self

    def score(self, histories: Histories) -> np.ndarray:
        """Profile times weights, 0 for items that are not active, shape [row, item]."""
        scores = np.zeros((len(histories), histories.n_items), np.float32)
        scores[:, self.active] = histories.profile(self.recent)[:, self.active] @ self.weights
        return scores
