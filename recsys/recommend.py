"""Trains on an event log, recommends with reasons, finds items alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from engine.core.errors import InputError
from recsys.diversity import spread_out, with_a_new_one
from recsys.explain import explain
from recsys.features import item_features
from recsys.histories import Histories, collect
from recsys.hybrid import fit_hybrid
from recsys.model_file import Model
from recsys.schema import Catalogue, EventTable
from recsys.vector_index import EmbeddedIndex, Where

__all__ = ["Recommendation", "train", "ranked", "ranked_for_all", "recommend", "similar", "item_index"]

POOL = 60


@dataclass(frozen=True)
class Recommendation:
    """One recommended item.

    Attributes:
        item, label: Its id, and what to call it before people.
        score: Of the ranker; differences are log odds.
        reason: A sentence in plain words.
        place: Its index in the model's catalogue.
    """

    item: str
    label: str
    score: float
    reason: str
    place: int


def train(
    events: EventTable,
    catalogue: Catalogue,
    *,
    repeats: bool = False,
    seed: int = 0,
    say: Callable[[str], None] = lambda line: None,
) -> Model:
    """A model of all events. Items are open from ``available_from`` on; ``repeats``: also offer what was bought."""
    if len(events) < 2:
        raise InputError("recsys.few", f"{len(events)} events are too few to learn from", "add interactions first")
    features = item_features(catalogue, seed=seed)
    # Items may be offered as soon as they are announced for the span that the validation part covers.
    span = float(events.time[-1] - events.time[int(len(events) * 0.9)])
    open_items = ~(catalogue.available_from > events.time[-1] + span)
    hybrid = fit_hybrid(events, catalogue, features, open_items=open_items, repeats=repeats, seed=seed, say=say)
    return Model(hybrid, catalogue, features)


def recommend(model: Model, history: EventTable, *, count: int = 10, diversity: float = 0.1) -> list[Recommendation]:
    """The best items for the one user whose events ``history`` holds; without events, what suits newcomers.

    Args:
        history: Events of one user, item indices of the model's catalogue.
        diversity: 0 to 1, see ``recsys.diversity``.
    """
    if not 1 <= count <= POOL or not 0 <= diversity <= 1:
        raise InputError(
            "recsys.count", f"count {count}, diversity {diversity:g}: out of range", f"1 to {POOL}, and 0 to 1"
        )
    user = _one_row(history, len(model.catalogue), model.hybrid.facts.now)
    items, scores, standings = (part[0] for part in model.hybrid.rank(user, POOL))
    there = items >= 0
    items, scores, standings = items[there], scores[there], standings[there]
    taken = spread_out(scores, model.features.vectors[items], count, diversity)
    if count >= 10:
        blend = model.hybrid.blend
        gap = (blend.known if len(user.item) else blend.newcomers).new_gap
        rest = np.setdiff1d(np.arange(len(items)), taken)
        order = np.concatenate([taken, rest])[None]
        taken = with_a_new_one(order, model.hybrid.facts.new[items[order]], count, scores[order], gap)[0]
    items, scores = items[taken], scores[taken]
    reasons = explain(model.hybrid, model.catalogue, model.features, user, items, standings[taken])
    return [
        Recommendation(model.catalogue.ids[i], model.catalogue.label(i), round(float(s), 4), reason, i)
        for i, s, reason in zip(items.tolist(), scores, reasons, strict=True)
    ]


def ranked(model: Model, history: EventTable, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Item indices and scores for the one user whose events ``history`` holds, the best first, no place kept."""
    user = _one_row(history, len(model.catalogue), model.hybrid.facts.now)
    items, scores = (part[0] for part in model.hybrid.rank(user, count)[:2])
    return items[items >= 0], scores[items >= 0]


def ranked_for_all(
    model: Model, events: EventTable, users: list[str], count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Items and scores for many users, as of the last event; who has no events gets what suits newcomers.

    Args:
        events: Of all users, item indices of the model's catalogue; items beyond it are left out.
        users: Ids as ``events.users`` has them, others being newcomers.

    Returns:
        Item indices, -1 beyond their end, and scores, shape [user, count].
    """
    n = len(model.catalogue)
    now = max([model.hybrid.facts.now, *events.time[-1:].tolist()])
    with_newcomer = replace(events.where(events.item < n), users=(*events.users, ""))
    place = {name: k for k, name in enumerate(events.users)}
    rows = np.array([place.get(user, len(events.users)) for user in users])
    found = model.hybrid.rank(collect(with_newcomer, n, now).rows(rows), count)
    return found.item, found.score


def item_index(model: Model) -> EmbeddedIndex:
    """An index of the items' vectors, ids being item indices, with the categories as attributes."""
    known = np.flatnonzero(model.features.known)
    index = EmbeddedIndex(model.features.vectors.shape[1])
    attributes = {
        name: ["|".join(values[i]) for i in known] for name, values in sorted(model.catalogue.categories.items())
    }
    index.add(known, model.features.vectors[known], attributes)
    return index


def similar(model: Model, item: str, *, count: int = 10, where: Where | None = None) -> list[tuple[str, float]]:
    """Ids and cosines of the items most alike to one, by attributes and embedding."""
    if item not in model.catalogue.ids:
        raise InputError("recsys.item", f"item '{item}' is not in the catalogue", "use an id of the items table")
    place = model.catalogue.ids.index(item)
    if not model.features.known[place]:
        raise InputError("recsys.item", f"nothing is known of item '{item}'", "give it attributes or an embedding")
    ids, cosines = item_index(model).search(model.features.vectors[place], count + 1, where)
    return [(model.catalogue.ids[i], float(c)) for i, c in zip(ids, cosines, strict=True) if i != place][:count]


def _one_row(history: EventTable, n_items: int, trained_until: float) -> Histories:
    """The history as it stands now: at its own end, or at the model's where that is later."""
    if len(history):
        alone = replace(history, users=history.users[:1], user=np.zeros_like(history.user))
        return collect(alone, n_items, max(trained_until, float(history.time[-1])))
    none = (np.empty(0, np.int32), np.empty(0), np.empty(0, np.float32), np.empty(0, np.int32))
    start = np.zeros(2, np.int64)
    return Histories(start, *none, n_items, trained_until, start, none[0])
