"""Constrained Delaunay triangulation of one simple polygon with lines and points inside, graded and relaxed.

The polygon's sides are kept as they are (their sampling is shared with the seam partners). Ear clipping gives a first
triangulation, edge flips (Lawson 1977) make it constrained Delaunay, flips also bring in the sides of inner lines
(Sloan 1993), interior points start on a hexagonal lattice, circumcentres are added where angles are small (Chew 1993)
and interior points are relaxed.
"""

from __future__ import annotations

import bisect

import numpy as np

from garments.ear_clipping import clip_ears, orient

__all__ = ["in_polygon", "min_angles", "triangulate"]

#: Angles that refinement aims for; below this a circumcentre is tried [rad].
TARGET_ANGLE = np.radians(28.0)


def min_angles(points: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Smallest angle of each triangle [rad], shape [T]."""
    p = np.asarray(points, float)[faces]
    angles = []
    for i in range(3):
        u, v = p[:, (i + 1) % 3] - p[:, i], p[:, (i + 2) % 3] - p[:, i]
        cross = np.abs(u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0])
        angles.append(np.arctan2(cross, (u * v).sum(1)))
    return np.min(angles, axis=0)


def triangulate(
    boundary: np.ndarray, spacing: float, inner: np.ndarray | None = None, sides: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Triangles of a polygon.

    Args:
        boundary: Corners of a simple polygon, counter-clockwise [m], shape [B, 2].
        spacing: Wanted edge length inside [m].
        inner: Points inside that are kept [m], shape [I, 2].
        sides: Pairs of points, numbered through boundary and inner, that become edges, shape [S, 2].

    Returns:
        Points [m], shape [N, 2], the first B + I of which are the given ones; and counter-clockwise faces, shape
        [T, 3].

    Raises:
        ValueError: an inner point lies outside or on another, or sides cross.
    """
    mesh = _Triangulation(np.asarray(boundary, float))
    if inner is not None and sides is not None:
        mesh.constrain(np.asarray(inner, float).reshape(-1, 2), np.asarray(sides, int).reshape(-1, 2))
    for p in _lattice(mesh, spacing):
        mesh.insert(p)
    for _ in range(3):
        mesh.refine(spacing)
        mesh.relax(4)
    mesh.relax(6)
    return np.array(mesh.points), mesh.faces()


def _lattice(mesh: _Triangulation, spacing: float) -> np.ndarray:
    """Points of a hexagonal lattice well inside the polygon, sparser near short sides is left to refinement."""
    low, high = mesh.boundary.min(0), mesh.boundary.max(0)
    rise = spacing * np.sqrt(3) / 2
    centre = (low + high) / 2
    rows = np.arange(-np.ceil((high[1] - low[1]) / 2 / rise), np.ceil((high[1] - low[1]) / 2 / rise) + 1)
    cols = np.arange(-np.ceil((high[0] - low[0]) / 2 / spacing) - 1, np.ceil((high[0] - low[0]) / 2 / spacing) + 2)
    r, c = np.meshgrid(rows, cols, indexing="ij")
    points = np.stack([centre[0] + (c + 0.5 * (r % 2)) * spacing, centre[1] + r * rise], -1).reshape(-1, 2)
    inside = points[in_polygon(points, mesh.boundary)]
    if len(inside) == 0:
        return inside
    distance, size = mesh.boundary_distance(inside)
    return inside[distance > 0.62 * np.minimum(spacing, size + 0.5 * distance)]


def in_polygon(points: np.ndarray, polygon: np.ndarray) -> np.ndarray:
    """Whether points [n, 2] lie inside a polygon [m, 2], shape [n]."""
    x, y = points[:, 0, None], points[:, 1, None]
    (x0, y0), (x1, y1) = polygon.T, np.roll(polygon, -1, axis=0).T
    with np.errstate(divide="ignore", invalid="ignore"):
        hit = ((y0 > y) != (y1 > y)) & (x < (x1 - x0) * (y - y0) / (y1 - y0) + x0)
    return hit.sum(1) % 2 == 1


def _in_circle(a: list[float], b: list[float], c: list[float], d: list[float]) -> float:
    ax, ay, bx, by, cx, cy = a[0] - d[0], a[1] - d[1], b[0] - d[0], b[1] - d[1], c[0] - d[0], c[1] - d[1]
    a2, b2, c2 = ax * ax + ay * ay, bx * bx + by * by, cx * cx + cy * cy
    return ax * (by * c2 - b2 * cy) - ay * (bx * c2 - b2 * cx) + a2 * (bx * cy - by * cx)


class _Triangulation:
    """Triangles held as directed edges: ``apex[a, b] = c`` for every counter-clockwise triangle a, b, c."""

    def __init__(self, boundary: np.ndarray) -> None:
        self.boundary, self.kept = boundary, len(boundary)
        self.sides = np.stack([boundary, np.roll(boundary, -1, axis=0)], 1)
        self.scale = float(np.ptp(boundary, axis=0).max())
        self.eps = 1e-13 * self.scale**2
        self.points: list[list[float]] = boundary.tolist()
        self.fixed = {(i, (i + 1) % len(boundary)) for i in range(len(boundary))}
        self.apex: dict[tuple[int, int], int] = {}
        self.hint = (0, 1)
        for ear in clip_ears(boundary, self.eps):
            self._add(*ear)
        self.legalise_all()

    # ---- construction

    def _add(self, a: int, b: int, c: int) -> None:
        self.apex[a, b], self.apex[b, c], self.apex[c, a] = c, a, b

    def faces(self) -> np.ndarray:
        """All triangles, each once, shape [T, 3]."""
        return np.array([(a, b, c) for (a, b), c in self.apex.items() if a < b and a < c], np.int32)

    # ---- inner lines

    def constrain(self, inner: np.ndarray, sides: np.ndarray) -> None:
        """Adds points and edges that stay; ValueError where they do not fit."""
        for q in inner:
            if not self.insert(q):
                raise ValueError("an inner point lies outside or on another")
        self.kept += len(inner)
        for a, b in sides.tolist():
            if (a, b) not in self.apex and (b, a) not in self.apex:
                self._recover(a, b)
            self.fixed.add((a, b))
        points = np.array(self.points)
        self.sides = np.concatenate([self.sides, points[sides]])
        self.legalise_all()

    def _recover(self, a: int, b: int) -> None:
        """Flips the edges between two points away until these are joined."""
        p = self.points
        queue = [e for e in self.apex if e[0] < e[1] and self._crosses(*e, a, b)]
        for _ in range(20 * len(queue) + 200):
            if not queue:
                break
            u, v = queue.pop(0)
            c, d = self.apex.get((u, v)), self.apex.get((v, u))
            if c is None or d is None or (u, v) in self.fixed or (v, u) in self.fixed:
                raise ValueError("inner lines cross")
            if orient(p[u], p[d], p[c]) <= self.eps or orient(p[d], p[v], p[c]) <= self.eps:
                queue.append((u, v))
                continue
            del self.apex[u, v], self.apex[v, u]
            self._add(u, d, c)
            self._add(d, v, c)
            self.hint = (u, d)
            if self._crosses(c, d, a, b):
                queue.append((c, d))
        if (a, b) not in self.apex and (b, a) not in self.apex:
            raise ValueError("a line cannot be brought in")

    def _crosses(self, u: int, v: int, a: int, b: int) -> bool:
        """Whether edges uv and ab cross in their insides."""
        if len({u, v, a, b}) < 4:
            return False
        p = self.points
        return (orient(p[a], p[b], p[u]) > 0) != (orient(p[a], p[b], p[v]) > 0) and (
            orient(p[u], p[v], p[a]) > 0
        ) != (orient(p[u], p[v], p[b]) > 0)

    # ---- flips

    def legalise_all(self) -> None:
        """Flips edges until all are locally Delaunay: the last first, and what a flip touches at once.

        Of the others, which are most, one look at all together tells that they are so already.
        """
        edges = list(self.apex)
        pending = self._doubtful(edges)
        place: dict[tuple[int, int], int] = {}
        while pending:
            k = pending.pop()
            touched: list[tuple[int, int]] = []
            self.legalise([edges[k]], touched)
            if touched and not place:
                place = {edge: i for i, edge in enumerate(edges)}
            for edge in touched:
                i = place.get(edge, k)
                at = bisect.bisect_left(pending, i)
                if i < k and (at == len(pending) or pending[at] != i):
                    pending.insert(at, i)

    def _doubtful(self, edges: list[tuple[int, int]]) -> list[int]:
        """Numbers of those of all directed edges that may have to be flipped, however their circles are rounded."""
        a, b = np.array(edges).T
        c = np.fromiter(self.apex.values(), int, len(edges))
        points, key = np.array(self.points), a * len(self.points) + b
        order, twin = np.argsort(key), b * len(points) + a
        other = order[np.minimum(np.searchsorted(key, twin, sorter=order), len(key) - 1)]
        inner = np.flatnonzero(key[other] == twin)
        pa, pb, pc, pd = (points[i[inner]].T for i in (a, b, c, c[other]))
        l2 = (pa[0] - pb[0]) ** 2 + (pa[1] - pb[1]) ** 2
        return inner[_in_circle(pa, pb, pc, pd) > 0.999e-9 * l2 * l2].tolist()

    def legalise(self, stack: list[tuple[int, int]], touched: list[tuple[int, int]] | None = None) -> None:
        """Flips edges until every one of ``stack`` and what it touches is locally Delaunay.

        Args:
            touched: Takes the directed edges that flips make or that lie around them.
        """
        apex, p = self.apex, self.points
        limit = 40 * len(stack) + 2000
        while stack and limit:
            limit -= 1
            a, b = stack.pop()
            c, d = apex.get((a, b)), apex.get((b, a))
            if c is None or d is None or (a, b) in self.fixed or (b, a) in self.fixed:
                continue
            pa, pb, pc, pd = p[a], p[b], p[c], p[d]
            l2 = (pa[0] - pb[0]) ** 2 + (pa[1] - pb[1]) ** 2
            if _in_circle(pa, pb, pc, pd) <= 1e-9 * l2 * l2 or (c, d) in apex or (d, c) in apex:
                continue
            if orient(pa, pd, pc) <= self.eps or orient(pd, pb, pc) <= self.eps:
                continue
            del apex[a, b], apex[b, a]
            self._add(a, d, c)
            self._add(d, b, c)
            self.hint = (a, d)
            around = [(a, d), (d, b), (b, c), (c, a)]
            stack += around
            if touched is not None:
                touched += [*around, (c, d), *((v, u) for u, v in around), (d, c)]

    # ---- points

    def locate(self, q: list[float]) -> tuple[int, int, int] | None:
        """The triangle that holds a point, or None outside."""
        p, apex = self.points, self.apex
        a, b = self.hint
        if (a, b) in apex:
            for _ in range(200):
                c = apex[a, b]
                for u, v in ((a, b), (b, c), (c, a)):
                    if orient(p[u], p[v], q) < 0:
                        break
                else:
                    return a, b, c
                if (v, u) not in apex:
                    break
                a, b = v, u
        faces = self.faces()
        t = np.array(p)[faces]
        e = [
            (t[:, j, 0] - t[:, i, 0]) * (q[1] - t[:, i, 1]) - (t[:, j, 1] - t[:, i, 1]) * (q[0] - t[:, i, 0])
            for i, j in ((0, 1), (1, 2), (2, 0))
        ]
        found = np.flatnonzero(np.min(e, axis=0) >= 0)
        return tuple(int(i) for i in faces[found[0]]) if len(found) else None

    def insert(self, q: np.ndarray) -> bool:
        """Adds an interior point; False when it falls outside or onto what is there."""
        q = [float(q[0]), float(q[1])]
        triangle = self.locate(q)
        if triangle is None:
            return False
        p = self.points
        tiny = 1e-6 * self.scale
        if min((p[v][0] - q[0]) ** 2 + (p[v][1] - q[1]) ** 2 for v in triangle) < tiny**2:
            return False
        a, b, c = triangle
        new = len(p)
        for u, v, w in ((a, b, c), (b, c, a), (c, a, b)):
            height, dx, dy = orient(p[u], p[v], q), p[v][0] - p[u][0], p[v][1] - p[u][1]
            # the longer sum first, which takes no root
            near = height < 1.001e-7 * (abs(dx) + abs(dy)) * self.scale
            if near and height < 1e-7 * np.hypot(dx, dy) * self.scale:  # on the side u, v
                d = self.apex.get((v, u))
                if d is None or (u, v) in self.fixed or (v, u) in self.fixed:
                    return False
                p.append(q)
                del self.apex[u, v], self.apex[v, u]
                for x, y in ((v, w), (w, u), (u, d), (d, v)):
                    self._add(x, y, new)
                self.legalise([(v, w), (w, u), (u, d), (d, v)])
                around = ((v, w), (w, u), (u, d), (d, v))
                self.hint = next((e for e in around if e in self.apex), self.hint)
                return True
        p.append(q)
        for x, y in ((a, b), (b, c), (c, a)):
            self._add(x, y, new)
        self.hint = (a, b)
        self.legalise([(a, b), (b, c), (c, a)])
        return True

    def boundary_distance(self, q: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Distance [m] of points to the nearest kept side, and that side's length [m], shape [n] each."""
        a = self.sides[:, 0]
        d = self.sides[:, 1] - a
        l2 = (d * d).sum(1)
        best, size = np.full(len(q), np.inf), np.zeros(len(q))
        for start in range(0, len(q), 512):
            x = q[start : start + 512, None]
            t = np.clip(((x - a) * d).sum(2) / l2, 0, 1)
            distance = np.linalg.norm(x - a - t[..., None] * d, axis=2)
            k = distance.argmin(1)
            best[start : start + 512] = distance[np.arange(len(k)), k]
            size[start : start + 512] = np.sqrt(l2[k])
        return best, size

    def refine(self, spacing: float) -> None:
        """Adds circumcentres of triangles with small angles or too large a circle, where there is room."""
        refused: set[tuple[int, int, int]] = set()
        budget = 60 + len(self.points)
        for _ in range(12):
            faces = self.faces()
            points = np.array(self.points)
            t = points[faces]
            angle = min_angles(points, faces)
            centre, radius = _circumcircles(t)
            bad = np.flatnonzero((angle < TARGET_ANGLE) | (radius > 0.85 * spacing))
            bad = bad[np.argsort(angle[bad])]
            added = 0
            if len(bad):
                distance, size = self.boundary_distance(centre[bad])
            for k, f in enumerate(bad):
                key = tuple(sorted(faces[f].tolist()))
                if key in refused or budget <= 0:
                    continue
                a, b, c = faces[f].tolist()
                refused.add(key)
                if self.apex.get((a, b)) != c or distance[k] < 0.45 * min(size[k], spacing):
                    continue
                if self._nearest(centre[f]) < 0.5 * min(spacing, size[k] + 0.5 * distance[k]):
                    continue
                if self.insert(centre[f]):
                    added += 1
                    budget -= 1
            if not added:
                return

    def _nearest(self, q: np.ndarray) -> float:
        p = np.array(self.points)
        return float(np.sqrt(((p - q) ** 2).sum(1).min()))

    def relax(self, rounds: int) -> None:
        """Moves free points to the area-weighted mean of their triangles' circumcentres and centroids."""
        fixed = self.kept
        if len(self.points) == fixed:
            return
        for _ in range(rounds):
            faces = self.faces()
            points = np.array(self.points)
            t = points[faces]
            area = 0.5 * _doubled_areas(t)
            centre, radius = _circumcircles(t)
            mean = t.mean(1)
            far = np.linalg.norm(centre - mean, axis=1) > 0.6 * np.sqrt(np.maximum(area, 1e-18))
            target = np.where(far[:, None], mean, 0.5 * (centre + mean))
            total, weight = np.zeros_like(points), np.zeros(len(points))
            for i in range(3):
                np.add.at(total, faces[:, i], target * area[:, None])
                np.add.at(weight, faces[:, i], area)
            moved = points.copy()
            moved[fixed:] += 0.8 * (total[fixed:] / np.maximum(weight[fixed:], 1e-18)[:, None] - points[fixed:])
            self._move(points, moved, faces)
            self.legalise_all()

    def _move(self, points: np.ndarray, moved: np.ndarray, faces: np.ndarray) -> None:
        """Takes the moved points, save those whose triangles would turn over or become much worse."""
        before = min_angles(points, faces)
        for _ in range(6):
            area = _doubled_areas(moved[faces])
            now = min_angles(moved, faces)
            bad = (area <= 0) | ((now < before) & (now < np.radians(22.0)))
            if not bad.any():
                break
            back = np.unique(faces[bad])
            moved[back] = points[back]
        self.points = moved.tolist()


def _doubled_areas(t: np.ndarray) -> np.ndarray:
    u, v = t[:, 1] - t[:, 0], t[:, 2] - t[:, 0]
    return u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0]


def _circumcircles(t: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centres [T, 2] and radii [T] of the circles through triangles' corners."""
    a = t[:, 0]
    b, c = t[:, 1] - a, t[:, 2] - a
    d = 2 * (b[:, 0] * c[:, 1] - b[:, 1] * c[:, 0])
    d = np.where(np.abs(d) < 1e-18, 1e-18, d)
    b2, c2 = (b * b).sum(1), (c * c).sum(1)
    offset = np.stack([c[:, 1] * b2 - b[:, 1] * c2, b[:, 0] * c2 - c[:, 0] * b2], 1) / d[:, None]
    return a + offset, np.linalg.norm(offset, axis=1)
