from dataclasses import replace

import numpy as np
import pytest
from scipy.integrate import quad

from engine.core.errors import InputError
from engine.core.pattern_types import ArcEdge, BezierEdge, EdgeRef, LineEdge, Panel
from garments.panels import (
    check_panel,
    edge_curve,
    edge_length,
    loop_area,
    outline,
    panel_area,
    ref_length,
    ref_points,
    self_crossing,
)
from tests.garments.shapes import FLAT, curved, polygon, rectangle


def _one_edge(edge, vertices=((0, 0), (0.3, 0))):
    return Panel("p", np.array(vertices, float), (edge, LineEdge(1, 0)), FLAT)


def test_lengths_of_lines_arcs_and_beziers_are_exact():
    assert edge_length(rectangle("r", 0.3, 0.4), 1) == pytest.approx(0.4, abs=1e-15)
    half = _one_edge(ArcEdge(0, 1, 0.15, False, True))
    assert edge_length(half, 0) == pytest.approx(np.pi * 0.15, abs=1e-12)
    small, large = (_one_edge(ArcEdge(0, 1, 0.2, big, True)) for big in (False, True))
    assert edge_length(small, 0) + edge_length(large, 0) == pytest.approx(2 * np.pi * 0.2, abs=1e-12)

    c = np.array([(0, 0), (0.1, 0.3), (0.25, -0.2), (0.3, 0)])

    def speed(t):
        d = 3 * ((1 - t) ** 2 * (c[1] - c[0]) + 2 * t * (1 - t) * (c[2] - c[1]) + t * t * (c[3] - c[2]))
        return np.linalg.norm(d)

    cubic = _one_edge(BezierEdge(0, 1, (tuple(c[1]), tuple(c[2]))))
    assert edge_length(cubic, 0) == pytest.approx(quad(speed, 0, 1, epsabs=1e-13)[0], abs=1e-10)


def test_arcs_turn_the_way_that_they_say():
    ccw = edge_curve(_one_edge(ArcEdge(0, 1, 0.15, False, True)), 0).points(np.array([0.5]))[0]
    cw = edge_curve(_one_edge(ArcEdge(0, 1, 0.15, False, False)), 0).points(np.array([0.5]))[0]
    assert ccw == pytest.approx([0.15, -0.15])  # counter-clockwise from left to right runs below
    assert cw == pytest.approx([0.15, 0.15])


def test_points_are_even_in_arc_length_and_keep_the_ends():
    panel = _one_edge(BezierEdge(0, 1, ((0.02, 0.25),)))
    points = edge_curve(panel, 0).points(np.linspace(0, 1, 400))
    steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
    assert steps.max() / steps.min() < 1.001
    assert points[0] == pytest.approx([0, 0]) and points[-1] == pytest.approx([0.3, 0])


def test_spans_run_backwards_when_asked():
    panel = rectangle("r", 0.4, 0.2)
    points = ref_points(panel, EdgeRef("r", 0, 0.75, 0.25), np.array([0.0, 1.0]))
    assert points[:, 0] == pytest.approx([0.3, 0.1])
    assert ref_length(panel, EdgeRef("r", 0, 0.75, 0.25)) == pytest.approx(0.2)


def test_areas():
    assert panel_area(rectangle("r", 0.3, 0.4)) == pytest.approx(0.12)
    angle = 2 * np.arcsin(0.15 / 0.2)
    segment = 0.02 * (angle - np.sin(angle))
    scoop = 2 / 3 * 0.3 * 0.1
    assert panel_area(curved()) == pytest.approx(0.12 + segment - scoop, abs=2e-6)
    assert loop_area(outline(rectangle("r", 1, 1))[::-1]) < 0


def test_crossing_outlines_are_found():
    assert self_crossing(np.array([(0, 0), (1, 1), (1, 0), (0, 1)])) is not None
    assert self_crossing(outline(curved())) is None
    bow = polygon("bow", [(0, 0), (0.3, 0.3), (0.3, 0), (0, 0.35)])
    with pytest.raises(InputError, match="panel 'bow'.*crosses itself"):
        check_panel(bow)


def test_broken_panels_are_named():
    good = rectangle("back", 0.3, 0.4)
    open_loop = replace(good, edges=good.edges[:2] + (LineEdge(3, 0),))
    zero = polygon("back", [(0, 0), (0.3, 0), (0.3, 1e-5), (0.3, 0.4), (0, 0.4)])
    cases = [
        (open_loop, "edge 1 ends at vertex 2"), (zero, "edge 1 has no length"),
        (replace(good, vertices=good.vertices * 100), "no piece of clothing"),
        (replace(good, vertices=good.vertices * [-1, 1]), "clockwise"),
        (replace(good, vertices=good.vertices * np.nan), "not a finite number"),
        (replace(good, edges=good.edges[:1]), "1 edges"),
    ]
    for panel, text in cases:
        with pytest.raises(InputError, match=f"file: panel 'back'.*{text}") as caught:
            check_panel(panel, "file: ")
        assert caught.value.hint
