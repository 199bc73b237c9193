"""What customers let a shop keep of their bodies: a file of its own, apart from the event log, able to forget.

Rows are filed under the log's pseudonyms. The recommender never opens this file; only the size model does.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable
from pathlib import Path

from engine.core.errors import InputError
from engine.core.measurements import MEASUREMENTS
from recsys.size_bodies import Known

__all__ = ["BodyStore"]

_TABLE = (
    "CREATE TABLE IF NOT EXISTS bodies (person TEXT NOT NULL, name TEXT NOT NULL, value DOUBLE NOT NULL, "
    "stderr DOUBLE NOT NULL, PRIMARY KEY (person, name))"
)


class BodyStore:
    """Measurements of people [m] with their standard errors.

    Args:
        path: SQLite file, made if missing.
        pseudonym: The event log's, from user id to the name that rows are filed under.
    """

    def __init__(self, path: str | Path, pseudonym: Callable[[str], str]) -> None:
        self._pseudonym = pseudonym
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        try:
            self._connection = sqlite3.connect(path, timeout=30)
            self._connection.execute("PRAGMA secure_delete=ON")
            self._connection.execute(_TABLE)
        except sqlite3.DatabaseError as error:
            raise InputError("bodies.damaged", f"{path}: is not a store of bodies: {error}", "remove it") from None

    def put(self, user: str, known: Known) -> int:
        """Keeps a person's measurements in place of those kept before. Returns how many."""
        rows = []
        for name, (value, stderr) in known.items():
            if name not in MEASUREMENTS or not (math.isfinite(value) and value > 0 and math.isfinite(stderr)):
                raise InputError("bodies.value", f"{name}: {value} cannot be kept", "give a measurement in metres")
            rows.append((self._pseudonym(user), name, float(value), float(max(stderr, 0.0))))
        with self._connection as connection:
            connection.execute("DELETE FROM bodies WHERE person = ?", (self._pseudonym(user),))
            connection.executemany("INSERT INTO bodies VALUES (?, ?, ?, ?)", rows)
        return len(rows)

    def get(self, user: str) -> dict[str, tuple[float, float]]:
        """What is kept of one person; nothing for one that is not known."""
        query = "SELECT name, value, stderr FROM bodies WHERE person = ? ORDER BY name"
        rows = self._connection.execute(query, (self._pseudonym(user),)).fetchall()
        return {name: (value, stderr) for name, value, stderr in rows}

    def all(self) -> dict[str, dict[str, tuple[float, float]]]:
        """What is kept of everybody, by pseudonym."""
        out: dict[str, dict[str, tuple[float, float]]] = {}
        query = "SELECT person, name, value, stderr FROM bodies ORDER BY person, name"
        for person, name, value, stderr in self._connection.execute(query):
            out.setdefault(person, {})[name] = (value, stderr)
        return out

    def forget(self, user: str) -> int:
        """Removes a person. Returns how many measurements went."""
        with self._connection as connection:
            cursor = connection.execute("DELETE FROM bodies WHERE person = ?", (self._pseudonym(user),))
        self._connection.execute("VACUUM")
        return cursor.rowcount

    def close(self) -> None:
        """Closes the file."""
        self._connection.close()
