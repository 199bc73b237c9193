"""Chooses a recommender's options by the validation split: one option after the other, the best kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from recsys.base import FOR_ANYBODY, Data, Recommender, rank_items
from recsys.histories import Histories
from recsys.metrics import per_user
from recsys.splits import Split

__all__ = ["tuned", "options_of", "as_json", "ndcg_of"]

MAX_USERS = 1200
MIN_USERS = 50
MAX_ENTRIES = 500_000
MAX_ITEMS = 2_000


def options_of(model: Recommender) -> dict[str, float]:
    """The options that the grid tries, with the values that the model has."""
    return {name: getattr(model, name) for name in model.grid}


def as_json(options: dict[str, float]) -> dict[str, float | None]:
    """The options with None for infinity, which JSON cannot hold."""
    return {name: None if value == np.inf else value for name, value in options.items()}


def ndcg_of(model: Recommender, split: Split, repeats: bool) -> float:
    """Mean NDCG@10 over the split's users."""
    top = rank_items(model, split.known.rows(split.users), split.open, repeats=repeats)
    return float(per_user(split, top)["ndcg"].mean())


def tuned(
    make: Callable[..., Recommender], data: Data, split: Split, *, repeats: bool = False, seed: int = 0
) -> tuple[Recommender, float]:
    """The recommender with the options that rank the split's users best, fitted on ``data``; and its NDCG@10.

    At most 1,200 users are judged, and at most half a million entries are learnt from while options are tried; an
    option that a fit does not depend on is tried without a refit. Options of a recommender that has nothing to say to
    users without a history are chosen by the others, where there are enough of them.
    """
    rng = np.random.default_rng(seed)
    everybody = split = _sampled(split, rng)
    has = np.flatnonzero(split.known.lengths[split.users] > 0)
    if make.name not in FOR_ANYBODY and len(has) >= MIN_USERS:
        split = split.some(has)
    small = replace(data, histories=_thinned(data.histories, rng))
    cap = {"max_items": MAX_ITEMS} if hasattr(make, "max_items") else {}
    model = make(**cap).fit(small)
    score = ndcg_of(model, split, repeats)
    for name, values in make.grid.items():
        for value in values:
            if value == getattr(model, name):
                continue
            if name in make.query_options:
                trial, before = model, getattr(model, name)
                setattr(trial, name, value)
            else:
                trial, before = make(**{**options_of(model), **cap, name: value}).fit(small), None
            result = ndcg_of(trial, split, repeats)
            if result > score:
                model, score = trial, result
            elif before is not None:
                setattr(trial, name, before)
    refit = cap or small.histories is not data.histories
    if refit:
        model = make(**options_of(model)).fit(data)
    return model, ndcg_of(model, everybody, repeats) if refit or split is not everybody else score


def _sampled(split: Split, rng: np.random.Generator) -> Split:
    if len(split.users) <= MAX_USERS:
        return split
    return split.some(np.sort(rng.choice(len(split.users), MAX_USERS, replace=False)))


def _thinned(histories: Histories, rng: np.random.Generator) -> Histories:
    if len(histories.item) <= MAX_ENTRIES:
        return histories
    share = MAX_ENTRIES / len(histories.item)
    return histories.rows(np.flatnonzero(rng.random(len(histories)) < share))
