"""Lines inside panels and tapes: meshed, refined, sewn, and refused where they cannot be made."""

import dataclasses

import numpy as np
import pytest

from engine.core import codec
from engine.core.errors import InputError
from engine.core.mesh import unique_edges
from engine.core.pattern_types import EdgeRef, Panel, PanelLine, Pattern, Seam, Tape
from garments.meshing import mesh_pattern, refine_mesh
from garments.meshing_cdt import min_angles, triangulate
from garments.seams import check_pattern
from garments.trims import fold_edges, tape_edges
from tests.garments.shapes import curved, rectangle


def with_lines(panel: Panel, *lines, angle: float = 0.0) -> Panel:
    return dataclasses.replace(panel, lines=tuple(PanelLine(np.array(p, float), angle) for p in lines))


def edges_of(faces):
    return {tuple(e) for e in unique_edges(faces)[0].tolist()}


def test_triangulate_keeps_random_lines():
    rng = np.random.default_rng(7)
    for _ in range(10):
        angle = np.linspace(0, 2 * np.pi, 30, endpoint=False)
        corners = np.stack([np.cos(angle), np.sin(angle)], 1) * rng.uniform(0.16, 0.2, 30)[:, None]
        inner, sides = [], []
        for k in range(3):  # slanting lines beside each other
            turn, t = rng.uniform(-0.2, 0.2), np.linspace(-0.1, 0.1, 9)
            first = len(corners) + len(inner)
            inner += list(np.stack([0.06 * (k - 1) + turn * 0.5 * t, t], 1))
            sides += [(first + i, first + i + 1) for i in range(8)]
        points, faces = triangulate(corners, 0.03, np.array(inner), np.array(sides))
        assert {tuple(sorted(s)) for s in sides} <= edges_of(faces)
        assert np.allclose(points[len(corners) : len(corners) + len(inner)], inner)
        assert np.degrees(min_angles(points, faces)).min() > 12


def test_the_mesh_has_edges_along_lines_at_every_level():
    panel = with_lines(curved(), [(0.1, 0.05), (0.1, 0.2)], [(0.2, 0.05), (0.2, 0.15), (0.25, 0.25)], angle=1.0)
    pattern = Pattern("p", (panel,), ())
    check_pattern(pattern)
    mesh = mesh_pattern(pattern, 0.02)
    for _ in range(3):
        edges, angles = fold_edges(pattern, mesh)
        assert {tuple(sorted(e)) for e in edges.tolist()} <= edges_of(mesh.faces)
        length = np.linalg.norm(mesh.uv[edges[:, 0]] - mesh.uv[edges[:, 1]], axis=1)
        assert length.sum() == pytest.approx(0.15 + 0.1 + np.hypot(0.05, 0.1), rel=1e-6)
        assert (angles == 1.0).all()
        mesh, _ = refine_mesh(mesh, pattern)


def test_a_line_from_edge_to_edge_takes_vertices_of_the_outline():
    panel = with_lines(rectangle("p", 0.3, 0.4), [(0.107, 0.0), (0.131, 0.4)])
    pattern = Pattern("p", (panel,), ())
    mesh = mesh_pattern(pattern, 0.02)
    ends = mesh.line[[0, -1], [0, 1]]
    assert np.isin(ends, mesh.rim).all()
    assert mesh.uv[ends] == pytest.approx(np.array([(0.107, 0), (0.131, 0.4)]), abs=1e-6)


def test_lines_of_one_panel_are_sewn_together():
    """A pleat stitched down: line 0 on line 1 over the upper half."""
    panel = with_lines(rectangle("p", 0.3, 0.4), [(0.1, 0.4), (0.1, 0.0)], [(0.16, 0.4), (0.16, 0.0)])
    pattern = Pattern("p", (panel,), (Seam(EdgeRef("p", 4, 0.0, 0.5), EdgeRef("p", 5, 0.0, 0.5)),))
    check_pattern(pattern)
    mesh = mesh_pattern(pattern, 0.02)
    pairs, _ = mesh.seam_pairs()
    assert np.allclose(mesh.uv[pairs[:, 0], 0], 0.1) and np.allclose(mesh.uv[pairs[:, 1], 0], 0.16)
    assert np.allclose(mesh.uv[pairs[:, 0], 1], mesh.uv[pairs[:, 1], 1])
    assert mesh.uv[pairs[:, 0], 1].min() == pytest.approx(0.2, abs=1e-6)


def test_a_button_joins_two_points():
    left = with_lines(rectangle("left", 0.2, 0.4), [(0.02, 0.0), (0.02, 0.4)])
    right = with_lines(rectangle("right", 0.2, 0.4), [(0.18, 0.0), (0.18, 0.4)])
    buttons = tuple(Seam(EdgeRef("left", 4, f, f), EdgeRef("right", 4, f, f), kind="button") for f in (0.231, 0.7))
    pattern = Pattern("p", (left, right), buttons)
    check_pattern(pattern)
    mesh = mesh_pattern(pattern, 0.02)
    for _ in range(2):
        pairs, ids = mesh.seam_pairs()
        assert ids.tolist() == [0, 1]
        assert mesh.uv[pairs].reshape(-1, 2) == pytest.approx(
            np.array([(0.02, 0.0924), (0.18, 0.0924), (0.02, 0.28), (0.18, 0.28)]), abs=1e-5)
        mesh, _ = refine_mesh(mesh, pattern)


def test_tapes_run_along_their_span_at_every_level():
    pattern = Pattern("p", (with_lines(rectangle("p", 0.3, 0.4), [(0.05, 0.2), (0.25, 0.2)]),), (), tapes=(
        Tape(EdgeRef("p", 2, 0.25, 0.75), 0.8, 20.0), Tape(EdgeRef("p", 4, 1.0, 0.0), 1.0, 500.0)))
    check_pattern(pattern)
    mesh = mesh_pattern(pattern, 0.02)
    for _ in range(2):
        edges, rest, stiffness = tape_edges(pattern, mesh)
        assert rest[stiffness == 20.0].sum() == pytest.approx(0.8 * 0.15, rel=1e-5)
        assert rest[stiffness == 500.0].sum() == pytest.approx(0.2, rel=1e-5)
        assert {tuple(sorted(e)) for e in edges.tolist()} <= edges_of(mesh.faces)
        mesh, _ = refine_mesh(mesh, pattern)


@pytest.mark.parametrize(("lines", "words"), [
    ([[(0.1, 0.1)]], "list of points"),
    ([[(0.1, 0.1), (0.5, 0.1)]], "leaves the panel"),
    ([[(0.0, 0.0), (0.0, 0.4)]], "leaves the panel"),
    ([[(0.1, 0.1), (0.1, 0.1)]], "without length"),
    ([[(0.1, 0.1), (0.2, 0.2)], [(0.1, 0.2), (0.2, 0.1)]], "lines 0 and 1 cross"),
])
def test_lines_that_cannot_be_are_refused(lines, words):
    with pytest.raises(InputError, match=words):
        check_pattern(Pattern("p", (with_lines(rectangle("p", 0.3, 0.4), *lines),), ()))


@pytest.mark.parametrize(("tape", "words"), [
    (Tape(EdgeRef("q", 0), 0.8, 20.0), "no panel 'q'"),
    (Tape(EdgeRef("p", 4), 0.8, 20.0), "no edge or line 4"),
    (Tape(EdgeRef("p", 0, 0.5, 0.5), 0.8, 20.0), "two different fractions"),
    (Tape(EdgeRef("p", 0), 1.2, 20.0), "ratio 1.2"),
    (Tape(EdgeRef("p", 0), 0.8, 0.0), "stiffness of 0 N"),
])
def test_tapes_that_cannot_be_are_refused(tape, words):
    with pytest.raises(InputError) as caught:
        check_pattern(Pattern("p", (rectangle("p", 0.3, 0.4),), (), tapes=(tape,)))
    assert words in f"{caught.value.message} {caught.value.hint}"


def test_lines_and_tapes_are_saved_and_read(tmp_path):
    panel = with_lines(rectangle("p", 0.3, 0.4), [(0.1, 0.0), (0.1, 0.4)], angle=np.pi)
    pattern = Pattern("p", (panel,), (), tapes=(Tape(EdgeRef("p", 0), 0.8, 20.0),))
    back = codec.load(codec.save(pattern, tmp_path / "p.npz"), Pattern)
    assert back.tapes == pattern.tapes
    assert np.array_equal(back.panels[0].lines[0].points, panel.lines[0].points)
    assert codec.content_hash(back) == codec.content_hash(pattern)


def test_files_without_the_newer_fields_are_read(tmp_path, monkeypatch):
    old = dataclasses.make_dataclass(
        "Pattern", ["name", "panels", "seams"], frozen=True)("p", (), ())
    assert codec.load(codec.save(old, tmp_path / "old.npz"), Pattern).tapes == ()
