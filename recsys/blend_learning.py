"""Learns a blend: what to start from, how far to leave it, and how long to train its network.

All users of a span of time want the same few items of that span, so a loose fit learns its luck by heart. The weights
are therefore held by a ridge to those of the best mean of the single recommenders, found by greedy selection (Caruana
et al. 2004). They are fitted on all spans but the last and judged on that one, which chooses the ridge and when the
network stops; then all is fitted again on every span.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from recsys.base import MASKED, top_k
from recsys.blend import Blend, Examples, joined
from recsys.blend_fit import fit_linear, fit_network
from recsys.diversity import new_one_gap, with_a_new_one

__all__ = ["learn_blend"]

RIDGES = (3.0, 1.0, 0.3, 0.1, 0.03, 0.01)
EPOCHS = (4, 8, 12, 16, 24)
CAUTION = 0.25
NEW_COST = 0.005
MEAN_OF = 8


def learn_blend(
    spans: list[Examples], singles: np.ndarray, *, new_feature: int, length_feature: int, seed: int = 0
) -> tuple[Blend, dict[str, Any]]:
    """Fits the blend.

    Args:
        spans: Of successive spans of time, the oldest first. Of a single one, a quarter of the users judge.
        singles: Linear weights of each recommender alone, shape [recommender, feature].
        new_feature, length_feature: See ``Blend``.

    Returns:
        The blend, and what was chosen: ``mean`` (how much each recommender counts in the weights to which the ridge
        holds), ridge, epochs of the network (0: none), NDCG@10 on the judging users, and the share of lists that end
        with a new item for its sake.
    """
    everybody = joined(spans)
    if len(spans) > 1:
        learn, judge = joined(spans[:-1]), spans[-1]
    else:
        order = np.random.default_rng(seed).permutation(len(everybody.features))
        quarter = max(len(order) // 4, 1)
        judge, learn = everybody.rows(order[:quarter]), everybody.rows(order[quarter:])
    flat = everybody.features[everybody.valid]
    mean, spread = flat.mean(0), flat.std(0)
    spread[spread < 1e-4] = 1.0
    nothing = np.zeros(singles.shape[1], np.float32)
    plain = Blend(mean, spread, nothing, nothing, new_feature, length_feature)
    start = replace(plain, linear=_best_mean(plain, learn, singles)[0])
    ridge, epochs, trial, ndcg = _chosen(start, learn, judge, seed)
    gap, share = _affordable_gap(trial, judge)
    linear, counts = _best_mean(plain, everybody, singles)
    path = RIDGES[: RIDGES.index(ridge) + 1]
    fitted = fit_linear(replace(plain, linear=linear, new_gap=gap), everybody, path)[-1]
    if epochs:
        fitted = fit_network(fitted, everybody, (epochs,), seed=seed)[-1]
    report = {"mean": counts.tolist(), "ridge": ridge, "epochs": epochs, "ndcg": ndcg, "new_place_share": share}
    return fitted, report


def _chosen(start: Blend, learn: Examples, judge: Examples, seed: int) -> tuple[float, int, Blend, float]:
    """Ridge and epochs that serve the judging users best, the blend that they make, and its NDCG@10."""
    trials = fit_linear(start, learn, RIDGES)
    values = [_ndcg(trial, judge) for trial in trials]
    best = _simplest_good(values)
    trials, values = [trials[best], *fit_network(trials[best], learn, EPOCHS, seed=seed)], [values[best]]
    values += [_ndcg(trial, judge) for trial in trials[1:]]
    stop = _simplest_good(values)
    return RIDGES[best], (0, *EPOCHS)[stop], trials[stop], float(values[stop].mean())


def _simplest_good(values: list[np.ndarray]) -> int:
    """The first that is behind the best by no more than ``CAUTION`` standard errors; values per user, simplest first.

    A whole standard error (the rule of Breiman et al. 1984) would keep far too much of what a single recommender
    ranks: all is fitted again on twice the users, who bear a looser fit.
    """
    table = np.stack(values)
    behind = table[table.mean(1).argmax()] - table
    return int((behind.mean(1) <= CAUTION * behind.std(1) / np.sqrt(table.shape[1])).argmax())


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
