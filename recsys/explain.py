"""Why an item is recommended, in plain words."""

from __future__ import annotations

import numpy as np

from recsys.features import ItemFeatures
from recsys.histories import Histories
from recsys.hybrid import Hybrid
from recsys.schema import Catalogue

__all__ = ["explain"]

_TOGETHER = ("item_knn", "next_item", "ease")
_TASTE = ("taste", "content", "cold_bridge")
MAX_SHARED = 2


def explain(
    hybrid: Hybrid, catalogue: Catalogue, features: ItemFeatures, user: Histories, items: np.ndarray,
    standing: np.ndarray,
) -> list[str]:  # fmt: skip
    """One sentence for each item.

    The reason is the component that ranks the item highest for this user; where it rests on the user's history, the
    item of the history that carries most of it is named.

    Args:
        user: One row.
        items: Item indices, shape [item].
        standing: How well each component ranks them, see ``recsys.hybrid.Ranking``, shape [item, component].
    """
    names = [c.name for c in hybrid.components]
    known = dict(zip(user.item.tolist(), user.count.tolist(), strict=True))
    new = hybrid.facts.new[items]
    sentences = []
    for position, item in enumerate(items.tolist()):
        if item in known:
            times = "once" if known[item] == 1 else f"{known[item]} times"
            sentences.append(f"you chose it {times} before")
            continue
        order = [names[k] for k in np.argsort(-standing[position], kind="stable") if standing[position, k] > 0]
        reasons = (_reason(name, hybrid, catalogue, features, user, item) for name in (*order, "popularity"))
        reason = next(r for r in reasons if r)
        sentences.append(f"new in; {reason}" if new[position] else reason)
    return sentences


def _reason(
    name: str, hybrid: Hybrid, catalogue: Catalogue, features: ItemFeatures, user: Histories, item: int
) -> str | None:
    if name == "popularity":
        return "many people choose it these days"
    if name == "trend":
        return "items of its kind are in demand these days"
    if not len(user.item):
        return None
    if name in _TOGETHER:
        links = _links(next(c for c in hybrid.components if c.name == name), user, item)
        if links.max(initial=0) <= 0:
            return None
        label = catalogue.label(int(user.item[links.argmax()]))
        return f"people who chose {label} {'next chose' if name == 'next_item' else 'also choose'} this"
    if name in _TASTE:
        likeness = features.vectors[user.item] @ features.vectors[item]
        anchor = int(user.item[likeness.argmax()])
        shared = [
            f"{column} ({', '.join(sorted(both))})"
            for column, values in catalogue.categories.items()
            if (both := set(values[anchor]) & set(values[item]))
        ][:MAX_SHARED]
        return f"same {' and '.join(shared)} as {catalogue.label(anchor)}, which you chose" if shared else None
    return "people with a history like yours choose it"


def _links(component: object, user: Histories, item: int) -> np.ndarray:
    """What each entry of the history adds to the item's score, shape [entry]."""
    weight = user.strength * 0.5 ** (user.age_rank / component.recent)
    if hasattr(component, "near"):
        return weight * component.near[user.item, item].toarray().ravel()
    place = np.searchsorted(component.active, [*user.item, item])
    there = (place < len(component.active)) & (component.active[np.minimum(place, len(component.active) - 1)] == [
        *user.item, item,
    ])  # fmt: skip
    if not there[-1]:
        return np.zeros(len(user.item))
    rows = np.where(there[:-1], place[:-1], 0)
    return np.where(there[:-1], weight * component.weights[rows, place[-1]], 0.0)
