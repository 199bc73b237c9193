"""Outfits: which top, bottom and layer go together, why, and which items complete one.

Two items are judged by a few figures (colours, likeness of formality and warmth, balance of width, quietness
of patterns, how often they were bought together), weighed by weights that start at a stylist's rules and move with what
customers bought together: logistic regression against other purchases of the same slot (so that popularity says
nothing), with a Gaussian prior at the rules.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import sparse

from engine.core.errors import InputError
from engine.core.safe_io import load_npz, write_with
from recsys.colour import colour_words
from recsys.outfit_facts import SLOTS, OutfitFacts
from recsys.outfit_pairs import FIGURES, bought_together, learn_weights, lift, pair_figures
from recsys.schema import Catalogue, EventTable

__all__ = ["Outfit", "OutfitModel", "complete", "fit_outfits", "load_outfits", "save_outfits", "RULES"]

#: A stylist's rules: weights of FIGURES, on figures scaled to about -1 to 1.
RULES = np.array([1.0, -1.2, -1.2, 0.8, -0.7, -0.8, 1.0])
#: Which slots go together, and what an outfit of each first slot is completed by.
_COMPLETED = {"top": ("bottom", "layer"), "bottom": ("top", "layer"), "layer": ("top", "bottom"), "dress": ("layer",)}
CANDIDATES = 40
TASTE = 0.6  #: weight of the user's own ranking, standardised
SHARED = 0.8  #: taken off for each item that a better outfit has already


@dataclass(frozen=True)
class OutfitModel:
    """What is needed to judge pairs.

    Attributes:
        weights: Of FIGURES, shape [figure].
        together: How much more often two items were bought together than by chance (log, shrunk), [item, item].
        pairs: How many pairs bought together were learnt from.
    """

    weights: np.ndarray
    together: sparse.csr_matrix
    pairs: int


@dataclass(frozen=True)
class Outfit:
    """One outfit.

    Attributes:
        items: Indices, the given ones first.
        score: Mean over its pairs; differences are log odds.
        reasons: In plain words, the weightiest first.
    """

    items: tuple[int, ...]
    score: float
    reasons: tuple[str, ...]


def fit_outfits(facts: OutfitFacts, events: EventTable, *, seed: int = 0) -> OutfitModel:
    """Learns from what was bought together; without such purchases the rules stand."""
    pairs = bought_together(events, facts)
    return OutfitModel(learn_weights(facts, pairs, RULES, seed=seed), lift(pairs, len(facts.slot)), len(pairs))


def save_outfits(path: str | Path, model: OutfitModel) -> Path:
    """Writes the model whole or not at all."""
    t = model.together.tocsr()
    arrays = {"weights": model.weights, "data": t.data, "indices": t.indices, "indptr": t.indptr,
              "pairs": np.array(model.pairs)}  # fmt: skip
    return write_with(path, lambda stream: np.savez(stream, **arrays))


def load_outfits(path: str | Path) -> OutfitModel:
    """Reads what ``save_outfits`` wrote; InputError where the file is none."""
    arrays = load_npz(Path(path), what="outfit model (run toile recsys train first)")
    try:
        n = len(arrays["indptr"]) - 1
        together = sparse.csr_matrix((arrays["data"], arrays["indices"], arrays["indptr"]), shape=(n, n))
        if arrays["weights"].shape != RULES.shape:
            raise ValueError("weights of another version")
        return OutfitModel(arrays["weights"], together, int(arrays["pairs"]))
    except (KeyError, ValueError, TypeError) as error:
        raise InputError("outfit.damaged", f"{path}: is not an outfit model: {error}", "train it again") from None


def complete(
    model: OutfitModel, facts: OutfitFacts, catalogue: Catalogue, given: Sequence[int], *, count: int = 3,
    taste: np.ndarray | None = None, among: np.ndarray | None = None,
) -> list[Outfit]:  # fmt: skip
    """The best outfits around some given items.

    Args:
        taste: What the user likes, any scale, -inf for what they must not be shown, shape [item].
        among: Items that may be chosen, bool, shape [item].

    Raises:
        InputError: an item has no place in an outfit, or two have the same one.
    """
    slots = [int(facts.slot[i]) for i in given]
    for item, slot in zip(given, slots, strict=True):
        if slot < 0:
            hint = "say where it is worn in a column 'slot': top, bottom, layer or dress"
            raise InputError("outfit.slot", f"item '{catalogue.ids[item]}' is no part of an outfit that is known", hint)
    if len(set(slots)) < len(slots):
        raise InputError("outfit.twice", "two of the items are worn in the same place", "give one for each")
    wanted = [s for s in _COMPLETED[SLOTS[slots[0]]] if SLOTS.index(s) not in slots]
    wanted = [s for s in wanted if not (s in ("top", "bottom") and SLOTS.index("dress") in slots)]
    free = np.ones(len(catalogue), bool) if among is None else among.copy()
    taste = _standard(taste, len(catalogue))
    partial: list[tuple[tuple[int, ...], float]] = [(tuple(given), 0.0)]
    for name in wanted:
        pool = np.flatnonzero(free & (facts.slot == SLOTS.index(name)) & np.isfinite(taste))
        if not len(pool):
            continue
        grown = []
        for items, sum_taste in partial:
            fits = np.mean([_scores(model, facts, one, pool) for one in items], 0) + TASTE * taste[pool]
            for k in np.argsort(-fits, kind="stable")[: CANDIDATES // (1 + len(partial) // CANDIDATES)]:
                grown.append(((*items, int(pool[k])), sum_taste + TASTE * float(taste[pool[k]])))
        partial = sorted(grown, key=lambda o: (-_value(model, facts, *o), o[0]))[: CANDIDATES**2 // 4]
    if len(partial) == 1 and len(partial[0][0]) == len(given) and len(given) < 2:
        raise InputError("outfit.alone", "the shop has nothing that completes it", "add tops, bottoms or layers")
    return _unlike(model, facts, catalogue, partial, len(given), count)


def _unlike(
    model: OutfitModel, facts: OutfitFacts, catalogue: Catalogue, partial: list[tuple[tuple[int, ...], float]],
    given: int, count: int,
) -> list[Outfit]:  # fmt: skip
    """The best outfits, each taken down for items that a better one shows already."""
    value = np.array([_value(model, facts, *one) for one in partial])
    chosen, seen = [], {}
    for _ in range(min(count, len(partial))):
        rated = [v - SHARED * sum(seen.get(i, 0) for i in items[given:])
                 for v, (items, _) in zip(value, partial, strict=True)]  # fmt: skip
        best = int(np.argmax(rated))
        items = partial[best][0]
        for i in items[given:]:
            seen[i] = seen.get(i, 0) + 1
        score = _value(model, facts, items, 0.0)
        chosen.append(Outfit(items, round(score, 4), _reasons(model, facts, catalogue, items)))
        value[best] = -np.inf
    return chosen


def _standard(taste: np.ndarray | None, n: int) -> np.ndarray:
    if taste is None:
        return np.zeros(n)
    good = np.isfinite(taste)
    spread = taste[good].std() if good.any() else 0.0
    centred = np.where(good, taste - (taste[good].mean() if good.any() else 0), 0)
    return np.where(good, np.clip(centred / spread, -2, 2) if spread > 0 else 0.0, taste)


def _scores(model: OutfitModel, facts: OutfitFacts, item: int, others: np.ndarray) -> np.ndarray:
    return pair_figures(facts, model.together, np.full(len(others), item), others) @ model.weights


def _value(model: OutfitModel, facts: OutfitFacts, items: tuple[int, ...], taste: float) -> float:
    """Mean score of the pairs, plus the taste for each item that was chosen."""
    total, pairs = 0.0, 0
    for k, item in enumerate(items):
        if k + 1 < len(items):
            rest = np.array(items[k + 1 :])
            total += float(_scores(model, facts, item, rest).sum())
            pairs += len(rest)
    return total / max(pairs, 1) + taste / max(len(items) - 1, 1)


def _reasons(model: OutfitModel, facts: OutfitFacts, catalogue: Catalogue, items: tuple[int, ...]) -> tuple[str, ...]:
    """The strongest reason of each kind: colour, cut, occasion, weather, company."""
    found: list[tuple[float, str, str]] = []
    for k, a in enumerate(items):
        for b in items[k + 1 :]:
            parts = pair_figures(facts, model.together, np.array([a]), np.array([b]))[0] * model.weights
            found += _words(facts, catalogue, a, b, dict(zip(FIGURES, parts.tolist(), strict=True)))
    who = "both" if len(items) == 2 else "all"
    formal, warm = facts.formality[list(items)], facts.warmth[list(items)]
    if np.isfinite(formal).all() and np.ptp(formal) < 0.3:
        word = "casual" if formal.mean() < 0.4 else "smart" if formal.mean() < 0.7 else "formal"
        found.append((0.3, "occasion", f"{who} {word}"))
    if np.isfinite(warm).all() and np.ptp(warm) < 0.5:
        days = "warm" if warm.mean() < 0.4 else "mild" if warm.mean() < 0.65 else "cold"
        found.append((0.2, "weather", f"{who} for {days} days"))
    best: dict[str, str] = {}
    for _, kind, text in sorted(found, key=lambda f: -f[0]):
        best.setdefault(kind, text)
    return tuple(best.values())


def _words(
    facts: OutfitFacts, catalogue: Catalogue, a: int, b: int, parts: dict[str, float]
) -> list[tuple[float, str, str]]:
    """What speaks for a pair: weight, kind and words."""
    out = []
    if np.isfinite(facts.lab[[a, b]]).all() and parts["colour"] > -0.2:
        text = colour_words(facts.colour[a], facts.lab[a], facts.colour[b], facts.lab[b])
        out.append((0.35 + parts["colour"], "colour", text))
    wide = facts.width[[a, b]]
    if np.isfinite(wide).all() and parts["balance"] > 0.15:
        loose, close = (a, b) if wide[0] > wide[1] else (b, a)
        text = f"the wide cut of {catalogue.label(loose)} is balanced by the close one of {catalogue.label(close)}"
        out.append((parts["balance"] + 0.2, "cut", text))
    if parts["together"] > 0.2:
        text = f"{catalogue.label(a)} and {catalogue.label(b)} are often bought together"
        out.append((parts["together"], "company", text))
    return out
