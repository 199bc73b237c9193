"""The pattern cutter's table: outlines drawn edge by edge, panels, and seams that find their own direction."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from scipy.optimize import brentq

from engine.core.errors import InputError
from engine.core.measurements import MEASUREMENTS
from engine.core.pattern_types import BezierEdge, Edge, EdgeRef, LineEdge, Notch, Panel, Pattern, Placement, Seam, Tape
from garments.panels import edge_curve

__all__ = ["Draft", "Outline", "Step", "band", "curve_length", "measured", "root", "smooth", "unit"]

Point = tuple[float, float] | np.ndarray

#: Edge ends (darts) of two chains that come this near are sewn to meet [m].
SNAP = 0.006

_GIRTH = {"girth": (0.08, 2.6), "height": (0.15, 2.4), "length": (0.03, 1.6), "angle": (-0.2, 0.9), "mass": (15, 400)}


def measured(measurements: Mapping[str, Any], names: Iterable[str], garment: str) -> dict[str, float]:
    """The named measurements as plain numbers [m], or an InputError that lists all that are missing.

    Args:
        measurements: Numbers or ``engine.core.types.Measurement`` by ISO name.
    """
    names = list(names)
    missing = [n for n in names if n not in measurements]
    if missing:
        labels = ", ".join(f"{n} ({MEASUREMENTS[n].label.lower()})" for n in missing)
        raise InputError(
            "garment.missing_measurement", f"{garment}: cannot be drafted without {labels}",
            "measure the body with 'toile measure', or add them to the measurement file",
        )
    values = {}
    for name in names:
        value = float(getattr(measurements[name], "value", measurements[name]))
        low, high = _GIRTH[MEASUREMENTS[name].kind]
        if not np.isfinite(value) or not low <= value <= high:
            raise InputError(
                "garment.measurement_range", f"{garment}: {name} is {value:g}, outside {low:g} to {high:g}",
                "give lengths in metres here (centimetres only in files meant for people)",
            )
        values[name] = value
    return values


def unit(v: Sequence[float] | np.ndarray) -> np.ndarray:
    """``v`` at length 1."""
    v = np.asarray(v, float)
    return v / np.linalg.norm(v)


def root(f: Callable[[float], float], low: float, high: float, what: str) -> float:
    """Where ``f`` crosses zero; the bracket is widened a few times, then an InputError says what does not fit."""
    for _ in range(4):
        a, b = f(low), f(high)
        if a * b <= 0:
            return float(brentq(f, low, high, xtol=1e-9))
        middle, half = (low + high) / 2, (high - low)
        low, high = middle - half, middle + half
    raise InputError(
        "garment.impossible", f"the draft does not come out: {what} cannot be matched",
        "check the measurements against each other, or ask for a less extreme length or ease",
    )


@dataclass(frozen=True)
class Step:
    """One edge of an outline: where it ends, through which control points, and its label."""

    end: np.ndarray
    controls: tuple[np.ndarray, ...] = ()
    label: str = ""


def smooth(start: Point, end: Point, leave: Sequence[float], arrive: Sequence[float], pull: float = 1 / 3) -> tuple:
    """Control points of a cubic that leaves and arrives along the given directions."""
    start, end = np.asarray(start, float), np.asarray(end, float)
    reach = pull * np.linalg.norm(end - start)
    return start + unit(leave) * reach, end - unit(arrive) * reach


def curve_length(start: Point, controls: Sequence[Point], end: Point) -> float:
    """Arc length of a line or Bezier [m]."""
    return Outline(start).curve(end, *controls).lengths()[0]


class Outline:
    """A path in a panel's plane [m]; counter-clockwise when closed."""

    def __init__(self, start: Point) -> None:
        self.start = np.asarray(start, float)
        self.steps: list[Step] = []

    @property
    def at(self) -> np.ndarray:
        """Where the path has got to."""
        return self.steps[-1].end if self.steps else self.start

    def line(self, end: Point, label: str = "") -> Outline:
        """A straight edge to ``end``."""
        self.steps.append(Step(np.asarray(end, float), (), label))
        return self

    def curve(self, end: Point, *controls: Point, label: str = "") -> Outline:
        """A Bezier edge to ``end`` (a straight one without control points)."""
        self.steps.append(Step(np.asarray(end, float), tuple(np.asarray(c, float) for c in controls), label))
        return self

    def mirrored(self) -> Outline:
        """The mirror image in the panel's y axis, walked the other way round so that it stays counter-clockwise."""
        flip = np.array([-1.0, 1.0])
        out = Outline(self.at * flip)
        points = [self.start, *(s.end for s in self.steps)]
        for i in range(len(self.steps) - 1, -1, -1):
            step = self.steps[i]
            out.steps.append(Step(points[i] * flip, tuple(c * flip for c in step.controls[::-1]), step.label))
        return out

    def unfolded(self, plus: str) -> Outline:
        """The whole of a piece cut on the fold: this half (x >= 0, bottom centre to top centre) and its mirror image.

        Labels get the wearer's side appended: ``_<plus>`` on this half, the other on the mirrored one.
        """
        other = {"l": "r", "r": "l"}[plus]
        out = Outline(self.start)
        out.steps = [replace(s, label=f"{s.label}_{plus}") for s in self.steps]
        out.steps += [replace(s, label=f"{s.label}_{other}") for s in self.mirrored().steps]
        return out

    def lengths(self) -> list[float]:
        """Arc length of each edge [m]."""
        panel = self._panel("", Placement(np.eye(3), np.zeros(3)), closed=False)
        return [edge_curve(panel, i).length for i in range(len(self.steps))]

    def _panel(self, name: str, placement: Placement, closed: bool = True, **extra: Any) -> Panel:
        points = [self.start, *(s.end for s in self.steps)]
        count = len(points)
        if closed:
            if np.linalg.norm(points[-1] - points[0]) > 1e-9:
                raise ValueError(f"outline of '{name}' is not closed")
            points, count = points[:-1], count - 1
        edges: list[Edge] = []
        for i, s in enumerate(self.steps):
            j = (i + 1) % count if closed else i + 1
            if s.controls:
                edges.append(BezierEdge(i, j, tuple((float(x), float(y)) for x, y in s.controls), s.label))
            else:
                edges.append(LineEdge(i, j, s.label))
        return Panel(name, np.array(points), tuple(edges), placement, **extra)


def band(inner: float, outer: float, height: float) -> Outline:
    """A strip of cloth whose bottom edge is ``inner`` and top edge ``outer`` long [m], symmetric about x = 0.

    With edges of different length it is a piece of a ring, as a collar's stand (top shorter) or fall (top longer).
    Labels: bottom_1 and bottom_2 (from -x to +x), end_plus, top_1 and top_2 (from +x to -x), end_minus.
    """
    turn = (outer - inner) / height  # angle of the ring's sector
    if abs(turn) < 1e-4:
        a, b = inner / 2, outer / 2
        out = Outline((-a, 0.0)).line((0.0, 0.0), "bottom_1").line((a, 0.0), "bottom_2").line((b, height), "end_plus")
        return out.line((0.0, height), "top_1").line((-b, height), "top_2").line((-a, 0.0), "end_minus")
    radius = inner / turn  # signed: the centre lies below the strip when the top is longer
    half = turn / 2

    def on(r: float, phi: float) -> np.ndarray:
        return np.array([r * np.sin(phi), r * np.cos(phi) - radius])

    def arc(r: float, start: float, end: float, label: str) -> None:
        k = 4 / 3 * np.tan((end - start) / 4) * r
        first = on(r, start) + k * np.array([np.cos(start), -np.sin(start)])
        last = on(r, end) - k * np.array([np.cos(end), -np.sin(end)])
        out.curve(on(r, end), first, last, label=label)

    out = Outline(on(radius, -half))
    arc(radius, -half, 0.0, "bottom_1")
    arc(radius, 0.0, half, "bottom_2")
    out.line(on(radius + height, half), "end_plus")
    arc(radius + height, half, 0.0, "top_1")
    arc(radius + height, 0.0, -half, "top_2")
    return out.line(on(radius, -half), "end_minus")


def _paired(
    ends_a: np.ndarray, ends_b: np.ndarray, knots_a: np.ndarray, knots_b: np.ndarray
) -> list[tuple[float, float]]:
    """Lengths along two chains that are to meet: the ends of all edges and the knots, near ones brought together."""
    pairs = list(zip(knots_a, knots_b, strict=True))

    def add(x: float, y: float) -> None:
        for u, v in pairs:
            if abs(x - u) < 1e-6 or abs(y - v) < 1e-6:
                return
        pairs.append((float(x), float(y)))

    mapped = np.interp(ends_b, knots_b, knots_a)
    free = set(range(len(ends_b)))
    for x in ends_a:
        near = [j for j in free if abs(mapped[j] - x) < SNAP and 1e-6 < ends_b[j] < ends_b[-1] - 1e-6]
        if near and 1e-6 < x < ends_a[-1] - 1e-6:
            j = min(near, key=lambda j: abs(mapped[j] - x))
            free.discard(j)
            add(x, ends_b[j])
        else:
            add(x, np.interp(x, knots_a, knots_b))
    for j in sorted(free):
        add(mapped[j], ends_b[j])
    pairs.sort()
    kept = [pairs[0]]
    for x, y in pairs[1:]:
        if x - kept[-1][0] > 1e-6 and y - kept[-1][1] > 1e-6:
            kept.append((x, y))
    kept[-1] = pairs[-1]
    return kept


@dataclass
class Draft:
    """Panels and seams of a garment in the making."""

    name: str
    panels: dict[str, Panel] = field(default_factory=dict)
    seams: list[Seam] = field(default_factory=list)
    tapes: list[Tape] = field(default_factory=list)

    def add(self, name: str, outline: Outline, placement: Placement, **extra: Any) -> None:
        """Puts a closed outline down as a panel; ``extra`` are fields of ``Panel``."""
        self.panels[name] = outline._panel(name, placement, **extra)

    def edge(self, panel: str, label: str) -> int:
        """Index of the edge of that label."""
        for i, e in enumerate(self.panels[panel].edges):
            if e.label == label:
                return i
        raise KeyError(f"panel '{panel}' has no edge '{label}'")

    def length(self, *chain: tuple[str, str]) -> float:
        """Total length of edges (panel, label) [m]."""
        return sum(edge_curve(self.panels[p], self.edge(p, label)).length for p, label in chain)

    def notch(self, panel: str, label: str, *fractions: float) -> None:
        """Marks an edge at fractions of its length."""
        p = self.panels[panel]
        e = self.edge(panel, label)
        new = tuple(Notch(e, f) for f in fractions if all(abs(n.fraction - f) > 1e-6 or n.edge != e for n in p.notches))
        self.panels[panel] = replace(p, notches=p.notches + new)

    def darts(self, panel: str) -> None:
        """Sews every pair of edges ``dartN_a*``/``dartN_b*`` of a panel, from the mouth to the tip."""
        for e in self.panels[panel].edges:
            found = re.fullmatch(r"(dart\d+)_a(.*)", e.label)
            if found:
                self.sew([(panel, e.label)], [(panel, f"{found[1]}_b{found[2]}")], kind="dart")

    def sew(self, one: list[tuple[str, str]], two: list[tuple[str, str]], *, kind: str = "seam", angle: float = 0.0,
            ease_from: float = 0.0, ease_to: float = 1.0) -> None:
        """Sews two chains of edges; each is listed in walking order, every edge end to start of the next.

        The chains are matched in proportion to their lengths. With ``ease_from``/``ease_to`` (fractions of chain
        ``two``) the difference in length is taken up between them only, and lengths match outside: a sleeve's cap is
        eased near its crown. Which end meets which is seen from where the panels lie.
        """
        a, b = self._walk(one), self._walk(two)
        turned = [(p, e, hi, lo, n) for p, e, lo, hi, n in b[::-1]]
        if self._apart(a, b) > self._apart(a, turned):
            b = turned
            ease_from, ease_to = 1 - ease_to, 1 - ease_from
        la, lb = sum(x[4] for x in a), sum(x[4] for x in b)
        low, high = lb * ease_from, lb * ease_to
        knots_b = np.array([0.0, low, high, lb])
        knots_a = np.array([0.0, low, la - (lb - high), la])
        if knots_a[2] - knots_a[1] < 0.2 * (high - low):
            raise InputError("garment.ease", f"{self.name}: a seam's ease does not fit its length", "check the ease")
        cuts = _paired(np.cumsum([0.0, *(x[4] for x in a)]), np.cumsum([0.0, *(x[4] for x in b)]), knots_a, knots_b)
        for (a_lo, b_lo), (a_hi, b_hi) in zip(cuts[:-1], cuts[1:], strict=True):
            ra, rb = self._span(a, a_lo, a_hi), self._span(b, b_lo, b_hi)
            self.seams.append(Seam(ra, rb, kind, angle))
            for ref in (ra, rb):
                inner = [f for f in (ref.start, ref.end) if 1e-6 < f < 1 - 1e-6]
                self.notch(ref.panel, self.panels[ref.panel].edges[ref.edge].label, *inner)

    def sew_part(self, one: tuple[str, str], two: tuple[str, str], part: tuple[float, float], *, kind: str = "seam",
                 angle: float = 0.0) -> None:
        """Sews a whole edge to a part (fractions, rising) of another edge."""
        a, b = self._walk([one]), self._walk([two])
        lo, hi = part
        b = [(*b[0][:2], lo, hi, b[0][4] * (hi - lo))]
        if self._apart(a, b) > self._apart(a, [(*b[0][:2], hi, lo, b[0][4])]):
            lo, hi = hi, lo
        self.seams.append(Seam(EdgeRef(*a[0][:2]), EdgeRef(*b[0][:2], lo, hi), kind, angle))
        self.notch(two[0], two[1], *(f for f in part if 1e-6 < f < 1 - 1e-6))

    def tape(self, *edges: tuple[str, str], ratio: float = 1.0, stiffness: float, label: str = "") -> None:
        """Runs an elastic (ratio of its relaxed length < 1) or a stay tape along edges; force per strain [N]."""
        for panel, edge in edges:
            self.tapes.append(Tape(EdgeRef(panel, self.edge(panel, edge)), ratio, stiffness, label))

    def _walk(self, chain: list[tuple[str, str]]) -> list[tuple[str, int, float, float, float]]:
        """(panel, edge, from, to, length) of each edge.

        The edges of a chain run all with or all against their panels' outlines, whichever leaves smaller gaps.
        """
        out = []
        for panel, label in chain:
            e = self.edge(panel, label)
            out.append((panel, e, 0.0, 1.0, edge_curve(self.panels[panel], e).length))
        ends = np.array([(self._world(x, 0.0), self._world(x, 1.0)) for x in out])
        forward = np.linalg.norm(ends[1:, 0] - ends[:-1, 1], axis=1).sum()
        backward = np.linalg.norm(ends[1:, 1] - ends[:-1, 0], axis=1).sum()
        return out if forward <= backward else [(p, e, 1.0, 0.0, n) for p, e, _, _, n in out]

    def _world(self, item: tuple, fraction: float) -> np.ndarray:
        p = self.panels[item[0]]
        if fraction in (0.0, 1.0):
            e = p.edges[item[1]]
            x, y = p.vertices[e.end if fraction else e.start]
        else:
            x, y = edge_curve(p, item[1]).points(np.array([fraction]))[0]
        return p.placement.rotation @ np.array([x, y, 0.0]) + p.placement.translation

    def _apart(self, a: list, b: list) -> float:
        def ends(chain: list) -> tuple[np.ndarray, np.ndarray]:
            first, last = chain[0], chain[-1]
            return self._world(first, first[2]), self._world(last, last[3])

        (a0, a1), (b0, b1) = ends(a), ends(b)
        return float(np.linalg.norm(a0 - b0) + np.linalg.norm(a1 - b1))

    @staticmethod
    def _span(chain: list, lo: float, hi: float) -> EdgeRef:
        """The part of one chain edge between two lengths along the chain."""
        at = 0.0
        for panel, edge, f0, f1, n in chain:
            if (lo + hi) / 2 <= at + n + 1e-12:
                u = np.clip([(lo - at) / n, (hi - at) / n], 0, 1)
                return EdgeRef(panel, edge, *(float(round(f0 + (f1 - f0) * v, 9)) for v in u))
            at += n
        raise ValueError("span beyond the chain's end")

    def pattern(self, *, kind: str, ease: dict[str, float], drafted_for: dict[str, float], source: str,
                seam_allowance: float = 0.01) -> Pattern:
        """The finished pattern."""
        return Pattern(
            self.name, tuple(self.panels.values()), tuple(self.seams), seam_allowance, intended_ease=ease,
            drafted_for=dict(drafted_for), kind=kind, source=source, tapes=tuple(self.tapes),
        )
