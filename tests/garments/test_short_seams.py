from dataclasses import replace

import numpy as np
import pytest

from engine.core.pattern_types import EdgeRef, Pattern, Seam
from garments.meshing import mesh_pattern
from garments.meshing_cdt import min_angles
from garments.seams import check_pattern, seam_lengths, split_spans
from garments.short_seams import without_short_seams
from tests.garments.shapes import rectangle


def three_panels(miss: float) -> Pattern:
    """A wide panel sewn to two beside each other, whose corners miss its notch by ``miss`` [m], with a seam of that."""
    wide, left, right = rectangle("wide", 0.4, 0.2), rectangle("left", 0.2 + miss, 0.2), rectangle("right", 0.2, 0.2)
    notch, part = 0.5, miss / 0.4
    share = miss / (0.2 + miss)
    return Pattern("p", (wide, left, right), (
        Seam(EdgeRef("wide", 0, 0.0, notch), EdgeRef("left", 2, 1.0, share)),
        Seam(EdgeRef("wide", 0, notch, notch + part), EdgeRef("left", 2, share, 0.0)),
        Seam(EdgeRef("wide", 0, notch + part, 1.0), EdgeRef("right", 2, 1.0, 0.0)),
    ))  # fmt: skip


def test_a_short_seam_closes_up_and_its_neighbours_meet():
    before = three_panels(0.0008)
    check_pattern(before)
    after = without_short_seams(before, 0.004)
    assert len(after.seams) == len(before.seams)
    assert max(seam_lengths(after, after.seams[1])) == 0.0
    assert after.seams[0].a.end == after.seams[2].a.start == pytest.approx(0.501)
    assert after.seams[0].b == EdgeRef("left", 2, 1.0, 0.0)
    spans, joined, _ = split_spans(after)
    assert [len(parts) for parts in joined] == [1, 0, 1]
    assert len([s for s in spans if s.panel == 0 and s.edge == 0]) == 2


def test_it_takes_the_slivers_away():
    angles = []
    for pattern in (three_panels(0.0002), without_short_seams(three_panels(0.0002), 0.004)):
        mesh = mesh_pattern(pattern, 0.02)
        angles.append(np.degrees(min_angles(mesh.uv, mesh.faces).min()))
    assert angles[0] < 5 and angles[1] > 20


def test_seams_long_enough_and_whole_short_edges_stay():
    pattern = three_panels(0.0008)
    assert without_short_seams(pattern, 0.0005) == pattern
    panels = (*pattern.panels, rectangle("tab", 0.003, 0.1))
    whole = replace(pattern, panels=panels, seams=(Seam(EdgeRef("tab", 0), EdgeRef("right", 0, 0, 0.015)),))
    assert without_short_seams(whole, 0.004) == whole
