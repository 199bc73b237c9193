"""The blend that ranks candidates by their figures, and the examples that it learns from."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

import numpy as np

__all__ = ["Blend", "Examples", "joined"]


@dataclass
class Blend:
    """Scores of candidates: z (linear + length by_length) + tanh(z inner + shift) outer, z the standardised features.

    Attributes:
        mean, spread: Of the features, shape [feature].
        linear: Weights at a history of usual length, shape [feature].
        by_length: What they change by per standard deviation of the length, shape [feature].
        inner, shift, outer: Of a network of one hidden layer, which corrects the linear form where figures matter
            together; shapes [feature, hidden], [hidden] and [hidden], hidden 0 for none.
        new_feature, length_feature: Index of the feature that marks new items, and of the history's length.
        new_offset: Added where ``new_feature`` is set: log of how much rarer a hit on a new item is now than it
            was on the validation split, where new items were only known by being wanted.
        new_gap: A list of ten or more without a new item ends with its best new one where that one's score falls
            short by no more than this; -inf: never.
    """

    mean: np.ndarray
    spread: np.ndarray
    linear: np.ndarray
    by_length: np.ndarray
    new_feature: int
    length_feature: int
    new_offset: float = 0.0
    new_gap: float = -np.inf
    inner: np.ndarray = field(default_factory=lambda: np.zeros((0, 0), np.float32))
    shift: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))
    outer: np.ndarray = field(default_factory=lambda: np.zeros(0, np.float32))

    def score(self, features: np.ndarray) -> np.ndarray:
        """Scores, shape [row, candidate], of features, shape [row, candidate, feature]."""
        z = self.standardised(features)
        total = z @ self.linear + z[..., self.length_feature] * (z @ self.by_length)
        if self.outer.size:
            total = total + np.tanh(z @ self.inner + self.shift) @ self.outer
        return total + self.new_offset * (features[..., self.new_feature] > 0)

    def standardised(self, features: np.ndarray) -> np.ndarray:
        """Features in standard deviations from the mean, outliers cut off, float32, same shape."""
        return np.clip((features - self.mean) / self.spread, -6, 6).astype(np.float32)


@dataclass(frozen=True)
class Examples:
    """Candidates of some users with what they then wanted.

    Attributes:
        features: Shape [user, candidate, feature].
        hit: Which candidates were wanted, bool, shape [user, candidate].
        valid: Which candidates there are, bool, shape [user, candidate].
        ideal: Best possible DCG@10 of each user, shape [user].
    """

    features: np.ndarray
    hit: np.ndarray
    valid: np.ndarray
    ideal: np.ndarray

    def rows(self, rows: np.ndarray) -> Examples:
        """Some of the users."""
        return Examples(self.features[rows], self.hit[rows], self.valid[rows], self.ideal[rows])


def joined(parts: list[Examples]) -> Examples:
    """The users of all parts, padded to as many candidates as the widest has."""
    width = max(part.hit.shape[1] for part in parts)
    columns = ([_widened(getattr(part, f.name), width) for part in parts] for f in fields(Examples))
    return Examples(*(np.concatenate(column) for column in columns))


def _widened(rows: np.ndarray, width: int) -> np.ndarray:
    """Padded with zeros along the second axis, if there is one."""
    return np.pad(rows, [(0, width - rows.shape[1]) if axis == 1 else (0, 0) for axis in range(rows.ndim)])
