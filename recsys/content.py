"""Recommendation by what items are: likeness of attributes, and the collaborative place that attributes foretell."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import svds

from recsys.base import Data
from recsys.histories import Histories
from recsys.item_knn import LATEST
from recsys.popularity import span_of

__all__ = ["Content", "ContentToCollaborative", "Trend"]


@dataclass
class Content:
    """Cosine of an item's vector with the user's mean vector.

    Args:
        recent: Entries of a user's history after which an older one weighs half.
    """

    recent: float = 16.0
    name: ClassVar[str] = "content"
    grid: ClassVar[dict[str, list[Any]]] = {"recent": [16.0, 4.0, np.inf]}
    query_options: ClassVar[tuple[str, ...]] = ("recent",)
    fitted: ClassVar[tuple[str, ...]] = ("vectors",)
    vectors: np.ndarray = field(init=False, repr=False)

    def fit(self, data: Data) -> Content:
        """Centres the vectors, so that what all items share does not count."""
        vectors = data.features.vectors - data.features.vectors[data.features.known].mean(0, keepdims=True) if (
            data.features.known.any()
        ) else data.features.vectors  # fmt: skip
        length = np.linalg.norm(vectors, axis=1, keepdims=True)
        self.vectors = np.where(data.features.known[:, None], vectors / np.maximum(length, 1e-6), 0).astype(np.float32)
        return self

    def score(self, histories: Histories) -> np.ndarray:
        """Likeness to the history, shape [row, item]."""
        user = histories.profile(self.recent) @ self.vectors
        return user @ self.vectors.T


def ridge(x: np.ndarray, y: np.ndarray, weight: np.ndarray, l2: float) -> np.ndarray:
    """Weighted ridge regression with an intercept (last row, not penalised), shape [input + 1, output]."""
    x = np.hstack([x, np.ones((len(x), 1), x.dtype)]).astype(np.float64)
    gram = x.T @ (x * weight[:, None])
    gram[np.arange(len(gram) - 1), np.arange(len(gram) - 1)] += l2
    gram[-1, -1] += 1e-9
    return np.linalg.solve(gram, x.T @ (y * weight[:, None])).astype(np.float32)


@dataclass
class ContentToCollaborative:
    """Items in a collaborative space; new ones stand where their attributes foretell.

    The space is a truncated SVD of the wants (Cremonesi et al. 2010, PureSVD). A ridge regression maps attributes
    to it; an item with n wants stands at (n * own + trust * foretold) / (n + trust), so a new one wholly where
    foretold (after Gantner et al. 2010, "Learning attribute-to-feature mappings for cold-start recommendations").

    Args:
        width: Dimensions.
        trust: Wants that the foretold place is worth.
        half_life: Of a want, as a share of the time spanned.
        recent: Entries of a user's history after which an older one weighs half.
    """

    width: int = 64
    trust: float = 10.0
    half_life: float = np.inf
    recent: float = 16.0
    name: ClassVar[str] = "cold_bridge"
    grid: ClassVar[dict[str, list[Any]]] = {
        "recent": [16.0, 4.0, np.inf], "width": [64, 24], "trust": [10.0, 40.0],
    }  # fmt: skip
    query_options: ClassVar[tuple[str, ...]] = ("recent",)
    fitted: ClassVar[tuple[str, ...]] = ("places",)
    places: np.ndarray = field(init=False, repr=False)

    def fit(self, data: Data) -> ContentToCollaborative:
        """Finds the space and every item's place in it, float32, shape [item, width]."""
        h = data.histories.latest(LATEST)
        x = h.matrix(h.strength * np.sqrt(h.decay(self.half_life * span_of(h))))
        count = np.bincount(h.item, minlength=h.n_items).astype(np.float64)
        own = _svd_places(x, min(self.width, min(x.shape) - 1))
        known = data.features.known
        warm = (count > 0) & known
        foretold = np.zeros_like(own)
        if warm.any():
            vectors = data.features.vectors
            coefficients = ridge(vectors[warm], own[warm], np.sqrt(count[warm]), l2=1.0)
            foretold[known] = vectors[known] @ coefficients[:-1] + coefficients[-1]
        share = np.where(known, count / (count + self.trust), 1.0)[:, None]
        self.places = (share * own + (1 - share) * foretold).astype(np.float32)
        return self

    def score(self, histories: Histories) -> np.ndarray:
        """Inner product of the user's and the items' places, shape [row, item]."""
        return (histories.profile(self.recent) @ self.places) @ self.places.T


def _svd_places(x: sparse.csr_matrix, width: int) -> np.ndarray:
    """Right singular vectors of the wants with popular items held back, shape [item, width]."""
    if width < 1:
        return np.zeros((x.shape[1], 1), np.float32)
    count = np.asarray(x.multiply(x).sum(0)).ravel()
    scaled = x @ sparse.diags((1 / np.sqrt(np.maximum(count, 1e-6)) ** 0.5).astype(np.float32))
    start = np.random.default_rng(0).standard_normal(min(x.shape))
    _, _, right = svds(scaled.astype(np.float64), k=width, v0=start)
    flip = np.sign(right[np.arange(width), np.abs(right).argmax(1)])
    return (right.T * flip).astype(np.float32)


@dataclass
class Trend:
    """How much items with such attributes are wanted of late: popularity foretold from the attributes alone.

    Args:
        half_life: Of a want, as a share of the time spanned.
    """

    half_life: float = 1 / 16
    name: ClassVar[str] = "trend"
    grid: ClassVar[dict[str, list[Any]]] = {"half_life": [1 / 16, 1 / 64]}
    query_options: ClassVar[tuple[str, ...]] = ()
    fitted: ClassVar[tuple[str, ...]] = ("weight",)
    weight: np.ndarray = field(init=False, repr=False)

    def fit(self, data: Data) -> Trend:
        """Regresses the log of recent wants on the attributes."""
        h, known = data.histories, data.features.known
        recent = np.log1p(h.popularity(self.half_life * span_of(h)) * 10)[:, None]
        self.weight = np.zeros(h.n_items, np.float32)
        seen = known & (np.bincount(h.item, minlength=h.n_items) > 0)
        if seen.sum() > 1:
            vectors = data.features.vectors
            coefficients = ridge(vectors[seen], recent[seen], np.ones(int(seen.sum())), l2=3.0)
            self.weight[known] = np.maximum((vectors[known] @ coefficients[:-1] + coefficients[-1])[:, 0], 1e-6)
        return self

    def score(self, histories: Histories) -> np.ndarray:
        """The same row for everybody, shape [row, item]."""
        return np.tile(self.weight, (len(histories), 1))
