"""Ear clipping: a first triangulation of a simple polygon, without further points (Meisters 1975)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

__all__ = ["clip_ears", "orient"]

GOOD = 0.3  #: area over the longest side's square from which an ear is taken without looking for a better one [-]


def orient(a: Sequence[float], b: Sequence[float], c: Sequence[float]) -> float:
    """Twice the area of a triangle, positive if it is counter-clockwise."""
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def clip_ears(polygon: np.ndarray, eps: float) -> Iterator[tuple[int, int, int]]:
    """Counter-clockwise triangles of a polygon.

    Args:
        polygon: Corners of a simple polygon, counter-clockwise [m], shape [m, 2].
        eps: Twice the area [m2] up to which a corner counts as straight.
    """
    ring = list(range(len(polygon)))
    while len(ring) > 3:
        k = _ear(polygon[ring], eps)
        yield ring[k - 1], ring[k], ring[(k + 1) % len(ring)]
        ring.pop(k)
    yield tuple(ring)


def _ear(q: np.ndarray, eps: float) -> int:
    """The corner of a polygon q [m, 2] to cut off next."""
    corners = q.tolist()
    best, best_score = -1, -np.inf
    for k in range(len(q)):
        a, b, c = corners[k - 1], corners[k], corners[(k + 1) % len(q)]
        area = orient(a, b, c)
        if area <= eps:
            continue
        score = area / max(_length2(a, b), _length2(b, c), _length2(c, a))
        if score <= best_score:
            continue
        if _holds_others(q, k, eps):
            score -= 1e6
        if score > best_score:
            best, best_score = k, score
        if score > GOOD:  # spares the search
            break
    if best < 0:  # only straight corners are left
        turns = [orient(corners[k - 1], c, corners[(k + 1) % len(q)]) for k, c in enumerate(corners)]
        best = int(np.argmax(turns))
    return best


def _length2(a: list[float], b: list[float]) -> float:
    return (b[0] - a[0]) * (b[0] - a[0]) + (b[1] - a[1]) * (b[1] - a[1])


def _holds_others(q: np.ndarray, k: int, eps: float) -> bool:
    """Whether the ear at corner ``k`` of a polygon q [m, 2] holds any of the other corners."""
    around = [k - 1, k, (k + 1) % len(q)]
    a, b, c = q[around]
    d1 = (b[0] - a[0]) * (q[:, 1] - a[1]) - (b[1] - a[1]) * (q[:, 0] - a[0])
    d2 = (c[0] - b[0]) * (q[:, 1] - b[1]) - (c[1] - b[1]) * (q[:, 0] - b[0])
    d3 = (a[0] - c[0]) * (q[:, 1] - c[1]) - (a[1] - c[1]) * (q[:, 0] - c[0])
    inside = (d1 >= -eps) & (d2 >= -eps) & (d3 >= -eps)
    inside[around] = False
    return bool(inside.any())
