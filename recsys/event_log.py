"""The shop's event log: SQLite by default, Postgres by URL; pseudonymous, and able to forget.

A user id never enters the log. Beside the log lies a secret key (readable by its owner only); the log holds
HMAC-SHA256(key, user id). Whoever gets the log without the key cannot test ids against it. Body measurements have no
column here: only which zone of a garment was tight, right or loose.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import math
import os
import secrets
import sqlite3
import time as clock
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.errors import InputError, JobError, UnsupportedError
from recsys.off_policy import Decisions
from recsys.schema import EVENTS, FITS, Catalogue, EventTable, Labels

__all__ = ["Event", "EventLog", "open_log"]

MAX_ID = 256
LESSONS = 5_000
_TABLE = (
    "CREATE TABLE IF NOT EXISTS events (person TEXT NOT NULL, item TEXT NOT NULL, time DOUBLE PRECISION NOT NULL, "
    "kind SMALLINT NOT NULL, value REAL, zone TEXT, size TEXT)",
    "CREATE INDEX IF NOT EXISTS events_person ON events (person)",
    "CREATE INDEX IF NOT EXISTS events_time ON events (time)",
    "CREATE TABLE IF NOT EXISTS decisions (id TEXT PRIMARY KEY, person TEXT NOT NULL, time DOUBLE PRECISION NOT NULL, "
    "offered TEXT NOT NULL, contexts TEXT NOT NULL, arm INTEGER NOT NULL, propensity DOUBLE PRECISION NOT NULL, "
    "reward DOUBLE PRECISION)",
    "CREATE INDEX IF NOT EXISTS decisions_person ON decisions (person)",
)
_INSERT = "INSERT INTO events (person, item, time, kind, value, zone, size) VALUES"


@dataclass(frozen=True)
class Event:
    """One thing that a user did.

    Attributes:
        user, item: Ids, at most 256 characters; the user's is made a pseudonym before it is stored.
        kind: One of ``recsys.schema.EVENTS``.
        time: Seconds since 1970; None: now.
        value: Stars for a rating; tight, right or loose for a fit.
        zone: Where it was tight, right or loose; None for overall.
        size: The size bought, returned or tried on.
    """

    user: str
    item: str
    kind: str = "buy"
    time: float | None = None
    value: float | str | None = None
    zone: str | None = None
    size: str | None = None


class EventLog:
    """Events and served decisions in a database. Make one by ``open_log``."""

    def __init__(self, connection: Any, place: str, key: bytes) -> None:
        self._connection, self._place, self._key = connection, place, key
        self._mark = "?" if isinstance(connection, sqlite3.Connection) else "%s"
        with self._cursor() as cursor:
            for statement in _TABLE:
                cursor.execute(statement)
            if "size" not in self._columns(cursor):  # a log from before sizes were written down
                cursor.execute("ALTER TABLE events ADD COLUMN size TEXT")

    @staticmethod
    def _columns(cursor: Any) -> set[str]:
        cursor.execute("SELECT * FROM events LIMIT 0")
        return {column[0] for column in cursor.description}

    def pseudonym(self, user: str) -> str:
        """The name under which the log knows a user: 32 hexadecimal digits."""
        return hmac.new(self._key, user.encode(), hashlib.sha256).hexdigest()[:32]

    def add(self, events: Iterable[Event]) -> int:
        """Stores events, all or none. Returns how many; InputError names the first wrong one."""
        rows = [self._row(number, event) for number, event in enumerate(events, start=1)]
        self._many(_INSERT, 7, rows)
        return len(rows)

    def add_table(self, events: EventTable, catalogue: Catalogue) -> int:
        """Stores a table of events read from files."""
        people = [self.pseudonym(u) for u in events.users]
        columns = (events.user, events.item, events.time, events.kind, events.value)
        texts = ([None] * len(events) if t is None else [t[k] or None for k in range(len(events))]
                 for t in (events.zone, events.size))  # fmt: skip
        self._many(
            _INSERT, 7,
            [(people[u], catalogue.ids[i], float(t), int(k), None if math.isnan(v) else float(v), zone, size)
             for u, i, t, k, v, zone, size in zip(*columns, *texts, strict=True)],
        )  # fmt: skip
        return len(events)

    def add_decision(
        self, user: str, offered: list[str], contexts: np.ndarray, arm: int, propensity: float,
        *, time: float | None = None,
    ) -> str:  # fmt: skip
        """Stores which of the items offered was shown first, and with which probability, for off-policy estimates.

        Args:
            contexts: Features of the user with each item offered, shape [arm, feature]; never body data.
            arm: Index of the item shown.
            propensity: The policy's own probability of showing it.

        Returns:
            The decision's id, under which ``add_reward`` stores what came of it.
        """
        contexts = np.asarray(contexts, float)
        if not 0 < propensity <= 1 or not 0 <= arm < len(offered):
            raise InputError(
                "log.propensity", f"propensity {propensity:g} of item {arm} of {len(offered)}: cannot be",
                "log the probability, in (0, 1], of the item that was shown",
            )  # fmt: skip
        if contexts.ndim != 2 or len(contexts) != len(offered) or not np.isfinite(contexts).all():
            what = f"contexts of shape {contexts.shape} do not go with {len(offered)} items"
            raise InputError("log.contexts", what, "give one row of finite numbers for each item")
        name, moment = secrets.token_hex(16), clock.time() if time is None else time
        row = (name, self.pseudonym(user), moment, json.dumps(offered), json.dumps(contexts.tolist()), arm, propensity)
        self._many("INSERT INTO decisions (id, person, time, offered, contexts, arm, propensity) VALUES", 7, [row])
        return name

    def add_reward(self, decision: str, reward: float, *, lower: bool = True) -> None:
        """Stores what came of a decision, e.g. 1 for a purchase and 0 for none.

        Args:
            lower: Whether it may replace a higher one; a look after a purchase does not, a return does.
        """
        if not math.isfinite(reward):
            raise InputError("log.reward", f"reward {reward} is not a number", "give e.g. 0 or 1")
        mark = self._mark
        new = mark if lower else f"CASE WHEN reward > {mark} THEN reward ELSE {mark} END"
        with self._cursor() as cursor:
            values = (reward, decision) if lower else (reward, reward, decision)
            cursor.execute(f"UPDATE decisions SET reward = {new} WHERE id = {mark}", values)
            if not cursor.rowcount:
                raise InputError("log.decision", f"decision '{decision}' is not in the log", "use add_decision's id")

    def settle(self, before: float) -> int:
        """Counts unrewarded decisions from before a moment [s since 1970] as worth nothing. Returns how many."""
        with self._cursor() as cursor:
            query = f"UPDATE decisions SET reward = 0 WHERE reward IS NULL AND time < {self._mark}"
            cursor.execute(query, (before,))
            return int(cursor.rowcount)

    def decisions(self, arms: int | None = None, *, width: int | None = None) -> Decisions:
        """Rewarded decisions by time, for ``recsys.off_policy``.

        Args:
            arms: Items offered; default: the commonest number.
            width: Features of a context; default: any, all alike.

        Raises:
            InputError: there are none.
        """
        rows = self._rewarded(width)
        numbers = [len(row[0]) for row in rows]
        arms = arms or max(sorted(set(numbers)), key=numbers.count, default=0)
        rows = [row for row in rows if len(row[0]) == arms]
        if not rows:
            what = f"the log has no rewarded decision{f' over {arms} items' if arms else ''}"
            raise InputError("log.decisions", what, "let a bandit recommend first: toile recsys recommend --bandit")
        contexts, arm, propensity, reward = (np.array(column) for column in zip(*rows, strict=True))
        return Decisions(contexts, arm, propensity, reward)

    def lessons(self, width: int) -> tuple[np.ndarray, np.ndarray]:
        """Features of the items shown first, shape [decision, width], and the rewards, of the latest decisions.

        At most ``LESSONS``: what is older teaches of a shop that has changed.
        """
        rows = self._rewarded(width, latest=LESSONS)
        shown = np.array([row[0][row[1]] for row in rows]).reshape(-1, width)
        return shown, np.array([row[3] for row in rows])

    def _rewarded(self, width: int | None, latest: int | None = None) -> list[tuple[Any, ...]]:
        """(contexts, arm, propensity, reward) of rewarded decisions by time, all or the latest ones."""
        order = "time, id" if latest is None else f"time DESC, id DESC LIMIT {latest}"
        query = f"SELECT contexts, arm, propensity, reward FROM decisions WHERE reward IS NOT NULL ORDER BY {order}"
        with self._cursor() as cursor:
            cursor.execute(query)
            rows = [(json.loads(r[0]), *r[1:]) for r in cursor.fetchall()]
        rows = rows if latest is None else rows[::-1]
        return [row for row in rows if width is None or len(row[0][0]) == width]

    def read(self, catalogue: Catalogue | None = None, *, user: str | None = None) -> tuple[EventTable, Catalogue]:
        """Events of all users or of one, sorted by time, users by pseudonym.

        Returns:
            Events; the catalogue, extended by items that only the log names.
        """
        items = {name: k for k, name in enumerate(catalogue.ids)} if catalogue else {}
        known, users = len(items), {}
        where, values = ("", ()) if user is None else (f"WHERE person = {self._mark} ", (self.pseudonym(user),))
        with self._cursor() as cursor:
            query = f"SELECT person, item, time, kind, value, zone, size FROM events {where}ORDER BY time, person, item"
            cursor.execute(query, values)
            rows = cursor.fetchall()
        user = np.fromiter((users.setdefault(r[0], len(users)) for r in rows), np.int32, len(rows))
        item = np.fromiter((items.setdefault(r[1], len(items)) for r in rows), np.int32, len(rows))
        time, kind = (np.array([r[c] for r in rows], dtype) for c, dtype in ((2, np.float64), (3, np.int8)))
        value = np.array([math.nan if r[4] is None else r[4] for r in rows], np.float32)
        new = list(items)[known:]
        catalogue = catalogue.extended(new) if catalogue else Catalogue.bare(new)
        zone, size = (Labels.of(r[c] for r in rows) for c in (5, 6))
        return EventTable(tuple(users), user, item, time, kind, value, zone, size), catalogue

    def forget(self, user: str) -> int:
        """Removes every event and decision of a user. Returns how many rows went; models must then be refitted."""
        person, gone = self.pseudonym(user), 0
        with self._cursor() as cursor:
            for table in ("events", "decisions"):
                cursor.execute(f"DELETE FROM {table} WHERE person = {self._mark}", (person,))
                gone += cursor.rowcount
        if isinstance(self._connection, sqlite3.Connection):
            # The deleted rows must not stay legible in free pages or in the write-ahead log.
            self._connection.execute("VACUUM")
            self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        return gone

    def count(self) -> int:
        """Number of events."""
        with self._cursor() as cursor:
            cursor.execute("SELECT COUNT(*) FROM events")
            return int(cursor.fetchone()[0])

    def close(self) -> None:
        """Closes the database."""
        self._connection.close()

    def _row(self, number: int, event: Event) -> tuple[Any, ...]:
        where = f"event {number}"
        texts = {"user": event.user, "item": event.item, "zone": event.zone or "-", "size": event.size or "-"}
        for name, text in texts.items():
            if not isinstance(text, str) or not 0 < len(text) <= MAX_ID:
                raise InputError("log.event", f"{where}: {name} is empty or too long", f"give 1 to {MAX_ID} characters")
        if event.kind not in EVENTS:
            raise InputError("log.event", f"{where}: '{event.kind}' is not an event", f"one of {', '.join(EVENTS)}")
        moment = clock.time() if event.time is None else float(event.time)
        value = event.value
        if event.kind == "fit":
            if value not in FITS:
                raise InputError("log.event", f"{where}: '{value}' is not a fit", f"one of {', '.join(FITS)}")
            value = FITS.index(value)
        elif event.kind == "rating":
            if not isinstance(value, (int, float)) or not 0 <= value <= 5:
                raise InputError("log.event", f"{where}: '{value}' is not a rating", "give 1 to 5 stars")
        else:
            value = None
        if not 0 <= moment <= 4_102_444_800:
            raise InputError("log.event", f"{where}: time {moment:g} is not Unix seconds", "give seconds since 1970")
        kind = EVENTS.index(event.kind)
        return self.pseudonym(event.user), event.item, moment, kind, value, event.zone, event.size

    def _many(self, statement: str, width: int, rows: list[tuple[Any, ...]]) -> None:
        with self._cursor() as cursor:
            cursor.executemany(f"{statement} ({', '.join([self._mark] * width)})", rows)

    @contextmanager
    def _cursor(self) -> Iterator[Any]:
        """A transaction: whole or not at all."""
        cursor = self._connection.cursor()
        try:
            yield cursor
            self._connection.commit()
        except InputError:
            self._connection.rollback()
            raise
        except Exception as error:  # sqlite3 and psycopg have no common root
            self._connection.rollback()
            raise JobError("log.database", f"{self._place}: {error}", "check the database") from None
        finally:
            cursor.close()


def open_log(place: str | Path, key_file: str | Path | None = None) -> EventLog:
    """Opens, or makes, an event log.

    Args:
        place: Path of a SQLite file, or ``postgresql://user@host/database``.
        key_file: Secret of the pseudonyms; default: beside the SQLite file, with suffix ``.key``. Made if missing,
            unless the log already has events: then the key was lost, and a new one would split every user in two.

    Raises:
        InputError: Not a log; a missing key. UnsupportedError: Postgres without psycopg.
    """
    text = str(place)
    if text.startswith(("postgres://", "postgresql://")):
        if key_file is None:
            raise InputError("log.key", "a Postgres log needs a key file", "give --key-file shop.key")
        return EventLog(_postgres(text), text.rpartition("@")[2], _key(Path(key_file), new=True))
    path = Path(place)
    new = not path.exists() or path.stat().st_size == 0
    path.parent.mkdir(parents=True, exist_ok=True)
    key = _key(Path(key_file) if key_file else path.with_name(path.name + ".key"), new=new)
    try:
        connection = sqlite3.connect(path, timeout=30)
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA secure_delete=ON")
    except sqlite3.DatabaseError as error:
        raise InputError("log.damaged", f"{path}: is not an event log: {error}", "give another file") from None
    return EventLog(connection, str(path), key)


def _postgres(url: str) -> Any:
    try:
        import psycopg
    except ImportError:
        raise UnsupportedError(
            "log.postgres", "a Postgres log needs psycopg", "pip install 'toile[postgres]', or use a SQLite file"
        ) from None
    try:
        return psycopg.connect(url, connect_timeout=10)
    except psycopg.Error as error:
        raise JobError("log.database", f"Postgres does not answer: {error}", "check URL and server") from None


def _key(path: Path, *, new: bool) -> bytes:
    if path.exists():
        key = path.read_bytes()
        if len(key) != 32:
            raise InputError("log.key", f"{path}: is not a key of 32 bytes", "restore it from a backup")
        return key
    if not new:
        raise InputError("log.key", f"{path}: the log's key is missing", "restore it: no user can be found without it")
    key = secrets.token_bytes(32)
    path.parent.mkdir(parents=True, exist_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
        stream.write(key)
    return key
