"""Nearest vectors with a filter: one protocol, and an embedded index in NumPy that needs no server.

The embedded index searches exactly up to 50,000 vectors and where a filter leaves few of them. Above, it is an
inverted file (Jegou et al. 2011): vectors lie in the lists of a spherical k-means, and only the lists nearest to the
query are looked at, how many being measured on the vectors themselves so that the promised recall is kept. Vectors
added later are searched exactly until they are a twentieth of all; then the lists are built anew.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Protocol

import numpy as np

from engine.core.errors import InputError

__all__ = ["VectorIndex", "EmbeddedIndex", "Attributes", "Where"]

Where = Mapping[str, Collection[str]]
Attributes = Mapping[str, Collection[str]]
EXACT_BELOW = 50_000
FEW = 20_000
LISTS = 1024
FRESH_SHARE = 0.05
PROBE_QUERIES = 96
SHARES = (0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.6, 1.0)


class VectorIndex(Protocol):
    """Vectors with ids and text attributes, searched by cosine."""

    def add(self, ids: np.ndarray, vectors: np.ndarray, attributes: Attributes | None = None) -> None:
        """Adds vectors, or replaces those of the same ids.

        Args:
            ids: int64, not negative, distinct, shape [vector].
            vectors: Not zero, finite, float32, shape [vector, dimension].
            attributes: Per name one text a vector; the names must be the same in every call.
        """

    def remove(self, ids: np.ndarray) -> int:
        """Removes vectors; unknown ids are no error. Returns how many went."""

    def search(self, query: np.ndarray, k: int, where: Where | None = None) -> tuple[np.ndarray, np.ndarray]:
        """The ``k`` nearest to ``query`` (shape [dimension]) whose attributes are among those that ``where`` names.

        Returns:
            ids and cosines, the nearest first, fewer than ``k`` where there are no more.
        """

    def __len__(self) -> int: ...


class EmbeddedIndex:
    """The index in this process's memory.

    Args:
        dimension: Of the vectors.
        recall: Share of the true nearest ten that an inexact search finds on average.
        seed: Of the k-means.
    """

    def __init__(self, dimension: int, *, recall: float = 0.97, seed: int = 0) -> None:
        self.dimension, self.recall, self.seed = dimension, recall, seed
        self._ids = np.empty(0, np.int64)
        self._vectors = np.empty((0, dimension), np.float32)
        self._alive = np.empty(0, bool)
        self._codes: dict[str, np.ndarray] = {}
        self._values: dict[str, dict[str, int]] = {}
        self._place: dict[int, int] | None = {}
        self._centres, self._bounds, self._share = None, np.zeros(1, np.int64), 1.0

    def __len__(self) -> int:
        return int(self._alive.sum())

    @property
    def memory_bytes(self) -> int:
        """Bytes of the arrays held."""
        arrays = [self._ids, self._vectors, self._alive, *self._codes.values()]
        return sum(a.nbytes for a in arrays) + (0 if self._centres is None else self._centres.nbytes)

    def add(self, ids: np.ndarray, vectors: np.ndarray, attributes: Attributes | None = None) -> None:
        """See ``VectorIndex.add``."""
        ids, vectors, attributes = checked(ids, vectors, attributes or {}, self.dimension)
        if len(self._ids) and set(attributes) != set(self._codes):
            raise InputError(
                "index.attributes", f"attributes {sorted(attributes)}: the index has {sorted(self._codes)}",
                "give the same attributes for every vector",
            )  # fmt: skip
        self.remove(ids)
        for name, texts in attributes.items():
            known = self._values.setdefault(name, {})
            codes = np.array([known.setdefault(text, len(known)) for text in texts], np.int32)
            self._codes[name] = np.concatenate([self._codes.get(name, np.empty(0, np.int32)), codes])
        self._ids = np.concatenate([self._ids, ids])
        self._vectors = np.concatenate([self._vectors, vectors])
        self._alive = np.concatenate([self._alive, np.ones(len(ids), bool)])
        self._place = None
        fresh = len(self._ids) - self._bounds[-1]
        if len(self._ids) > EXACT_BELOW and fresh > FRESH_SHARE * len(self._ids):
            self._build()

    def remove(self, ids: np.ndarray) -> int:
        """See ``VectorIndex.remove``."""
        if self._place is None:
            rows = np.flatnonzero(self._alive)
            self._place = dict(zip(self._ids[rows].tolist(), rows.tolist(), strict=True))
        rows = [self._place.pop(int(i)) for i in np.atleast_1d(ids) if int(i) in self._place]
        self._alive[rows] = False
        return len(rows)

    def search(self, query: np.ndarray, k: int, where: Where | None = None) -> tuple[np.ndarray, np.ndarray]:
        """See ``VectorIndex.search``."""
        query = checked_query(query, k, self.dimension)
        keep = self._alive if where is None else self._passing(where)
        if self._centres is None:
            rows, scores = np.arange(len(self._ids)), self._vectors @ query
        else:
            passing = np.count_nonzero(keep)
            if passing <= FEW:
                rows = np.flatnonzero(keep)
                scores = self._vectors[rows] @ query
            else:
                # The rarer the vectors that pass, the farther the nearest ten of them lie.
                share = self._share * min((len(keep) / passing) ** 0.15, 2.0)
                rows, scores = self._probe(query, share)
        scores = np.where(keep[rows], scores, -np.inf)
        k = min(k, len(scores))
        best = np.argpartition(-scores, k - 1)[:k] if 0 < k < len(scores) else np.arange(len(scores))
        best = best[np.isfinite(scores[best])]
        best = best[np.lexsort((self._ids[rows[best]], -scores[best]))][:k]
        return self._ids[rows[best]], scores[best]

    def _passing(self, where: Where) -> np.ndarray:
        keep = self._alive.copy()
        for name, texts in where.items():
            if len(self._ids) and name not in self._codes:
                raise InputError("index.filter", f"'{name}' is not an attribute", f"one of {sorted(self._codes)}")
            known = self._values.get(name, {})
            wanted = [known[t] for t in texts if t in known]
            if len(wanted) == 1:
                keep &= self._codes[name] == wanted[0]
            elif len(self._ids):
                chosen = np.zeros(len(known), bool)
                chosen[wanted] = True
                keep &= chosen[self._codes[name]]
        return keep

    def _probe(self, query: np.ndarray, share: float) -> tuple[np.ndarray, np.ndarray]:
        """Rows and cosines in the lists nearest to the query that hold ``share`` of the vectors, and of fresh ones."""
        built = int(self._bounds[-1])
        near = np.argsort(-(self._centres @ query))
        size = np.diff(self._bounds)[near]
        lists = near[: int(np.searchsorted(np.cumsum(size), share * built)) + 1]
        # Neighbouring lists are read as one run of memory.
        chosen = np.zeros(len(near) + 2, np.int8)
        chosen[lists + 1] = 1
        edges = np.flatnonzero(np.diff(chosen)).reshape(-1, 2)
        runs = [(self._bounds[a], self._bounds[b]) for a, b in edges] + [(built, len(self._ids))]
        total = int(sum(high - low for low, high in runs))
        rows, scores, at = np.empty(total, np.int64), np.empty(total, np.float32), 0
        for low, high in runs:
            rows[at : at + high - low] = np.arange(low, high)
            np.dot(self._vectors[low:high], query, out=scores[at : at + high - low])
            at += high - low
        return rows, scores

    def _build(self) -> None:
        """Drops removed vectors, sorts the others into lists, measures how many lists a search must visit."""
        alive = self._alive
        vectors = self._vectors[alive]
        centres = _spherical_k_means(vectors, LISTS, np.random.default_rng(self.seed))
        owner = np.concatenate([(vectors[i : i + 8192] @ centres.T).argmax(1) for i in range(0, len(vectors), 8192)])
        order = np.argsort(owner, kind="stable")
        rows = np.flatnonzero(alive)[order]
        self._vectors, self._ids = np.ascontiguousarray(vectors[order]), self._ids[rows]
        self._codes = {name: codes[rows] for name, codes in self._codes.items()}
        self._alive, self._place = np.ones(len(rows), bool), None
        self._centres, self._bounds = centres, np.searchsorted(owner[order], np.arange(LISTS + 1))
        self._share = self._needed_share()

    def _needed_share(self) -> float:
        """The smallest share of vectors that keeps the recall, for queries between vectors and noise."""
        rng = np.random.default_rng(self.seed + 1)
        queries = self._vectors[rng.choice(len(self._vectors), PROBE_QUERIES)]
        noise = rng.standard_normal(queries.shape).astype(np.float32)
        queries = queries + 0.5 * noise / np.linalg.norm(noise, axis=1, keepdims=True)
        exact = [set(np.argpartition(-(self._vectors @ q), 10)[:10].tolist()) for q in queries]
        for share in SHARES:
            found = 0
            for query, truth in zip(queries, exact, strict=True):
                rows, scores = self._probe(query, share)
                best = np.argpartition(-scores, 10)[:10] if len(rows) > 10 else np.arange(len(rows))
                found += len(truth & set(rows[best].tolist()))
            if found >= self.recall * 10 * len(queries):
                return share
        return 1.0


def checked(
    ids: np.ndarray, vectors: np.ndarray, attributes: Attributes, dimension: int
) -> tuple[np.ndarray, np.ndarray, dict[str, list[str]]]:
    """Ids, vectors of unit length and attributes; InputError where they are wrong."""
    ids, vectors = np.asarray(ids, np.int64).ravel(), np.asarray(vectors, np.float32)
    lists = {name: list(texts) for name, texts in attributes.items()}
    if vectors.shape != (len(ids), dimension) or any(len(texts) != len(ids) for texts in lists.values()):
        raise InputError(
            "index.shape", f"{len(ids)} ids do not go with vectors {vectors.shape} and their attributes",
            f"give one vector of {dimension} numbers, and one text per attribute, for each id",
        )  # fmt: skip
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    if not (np.isfinite(length) & (length > 0)).all():
        bad = int(np.flatnonzero(~(np.isfinite(length) & (length > 0)).ravel())[0])
        raise InputError("index.vector", f"vector {bad} is zero or not finite", "leave it out")
    if len(np.unique(ids)) != len(ids) or (len(ids) and ids.min() < 0):
        raise InputError("index.ids", "an id stands twice or is negative", "give distinct ids from 0 up")
    return ids, vectors / length, lists


def checked_query(query: np.ndarray, k: int, dimension: int) -> np.ndarray:
    """The query at unit length; InputError where it is wrong."""
    query = np.asarray(query, np.float32).ravel()
    length = float(np.linalg.norm(query))
    if query.shape != (dimension,) or not np.isfinite(length) or length == 0 or k < 1:
        raise InputError(
            "index.query", f"query of shape {query.shape}, k {k}: cannot be searched",
            f"give {dimension} finite numbers, not all zero, and k of at least 1",
        )  # fmt: skip
    return query / length


def _spherical_k_means(vectors: np.ndarray, k: int, rng: np.random.Generator, rounds: int = 6) -> np.ndarray:
    """Unit centres, shape [k, dimension], from a sample of 60 vectors a centre."""
    sample = vectors[rng.choice(len(vectors), min(60 * k, len(vectors)), replace=False)]
    centres = sample[:k].copy()
    for _ in range(rounds):
        owner = np.concatenate([(sample[i : i + 8192] @ centres.T).argmax(1) for i in range(0, len(sample), 8192)])
        order = np.argsort(owner, kind="stable")
        first = np.searchsorted(owner[order], np.arange(k))
        filled = np.bincount(owner, minlength=k) > 0
        sums = np.add.reduceat(sample[order], np.minimum(first, len(sample) - 1), axis=0)
        centres = np.where(filled[:, None], sums, centres)
        centres /= np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-9)
    return centres.astype(np.float32)
