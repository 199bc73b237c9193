"""Tiles of the cloth's flat panels, by which contact search leaves out what provably cannot touch.

A map of a convex flat region into space is free of self-contact if, seen in one plane, every triangle's deformation
gradient G has a positive definite symmetric part: for two points p, q of the region, the way from p to q in that plane
goes forward along q - p all the way. The condition is convex in the positions, so what holds at both ends of a step
holds all through it. (The classic criterion of monotone maps; contact search by normal cones, Volino and Thalmann
1994, is its relative for closed regions.) Regions are blocks of two by two tiles; where a panel's border is concave,
the turning of the border tightens the condition.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse
import scipy.sparse.csgraph

from sim.cloth import Cloth
from sim.kernels.search import PARTS

__all__ = ["Tiles", "build_tiles"]

ACROSS = 3.5  #: edges along a tile's side
LEAST = 0.05  #: of the gradient's symmetric part, which is 1 at rest
TURN_MOST = 0.3  #: concave turning of the border within a block from which nothing is proven [rad]


@dataclass(frozen=True)
class Tiles:
    """Triangles, edges and particles by tile; the blocks of tiles, and what has to hold in each.

    Triangles and edges are counted in the order of their tiles, and within them by ``PARTS`` parts, so that what is
    searched together lies together.
    """

    tri_order: np.ndarray  #: the cloth's triangles, shape [T]
    tri_start: np.ndarray  #: where each part's begin, shape [PARTS * K + 1]
    edge_order: np.ndarray  #: the cloth's edges, shape [E]
    edge_start: np.ndarray  #: shape [PARTS * K + 1]
    vertex_tile: np.ndarray  #: shape [P]
    edge_tile: np.ndarray  #: shape [E]
    tile_blocks: np.ndarray  #: the four blocks that hold a tile, shape [K, 4]
    block_start: np.ndarray  #: shape [B + 1]
    block_tri: np.ndarray  #: triangles that a straight line within the block can meet
    block_need: np.ndarray  #: least eigenvalue that proves it free of contact [-], shape [B]
    vertex_block_start: np.ndarray  #: shape [P + 1]
    vertex_block: np.ndarray  #: blocks on which a particle's motion bears


def build_tiles(cloth: Cloth) -> Tiles:
    """Cuts every panel into square tiles of about ``ACROSS`` edges."""
    n, count = len(cloth.mass), len(cloth.faces)
    rest, low, high = cloth.rest, cloth.rest.min(1), cloth.rest.max(1)
    side = max(ACROSS * np.sqrt(cloth.area.mean() * 4 / np.sqrt(3)), 1.4 * float((high - low).max()))
    place = rest.mean(1) / side
    cell = np.floor(place).astype(np.int64)
    part = ((place - cell) * 2).astype(np.int64) @ (2, 1)
    cell -= cell.min(0) - 2
    wide, tall = cell.max(0) + 3
    key = (cloth.panel.astype(np.int64) * wide + cell[:, 0]) * tall + cell[:, 1]
    tile_key, tile = np.unique(key, return_inverse=True)
    corners = tile_key[:, None] - np.array([tall + 1, tall, 1, 0])
    block_key, tile_blocks = np.unique(corners.ravel(), return_inverse=True)
    tile_blocks = tile_blocks.reshape(-1, 4)
    block, tri = _lines_of_sight(key, tile, tile_blocks, block_key, int(tall), low, high)
    need = LEAST + _penalty(cloth, block, tri, len(block_key))
    part += PARTS * tile
    tri_start, tri_order = _grouped(part, np.arange(count), PARTS * len(tile_key))
    number = np.empty(count, np.int64)
    number[tri_order] = np.arange(count)
    first = np.zeros(n, np.int64)
    first[cloth.faces.ravel()[::-1]] = np.repeat(tile, 3)[::-1]
    edge_part = _part_of_edges(cloth, part)
    edge_start, edge_order = _grouped(edge_part, np.arange(len(edge_part)), PARTS * len(tile_key))
    block_start, block_tri = _grouped(block, number[tri], len(block_key))
    bears = np.unique(cloth.faces[tri].astype(np.int64).ravel() * len(block_key) + np.repeat(block, 3))
    vertex_start, vertex_block = _grouped(bears // len(block_key), bears % len(block_key), n)
    lists = (tri_order, tri_start, edge_order, edge_start, first, edge_part[edge_order] // PARTS, tile_blocks)
    return Tiles(
        *[a.astype(np.int32) for a in (*lists, block_start, block_tri)], need.astype(np.float32),
        vertex_start.astype(np.int32), vertex_block.astype(np.int32),
    )


def _lines_of_sight(key, tile, tile_blocks, block_key, tall: int, low, high) -> tuple[np.ndarray, np.ndarray]:
    """(block, triangle) pairs: all triangles of the panel whose box meets the box of the block's own triangles."""
    own = tile_blocks[tile]
    size = len(block_key)
    block_low, block_high = np.full((size, 2), np.inf), np.full((size, 2), -np.inf)
    for k in range(4):
        np.minimum.at(block_low, own[:, k], low)
        np.maximum.at(block_high, own[:, k], high)
    blocks, tris = [], []
    for dx in range(-2, 2):
        for dy in range(-2, 2):
            wanted = key + dx * tall + dy
            at = np.minimum(np.searchsorted(block_key, wanted), size - 1)
            hit = (block_key[at] == wanted) & ((low <= block_high[at]) & (high >= block_low[at])).all(1)
            blocks.append(at[hit])
            tris.append(np.flatnonzero(hit))
    return np.concatenate(blocks), np.concatenate(tris)


def _penalty(cloth: Cloth, block: np.ndarray, tri: np.ndarray, size: int) -> np.ndarray:
    """What the panel's border adds to a block's condition: grows with its concave turning, infinite if it parts it."""
    flat, count = cloth.flat.astype(np.int64), len(cloth.flat)
    half = np.sort(np.stack([flat, np.roll(flat, -1, axis=1)], -1), axis=-1).reshape(-1, 2)
    edge_key = half[:, 0] * (flat.max() + 1) + half[:, 1]
    order = np.argsort(edge_key, kind="stable")
    same = np.flatnonzero(edge_key[order][1:] == edge_key[order][:-1])
    beside = np.stack([order[same] // 3, order[same + 1] // 3], 1)
    border = np.ones(len(edge_key), bool)
    border[order[same]] = border[order[same + 1]] = False
    d1, d2 = np.roll(cloth.rest, -1, axis=1) - cloth.rest, np.roll(cloth.rest, 1, axis=1) - cloth.rest
    angle = np.arctan2(np.abs(d1[..., 0] * d2[..., 1] - d1[..., 1] * d2[..., 0]), (d1 * d2).sum(-1))
    angle = np.bincount(flat.ravel(), angle.ravel())
    turn = np.zeros(len(angle))
    ends = np.unique(half[border])
    turn[ends] = np.maximum(angle[ends] - np.pi, 0.0)
    at = np.unique(np.repeat(block, 3) * len(turn) + flat[tri].ravel())
    total = np.bincount(at // len(turn), turn[at % len(turn)], minlength=size)
    whole = _pieces(beside, block, tri, size, count) == 1
    return np.where(whole & (total < TURN_MOST), 1.5 * total, np.inf)


def _pieces(beside: np.ndarray, block: np.ndarray, tri: np.ndarray, size: int, count: int) -> np.ndarray:
    """Number of connected pieces that a block's triangles form, given the pairs of neighbours ``beside``."""
    # nodes are (block, triangle), joined where two neighbours lie in the same block
    node = np.sort(block * count + tri)
    start, entry = _grouped(tri, block, count)
    times = np.diff(start)[beside[:, 0]]
    pair = np.repeat(np.arange(len(beside)), times)
    offset = np.arange(len(pair)) - np.repeat(np.cumsum(times) - times, times)
    mine = entry[start[beside[pair, 0]] + offset] * count
    at = np.minimum(np.searchsorted(node, mine + beside[pair, 1]), len(node) - 1)
    hit = node[at] == mine + beside[pair, 1]
    i, j = np.searchsorted(node, mine[hit] + beside[pair[hit], 0]), at[hit]
    graph = scipy.sparse.coo_matrix((np.ones(len(i), bool), (i, j)), shape=(len(node), len(node)))
    _, piece = scipy.sparse.csgraph.connected_components(graph, directed=False)
    owner = node // count
    _, where = np.unique(piece, return_index=True)
    return np.bincount(owner[where], minlength=size)


def _part_of_edges(cloth: Cloth, part: np.ndarray) -> np.ndarray:
    """Part of one triangle beside every edge."""
    half = np.sort(np.stack([cloth.faces, np.roll(cloth.faces, -1, axis=1)], -1), axis=-1).reshape(-1, 2)
    n = len(cloth.mass)
    edge_key = cloth.edges[:, 0].astype(np.int64) * n + cloth.edges[:, 1]
    at = np.searchsorted(edge_key, (half[:, 0].astype(np.int64) * n + half[:, 1])[::-1])
    out = np.zeros(len(edge_key), np.int64)
    out[at] = np.repeat(part, 3)[::-1]
    return out


def _grouped(bucket: np.ndarray, value: np.ndarray, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Values sorted by bucket (stable), and where each bucket starts."""
    order = np.argsort(bucket, kind="stable")
    return np.concatenate([[0], np.cumsum(np.bincount(bucket, minlength=count))]), np.asarray(value)[order]
