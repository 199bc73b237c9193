"""Keeps a list of recommendations from saying the same thing ten times."""

from __future__ import annotations

import numpy as np

__all__ = ["new_one_gap", "spread_out", "with_a_new_one"]


def spread_out(scores: np.ndarray, vectors: np.ndarray, k: int, diversity: float) -> np.ndarray:
    """Maximal marginal relevance (Carbonell and Goldstein 1998): the next item is good and unlike those taken.

    Args:
        scores: Of the candidates, the best first, finite, shape [candidate].
        vectors: Unit vectors of the candidates, shape [candidate, dimension].
        k: How many to take.
        diversity: 0 keeps the order, 1 looks at unlikeness alone.

    Returns:
        Indices of the candidates taken, in order, shape [k] or fewer.
    """
    if diversity <= 0 or len(scores) <= 1:
        return np.arange(min(k, len(scores)))
    span = scores.max() - scores.min()
    relevance = (scores - scores.min()) / span if span > 0 else np.ones(len(scores))
    likeness = np.full(len(scores), 0.0)
    free = np.ones(len(scores), bool)
    taken: list[int] = []
    for _ in range(min(k, len(scores))):
        value = np.where(free, (1 - diversity) * relevance - diversity * likeness, -np.inf)
        best = int(value.argmax())
        taken.append(best)
        free[best] = False
        likeness = np.maximum(likeness, vectors @ vectors[best])
    return np.array(taken)


def with_a_new_one(order: np.ndarray, new: np.ndarray, k: int, score: np.ndarray, gap: float) -> np.ndarray:
    """The first ``k`` of each row; a row without a new item ends with its best new one, if that is near enough.

    Args:
        order: Candidates, the best first, shape [row, candidate].
        new: Whether each of ``order`` is new, same shape.
        score: Of each of ``order``, same shape.
        gap: By how much the new one's score may fall short of that of the item whose place it takes.
    """
    top = order[:, :k].copy()
    if k >= 2 and top.shape[1] == k:
        rows = np.flatnonzero(new_one_gap(new, k, score) <= gap)
        top[rows, -1] = order[rows, new[rows].argmax(1)]
    return top


def new_one_gap(new: np.ndarray, k: int, score: np.ndarray) -> np.ndarray:
    """How far the best new item of each row falls short of the row's k-th, inf where none is lacking, shape [row]."""
    gap = np.full(len(new), np.inf)
    if new.shape[1] >= k:
        lacking = np.flatnonzero(~new[:, :k].any(1) & new.any(1))
        gap[lacking] = score[lacking, k - 1] - score[lacking, new[lacking].argmax(1)]
    return np.where(np.isnan(gap), np.inf, gap)
