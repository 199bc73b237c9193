"""Chooses a recommender's options by the validation split: one option after the other, the best kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from recsys.base import Data, Recommender, rank_items
from recsys.histories import Histories
from recsys.metrics import per_user
from recsys.splits import Split

__all__ = ["tuned", "options_of", "as_json", "ndcg_of"]

MAX_USERS = 1200
MAX_ENTRIES = 2_000_000
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

    At most 1,200 users are judged, and at most two million entries are learnt from while options are tried; an
    option that a fit does not depend on is tried without a refit.
    """
    rng = np.random.default_rng(seed)
    if len(split.users) > MAX_USERS:
        split = split.some(np.sort(rng.choice(len(split.users), MAX_USERS, replace=False)))
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
    if cap or small.histories is not data.histories:
        model = make(**options_of(model)).fit(data)
        score = ndcg_of(model, split, repeats)
    return model, score


def _thinned(histories: Histories, rng: np.random.Generator) -> Histories:
    if len(histories.item) <= MAX_ENTRIES:
        return histories
    share = MAX_ENTRIES / len(histories.item)
    return histories.rows(np.flatnonzero(rng.random(len(histories)) < share))
