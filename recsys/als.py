"""Matrix factorisation for implicit feedback (Hu, Koren, Volinsky 2008) by the optional package ``implicit``."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from engine.core.errors import UnsupportedError
from recsys.base import Data
from recsys.histories import Histories

__all__ = ["ALS", "als_is_installed"]


def als_is_installed() -> bool:
    """Whether the optional package ``implicit`` is there."""
    return importlib.util.find_spec("implicit") is not None



@dataclass
class ALS:
    """Alternating least squares; users are folded in when scored, so unseen ones are served too.

    Args:
        factors: Dimensions.
        l2: Ridge weight.
        alpha: Confidence of a full-strength want.
        iterations: Rounds.
    """

    factors: int = 64
    l2: float = 0.05
    alpha: float = 10.0
    iterations: int = 15
    seed: int = 0
    name: ClassVar[str] = "als"
    grid: ClassVar[dict[str, list[Any]]] = {
        "alpha": [10.0, 2.0, 40.0], "factors": [64, 24], "l2": [0.05, 10.0],
    }  # fmt: skip
    query_options: ClassVar[tuple[str, ...]] = ()
    fitted: ClassVar[tuple[str, ...]] = ("items",)
    items: np.ndarray = field(init=False, repr=False)

    def fit(self, data: Data) -> ALS:
        """Factorises; UnsupportedError where ``implicit`` is not installed."""
        try:
            from implicit.cpu.als import AlternatingLeastSquares
        except ImportError:
            hint = "pip install 'toile[als]'"
            raise UnsupportedError("als.missing", "ALS needs the package implicit", hint) from None
        model = AlternatingLeastSquares(
            factors=self.factors, regularization=self.l2, alpha=self.alpha, iterations=self.iterations,
            random_state=self.seed, num_threads=1,
        )  # fmt: skip
        model.fit(data.histories.matrix(), show_progress=False)
        self.items = np.asarray(model.item_factors, np.float32)
        return self

    def score(self, histories: Histories) -> np.ndarray:
        """Folded-in user times items, shape [row, item]."""
        gram = self.items.T @ self.items + self.l2 * np.eye(self.items.shape[1], dtype=np.float32)
        users = np.zeros((len(histories), self.items.shape[1]), np.float32)
        for row in range(len(histories)):
            entry = slice(histories.start[row], histories.start[row + 1])
            y, confidence = self.items[histories.item[entry]], self.alpha * histories.strength[entry]
            if len(y):
                users[row] = np.linalg.solve(gram + (y.T * (confidence - 1)) @ y, y.T @ confidence)
        return users @ self.items.T
