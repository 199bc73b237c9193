"""Cuts events into what a recommender may learn from and what it is judged by.

``temporal``: one moment cuts everybody's events. Nothing that happened at or after it is learnt from, so the future
of other users cannot leak into a model. This is the split to trust.

``last_out``: each user's last event is held out. Common in papers, but other users' later events are in the
training part, so drifting popularity leaks; it is here for comparison with published figures.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.core.errors import InputError
from recsys.histories import Histories, collect
from recsys.schema import Catalogue, EventTable, relevant

__all__ = ["SPLITS", "Split", "split_events"]

SPLITS = ("temporal", "last_out")


@dataclass(frozen=True)
class Split:
    """One cut of the events.

    Attributes:
        train: Events to learn from.
        known: Histories of all users in ``train`` (row = user index).
        users: Users to judge, int32, shape [judged].
        target_start, target: Items that the judged user r wanted in the held-out part:
            ``target[target_start[r]:target_start[r + 1]]``, distinct.
        open: Items that may be recommended, bool, shape [item].
        cold: Open items without any wanted event in ``train``, bool, shape [item].
        until: End of the held-out part [s since 1970].
    """

    train: EventTable
    known: Histories
    users: np.ndarray
    target_start: np.ndarray
    target: np.ndarray
    open: np.ndarray
    cold: np.ndarray
    until: float

    @property
    def target_row(self) -> np.ndarray:
        """Row in ``users`` of each target, shape [target]."""
        return np.repeat(np.arange(len(self.users)), np.diff(self.target_start))

    def some(self, rows: np.ndarray) -> Split:
        """The same cut, judged on some of its users only."""
        lengths = np.diff(self.target_start)[rows]
        start = np.concatenate([[0], np.cumsum(lengths)])
        pick = np.arange(start[-1]) - np.repeat(start[:-1], lengths) + np.repeat(self.target_start[rows], lengths)
        return Split(
            self.train, self.known, self.users[rows], start, self.target[pick], self.open, self.cold, self.until
        )


def split_events(
    events: EventTable,
    catalogue: Catalogue,
    kind: str = "temporal",
    *,
    fraction: float = 0.1,
    repeats: bool = False,
    catalogue_is_given: bool = True,
) -> Split:
    """Holds out the last ``fraction`` of the events (temporal), or everybody's last one (last_out).

    Args:
        events: Sorted by time.
        catalogue: The items; ``available_from`` keeps items that come after the held-out part out of it.
        repeats: Whether wanting an item again counts; if not, pairs that are known, be they wanted, returned or
            disliked, are neither targets nor recommended.
        catalogue_is_given: False where the catalogue was only gathered from these very events, or where an item's
            first event may lie outside them: then an item without events here is not open.

    Raises:
        InputError: The events are too few to be cut.
    """
    if kind not in SPLITS:
        raise InputError("split.kind", f"split '{kind}' is not known", f"one of {', '.join(SPLITS)}")
    held = _temporal(events, fraction) if kind == "temporal" else _last_out(events)
    train, test = events.where(~held), events.where(held & relevant(events))
    if not len(train) or not len(test):
        raise InputError("split.few", f"{len(events)} events are too few to be split", "give a longer log")
    n = len(catalogue)
    known = collect(train, n)
    until = float(events.time[-1])
    pair = np.unique(test.user.astype(np.int64) * n + test.item)
    if not repeats:
        pair = np.setdiff1d(pair, known.row.astype(np.int64) * n + known.item, assume_unique=True)
        pair = np.setdiff1d(pair, known.refused_row.astype(np.int64) * n + known.refused, assume_unique=True)
    users, first = np.unique(pair // n, return_index=True)
    seen = np.zeros(n, bool)
    seen[known.item] = True
    open_items = ~(catalogue.available_from > until)
    if not catalogue_is_given:
        anywhere = np.zeros(n, bool)
        anywhere[events.item] = True
        open_items &= anywhere | np.isfinite(catalogue.available_from)
    open_items |= seen
    return Split(
        train, known, users.astype(np.int32), np.concatenate([first, [len(pair)]]), (pair % n).astype(np.int32),
        open_items, open_items & ~seen, until,
    )  # fmt: skip


def _temporal(events: EventTable, fraction: float) -> np.ndarray:
    """Events at or after the moment that leaves about ``fraction`` of them, never parting events of one moment."""
    moments = np.flatnonzero(np.diff(events.time)) + 1
    if not len(moments):
        what = f"{len(events)} events are too few, or all of one moment, to be split by time"
        raise InputError("split.few", what, "give a longer log with timestamps, or split last_out")
    before = int(np.searchsorted(moments, int(len(events) * (1 - fraction)), side="right")) - 1
    return np.arange(len(events)) >= moments[max(before, 0)]


def _last_out(events: EventTable) -> np.ndarray:
    """The last relevant event of every user who has at least one other event before it."""
    wanted = np.flatnonzero(relevant(events))
    last = np.full(len(events.users), -1)
    last[events.user[wanted]] = wanted  # in order of time: the last one stays
    first = np.full(len(events.users), len(events))
    np.minimum.at(first, events.user, np.arange(len(events)))
    held = np.zeros(len(events), bool)
    held[last[(last >= 0) & (first < last)]] = True
    # What the user did to the same item later (a return, a rating) would give the answer away.
    later = np.arange(len(events)) > last[events.user]
    held |= later & (last[events.user] >= 0)
    return held
