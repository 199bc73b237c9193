"""How good rankings are, per user, and how sure that is: full ranking, bootstrap over users."""

from __future__ import annotations

import numpy as np

from recsys.splits import Split

__all__ = ["per_user", "cold_recall", "coverage", "novelty", "bootstrap_interval", "paired_difference"]


def _hits(split: Split, top: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Whether each ranked item is one of the ``wanted`` targets (bool, [user, k]), and the wanted count per user."""
    width = int(max(top.max(initial=0), split.target.max(initial=0))) + 2
    pairs = np.unique(split.target_row[wanted].astype(np.int64) * width + split.target[wanted])
    rows = np.arange(len(top), dtype=np.int64)[:, None]
    hit = np.isin(rows * width + np.where(top < 0, width - 1, top), pairs)
    return hit, np.bincount(split.target_row[wanted], minlength=len(top))


def per_user(split: Split, top: np.ndarray) -> dict[str, np.ndarray]:
    """Recall and NDCG at the width of ``top`` for every judged user.

    Recall is hits / min(k, targets); NDCG has binary gains and the best order that the targets allow below it.

    Args:
        split: Users and what they wanted.
        top: Ranked items, the best first, -1 where there is none, shape [user, k].
    """
    hit, n = _hits(split, top, np.ones(len(split.target), bool))
    k = top.shape[1]
    discount = 1 / np.log2(np.arange(2, k + 2))
    ideal = np.cumsum(discount)[np.clip(n, 1, k) - 1]
    return {"recall": hit.sum(1) / np.clip(n, 1, k), "ndcg": hit @ discount / ideal}


def cold_recall(split: Split, top: np.ndarray) -> np.ndarray:
    """Recall of cold targets for every judged user who has one, shape [user with a cold target]."""
    hit, n = _hits(split, top, split.cold[split.target])
    has = n > 0
    return hit[has].sum(1) / np.minimum(n[has], top.shape[1])


def coverage(split: Split, top: np.ndarray) -> float:
    """Share of the open items that is recommended to somebody."""
    return len(np.unique(top[top >= 0])) / max(int(split.open.sum()), 1)


def novelty(split: Split, top: np.ndarray) -> float:
    """Mean surprise of the recommended items: -log2 of the share of users who wanted it before [bit]."""
    count = np.bincount(split.known.item, minlength=split.known.n_items)
    share = (count + 1) / (int((split.known.lengths > 0).sum()) + 1)
    return float(-np.log2(share[top[top >= 0]]).mean()) if (top >= 0).any() else 0.0


def bootstrap_interval(values: np.ndarray, *, draws: int = 2000, seed: int = 0) -> tuple[float, float]:
    """95 % percentile interval of the mean over users (resampled with replacement)."""
    if not len(values):
        return (float("nan"), float("nan"))
    rng = np.random.default_rng(seed)
    # Users with equal values are drawn together: the counts of a bootstrap draw over groups are multinomial.
    distinct, counts = np.unique(values, return_counts=True)
    means = rng.multinomial(len(values), counts / len(values), size=draws) @ distinct / len(values)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(low), float(high)


def paired_difference(ours: np.ndarray, theirs: np.ndarray, *, draws: int = 2000, seed: int = 0) -> dict[str, float]:
    """Mean difference per user with its 95 % bootstrap interval, the same users drawn for both."""
    difference = ours - theirs
    low, high = bootstrap_interval(difference, draws=draws, seed=seed)
    return {"mean": float(difference.mean()), "low": low, "high": high}
