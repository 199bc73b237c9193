"""A blend for users with a history and one for newcomers, each learnt from its own kind.

What serves newcomers (popularity) says little of whom to trust for the others, and in many logs newcomers are most of
those who come: one blend for all would follow them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from recsys.blend import Blend, Examples
from recsys.blend_learning import learn_blend

__all__ = ["SegmentedBlend", "learn_segments"]

MIN_USERS = 40


@dataclass
class SegmentedBlend:
    """Scores of candidates, by the blend that is meant for the row's user.

    Attributes:
        known, newcomers: Blends for users with a history and without one.
    """

    known: Blend
    newcomers: Blend

    def score(self, features: np.ndarray) -> np.ndarray:
        """Scores, shape [row, candidate], of features, shape [row, candidate, feature]."""
        known = self._knows(features)
        scores = np.empty(features.shape[:2])
        for rows, blend in ((known, self.known), (~known, self.newcomers)):
            if rows.any():
                scores[rows] = blend.score(features[rows])
        return scores

    def new_gap(self, features: np.ndarray) -> np.ndarray:
        """See ``Blend.new_gap``, shape [row]."""
        return np.where(self._knows(features), self.known.new_gap, self.newcomers.new_gap)

    def hold_back_new(self, offset: float) -> None:
        """Sets the offset of new items."""
        self.known.new_offset = self.newcomers.new_offset = offset

    def _knows(self, features: np.ndarray) -> np.ndarray:
        return features[:, 0, self.known.length_feature] > 0


def learn_segments(
    spans: list[Examples], singles: np.ndarray, *, new_feature: int, length_feature: int, seed: int = 0
) -> tuple[SegmentedBlend, dict[str, Any]]:
    """Learns both blends; a kind of which the latest span has too few learns from everybody.

    Arguments as those of ``recsys.blend_learning.learn_blend``; returns the blends and what was chosen for each.
    """
    places = {"new_feature": new_feature, "length_feature": length_feature, "seed": seed}
    blends, reports = {}, {}
    for name in ("known", "newcomers"):
        parts = [_of_kind(span, name == "known", length_feature) for span in spans]
        parts = spans if parts[-1] is None else [part for part in parts if part is not None]
        blends[name], reports[name] = learn_blend(parts, singles, **places)
        reports[name]["users"] = len(parts[-1].hit)
    return SegmentedBlend(**blends), reports


def _of_kind(examples: Examples, known: bool, length_feature: int) -> Examples | None:
    """The users with a history or those without, None where too few of them wanted what can be foreseen."""
    rows = np.flatnonzero((examples.features[:, 0, length_feature] > 0) == known)
    return examples.rows(rows) if examples.hit[rows].any(1).sum() >= MIN_USERS else None
