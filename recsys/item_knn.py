"""Item-item neighbours: what people who wanted this also wanted, and what they wanted next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from scipy import sparse

from recsys.base import Data
from recsys.histories import Histories
from recsys.popularity import span_of

__all__ = ["ItemKNN", "NextItem", "nearest_columns"]

LATEST = 300
BLOCK_CELLS = 40_000_000


def nearest_columns(
    left: sparse.csr_matrix, right: sparse.csr_matrix, k: int, finish: Callable[..., np.ndarray]
) -> sparse.csr_matrix:
    """The ``k`` largest positive off-diagonal entries in each row of ``left @ right`` after ``finish``.

    Args:
        left, right: Factors of the item-item matrix, shapes [item, x] and [x, item].
        finish: Similarities from the product's nonzero values, their rows and their columns, each of shape [entry].
    """
    n = left.shape[0]
    size = max(1, BLOCK_CELLS // n)
    rows, cols, values = [], [], []
    for low in range(0, n, size):
        block = (left[low : low + size] @ right).tocsr()
        row = np.repeat(np.arange(block.shape[0]), np.diff(block.indptr)) + low
        value = finish(block.data, row, block.indices)
        good = (value > 0) & (row != block.indices)
        row, col, value = row[good], block.indices[good], value[good]
        order = np.lexsort((col, -value, row))
        first = np.searchsorted(row, np.arange(low, low + block.shape[0]))
        kept = order[np.arange(len(order)) - first[row - low] < k]
        rows.append(row[kept])
        cols.append(col[kept])
        values.append(value[kept])
    entries = (np.concatenate(values).astype(np.float32), (np.concatenate(rows), np.concatenate(cols)))
    return sparse.csr_matrix(entries, shape=(n, n))


@dataclass
class ItemKNN:
    """Cosine neighbours of items over users, with shrinkage and with age of the wants.

    Args:
        neighbours: Kept per item.
        shrink: Added to the cosine's denominator, so that a few shared users do not look like certainty.
        half_life: Of a want when neighbours are counted, as a share of the time spanned.
        recent: Entries of a user's history after which an older one weighs half.
    """

    neighbours: int = 200
    shrink: float = 10.0
    half_life: float = np.inf
    recent: float = 16.0
    name: ClassVar[str] = "item_knn"
    grid: ClassVar[dict[str, list[Any]]] = {
        "recent": [16.0, 4.0, 64.0, np.inf],
        "half_life": [np.inf, 1 / 4, 1 / 16],
        "shrink": [10.0, 1.0, 50.0],
    }
    query_options: ClassVar[tuple[str, ...]] = ("recent",)
    fitted: ClassVar[tuple[str, ...]] = ("near",)
    near: sparse.csr_matrix = field(init=False, repr=False)

    def fit(self, data: Data) -> ItemKNN:
        """Finds neighbours, from the latest 300 wants of each user."""
        h = data.histories.latest(LATEST)
        x = h.matrix(h.strength * np.sqrt(h.decay(self.half_life * span_of(h)))).tocsc()
        length = np.sqrt(np.asarray(x.multiply(x).sum(0)).ravel())

        def cosine(value: np.ndarray, row: np.ndarray, col: np.ndarray) -> np.ndarray:
            return value / (length[row] * length[col] + self.shrink)

        self.near = nearest_columns(x.T.tocsr(), x.tocsr(), self.neighbours, cosine)
        return self

    def score(self, histories: Histories) -> np.ndarray:
        """Sum of similarities to the history, shape [row, item]."""
        return (histories.profile(self.recent) @ self.near).toarray()


@dataclass
class NextItem:
    """What is wanted within a few steps after an item: transitions, nearer and later ones counting more.

    Args:
        neighbours: Kept per item.
        shrink: Added to the denominator.
        half_life: Of a transition, as a share of the time spanned.
        recent: Entries of a user's history after which an older one weighs half.
        steps: Longest step counted.
    """

    neighbours: int = 200
    shrink: float = 10.0
    half_life: float = 1 / 4
    recent: float = 2.0
    steps: int = 5
    name: ClassVar[str] = "next_item"
    grid: ClassVar[dict[str, list[Any]]] = {"recent": [2.0, 8.0], "half_life": [1 / 4, np.inf, 1 / 16]}
    query_options: ClassVar[tuple[str, ...]] = ("recent",)
    fitted: ClassVar[tuple[str, ...]] = ("near",)
    near: sparse.csr_matrix = field(init=False, repr=False)

    def fit(self, data: Data) -> NextItem:
        """Counts transitions between the wants of each user."""
        h = data.histories.latest(LATEST)
        decay, row, n = h.decay(self.half_life * span_of(h)), h.row, h.n_items
        total = sparse.csr_matrix((n, n), dtype=np.float32)
        for step in range(1, self.steps + 1):
            same = np.flatnonzero(row[step:] == row[:-step])
            weight = decay[same + step] * h.strength[same + step] / step
            total = total + sparse.csr_matrix((weight, (h.item[same], h.item[same + step])), shape=(n, n))
        source, target = (np.asarray(total.sum(axis)).ravel() for axis in (1, 0))

        def normalised(value: np.ndarray, row: np.ndarray, col: np.ndarray) -> np.ndarray:
            return value / (np.sqrt(source[row] * target[col]) + self.shrink)

        identity = sparse.identity(n, dtype=np.float32, format="csr")
        self.near = nearest_columns(total.tocsr(), identity, self.neighbours, normalised)
        return self

    def score(self, histories: Histories) -> np.ndarray:
        """Sum of transitions from the history, shape [row, item]."""
        return (histories.profile(self.recent) @ self.near).toarray()
