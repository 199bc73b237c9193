"""The learned blend: scores candidates from their features, by a listwise softmax over each user's candidates.

The form is linear, with weights that lean on the length of a user's history: the longer it is, the more its own
recommenders are worth. The loss is that of a conditional logit (McFadden 1973), or ListNet's top-one loss (Cao et al.
2007), over all candidates: a sample of them would show fewer new items than there are, and overrate those.

All users of a span of time want the same few items of that span, so a loose fit learns its luck by heart. The weights
are therefore held by a ridge to those of the best mean of the single recommenders, found by greedy selection (Caruana
et al. 2004). They are fitted on one span and judged on the next one, and the strongest ridge within one standard error
of the best is taken (the rule of Breiman et al. 1984); then all is fitted again on both spans.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from recsys.base import MASKED, top_k
from recsys.diversity import new_one_gap, with_a_new_one

__all__ = ["Blend", "Examples", "joined", "learn_blend"]

RIDGES = (3.0, 1.0, 0.3, 0.1, 0.03, 0.01)
ITERATIONS = 40
NEW_COST = 0.01
MEAN_OF = 8


@dataclass
class Blend:
    """Scores of candidates: z (linear + length by_length), z the standardised features.

    Attributes:
        mean, spread: Of the features, shape [feature].
        linear: Weights at a history of usual length, shape [feature].
        by_length: What they change by per standard deviation of the length, shape [feature].
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

    def score(self, features: np.ndarray) -> np.ndarray:
        """Scores, shape [row, candidate], of features, shape [row, candidate, feature]."""
        z = self.standardised(features)
        total = z @ self.linear + z[..., self.length_feature] * (z @ self.by_length)
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


def learn_blend(
    earlier: Examples | None, later: Examples, singles: np.ndarray, *, new_feature: int, length_feature: int,
    seed: int = 0,
) -> tuple[Blend, dict[str, Any]]:  # fmt: skip
    """Fits the blend.

    Args:
        earlier, later: Of two successive spans. Without an earlier one, a quarter of the later users judge.
        singles: Linear weights of each recommender alone, shape [recommender, feature].
        new_feature, length_feature: See ``Blend``.

    Returns:
        The blend, and what was chosen: ``mean`` (how much each recommender counts in the weights to which the ridge
        holds), ridge, NDCG@10 on the judging users, and the share of lists that end with a new item for its sake.
    """
    learn, judge, everybody = earlier, later, later
    if earlier is None:
        order = np.random.default_rng(seed).permutation(len(later.features))
        quarter = max(len(order) // 4, 1)
        judge, learn = later.rows(order[:quarter]), later.rows(order[quarter:])
    else:
        everybody = joined([earlier, later])
    flat = everybody.features[everybody.valid]
    mean, spread = flat.mean(0), flat.std(0)
    spread[spread < 1e-4] = 1.0
    nothing = np.zeros(singles.shape[1], np.float32)
    plain = Blend(mean, spread, nothing, nothing, new_feature, length_feature)
    trials = _fit(replace(plain, linear=_best_mean(plain, learn, singles)[0]), learn, RIDGES)
    values = np.stack([_ndcg(trial, judge) for trial in trials])
    behind = values[values.mean(1).argmax()] - values
    error = behind.std(1) / np.sqrt(len(judge.hit))
    chosen = int((behind.mean(1) <= error).argmax())
    gap, share = _affordable_gap(trials[chosen], judge)
    linear, counts = _best_mean(plain, everybody, singles)
    fitted = _fit(replace(plain, linear=linear, new_gap=gap), everybody, RIDGES[: chosen + 1])[-1]
    ndcg = float(values[chosen].mean())
    return fitted, {"mean": counts.tolist(), "ridge": RIDGES[chosen], "ndcg": ndcg, "new_place_share": share}


def _best_mean(plain: Blend, learn: Examples, singles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights of the mean of recommenders that ranks best, scores of unit spread; and each one's count in it.

    One is added after the other, with replacement, as long as the NDCG@10 rises.
    """
    each = plain.standardised(learn.features) @ singles.T.astype(np.float32)
    total, best, counts = np.zeros(learn.hit.shape, np.float32), 0.0, np.zeros(len(singles), int)
    for _ in range(MEAN_OF):
        values = [float(_ndcg_of(learn, total + each[..., k]).mean()) for k in range(len(singles))]
        winner = int(np.argmax(values))
        if values[winner] <= best:
            break
        best = values[winner]
        total += each[..., winner]
        counts[winner] += 1
    spread = float(total[learn.valid].std())
    return ((counts @ singles) / max(spread, 1e-3)).astype(np.float32), counts


def _ndcg(blend: Blend, judge: Examples) -> np.ndarray:
    """NDCG@10 of each user, shape [user]."""
    return _ndcg_of(judge, blend.score(judge.features))


def _ndcg_of(judge: Examples, score: np.ndarray) -> np.ndarray:
    return _gained(judge, top_k(np.where(judge.valid, score, MASKED), 10))


def _order(blend: Blend, judge: Examples) -> tuple[np.ndarray, np.ndarray]:
    """Candidates of each user, the best first, and their scores, shape [user, candidate]."""
    score = np.where(judge.valid, blend.score(judge.features), -np.inf)
    order = np.argsort(-score, axis=1, kind="stable")
    return order, np.take_along_axis(score, order, 1)


def _gained(judge: Examples, top: np.ndarray) -> np.ndarray:
    """NDCG of ranked candidates, -1 beyond their end, shape [user]."""
    hit = np.take_along_axis(judge.hit, np.maximum(top, 0), 1) & (top >= 0)
    return (hit / np.log2(np.arange(2, top.shape[1] + 2))).sum(1) / judge.ideal


def _affordable_gap(blend: Blend, judge: Examples) -> tuple[float, float]:
    """How near a new item must come to take the last place of a list that has none, and the share of such lists.

    An item that is never shown can never be wanted. The lists whose best new item comes nearest get it first, as
    long as all of them together lose no more than ``NEW_COST`` of the NDCG@10. -inf: no list can afford it.
    """
    order, score = _order(blend, judge)
    new = np.take_along_axis((judge.features[..., blend.new_feature] > 0) & judge.valid, order, 1)
    gaps = new_one_gap(new, 10, score)
    nearest = np.argsort(gaps, kind="stable")[: int(np.isfinite(gaps).sum())]
    plain, mixed = (_gained(judge, top) for top in (order[:, :10], with_a_new_one(order, new, 10, score, np.inf)))
    lost = np.cumsum((plain - mixed)[nearest])
    afforded = int(np.append(lost > NEW_COST * plain.sum(), True).argmax())
    return (float(gaps[nearest[afforded - 1]]) if afforded else -np.inf), afforded / len(gaps)


def _fit(start: Blend, learn: Examples, ridges: tuple[float, ...]) -> list[Blend]:
    """The blend at each strength of the ridge, from the strongest on, each from the one before, by L-BFGS."""
    import torch

    users = np.flatnonzero(learn.hit.any(1))
    if not len(users):
        return [start] * len(ridges)
    z = torch.from_numpy(start.standardised(learn.features[users]))
    length = z[..., start.length_feature]
    missing = torch.from_numpy(~learn.valid[users])
    wanted = torch.from_numpy(learn.hit[users].astype(np.float32))
    wanted /= wanted.sum(1, keepdim=True)
    anchor = torch.from_numpy(np.stack([start.linear, start.by_length], 1))
    weights = anchor.clone().requires_grad_()
    fitted = []
    for ridge in ridges:
        optimiser = torch.optim.LBFGS([weights], max_iter=ITERATIONS, line_search_fn="strong_wolfe")

        def loss(ridge: float = ridge, optimiser: torch.optim.LBFGS = optimiser) -> torch.Tensor:
            optimiser.zero_grad()
            part = z @ weights
            score = (part[..., 0] + length * part[..., 1]).masked_fill(missing, -1e9)
            value = -(torch.log_softmax(score, 1) * wanted).sum(1).mean() + ridge * (weights - anchor).square().sum()
            value.backward()
            return value

        optimiser.step(loss)
        linear, by_length = weights.detach().numpy().T.copy()
        fitted.append(replace(start, linear=linear, by_length=by_length))
    return fitted
