"""Candidates of all recommenders for a user, and the figures by which the ranker tells them apart."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass

import numpy as np

from recsys.base import MASKED, Data, Recommender, mask, top_k
from recsys.histories import Histories
from recsys.popularity import span_of
from recsys.schema import DAY

__all__ = ["ItemFacts", "Candidates", "item_facts", "gather", "feature_names"]

DEPTH = 60
LATEST_FEW = 4.0
WINDOWS = (1 / 256, 1 / 64, 1 / 16, 1 / 4, np.inf)
ITEM_FACTS = (*(f"log popularity, window {w:.3g}" for w in WINDOWS), "rising", "age", "idle", "new", "attributes known")
USER_FACTS = ("history length", "time away", "mainstream")
BY_ATTRIBUTES = ("content", "cold_bridge", "trend", "taste")
BY_HISTORY = ("item_knn", "ease")
PAIR_FACTS = ("price distance", "known before", "known since", "known count")


@dataclass(frozen=True)
class ItemFacts:
    """What is known of every item at the moment of the fit.

    Attributes:
        table: float32, shape [item, fact], columns ``ITEM_FACTS``.
        price: Standardised log price, shape [item].
        now: The moment [s since 1970].
    """

    table: np.ndarray
    price: np.ndarray
    now: float

    @property
    def new(self) -> np.ndarray:
        """Items that nobody has wanted yet, bool, shape [item]."""
        return self.table[:, ITEM_FACTS.index("new")] > 0


@dataclass(frozen=True)
class Candidates:
    """Items worth ranking for each of some users.

    Attributes:
        item: Item indices, -1 where a row has fewer, int64, shape [row, candidate].
        features: float32, shape [row, candidate, feature].
    """

    item: np.ndarray
    features: np.ndarray


def feature_names(components: list[Recommender]) -> list[str]:
    """Names of the last axis of ``Candidates.features``."""
    scores = [f"{c.name} {what}" for c in components for what in ("score", "rank")]
    twins = [f"{c.name} score, other half-life" for c in components if c.name in BY_HISTORY]
    return [*scores, *twins, *ITEM_FACTS, *USER_FACTS, *PAIR_FACTS]


def item_facts(data: Data, available_from: np.ndarray) -> ItemFacts:
    """Popularity in windows of several lengths, age and idleness of every item."""
    h = data.histories
    counts = [np.log1p(h.popularity(w * span_of(h))) for w in WINDOWS]
    count = np.bincount(h.item, minlength=h.n_items)
    first, last = np.full(h.n_items, np.inf), np.full(h.n_items, -np.inf)
    np.minimum.at(first, h.item, h.time)
    np.maximum.at(last, h.item, h.time)
    known_since = np.where(np.isfinite(available_from), np.minimum(available_from, first), first)
    age = np.clip((h.now - known_since) / DAY, 0, 1e4)
    idle = np.where(count > 0, (h.now - last) / DAY, age)
    columns = [
        *(c / max(c.max(), 1e-6) for c in counts),
        (counts[1] - counts[3]) / max(counts[3].max(), 1e-6),
        np.log1p(np.where(np.isfinite(age), age, 0)) / 5,
        np.log1p(np.clip(idle, 0, 1e4)) / 5,
        count == 0,
        data.features.known,
    ]
    return ItemFacts(np.stack(columns, 1).astype(np.float32), data.features.price, h.now)


def gather(
    components: list[Recommender], facts: ItemFacts, histories: Histories, open_items: np.ndarray, repeats: bool,
    depth: int = DEPTH,
) -> Candidates:  # fmt: skip
    """The ``depth`` best items of every component for each row, and of the new ones alone, with their features."""
    scores = [mask(c.score(histories), histories, open_items, repeats) for c in components]
    tops = [top_k(s, depth) for s in scores]
    cold = facts.new & open_items
    lists = [*tops, *_best_new(components, scores, np.flatnonzero(cold), depth // 3)]
    if repeats:
        lists.append(_latest_items(histories, depth, open_items))
    item = np.sort(np.hstack(lists), axis=1)
    item[:, 1:][item[:, 1:] == item[:, :-1]] = -1
    item = -np.sort(-item, axis=1)
    item = item[:, : max(int((item >= 0).sum(1).max(initial=1)), 1)]
    blocks = [_score_features(s, top, item) for s, top in zip(scores, tops, strict=True)]
    for twin in (_twin(c) for c in components if c.name in BY_HISTORY):
        score = mask(twin.score(histories), histories, open_items, repeats)
        blocks.append(_score_features(score, top_k(score, depth), item)[..., :1])
    blocks.append(facts.table[item])
    blocks += _user_features(facts, histories, item)
    features = np.concatenate(blocks, axis=2).astype(np.float32)
    features[item < 0] = 0
    return Candidates(item, features)


def _twin(component: Recommender) -> Recommender:
    """The same recommender asked by the latest wants alone, or by the whole history where it goes by the latest."""
    twin = copy(component)
    twin.recent = LATEST_FEW if component.recent > 2 * LATEST_FEW else np.inf
    return twin


def _best_new(
    components: list[Recommender], scores: list[np.ndarray], cold: np.ndarray, depth: int
) -> list[np.ndarray]:
    """The best items without history, by each component that can tell them apart."""
    if not len(cold) or not depth:
        return []
    able = [s[:, cold] for c, s in zip(components, scores, strict=True) if c.name in BY_ATTRIBUTES]
    return [np.where((near := top_k(s, depth)) >= 0, cold[near], -1) for s in able]


def _latest_items(histories: Histories, depth: int, open_items: np.ndarray) -> np.ndarray:
    """The latest items of each row's own history, -1 beyond its end, shape [row, depth]."""
    latest = histories.latest(depth)
    out = np.full((len(histories), depth), -1)
    out[latest.row, latest.age_rank] = np.where(open_items[latest.item], latest.item, -1)
    return out


def _score_features(scores: np.ndarray, top: np.ndarray, item: np.ndarray) -> np.ndarray:
    """Score between a component's best and its last candidate (1 and 0), and a falling function of the rank."""
    rows = np.arange(len(item))[:, None]
    value = scores[rows, item]
    best = scores[rows[:, 0], top[:, 0]]
    last = scores[rows, np.maximum(top, 0)]
    last = np.where(last == MASKED, np.inf, last).min(1)
    span = np.where(best > last, best - last, 1.0)
    scaled = np.clip((value - last[:, None]) / span[:, None], -1, 1)
    scaled = np.where(value == MASKED, -1, scaled)
    informed = (best > last)[:, None]
    listed = np.where(top >= 0, scores[rows, np.maximum(top, 0)], MASKED)
    rank = (listed[:, None, :] > value[:, :, None]).sum(2)
    falling = np.where(rank < top.shape[1], 1 / np.log2(rank + 2), 0.0)
    return np.stack([np.where(informed, scaled, 0), np.where(informed, falling, 0)], axis=2)


def _user_features(facts: ItemFacts, histories: Histories, item: np.ndarray) -> list[np.ndarray]:
    profile = histories.profile(16.0)
    weight = np.maximum(np.asarray(profile.sum(1)).ravel(), 1e-6)
    length = histories.lengths
    last = np.full(len(histories), histories.now)
    last[length > 0] = histories.time[histories.start[1:][length > 0] - 1]
    user = np.stack([
        np.log1p(length) / 4,
        np.log1p(np.clip(histories.now - last, 0, None) / DAY) / 5,
        (profile @ facts.table[:, 4]) / weight,
    ], axis=1)  # fmt: skip
    price = (profile @ facts.price) / weight
    distance = np.where(length[:, None] > 0, np.abs(facts.price[item] - price[:, None]), 0)
    key = histories.row.astype(np.int64) * histories.n_items + histories.item
    order = np.argsort(key)
    wanted = np.arange(len(item), dtype=np.int64)[:, None] * histories.n_items + item
    place = np.minimum(np.searchsorted(key[order], wanted), max(len(key) - 1, 0))
    known = np.zeros(item.shape, bool)
    since, count = np.zeros(item.shape), np.zeros(item.shape)
    if len(key):
        known = key[order][place] == wanted
        entry = order[place]
        since = np.where(known, np.log1p(np.clip(histories.now - histories.time[entry], 0, None) / DAY) / 5, 0)
        count = np.where(known, np.log1p(histories.count[entry]), 0)
    pair = np.stack([distance, known, since, count], axis=2)
    return [np.broadcast_to(user[:, None, :], (*item.shape, user.shape[1])), pair]
