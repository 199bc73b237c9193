"""The tables that the recommender reads: items (what can be sold) and events (who did what with it, when).

Items table, one row an item:
    ``item_id``         required, text, unique.
    ``name``            optional, text for people; its words also describe the item.
    ``available_from``  optional, time at which the item can first be bought.
    any other column    a number (if every filled cell is one) or a category; ``a|b`` in a cell means both a and b.
                        Whole numbers under a name that ends in id, code, no, nr or key (``style_code``) are categories.

Interactions table, one row an event:
    ``user_id``    required, text. ``item_id``  required, text.
    ``timestamp``  required: Unix seconds, or ISO 8601 (``2026-03-01``, ``2026-03-01T10:30:00Z``; UTC without a zone).
    ``event``      optional: view, try_on, fit, like, buy (the default), return, rating.
    ``value``      optional: 1 to 5 for a rating; tight, right or loose for a fit.
    ``zone``       optional: where it was tight, right or loose, e.g. ``waist``; empty for overall.
    ``size``       optional: the size bought, returned or tried on, as the size table writes it.

Embeddings, optional, an ``.npz`` with ``item_id`` (text) and ``embedding`` (float32, shape [item, dimension]).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np

__all__ = ["EVENTS", "FITS", "Catalogue", "EventTable", "Labels", "strengths", "relevant"]

EVENTS = ("view", "try_on", "fit", "like", "buy", "return", "rating")
FITS = ("tight", "right", "loose")
DAY = 86_400.0

# How much one event says "I want this"; a purchase is the unit. Ratings go by their stars, a fit says nothing of taste.
EVENT_STRENGTH = {"view": 0.25, "try_on": 0.5, "fit": 0.0, "like": 0.75, "buy": 1.0, "return": 0.0, "rating": 0.0}
RATING_STRENGTH = np.array([0.0, 0.0, 0.0, 0.35, 1.0, 1.0], np.float32)
_CODE = {name: code for code, name in enumerate(EVENTS)}


@dataclass(frozen=True)
class Catalogue:
    """Items that can be recommended.

    Attributes:
        ids: Item ids, in index order.
        names: Text for people, "" where unknown.
        available_from: Time of first availability [s since 1970], NaN where unknown, shape [item].
        categories: Column name to one tuple of values per item.
        numbers: Column name to values, NaN where unknown, shape [item].
        embedding: Vectors of another model (e.g. of the garments' geometry), NaN rows where unknown, [item, dimension].
    """

    ids: tuple[str, ...]
    names: tuple[str, ...]
    available_from: np.ndarray
    categories: dict[str, list[tuple[str, ...]]] = field(default_factory=dict)
    numbers: dict[str, np.ndarray] = field(default_factory=dict)
    embedding: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def bare(cls, ids: list[str]) -> Catalogue:
        """A catalogue of which only the ids are known."""
        return cls(tuple(ids), ("",) * len(ids), np.full(len(ids), np.nan))

    def extended(self, ids: list[str]) -> Catalogue:
        """The same catalogue with items of unknown attributes added at its end."""
        if not ids:
            return self
        n, nan = len(ids), np.full(len(ids), np.nan)
        embedding = self.embedding
        if embedding is not None:
            embedding = np.vstack([embedding, np.full((n, embedding.shape[1]), np.nan, np.float32)])
        return replace(
            self,
            ids=self.ids + tuple(ids),
            names=self.names + ("",) * n,
            available_from=np.concatenate([self.available_from, nan]),
            categories={k: v + [()] * n for k, v in self.categories.items()},
            numbers={k: np.concatenate([v, nan]) for k, v in self.numbers.items()},
            embedding=embedding,
        )

    def label(self, item: int) -> str:
        """What to call an item before people."""
        return self.names[item] or self.ids[item]


@dataclass(frozen=True)
class Labels:
    """A column of texts.

    Attributes:
        names: The distinct texts.
        code: Index into ``names``, -1 where the cell is empty, int32, shape [event].
    """

    names: tuple[str, ...]
    code: np.ndarray

    @classmethod
    def of(cls, cells: Iterable[str | None]) -> Labels:
        """The column of these cells."""
        names: dict[str, int] = {}
        code = [names.setdefault(cell, len(names)) if cell else -1 for cell in cells]
        return cls(tuple(names), np.array(code, np.int32))

    def __getitem__(self, row: int) -> str:
        return self.names[self.code[row]] if self.code[row] >= 0 else ""


@dataclass(frozen=True)
class EventTable:
    """Events as columns, sorted by time (stable). Users and items are indices.

    Attributes:
        users: User ids, in index order.
        user, item: Indices, int32, shape [event].
        time: Seconds since 1970, float64, shape [event].
        kind: Index into ``EVENTS``, int8, shape [event].
        value: Rating 1 to 5, or index into ``FITS`` for a fit, NaN otherwise, float32, shape [event].
        zone, size: Zone of a fit, and size of the item, where the log says them.
    """

    users: tuple[str, ...]
    user: np.ndarray
    item: np.ndarray
    time: np.ndarray
    kind: np.ndarray
    value: np.ndarray
    zone: Labels | None = None
    size: Labels | None = None

    def __len__(self) -> int:
        return len(self.user)

    def where(self, mask: np.ndarray) -> EventTable:
        """The events where ``mask`` (bool, or indices in rising order) holds; users keep their indices."""
        columns = {name: getattr(self, name)[mask] for name in ("user", "item", "time", "kind", "value")}
        labels = {
            name: replace(column, code=column.code[mask])
            for name in ("zone", "size") if (column := getattr(self, name)) is not None
        }  # fmt: skip
        return replace(self, **columns, **labels)


def strengths(events: EventTable) -> np.ndarray:
    """Preference that each event shows, 0 to 1, float32, shape [event]."""
    strength = np.array([EVENT_STRENGTH[name] for name in EVENTS], np.float32)[events.kind]
    rated = events.kind == _CODE["rating"]
    stars = np.clip(np.nan_to_num(events.value[rated], nan=0.0), 0, 5).astype(int)
    strength[rated] = RATING_STRENGTH[stars]
    return strength


def relevant(events: EventTable) -> np.ndarray:
    """Which events count as hits when a ranking is judged: full preference, or any if the log has no such event.

    Returns:
        bool, shape [event].
    """
    strength = strengths(events)
    strong = strength >= EVENT_STRENGTH["like"]
    return strong if strong.any() else strength > 0
