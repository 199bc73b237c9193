"""What every recommender is: fitted on histories, it scores all items for any history, also of users it never saw.

No recommender stores anything per user, so that forgetting a user needs no more than a refit on the events left.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from recsys.features import ItemFeatures
from recsys.histories import Histories

__all__ = ["FOR_ANYBODY", "Data", "Recommender", "top_k", "rank_items", "MASKED"]

MASKED = np.float32(-np.inf)
BATCH_CELLS = 20_000_000
#: Recommenders that have an answer for who has no history.
FOR_ANYBODY = ("popularity", "trend", "taste", "mult_vae")


@dataclass(frozen=True)
class Data:
    """What a recommender learns from: histories up to a moment, and what the items are."""

    histories: Histories
    features: ItemFeatures


class Recommender(Protocol):
    """One way to score items. Options are the constructor's keywords; ``grid`` lists those worth trying."""

    name: str
    grid: dict[str, list[Any]]

    def fit(self, data: Data) -> Recommender:
        """Learns; returns itself."""

    def score(self, histories: Histories) -> np.ndarray:
        """Scores, higher is better, 0 where nothing is known, float32, shape [row, item]."""


def top_k(scores: np.ndarray, k: int) -> np.ndarray:
    """Best columns of each row, the best first, ties by the lower index; -1 where masked. Shape [row, k]."""
    n = scores.shape[1]
    k = min(k, n)
    part = np.argpartition(scores, n - k, axis=1)[:, n - k :] if k < n else np.tile(np.arange(n), (len(scores), 1))
    value = np.take_along_axis(scores, part, 1)
    order = np.lexsort((part, -value), axis=1)
    top = np.take_along_axis(part, order, 1)
    return np.where(np.take_along_axis(value, order, 1) == MASKED, -1, top)


def mask(scores: np.ndarray, histories: Histories, open_items: np.ndarray, repeats: bool) -> np.ndarray:
    """The scores with closed items, and without ``repeats`` known and refused ones, masked; in place."""
    scores[:, ~open_items] = MASKED
    if not repeats:
        scores[histories.row, histories.item] = MASKED
        scores[histories.refused_row, histories.refused] = MASKED
    return scores


def rank_items(
    model: Recommender, histories: Histories, open_items: np.ndarray, *, k: int = 10, repeats: bool = False,
    mix_ties: bool = False,
) -> np.ndarray:  # fmt: skip
    """The ``k`` best open items of the whole catalogue for each history, -1 beyond their end, shape [row, k].

    Args:
        mix_ties: Orders equal scores at random for each row, not by index: for judging among items of which a model
            may know nothing.
    """
    size = max(1, BATCH_CELLS // histories.n_items)
    parts, rng = [], np.random.default_rng(0)
    for low in range(0, len(histories), size):
        batch = histories.rows(np.arange(low, min(low + size, len(histories))))
        scores = mask(model.score(batch), batch, open_items, repeats)
        if mix_ties:
            reach = np.where(scores == MASKED, 0, np.abs(scores)).max(1, keepdims=True)
            scores = scores + rng.random(scores.shape, np.float32) * (1e-5 * reach + 1e-20)
        parts.append(top_k(scores, k))
    return np.vstack(parts) if parts else np.empty((0, k), int)
