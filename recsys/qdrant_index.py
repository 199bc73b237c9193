"""The same index on a Qdrant server, for a shop that outgrows one process. The user starts the server.

Needs the optional package ``qdrant-client``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.core.errors import InputError, JobError, UnsupportedError
from recsys.vector_index import Attributes, Where, checked, checked_query

__all__ = ["QdrantIndex"]

BATCH = 1000


class QdrantIndex:
    """A collection on a Qdrant server; made when it is missing.

    Args:
        location: ``http://host:6333``, or ``:memory:`` for the client's own imitation (tests).
        collection: Its name.
        dimension: Of the vectors.
        api_key: Of the server, if it wants one.

    Raises:
        UnsupportedError: ``qdrant-client`` is not installed. JobError: the server does not answer.
    """

    def __init__(self, location: str, collection: str, dimension: int, *, api_key: str | None = None) -> None:
        try:
            from qdrant_client import QdrantClient, models
        except ImportError:
            hint = "pip install 'toile[qdrant]', or use the embedded index"
            raise UnsupportedError("index.qdrant", "a Qdrant index needs qdrant-client", hint) from None
        self._models, self._collection, self.dimension = models, collection, dimension
        self._names: set[str] | None = None
        target = {"location": location} if location == ":memory:" else {"url": location, "api_key": api_key}
        self._client = self._ask(lambda: QdrantClient(**target, timeout=30))
        if not self._ask(lambda: self._client.collection_exists(collection)):
            vectors = models.VectorParams(size=dimension, distance=models.Distance.COSINE)
            self._ask(lambda: self._client.create_collection(collection, vectors_config=vectors))

    def __len__(self) -> int:
        return int(self._ask(lambda: self._client.count(self._collection, exact=True)).count)

    def add(self, ids: np.ndarray, vectors: np.ndarray, attributes: Attributes | None = None) -> None:
        """See ``VectorIndex.add``."""
        ids, vectors, texts = checked(ids, vectors, attributes or {}, self.dimension)
        names = self._attribute_names()
        if names is not None and names != set(texts):
            raise InputError(
                "index.attributes", f"attributes {sorted(texts)}: the index has {sorted(names)}",
                "give the same attributes for every vector",
            )  # fmt: skip
        self._names = set(texts)
        for low in range(0, len(ids), BATCH):
            points = [
                self._models.PointStruct(
                    id=int(ids[row]), vector=vectors[row].tolist(), payload={n: t[row] for n, t in texts.items()}
                )
                for row in range(low, min(low + BATCH, len(ids)))
            ]
            self._ask(lambda points=points: self._client.upsert(self._collection, points, wait=True))

    def remove(self, ids: np.ndarray) -> int:
        """See ``VectorIndex.remove``."""
        wanted = [int(i) for i in np.atleast_1d(ids)]
        there = self._ask(lambda: self._client.retrieve(self._collection, wanted, with_payload=False))
        known = [point.id for point in there]
        if known:
            selector = self._models.PointIdsList(points=known)
            self._ask(lambda: self._client.delete(self._collection, points_selector=selector, wait=True))
        return len(known)

    def search(self, query: np.ndarray, k: int, where: Where | None = None) -> tuple[np.ndarray, np.ndarray]:
        """See ``VectorIndex.search``."""
        query, m = checked_query(query, k, self.dimension), self._models
        names = self._attribute_names()
        for name in where or {}:
            if names is not None and name not in names:
                raise InputError("index.filter", f"'{name}' is not an attribute", f"one of {sorted(names)}")
        must = [m.FieldCondition(key=n, match=m.MatchAny(any=list(texts))) for n, texts in (where or {}).items()]
        found = self._ask(lambda: self._client.query_points(
            self._collection, query=query.tolist(), limit=k, query_filter=m.Filter(must=must) if must else None,
        )).points  # fmt: skip
        found = sorted(found, key=lambda p: (-p.score, p.id))
        return np.array([p.id for p in found], np.int64), np.array([p.score for p in found], np.float32)

    def _attribute_names(self) -> set[str] | None:
        """Names of the attributes, None while the index is empty."""
        if self._names is None:
            first, _ = self._ask(lambda: self._client.scroll(self._collection, limit=1, with_payload=True))
            self._names = set(first[0].payload or {}) if first else None
        return self._names

    def _ask(self, call: Any) -> Any:
        try:
            return call()
        except InputError:
            raise
        except Exception as error:  # the client raises httpx, grpc and its own errors
            raise JobError("index.qdrant", f"Qdrant: {error}", "check that the server runs and its URL") from None
