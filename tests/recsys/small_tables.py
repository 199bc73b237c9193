"""Tables of a few events, written out."""

import numpy as np

from recsys.schema import EVENTS, EventTable


def table(rows, users=3):
    """Events from (user, item, time[, kind[, value]]) rows, given in order of time; kind is buy by default."""
    full = [(*row, *("buy", np.nan)[len(row) - 3 :]) for row in rows]
    user, item, time, kind, value = zip(*full, strict=True)
    return EventTable(
        tuple(f"u{k}" for k in range(users)), np.array(user, np.int32), np.array(item, np.int32),
        np.array(time, float), np.array([EVENTS.index(k) for k in kind], np.int8), np.array(value, np.float32),
    )  # fmt: skip
