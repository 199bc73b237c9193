"""What each user has wanted, in order of time: the one form in which every recommender sees events."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from recsys.schema import EventTable, strengths

__all__ = ["Histories", "collect"]


@dataclass(frozen=True)
class Histories:
    """Wanted items of some users; row r holds entries ``start[r]:start[r + 1]``, the oldest first.

    Attributes:
        start: Row bounds, int64, shape [row + 1].
        item: Distinct item of each entry, int32, shape [entry].
        time: Latest time it was wanted [s since 1970], float64, shape [entry].
        strength: Strongest preference shown for it, 0 to 1, float32, shape [entry].
        count: How often it was wanted, int32, shape [entry].
        n_items: Size of the catalogue.
        now: The time at which recommendations are wanted [s since 1970].
        refused_start, refused: Items that a row returned or disliked last of all: row r has
            ``refused[refused_start[r]:refused_start[r + 1]]``; int64, shape [row + 1], and int32.
    """

    start: np.ndarray
    item: np.ndarray
    time: np.ndarray
    strength: np.ndarray
    count: np.ndarray
    n_items: int
    now: float
    refused_start: np.ndarray
    refused: np.ndarray

    def __len__(self) -> int:
        return len(self.start) - 1

    @property
    def lengths(self) -> np.ndarray:
        """Entries of each row, shape [row]."""
        return np.diff(self.start)

    @property
    def row(self) -> np.ndarray:
        """Row of each entry, int32, shape [entry]."""
        return np.repeat(np.arange(len(self), dtype=np.int32), self.lengths)

    @property
    def refused_row(self) -> np.ndarray:
        """Row of each refused item, int32, shape [refused]."""
        return np.repeat(np.arange(len(self), dtype=np.int32), np.diff(self.refused_start))

    @property
    def age_rank(self) -> np.ndarray:
        """How many later entries of the same row each entry has (0: the latest), shape [entry]."""
        return np.repeat(self.start[1:], self.lengths) - 1 - np.arange(len(self.item))

    def rows(self, rows: np.ndarray) -> Histories:
        """Some rows, in the order given."""
        start, pick = _picked(self.start, rows)
        refused_start, refused = _picked(self.refused_start, rows)
        return replace(
            self, start=start, item=self.item[pick], time=self.time[pick], strength=self.strength[pick],
            count=self.count[pick], refused_start=refused_start, refused=self.refused[refused],
        )  # fmt: skip

    def latest(self, limit: int) -> Histories:
        """The same rows, each with its ``limit`` latest entries at most."""
        keep = self.age_rank < limit
        start = np.concatenate([[0], np.cumsum(np.minimum(self.lengths, limit))])
        return replace(
            self, start=start, item=self.item[keep], time=self.time[keep], strength=self.strength[keep],
            count=self.count[keep],
        )  # fmt: skip

    def matrix(self, weight: np.ndarray | None = None) -> sparse.csr_matrix:
        """User-item matrix, float32, shape [row, item]; entries are ``weight`` (default: strengths)."""
        data = self.strength if weight is None else weight.astype(np.float32)
        return sparse.csr_matrix((data, self.item, self.start), shape=(len(self), self.n_items))

    def profile(self, half_life: float) -> sparse.csr_matrix:
        """Like ``matrix``, each entry halved for every ``half_life`` later entries of its row (inf: never)."""
        return self.matrix(self.strength * 0.5 ** (self.age_rank / half_life))

    def decay(self, half_life: float) -> np.ndarray:
        """Weight of each entry by its age before ``now``, halved every ``half_life`` seconds, shape [entry]."""
        return (0.5 ** (np.maximum(self.now - self.time, 0.0) / half_life)).astype(np.float32)

    def popularity(self, half_life: float = np.inf) -> np.ndarray:
        """Wants per item, each decayed by its age, float64, shape [item]."""
        return np.bincount(self.item, self.decay(half_life) * self.strength, self.n_items)


def _picked(start: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Bounds of some rows by themselves, and the places of their entries."""
    lengths = np.diff(start)[rows]
    own = np.concatenate([[0], np.cumsum(lengths)])
    return own, np.arange(own[-1]) - np.repeat(own[:-1], lengths) + np.repeat(start[rows], lengths)


def collect(events: EventTable, n_items: int, now: float | None = None) -> Histories:
    """Histories of all users of the table (row = user index) from events that show a preference.

    A pair that was returned, or rated as disliked, last of all was not wanted after all, and stands apart.

    Args:
        events: Events sorted by time.
        n_items: Size of the catalogue.
        now: Time of recommendation; default: the last event's.
    """
    n = len(events)
    now = float(events.time[-1]) if now is None and n else float(now or 0.0)
    strength = strengths(events)
    pair = events.user.astype(np.int64) * n_items + events.item
    order = np.argsort(pair, kind="stable")  # time stays sorted within a pair
    pair, strength, time = pair[order], strength[order], events.time[order]
    kind, value = events.kind[order], events.value[order]
    first = np.flatnonzero(np.concatenate([[True], pair[1:] != pair[:-1]])) if n else np.empty(0, int)
    last = np.concatenate([first[1:], [n]]) - 1
    refused = (kind == 5) | ((kind == 6) & (value < 3))
    best = np.maximum.reduceat(strength, first) if n else strength
    count = np.add.reduceat((strength > 0).astype(np.int32), first) if n else np.empty(0, np.int32)
    wanted_at = np.maximum.reduceat(np.where(strength > 0, time, -np.inf), first) if n else time
    refused = refused[last] if n else np.empty(0, bool)
    refused_user, refused_item = pair[first][refused] // n_items, pair[first][refused] % n_items
    keep = (best > 0) & ~refused
    user, item = pair[first][keep] // n_items, pair[first][keep] % n_items
    wanted_at, best, count = wanted_at[keep], best[keep], count[keep]
    order = np.lexsort((wanted_at, user))
    start, refused_start = (
        np.concatenate([[0], np.cumsum(np.bincount(of, minlength=len(events.users)))]) for of in (user, refused_user)
    )
    return Histories(
        start.astype(np.int64), item[order].astype(np.int32), wanted_at[order], best[order].astype(np.float32),
        count[order].astype(np.int32), n_items, now, refused_start.astype(np.int64), refused_item.astype(np.int32),
    )  # fmt: skip
