"""Holds the hybrid against its rivals: one split, everyone tuned on the same validation part, full ranking.

Every recommender, rivals too, has its options chosen on a validation part cut from the training events, and is then
fitted on all training events. The held-out part is used once, to count.

Seen items: by default nobody recommends what a user wanted, returned or disliked before, and wanting such an item again
is no target. With ``repeats`` everybody may recommend it, and it counts.

Who has no history in the training part is shown the most popular items by every rival that knows nothing of them, as a
shop would do; so a rival does not lose for having no answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from engine.core.errors import UnsupportedError
from recsys import metrics
from recsys.base import FOR_ANYBODY, Data, Recommender, rank_items
from recsys.features import ItemFeatures, item_features
from recsys.hybrid import COMPONENTS, Hybrid, fit_hybrid
from recsys.popularity import Popularity
from recsys.schema import Catalogue, EventTable
from recsys.splits import Split, split_events
from recsys.tuning import as_json, options_of, tuned

__all__ = ["evaluate"]


def evaluate(
    events: EventTable,
    catalogue: Catalogue,
    *,
    split: str = "temporal",
    fraction: float = 0.1,
    repeats: bool = False,
    catalogue_is_given: bool = True,
    max_users: int = 20_000,
    names: list[str] | None = None,
    seed: int = 0,
    say: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Figures of the hybrid and its rivals on one split.

    Args:
        events: The whole log, sorted by time.
        catalogue_is_given: Whether the catalogue is the shop's, and not only gathered from the log: otherwise
            items that the training part does not name are not recommended by anybody.
        max_users: Judge a random sample of so many users at most.
        names: Components of the hybrid (default: all).

    Returns:
        ``models``: per recommender Recall@10, NDCG@10 with 95 % intervals, coverage, novelty, cold-item figures;
        ``differences``: hybrid minus each rival, paired, and the same over users with a history only;
        ``split``: sizes; ``hybrid``: what it chose.
    """
    cut = split_events(events, catalogue, split, fraction=fraction, repeats=repeats)
    if not catalogue_is_given:
        cut.open[cut.cold] = False
    if len(cut.users) > max_users:
        cut = cut.some(np.sort(np.random.default_rng(seed).choice(len(cut.users), max_users, replace=False)))
    features = item_features(catalogue, seed=seed)
    hybrid = fit_hybrid(
        cut.train, catalogue, features,
        open_items=cut.open, split=split, repeats=repeats, names=names, seed=seed, say=say,
    )  # fmt: skip
    judged = cut.known.rows(cut.users)
    has, popular = judged.lengths > 0, None
    tops = {"hybrid": hybrid.rank(judged).item}
    cold_tops = {"hybrid": hybrid.rank(judged, among=cut.cold).item}
    chosen = {}
    for name, model in _rivals(cut, catalogue, features, hybrid, split, seed, say):
        chosen[name] = as_json(options_of(model))
        top = rank_items(model, judged, cut.open, repeats=repeats)
        popular = top if name == Popularity.name else popular
        knows = has | (name in FOR_ANYBODY)
        tops[name] = top if popular is None else np.where(knows[:, None], top, popular)
        cold_tops[name] = rank_items(model, judged, cut.cold & cut.open, mix_ties=True)
        say(f"{name}: ranked")
    return {
        "split": _sizes(cut, split, repeats),
        "models": {name: _figures(cut, top, cold_tops[name]) for name, top in tops.items()},
        "differences": {name: _difference(cut, tops["hybrid"], top) for name, top in tops.items() if name != "hybrid"},
        "differences_with_history": {
            name: _difference(cut.some(np.flatnonzero(has)), tops["hybrid"][has], top[has])
            for name, top in tops.items() if name != "hybrid" and has.any()
        },
        "hybrid": hybrid.report,
        "options": chosen,
    }


def _rivals(
    cut: Split, catalogue: Catalogue, features: ItemFeatures, hybrid: Hybrid, split: str, seed: int,
    say: Callable[[str], None],
) -> Iterator[tuple[str, Recommender]]:  # fmt: skip
    """Every single recommender, tuned and fitted: the hybrid's own, and those that it leaves out."""
    fitted = {c.name: c for c in hybrid.components}
    inner = split_events(cut.train, catalogue, split, repeats=hybrid.repeats, catalogue_is_given=False)
    for name, make in COMPONENTS.items():
        if name in fitted:
            yield name, fitted[name]
            continue
        try:
            best, _ = tuned(make, Data(inner.known, features), inner, repeats=hybrid.repeats, seed=seed)
        except UnsupportedError as error:
            say(str(error))
            continue
        yield name, make(**options_of(best)).fit(Data(cut.known, features))


def _sizes(cut: Split, kind: str, repeats: bool) -> dict[str, Any]:
    has = cut.known.lengths[cut.users] > 0
    return {
        "kind": kind, "repeats": repeats, "train_events": len(cut.train), "users": len(cut.users),
        "users_with_history": int(has.sum()), "targets": len(cut.target), "items": int(cut.open.sum()),
        "cold_items": int((cut.cold & cut.open).sum()), "cold_targets": int(cut.cold[cut.target].sum()),
    }  # fmt: skip


def _figures(cut: Split, top: np.ndarray, cold_top: np.ndarray) -> dict[str, Any]:
    values = metrics.per_user(cut, top)
    has = cut.known.lengths[cut.users] > 0
    out: dict[str, Any] = {}
    for name in ("recall", "ndcg"):
        low, high = metrics.bootstrap_interval(values[name])
        out[f"{name}@10"] = _round(values[name].mean())
        out[f"{name}@10_interval95"] = [_round(low), _round(high)]
        out[f"{name}@10_with_history"] = _round(values[name][has].mean()) if has.any() else None
    cold, among = metrics.cold_recall(cut, top), metrics.cold_recall(cut, cold_top)
    out["cold_recall@10"] = _round(cold.mean()) if len(cold) else None
    out["cold_recall@10_among_cold"] = _round(among.mean()) if len(among) else None
    out["cold_share_of_top10"] = _round((cut.cold[top] & (top >= 0)).sum() / max((top >= 0).sum(), 1))
    out["coverage"] = _round(metrics.coverage(cut, top))
    out["novelty_bits"] = round(metrics.novelty(cut, top), 3)
    return out


def _difference(cut: Split, ours: np.ndarray, theirs: np.ndarray) -> dict[str, Any]:
    mine, other = metrics.per_user(cut, ours), metrics.per_user(cut, theirs)
    out = {}
    for name in ("recall", "ndcg"):
        value = metrics.paired_difference(mine[name], other[name])
        out[f"{name}@10"] = {k: _round(v) for k, v in value.items()}
    return out


def _round(value: float) -> float:
    return round(float(value), 5)
