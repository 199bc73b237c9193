"""Seams: which spans of edges are sewn to which, checked and cut into spans that mesh alike on both sides."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.core.errors import InputError
from engine.core.pattern_types import EdgeRef, Pattern, Seam
from garments.lines import check_lines, check_tapes, line_cuts
from garments.panels import check_panel, edge_count, edge_length, ref_length

__all__ = ["Span", "check_pattern", "seam_lengths", "span_length", "split_spans"]

#: Ratios of the two sides' lengths that are taken for ease or gathers; beyond them something is wrong.
GATHER_WARNING, GATHER_LIMIT = 4.0, 12.0
_EPS = 2e-4
MAX_PANELS, MAX_EDGES, MAX_SEAMS = 400, 4000, 4000


#: Longest remainder of a matched edge that is left unsewn because its partner is shorter than a cut [m].
MAX_NEGLIGIBLE = 0.005


@dataclass(frozen=True)
class Span:
    """A piece of an edge that is sewn to at most one other piece per seam; fractions rise."""

    panel: int
    edge: int
    start: float
    end: float


def seam_lengths(pattern: Pattern, seam: Seam) -> tuple[float, float]:
    """Lengths of the two sides of a seam [m]."""
    return ref_length(pattern.panel(seam.a.panel), seam.a), ref_length(pattern.panel(seam.b.panel), seam.b)


def _check_ref(
    pattern: Pattern, names: dict[str, int], index: int, ref: EdgeRef, where: str, *, point: bool
) -> None:
    if ref.panel not in names:
        raise InputError(
            "pattern.unknown_panel", f"{where}seam {index}: there is no panel '{ref.panel}'",
            f"the panels are: {', '.join(list(names)[:12])}",
        )
    count = edge_count(pattern.panels[names[ref.panel]])
    if not 0 <= ref.edge < count:
        raise InputError(
            "pattern.unknown_edge", f"{where}seam {index}: panel '{ref.panel}' has no edge {ref.edge}",
            f"its edges are 0 to {count - 1}",
        )
    if not (0 <= min(ref.start, ref.end) and max(ref.start, ref.end) <= 1 and (ref.start != ref.end) != point):
        raise InputError(
            "pattern.bad_span",
            f"{where}seam {index}: span {ref.start:g} to {ref.end:g} of edge {ref.edge} of panel '{ref.panel}'",
            "give one fraction between 0 and 1, twice" if point else "give two different fractions between 0 and 1",
        )


def check_pattern(pattern: Pattern, where: str = "") -> tuple[str, ...]:
    """Checks that a pattern can be meshed and sewn.

    Args:
        where: Prefix of the messages, such as the file's name and a colon.

    Returns:
        Warnings for people, empty when all is well.

    Raises:
        InputError: names the panel and edge that cannot be used.
    """
    if not pattern.panels:
        raise InputError("pattern.empty", f"{where}the pattern has no panels", "export it again")
    if len(pattern.panels) > MAX_PANELS or len(pattern.seams) > MAX_SEAMS:
        raise InputError("pattern.too_large", f"{where}more than {MAX_PANELS} panels or seams", "is it one garment?")
    if sum(len(p.edges) for p in pattern.panels) > MAX_EDGES:
        raise InputError("pattern.too_large", f"{where}more than {MAX_EDGES} edges", "simplify the outlines")
    names: dict[str, int] = {}
    for i, panel in enumerate(pattern.panels):
        if panel.name in names:
            raise InputError("pattern.same_name", f"{where}two panels are called '{panel.name}'", "rename one")
        names[panel.name] = i
        check_panel(panel, where)
        check_lines(panel, where)
    warnings = []
    taken: dict[tuple[str, int], list[tuple[float, float, int]]] = {}
    for index, seam in enumerate(pattern.seams):
        for ref in (seam.a, seam.b):
            _check_ref(pattern, names, index, ref, where, point=seam.kind == "button")
            low, high = min(ref.start, ref.end), max(ref.start, ref.end)
            for other_low, other_high, other in taken.setdefault((ref.panel, ref.edge), []):
                if min(high, other_high) - max(low, other_low) > 1e-4 and seam.kind in ("seam", "dart"):
                    raise InputError(
                        "pattern.sewn_twice",
                        f"{where}edge {ref.edge} of panel '{ref.panel}' is sewn by seam {other} and by seam {index}",
                        "let each stretch of an edge take part in one seam only",
                    )
            if seam.kind in ("seam", "dart"):
                taken[ref.panel, ref.edge].append((low, high, index))
        if seam.kind == "button":
            continue
        a, b = seam_lengths(pattern, seam)
        if _negligible(seam):
            if max(a, b) > MAX_NEGLIGIBLE:
                raise InputError(
                    "pattern.bad_span", f"{where}seam {index} sews {max(a, b) * 100:.1f} cm to nothing",
                    "check the spans of the edges that it joins",
                )
            continue
        ratio = max(a, b) / max(min(a, b), 1e-9)
        text = (
            f"seam {index} sews {a * 100:.1f} cm of panel '{seam.a.panel}' (edge {seam.a.edge}) "
            f"to {b * 100:.1f} cm of panel '{seam.b.panel}' (edge {seam.b.edge})"
        )
        if ratio > GATHER_LIMIT:
            raise InputError("pattern.seam_ratio", f"{where}{text}", "check which edges belong together")
        if ratio > GATHER_WARNING:
            warnings.append(text)
    check_tapes(pattern, where)
    sewn = {ref.panel for seam in pattern.seams for ref in (seam.a, seam.b)}
    if len(pattern.panels) > 1:
        warnings += [f"panel '{name}' is not sewn to anything" for name in names if name not in sewn]
    return tuple(warnings)


def _negligible(seam: Seam) -> bool:
    """Whether a side of a seam is too short a span to be cut out of its edge."""
    return seam.kind != "button" and min(abs(r.end - r.start) for r in (seam.a, seam.b)) <= 2 * _EPS


def _cut_points(pattern: Pattern, index: dict[str, int]) -> list[list[list[float]]]:
    """Fractions at which each edge and line must be cut, ends included: [panel][edge][fraction]."""
    cuts = [[[0.0, 1.0] for _ in range(edge_count(p))] for p in pattern.panels]

    def add(panel: int, edge: int, f: float) -> bool:
        f = min(max(f, 0.0), 1.0)
        if any(abs(f - g) < _EPS for g in cuts[panel][edge]):
            return False
        cuts[panel][edge].append(f)
        return True

    seams = [s for s in pattern.seams if not _negligible(s)]
    for seam in seams:
        for ref in (seam.a, seam.b):
            add(index[ref.panel], ref.edge, ref.start)
            add(index[ref.panel], ref.edge, ref.end)
    for p, panel in enumerate(pattern.panels):
        for edge, f in line_cuts(panel):
            add(p, edge, f)
    for tape in pattern.tapes:
        add(index[tape.along.panel], tape.along.edge, tape.along.start)
        add(index[tape.along.panel], tape.along.edge, tape.along.end)
    for _ in range(200):  # a cut on one side is a cut on the other, until nothing changes
        changed = False
        for seam in (s for s in seams if s.kind != "button"):
            for one, two in ((seam.a, seam.b), (seam.b, seam.a)):
                low, high = min(one.start, one.end), max(one.start, one.end)
                for f in list(cuts[index[one.panel]][one.edge]):
                    if low + _EPS < f < high - _EPS:
                        u = (f - one.start) / (one.end - one.start)
                        changed |= add(index[two.panel], two.edge, two.start + u * (two.end - two.start))
        if not changed:
            break
    return [[sorted(c) for c in edges] for edges in cuts]


def split_spans(pattern: Pattern) -> tuple[list[Span], list[list[tuple[int, int]]], np.ndarray]:
    """Cuts all edges into spans so that every seam joins whole spans.

    Returns:
        Spans in loop order panel by panel, those of its lines after those of its edges; for each seam its (span of a,
        span of b) from the seam's start to its end; and for each span the number of its group, shape [spans]: spans of
        a group are sewn together, directly or through others, and take the same number of samples.
    """
    index = {p.name: i for i, p in enumerate(pattern.panels)}
    cuts = _cut_points(pattern, index)
    spans: list[Span] = []
    first: dict[tuple[int, int], int] = {}
    for p, edges in enumerate(cuts):
        for e, fractions in enumerate(edges):
            first[p, e] = len(spans)
            spans += [Span(p, e, a, b) for a, b in zip(fractions[:-1], fractions[1:], strict=True)]
    parent = list(range(len(spans)))

    def root(i: int) -> int:
        while parent[i] != i:
            parent[i] = parent[parent[i]]
            i = parent[i]
        return i

    def spans_of(ref: EdgeRef) -> list[int]:
        p = index[ref.panel]
        low, high = min(ref.start, ref.end), max(ref.start, ref.end)
        base = first[p, ref.edge]
        inside = [
            base + k for k in range(len(cuts[p][ref.edge]) - 1)
            if spans[base + k].start > low - _EPS and spans[base + k].end < high + _EPS
        ]
        return inside if ref.end > ref.start else inside[::-1]

    joined = []
    for number, seam in enumerate(pattern.seams):
        if _negligible(seam) or seam.kind == "button":
            joined.append([])
            continue
        side_a, side_b = spans_of(seam.a), spans_of(seam.b)
        if len(side_a) != len(side_b):
            raise InputError(
                "pattern.bad_span", f"seam {number}: panels '{seam.a.panel}' and '{seam.b.panel}' do not match",
                "check the spans of the edges that it joins",
            )
        joined.append(list(zip(side_a, side_b, strict=True)))
        for a, b in zip(side_a, side_b, strict=True):
            parent[root(a)] = root(b)
    return spans, joined, np.array([root(i) for i in range(len(spans))], np.int32)


def span_length(pattern: Pattern, span: Span) -> float:
    """Length of a span [m]."""
    return (span.end - span.start) * edge_length(pattern.panels[span.panel], span.edge)
