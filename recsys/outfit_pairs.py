"""Pairs of items in an outfit: the figures that they are judged by, and what a log of purchases teaches of them."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.special import expit

from recsys.colour import suits
from recsys.outfit_facts import SLOTS, OutfitFacts
from recsys.schema import DAY, EVENTS, EventTable

__all__ = ["FIGURES", "bought_together", "lift", "learn_weights", "pair_figures"]

FIGURES = ("colour", "formality gap", "warmth gap", "balance", "both wide", "both patterned", "together")
VISIT = DAY / 2  #: purchases closer than this are of one visit [s]
LARGEST = 30  #: purchases of one visit beyond which it is a reseller's
SHRINK = 5.0  #: co-purchases at which a lift counts by half
OTHERS = 8  #: purchases of the same slot that each pair is held against
SPREAD = 0.6  #: of the prior of the weights
STEPS = 12


def pair_figures(facts: OutfitFacts, together: sparse.csr_matrix, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Figures of pairs, 0 where one of the two is not known, shape [pair, len(FIGURES)]."""
    formal = np.abs(facts.formality[a] - facts.formality[b]) / 0.4
    # a layer is made to be warmer than what it goes over
    layer = SLOTS.index("layer")
    over = (facts.slot[a] == layer).astype(float) - (facts.slot[b] == layer)
    warm = np.abs(facts.warmth[a] - facts.warmth[b] - 0.25 * over) / 0.4
    wide_a, wide_b = facts.width[a], facts.width[b]
    both = np.minimum(np.maximum(wide_a, 0), np.maximum(wide_b, 0))
    is_over = (over != 0).astype(float)
    columns = [
        suits(facts.lab[a], facts.lab[b]), formal, warm, -wide_a * wide_b, both * (1 - is_over),
        facts.patterned[a] * facts.patterned[b], np.asarray(together[a, b]).ravel(),
    ]  # fmt: skip
    return np.nan_to_num(np.stack(columns, 1))


def bought_together(events: EventTable, facts: OutfitFacts) -> np.ndarray:
    """Pairs of items of different slots that one person bought in one visit and kept, shape [pair, 2], a < b."""
    kept = _kept(events)
    order = kept[np.lexsort((events.time[kept], events.user[kept]))]
    user, time, item = events.user[order], events.time[order], events.item[order]
    cut = np.flatnonzero((np.diff(user) != 0) | (np.diff(time) > VISIT)) + 1
    pairs = []
    for visit in np.split(item, cut):
        visit = np.unique(visit[facts.slot[visit] >= 0])
        if 2 <= len(visit) <= LARGEST:
            i, j = np.triu_indices(len(visit), 1)
            pairs.append(np.stack([visit[i], visit[j]], 1))
    found = np.vstack(pairs) if pairs else np.empty((0, 2), int)
    dress, top, bottom = (SLOTS.index(s) for s in ("dress", "top", "bottom"))
    slots = facts.slot[found]
    apart = slots[:, 0] != slots[:, 1]
    apart &= ~((slots == dress).any(1) & ((slots == top) | (slots == bottom)).any(1))
    return found[apart]


def _kept(events: EventTable) -> np.ndarray:
    """Indices of purchases without a later return of the same item by the same person."""
    last: dict[tuple[int, int], float] = {}
    for e in np.flatnonzero(events.kind == EVENTS.index("return")).tolist():
        last[int(events.user[e]), int(events.item[e])] = float(events.time[e])
    bought = np.flatnonzero(events.kind == EVENTS.index("buy"))
    if not last:
        return bought
    keys = zip(events.user[bought].tolist(), events.item[bought].tolist(), events.time[bought].tolist(), strict=True)
    return bought[[last.get((u, i), -1.0) < t for u, i, t in keys]]


def lift(pairs: np.ndarray, n_items: int) -> sparse.csr_matrix:
    """log of how much more often two items were bought together than by chance, shrunk towards 0, symmetric."""
    if not len(pairs):
        return sparse.csr_matrix((n_items, n_items))
    both = np.vstack([pairs, pairs[:, ::-1]])
    count = sparse.coo_matrix((np.ones(len(both)), both.T), shape=(n_items, n_items)).tocsr()
    own = np.asarray(count.sum(1)).ravel()
    count = count.tocoo()
    expected = own[count.row] * own[count.col] / own.sum()
    value = np.log((count.data + 1) / (expected + 1))
    # one pair seen once by chance is no evidence: weigh by how often it was seen
    value = np.clip(value, 0, 3) / 3 * count.data / (count.data + SHRINK)
    return sparse.csr_matrix((value, (count.row, count.col)), shape=(n_items, n_items))


def learn_weights(facts: OutfitFacts, pairs: np.ndarray, rules: np.ndarray, *, seed: int = 0) -> np.ndarray:
    """Weights of FIGURES from pairs bought together: each against other purchases of the second item's slot.

    What a pair was itself counted for is taken out of its lift (halves: each half is judged by the other's counts).
    """
    if len(pairs) < 2 * OTHERS:
        return rules.copy()
    rng = np.random.default_rng(seed)
    pairs = rng.permutation(pairs)
    swap = rng.random(len(pairs)) < 0.5
    pairs[swap] = pairs[swap, ::-1]
    half = np.arange(len(pairs)) % 2 == 0
    chosen, others = [], []
    for part in (half, ~half):
        together = lift(pairs[~part], len(facts.slot))
        a, b = pairs[part].T
        chosen.append(pair_figures(facts, together, a, b))
        rivals = np.empty((len(a), OTHERS), int)
        for slot in np.unique(facts.slot[b]):
            mine = facts.slot[b] == slot
            rivals[mine] = rng.choice(b[mine], (mine.sum(), OTHERS))
        flat = pair_figures(facts, together, np.repeat(a, OTHERS), rivals.ravel())
        others.append(flat.reshape(len(a), OTHERS, -1))
    difference = (np.concatenate(chosen)[:, None] - np.concatenate(others)).reshape(-1, len(FIGURES))
    weights = rules.copy()
    for _ in range(STEPS):
        p = expit(difference @ weights)
        # the rivals of one pair are not independent, so each counts a part
        gradient = difference.T @ (1 - p) / OTHERS - (weights - rules) / SPREAD**2
        curve = (difference * (p * (1 - p))[:, None]).T @ difference / OTHERS + np.eye(len(weights)) / SPREAD**2
        step = np.linalg.solve(curve, gradient)
        weights = weights + step
        if np.abs(step).max() < 1e-6:
            break
    return weights
