"""Dissolves seams so short that meshing them would give slivers: what was sewn by them, their neighbours sew.

Where two panels' corners miss each other by a little along a third panel's edge (an armhole's notch and a side panel's
corner, say), a drafter makes a seam of that little length. The samples of both its sides would lie closer together than
the cloth is thick, and the triangles between them would be needles that no time step can hold.
"""

from __future__ import annotations

from dataclasses import replace

from engine.core.pattern_types import EdgeRef, Pattern
from garments.seams import seam_lengths

__all__ = ["without_short_seams"]

_SAME = 1e-6  #: fractions nearer than this are one


def without_short_seams(pattern: Pattern, shortest: float) -> Pattern:
    """The pattern with seams shorter than ``shortest`` [m] closed up to nothing, where their neighbours meet instead.

    Every seam keeps its number. Seams that sew an edge from end to end stay as they are: closing them up would need
    another outline.
    """
    seams = list(pattern.seams)
    for k, seam in enumerate(pattern.seams):
        if seam.kind != "seam" or any(_whole(ref) for ref in (seams[k].a, seams[k].b)):
            continue
        if 0 < max(seam_lengths(pattern, seams[k])) < shortest:
            for gone in (seams[k].a, seams[k].b):
                seams = [replace(s, a=_closed_up(s.a, gone), b=_closed_up(s.b, gone)) for s in seams]
    return replace(pattern, seams=tuple(seams))


def _whole(ref: EdgeRef) -> bool:
    return min(ref.start, ref.end) < _SAME and max(ref.start, ref.end) > 1 - _SAME


def _closed_up(ref: EdgeRef, gone: EdgeRef) -> EdgeRef:
    """A span that reached an end of the vanished one reaches to where that is closed up: a corner, or its middle."""
    if (ref.panel, ref.edge) != (gone.panel, gone.edge):
        return ref
    low, high = sorted((gone.start, gone.end))
    to = 0.0 if low < _SAME else 1.0 if high > 1 - _SAME else 0.5 * (low + high)
    start, end = (to if low - _SAME <= f <= high + _SAME else f for f in (ref.start, ref.end))
    return replace(ref, start=start, end=end)
