"""Items as vectors: their categories, numbers and words, and an embedding of another model where there is one."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import svds

from recsys.schema import Catalogue

__all__ = ["ItemFeatures", "item_features"]

WIDTH = 64
MAX_VALUES = 4_000
MIN_ITEMS = 2
_WORD = re.compile(r"[^\W\d_]{3,}")


@dataclass(frozen=True)
class ItemFeatures:
    """Unit vectors of items.

    Attributes:
        vectors: float32, shape [item, dimension]; rows of zeros for items of which nothing is known.
        known: Items of which something is known, bool, shape [item].
        price: log of the number column ``price``, standardised, 0 where unknown, shape [item].
        values: Which attribute values an item has, float32, shape [item, value]; those of one column of the table
            sum to 1 for an item that has any.
        column: Column of each value, int64, shape [value].
    """

    vectors: np.ndarray
    known: np.ndarray
    price: np.ndarray
    values: sparse.csr_matrix
    column: np.ndarray


def item_features(catalogue: Catalogue, *, seed: int = 0) -> ItemFeatures:
    """Describes every item; attributes weigh by their rarity (idf), and an embedding as much as all attributes.

    Values that fewer than two items share say nothing of likeness and are left out.
    """
    n = len(catalogue)
    columns = _value_blocks(catalogue)
    weighted = [_weighted(block) for block in columns]
    blocks = [_reduced(_side_by_side(weighted, n), seed)]
    if catalogue.embedding is not None:
        blocks.append(_unit(_filled(catalogue.embedding)))
    vectors = _unit(np.hstack(blocks)) if blocks[0].shape[1] or len(blocks) > 1 else np.zeros((n, 1), np.float32)
    values = _side_by_side([_unit_sum(block) for block in columns], n)
    column = np.repeat(np.arange(len(columns)), [block.shape[1] for block in columns])
    return ItemFeatures(vectors.astype(np.float32), np.abs(vectors).sum(1) > 0, _price(catalogue), values, column)


def _value_blocks(catalogue: Catalogue) -> list[sparse.csr_matrix]:
    """Which values the items have, 0 or 1, shape [item, value], for each column of the table that tells them apart."""
    n = len(catalogue)
    columns = [[set(values) for values in column] for column in catalogue.categories.values()]
    columns.append([set(_WORD.findall(name.lower())) for name in catalogue.names])
    blocks = [block for column in columns if (block := _value_block(column, n)) is not None]
    for values in catalogue.numbers.values():
        filled = np.isfinite(values)
        edges = np.unique(np.quantile(values[filled], [0.2, 0.4, 0.6, 0.8]))
        bins = np.searchsorted(edges, values, side="right")
        soft = [{f"{b}"} if ok else set() for b, ok in zip(bins, filled, strict=True)]
        if (block := _value_block(soft, n)) is not None:
            blocks.append(block)
    return blocks


def _side_by_side(blocks: list[sparse.csr_matrix], n: int) -> sparse.csr_matrix:
    return sparse.hstack(blocks, format="csr") if blocks else sparse.csr_matrix((n, 0), dtype=np.float32)


def _value_block(column: list[set[str]], n: int) -> sparse.csr_matrix | None:
    count: dict[str, int] = {}
    for values in column:
        for value in values:
            count[value] = count.get(value, 0) + 1
    common = sorted((v for v, c in count.items() if MIN_ITEMS <= c < n), key=lambda v: (-count[v], v))[:MAX_VALUES]
    place = {value: k for k, value in enumerate(common)}
    if not place:
        return None
    rows, cols = [], []
    for row, values in enumerate(column):
        for value in sorted(values):
            if value in place:
                rows.append(row)
                cols.append(place[value])
    return sparse.csr_matrix((np.ones(len(rows), np.float32), (rows, cols)), shape=(n, len(common)))


def _weighted(block: sparse.csr_matrix) -> sparse.csr_matrix:
    """Values by their rarity; rows half-way between counting columns alike and letting rare values speak louder."""
    count = np.asarray(block.sum(0), np.float64).ravel()
    matrix = block @ sparse.diags(np.log(block.shape[0] / count))
    length = np.sqrt(np.asarray(matrix.multiply(matrix).sum(1)).ravel())
    return _scaled(matrix, np.sqrt(length))


def _unit_sum(block: sparse.csr_matrix) -> sparse.csr_matrix:
    return _scaled(block, np.asarray(block.sum(1), np.float64).ravel())


def _scaled(matrix: sparse.csr_matrix, size: np.ndarray) -> sparse.csr_matrix:
    """Rows divided by their sizes, float32; empty ones stay."""
    scale = np.divide(1.0, size, out=np.zeros(len(size)), where=size > 0)
    return sparse.csr_matrix(sparse.diags(scale) @ matrix, dtype=np.float32)


def _reduced(matrix: sparse.csr_matrix, seed: int) -> np.ndarray:
    """At most ``WIDTH`` dimensions that keep the inner products best (truncated SVD), rows of unit length."""
    if min(matrix.shape) <= WIDTH:
        return _unit(matrix.toarray().astype(np.float32))
    start = np.random.default_rng(seed).standard_normal(min(matrix.shape))
    left, size, _ = svds(matrix, k=min(WIDTH, min(matrix.shape) - 1), v0=start)
    return _unit(left * size)


def _unit(vectors: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 1e-9)


def _filled(embedding: np.ndarray) -> np.ndarray:
    known = np.isfinite(embedding).all(1)
    centred = np.where(known[:, None], embedding - embedding[known].mean(0), 0.0)
    return centred.astype(np.float32)


def _price(catalogue: Catalogue) -> np.ndarray:
    price = catalogue.numbers.get("price")
    if price is None:
        return np.zeros(len(catalogue), np.float32)
    good = np.isfinite(price) & (price > 0)
    log = np.log(np.where(good, price, 1.0))
    spread = log[good].std() if good.any() else 0.0
    return np.where(good, (log - log[good].mean()) / spread, 0.0).astype(np.float32) if spread else np.zeros_like(log)
