"""The recommender of Toile: several recommenders propose, a learned blend ranks, options and blend by validation.

The training events are cut once more (``recsys.splits``). Each component is tuned and fitted on the earlier part,
and the blend learns from what users then wanted in the later part, new items among it: so it knows how far to trust
each component, for users of short and of long histories, and what a new item is worth. How closely it is held to the
best mean of them is chosen between several such parts, one after the other. At last the components are fitted again on
all training events. Nothing of a test period is ever seen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from engine.core.errors import InputError
from recsys.als import ALS, als_is_installed
from recsys.base import Data, Recommender
from recsys.blend import Examples, joined
from recsys.candidates import DEPTH, ItemFacts, feature_names, gather, item_facts
from recsys.content import Content, ContentToCollaborative, Trend
from recsys.diversity import with_a_new_one
from recsys.ease import EASE
from recsys.features import ItemFeatures
from recsys.histories import Histories, collect
from recsys.item_knn import ItemKNN, NextItem
from recsys.mult_vae import MultVAE
from recsys.popularity import Popularity
from recsys.schema import Catalogue, EventTable
from recsys.segments import SegmentedBlend, learn_segments
from recsys.splits import Split, split_events
from recsys.taste import Taste
from recsys.tuning import as_json, options_of, tuned

__all__ = ["COMPONENTS", "Hybrid", "Ranking", "fit_hybrid"]

_KINDS = (Popularity, ItemKNN, NextItem, EASE, Content, ContentToCollaborative, Trend, Taste, MultVAE, ALS)
COMPONENTS: dict[str, Callable[..., Recommender]] = {kind.name: kind for kind in _KINDS}
SPANS = 3
BLEND_USERS = 2_500
BATCH_CELLS = 4_000_000


class Ranking(NamedTuple):
    """Ranked items of some users.

    Attributes:
        item: The best first, -1 beyond their end, shape [row, k].
        score: Of the blend, shape [row, k].
        standing: How well each component ranks the item: 1 for its first, less below, 0 for one that it does not
            propose; shape [row, k, component].
    """

    item: np.ndarray
    score: np.ndarray
    standing: np.ndarray


@dataclass
class Hybrid:
    """A fitted hybrid.

    Attributes:
        components: Fitted recommenders.
        blend: The ranker over their candidates.
        facts: Of the items.
        open: Items that may be recommended, bool, shape [item].
        repeats: Whether items that the user wanted before may be recommended.
        report: What was chosen, for people and for ``--json``.
    """

    components: list[Recommender]
    blend: SegmentedBlend
    facts: ItemFacts
    open: np.ndarray
    repeats: bool
    report: dict[str, Any] = field(default_factory=dict)

    def rank(
        self, histories: Histories, k: int = 10, *, among: np.ndarray | None = None
    ) -> Ranking:
        """The ``k`` best items of each history.

        Args:
            among: Keep only these items of the ranking, bool, shape [item].
        """
        size = max(1, BATCH_CELLS // histories.n_items)
        new, items, scores, standings = self.facts.new, [], [], []
        for low in range(0, len(histories), size):
            batch = histories.rows(np.arange(low, min(low + size, len(histories))))
            found = gather(self.components, self.facts, batch, self.open, self.repeats, depth=max(DEPTH, k))
            there = found.item >= 0 if among is None else (found.item >= 0) & among[found.item]
            score = np.where(there, self.blend.score(found.features), -np.inf)
            order = np.argsort(-score, axis=1, kind="stable")
            if k >= 10:
                sorted_new = new[np.take_along_axis(found.item, order, 1)] & np.take_along_axis(there, order, 1)
                sorted_score = np.take_along_axis(score, order, 1)
                order = with_a_new_one(order, sorted_new, k, sorted_score, self.blend.new_gap(found.features))
            order = order[:, :k]
            score = np.take_along_axis(score, order, 1)
            item = np.where(np.isfinite(score), np.take_along_axis(found.item, order, 1), -1)
            items.append(_widened(item, k, -1))
            scores.append(_widened(score, k, -np.inf))
            standing = found.features[:, :, 1 : 2 * len(self.components) : 2]
            standings.append(_widened(np.take_along_axis(standing, order[:, :, None], 1), k, 0.0))
        return Ranking(np.vstack(items), np.vstack(scores), np.vstack(standings))


def fit_hybrid(
    events: EventTable,
    catalogue: Catalogue,
    features: ItemFeatures,
    *,
    open_items: np.ndarray,
    split: str = "temporal",
    repeats: bool = False,
    names: list[str] | None = None,
    seed: int = 0,
    say: Callable[[str], None] = lambda line: None,
) -> Hybrid:
    """Tunes the components, learns the blend, fits all on ``events``.

    Args:
        events: Training events only, sorted by time.
        catalogue, features: The items.
        open_items: Items that may be recommended, bool, shape [item].
        split: How the training events are cut for validation; as they are cut for the test, see ``recsys.splits``.
            Events of one moment are cut by their order (last_out).
        repeats: Whether to recommend what the user wanted before.
        names: Components (default: all; ALS only where its package is installed).
        say: Is told of progress.

    Raises:
        InputError: An unknown component, or too few events.
    """
    names = list(names or (n for n in COMPONENTS if n != ALS.name or als_is_installed()))
    unknown = [n for n in names if n not in COMPONENTS]
    if unknown:
        hint = f"some of {', '.join(COMPONENTS)}"
        raise InputError("recsys.component", f"component '{unknown[0]}' is not known", hint)
    if len(events) and events.time[0] == events.time[-1]:
        split = "last_out"  # what has no times has an order at least
    cut = split_events(events, catalogue, split, repeats=repeats, catalogue_is_given=False)
    if not len(cut.users):
        raise InputError("recsys.few", "nobody wanted anything new in the validation part", "give a longer log")
    before = Data(cut.known, features)
    chosen, report = [], {}
    for name in names:
        model, score = tuned(COMPONENTS[name], before, cut, repeats=repeats, seed=seed)
        chosen.append(model)
        report[name] = {"options": as_json(options_of(model)), "validation_ndcg": round(score, 5)}
        say(f"{name}: {report[name]['options']}, validation NDCG@10 {score:.4f}")
    latest = _examples(chosen, before, catalogue, cut, repeats, seed)
    spans = [*_earlier_spans(chosen, catalogue, features, cut, split, repeats, seed), latest]
    labels = feature_names(chosen)
    singles = np.zeros((len(names), len(labels)))
    for place in range(len(names)):
        singles[place, 2 * place : 2 * place + 2] = 0.5  # its score and its rank
    places = {"new_feature": labels.index("new"), "length_feature": labels.index("history length")}
    blend, learnt = learn_segments(spans, singles, **places, seed=seed)
    for part in learnt.values():
        part["mean"] = {name: count for name, count in zip(names, part["mean"], strict=True) if count}
    for kind, learning in learnt.items():
        if "ndcg" in learning:
            say(f"blend for {kind}: NDCG {learning['ndcg']:.3f} on the later part, {learning['users']} users")
    n = len(catalogue)
    now = Data(collect(events, n), features)
    for position, model in enumerate(chosen):
        chosen[position] = type(model)(**options_of(model)).fit(now)
    facts = item_facts(now, catalogue.available_from)
    blend.hold_back_new(_rarer_now(cut, catalogue, open_items & facts.new))
    return Hybrid(chosen, blend, facts, open_items, repeats, {"components": report, "blend": learnt})


def _earlier_spans(
    chosen: list[Recommender], catalogue: Catalogue, features: ItemFeatures, cut: Split, kind: str, repeats: bool,
    seed: int,
) -> list[Examples]:  # fmt: skip
    """Examples of the spans before the validation part, each from components fitted before it; the oldest first."""
    spans: list[Examples] = []
    try:
        for _ in range(SPANS - 1):
            cut = split_events(cut.train, catalogue, kind, repeats=repeats, catalogue_is_given=False)
            data = Data(cut.known, features)
            components = [type(model)(**options_of(model)).fit(data) for model in chosen]
            spans.insert(0, _examples(components, data, catalogue, cut, repeats, seed))
    except InputError:  # too little is left
        pass
    return spans


def _examples(
    components: list[Recommender], data: Data, catalogue: Catalogue, cut: Split, repeats: bool, seed: int
) -> Examples:
    """All candidates of the judged users, and which were wanted."""
    rng = np.random.default_rng(seed)
    if len(cut.users) > BLEND_USERS:
        cut = cut.some(np.sort(rng.choice(len(cut.users), BLEND_USERS, replace=False)))
    facts = item_facts(data, catalogue.available_from)
    users, n = len(cut.users), cut.known.n_items
    pairs = np.unique(cut.target_row.astype(np.int64) * n + cut.target)
    wanted = np.cumsum(1 / np.log2(np.arange(2, 12)))[np.clip(np.diff(cut.target_start), 1, 10) - 1]
    size = max(1, BATCH_CELLS // n)
    parts = []
    for low in range(0, users, size):
        rows = np.arange(low, min(low + size, users))
        found = gather(components, facts, cut.known.rows(cut.users[rows]), cut.open, repeats)
        valid = found.item >= 0
        hit = np.isin(rows[:, None] * np.int64(n) + found.item, pairs) & valid
        parts.append(Examples(found.features, hit, valid, wanted[rows]))
    examples = joined(parts)
    if not examples.hit.any():
        raise InputError("recsys.few", "the validation part holds no item that could be foreseen", "give a longer log")
    return examples


def _rarer_now(cut: Split, catalogue: Catalogue, new: np.ndarray) -> float:
    """log of new items then per new item now, where a new item's existence was only known by its being wanted."""
    undated = ~np.isfinite(catalogue.available_from)
    then, now = int((cut.cold & undated).sum()), int((new & undated).sum())
    return float(np.log(max(then, 1) / now)) if now > max(then, 1) and now > 0.5 * new.sum() else 0.0


def _widened(rows: np.ndarray, k: int, fill: float) -> np.ndarray:
    width = [(0, k - rows.shape[1]) if axis == 1 else (0, 0) for axis in range(rows.ndim)]
    return np.pad(rows, width, constant_values=fill)
