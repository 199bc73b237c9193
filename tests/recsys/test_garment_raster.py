"""Patterns as rasters: areas and lengths are exact, faces are told apart, what the panels say is in its channel."""

import numpy as np
import pytest

from engine.core.pattern_types import (
    ArcEdge,
    BezierEdge,
    EdgeRef,
    LineEdge,
    Panel,
    PanelLine,
    Pattern,
    Placement,
    Seam,
    Tape,
)
from recsys.vae.outlines import edge_polyline, lay_flat
from recsys.vae.raster import CELLS, CHANNELS, FRAME, rasterise, segment_lengths, signed_areas

CELL = FRAME[2] / CELLS
TURN = np.diag([-1.0, 1.0, -1.0])  # facing back


def square(name, size, at, *, back=False, **extra):
    edges = tuple(LineEdge(i, (i + 1) % 4) for i in range(4))
    vertices = np.array([[0, 0], [size, 0], [size, size], [0, size]], float) - [size / 2, 0]
    place = Placement(TURN if back else np.eye(3), np.array([*at, -0.2 if back else 0.2]))
    return Panel(name, vertices, edges, place, **extra)


def channel(raster, name):
    return raster[:, CHANNELS.index(name)]


def supersampled(points, k=16):
    g = (np.arange(CELLS * k) + 0.5) / k
    x, y = np.meshgrid(g, g)
    inside = np.zeros(x.shape, bool)
    for (x0, y0), (x1, y1) in zip(points, np.roll(points, -1, axis=0), strict=True):
        if y0 != y1:
            inside ^= ((y0 > y) != (y1 > y)) & (x < x0 + (y - y0) / (y1 - y0) * (x1 - x0))
    return inside.reshape(CELLS, k, CELLS, k).mean((1, 3))


@pytest.mark.parametrize("shift", [(0.0, 0.0), (13.0, 2.0), (-13.0, -11.0), (0.31, 0.77)])
def test_areas_are_those_of_the_polygon_cut_at_the_frame(shift):
    rng = np.random.default_rng(3)
    angle = np.sort(rng.random(30)) * 2 * np.pi
    radius = (7 + 6 * rng.random(30))[:, None]
    points = np.array([16.2, 15.3]) + shift + radius * np.stack([np.cos(angle), np.sin(angle)], 1)
    n = len(points)
    area = signed_areas(points, np.roll(points, -1, axis=0), np.zeros(n, int), np.ones(n))[0, 0]
    truth = supersampled(points)
    assert np.abs(area - truth).max() < 0.04
    assert area.sum() == pytest.approx(truth.sum(), abs=0.3)


def test_lengths_in_cells_add_up():
    points = np.array([[1.0, 1.0], [5.5, 1.0], [5.5, 9.25], [40.0, 9.25]])
    planes = np.full(3, 2)
    length = segment_lengths(points[:-1], points[1:], planes, np.full(3, 2.0))
    assert length.sum() == pytest.approx(2 * (4.5 + 8.25 + (CELLS - 5.5)))
    assert length[0, 2].sum() == length.sum()  # on its own plane
    assert length[0, 2, 3, 5] == pytest.approx(2.0)


def test_edges_end_where_they_should_and_arcs_have_their_radius():
    vertices = np.array([[0.0, 0.0], [0.3, 0.0]])
    for large in (False, True):
        for ccw in (False, True):
            points = edge_polyline(vertices, ArcEdge(0, 1, 0.2, large, ccw))
            assert np.allclose(points[[0, -1]], vertices)
            half = np.sqrt(0.2**2 - 0.15**2)
            centre = [0.15, half if ccw != large else -half]
            assert np.allclose(np.linalg.norm(points - centre, axis=1), 0.2)
    curve = edge_polyline(vertices, BezierEdge(0, 1, ((0.15, 0.2),)))
    assert curve[len(curve) // 2] == pytest.approx([0.15, 0.1])


def test_front_and_back_lie_on_their_layers_seen_from_the_front():
    front = square("front", 0.30, (0.3, 1.0))
    back = square("back", 0.24, (-0.3, 1.0), back=True)
    cover = channel(rasterise(Pattern("two", (front, back), ())), "coverage")
    assert cover.sum((1, 2)) * CELL**2 == pytest.approx([0.30**2, 0.24**2], rel=1e-5)
    columns = np.arange(CELLS) + 0.5
    for face, x in ((0, 0.3), (1, -0.3)):
        middle = (cover[face].sum(0) * columns).sum() / cover[face].sum()
        assert FRAME[0] + middle * CELL == pytest.approx(x, abs=1e-6)


def test_a_tilted_panel_keeps_its_area():
    c, s = np.cos(1.0), np.sin(1.0)
    panel = square("sleeve", 0.3, (0.4, 1.0))
    tilted = Panel(panel.name, panel.vertices, panel.edges, Placement(
        np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]) @ np.array([[1, 0, 0], [0, 0.8, -0.6], [0, 0.6, 0.8]]),
        panel.placement.translation))  # fmt: skip
    cover = channel(rasterise(Pattern("one", (tilted,), ())), "coverage")
    assert cover.sum() * CELL**2 == pytest.approx(0.09, rel=1e-4)


def test_channels_say_what_the_pattern_has():
    plain = square("front", 0.36, (0.0, 1.0))
    one = Pattern("one", (plain, square("back", 0.36, (0.0, 1.0), back=True)), ())
    two = Pattern("two", (
        square("front", 0.36, (0.0, 1.0), grainline=0.0, stiffness=4.0, fabric="denim",
               lines=(PanelLine(np.array([[0.0, 0.05], [0.0, 0.3]]), np.pi),)),
        square("back", 0.36, (0.0, 1.0), back=True),
    ), (
        Seam(EdgeRef("front", 1), EdgeRef("back", 3, 1.0, 0.0), angle=np.pi / 2),
        Seam(EdgeRef("front", 3), EdgeRef("back", 1, 0.5, 0.0), kind="closure"),
        Seam(EdgeRef("front", 2, 0.5, 0.5), EdgeRef("back", 2, 0.5, 0.5), kind="button"),
    ), tapes=(Tape(EdgeRef("front", 0), 0.5, 20.0),))  # fmt: skip
    a, b = rasterise(one), rasterise(two)
    assert channel(a, "grain_cos").sum() == pytest.approx(0, abs=1e-4)  # the warp is upright
    assert channel(b, "grain_cos")[0].sum() == pytest.approx(channel(b, "coverage")[0].sum(), rel=1e-4)
    for name in ("seam", "dart", "closure", "gather", "pressed", "interlining", "own_fabric"):
        assert channel(a, name).sum() == 0 and channel(b, name)[0].sum() > 0, name
    assert channel(b, "free_edge").sum() < channel(a, "free_edge").sum()
    assert channel(b, "free_edge")[1].sum() > 0  # half of the back's side is left
    assert a.min() >= 0 and b.max() <= 1 and a.shape == (2, 12, CELLS, CELLS)


def test_a_panel_turned_over_in_front_is_of_the_front():
    fall = Panel("fall", np.array([[0, 0], [0.1, 0], [0.1, 0.1], [0, 0.1]], float),
                 tuple(LineEdge(i, (i + 1) % 4) for i in range(4)), Placement(TURN, np.array([0.0, 1.4, 0.25])))
    flat = lay_flat(Pattern("p", (square("front", 0.3, (0, 1)), square("back", 0.3, (0, 1), back=True), fall), ()))
    assert [f.back for f in flat] == [False, True, False]
