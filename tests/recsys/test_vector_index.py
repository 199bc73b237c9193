"""One conformance suite for every vector index, and what the embedded one promises above."""

import numpy as np
import pytest

from engine.core.errors import InputError
from recsys import vector_index
from recsys.vector_index import EmbeddedIndex


def embedded(dimension):
    return EmbeddedIndex(dimension)


def listed(dimension):
    """The embedded index with its lists in use (see the fixture)."""
    return EmbeddedIndex(dimension, recall=1.0)


def qdrant(dimension):
    pytest.importorskip("qdrant_client", reason="qdrant-client is not installed (pip install .[qdrant])")
    from recsys.qdrant_index import QdrantIndex

    return QdrantIndex(":memory:", "garments", dimension)


@pytest.fixture(params=[embedded, listed, qdrant], ids=lambda f: f.__name__)
def make(request, monkeypatch):
    if request.param is listed:
        for name, value in (("EXACT_BELOW", 50), ("FEW", 5), ("LISTS", 16)):
            monkeypatch.setattr(vector_index, name, value)
    return request.param


@pytest.fixture
def table():
    rng = np.random.default_rng(3)
    vectors = rng.standard_normal((200, 8)).astype(np.float32)
    kinds = [("tee", "skirt", "coat")[k % 3] for k in range(200)]
    sizes = [("s", "m")[k % 2] for k in range(200)]
    return np.arange(200) * 7, vectors, {"kind": kinds, "size": sizes}


def brute(ids, vectors, query, keep, k):
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    score = np.where(keep, unit @ query / np.linalg.norm(query), -np.inf)
    order = np.argsort(-score)[: min(k, int(keep.sum()))]
    return ids[order], score[order]


@pytest.mark.parametrize("where", [None, {"kind": ["tee"]}, {"kind": ["tee", "coat"], "size": ["m"]}])
def test_finds_what_a_full_search_finds(make, table, where):
    ids, vectors, attributes = table
    index = make(8)
    index.add(ids, vectors, attributes)
    keep = np.ones(len(ids), bool)
    for name, texts in (where or {}).items():
        keep &= np.isin(attributes[name], texts)
    for query in np.random.default_rng(4).standard_normal((5, 8)).astype(np.float32):
        found, cosine = index.search(query, 10, where)
        truth, score = brute(ids, vectors, query, keep, 10)
        assert found.tolist() == truth.tolist()
        np.testing.assert_allclose(cosine, score, atol=1e-5)


def test_adding_again_replaces_and_removing_removes(make, table):
    ids, vectors, attributes = table
    index = make(8)
    index.add(ids, vectors, attributes)
    target = np.eye(8, dtype=np.float32)[2]
    index.add(ids[:1], target[None], {"kind": ["gown"], "size": ["s"]})
    assert len(index) == 200
    assert index.search(target, 1)[0].tolist() == [0]
    assert index.search(target, 5, {"kind": ["gown"]})[0].tolist() == [0]
    assert index.remove(np.array([0, 7, 99_999])) == 2
    assert len(index) == 198
    assert not {0, 7} & set(index.search(target, 198)[0].tolist())
    assert len(index.search(target, 5, {"kind": ["gown"]})[0]) == 0


def test_fewer_than_k_and_unknown_values(make, table):
    ids, vectors, attributes = table
    index = make(8)
    index.add(ids[:3], vectors[:3], {k: v[:3] for k, v in attributes.items()})
    assert len(index.search(vectors[0], 10)[0]) == 3
    assert len(index.search(vectors[0], 10, {"kind": ["hat"]})[0]) == 0


def test_an_empty_index_finds_nothing(make):
    index = make(4)
    assert len(index) == 0 and len(index.search(np.ones(4), 3)[0]) == 0


def test_wrong_input_is_refused(make, table):
    ids, vectors, attributes = table
    index = make(8)
    index.add(ids, vectors, attributes)
    with pytest.raises(InputError, match="zero or not finite"):
        index.add([1], np.zeros((1, 8)), {"kind": ["tee"], "size": ["s"]})
    with pytest.raises(InputError, match="do not go with"):
        index.add([1], np.ones((1, 7)), {"kind": ["tee"], "size": ["s"]})
    with pytest.raises(InputError, match="stands twice"):
        index.add([1, 1], np.ones((2, 8)), {"kind": ["tee"] * 2, "size": ["s"] * 2})
    with pytest.raises(InputError, match="the index has"):
        index.add([1], np.ones((1, 8)))
    with pytest.raises(InputError, match="not an attribute"):
        index.search(vectors[0], 3, {"colour": ["red"]})
    with pytest.raises(InputError, match="cannot be searched"):
        index.search(np.full(8, np.nan), 3)
    assert len(index) == 200


def test_lists_keep_the_promised_recall(monkeypatch):
    monkeypatch.setattr(vector_index, "EXACT_BELOW", 1000)
    monkeypatch.setattr(vector_index, "FEW", 100)
    monkeypatch.setattr(vector_index, "LISTS", 64)
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((20_000, 16)).astype(np.float32)
    kinds = rng.choice(["a", "b", "c", "d"], 20_000)
    index = EmbeddedIndex(16, recall=0.95)
    index.add(np.arange(19_500), vectors[:19_500], {"kind": kinds[:19_500]})
    index.add(np.arange(19_500, 20_000), vectors[19_500:], {"kind": kinds[19_500:]})
    assert index._share < 1
    found = 0
    for query in rng.standard_normal((40, 16)).astype(np.float32):
        truth, _ = brute(np.arange(20_000), vectors, query, kinds == "b", 10)
        found += len(set(index.search(query, 10, {"kind": ["b"]})[0].tolist()) & set(truth.tolist()))
    assert found >= 0.93 * 400
    assert index.memory_bytes < 20_000 * (16 * 4 + 8 + 1 + 4) + 64 * 64 + 1
