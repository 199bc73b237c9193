import numpy as np
import pytest

from engine.core.errors import InputError
from engine.core.mesh import subdivide, unique_edges, weld_map
from engine.core.pattern_types import EdgeRef, Pattern, Seam
from garments.formats import read_pattern
from garments.meshing import mesh_pattern, refine_mesh
from garments.meshing_cdt import min_angles, triangulate
from garments.panels import edge_curve, panel_area
from tests.garments.shapes import curved, dart, polygon, rectangle


def areas(uv, faces):
    p = uv[faces]
    u, v = p[:, 1] - p[:, 0], p[:, 2] - p[:, 0]
    return 0.5 * (u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0])


def boundary_edges(faces):
    edges, face_edges = unique_edges(faces)
    return {tuple(e) for e in edges[np.bincount(face_edges.ravel(), minlength=len(edges)) == 1].tolist()}


def check_mesh(pattern, mesh):
    """Every panel is covered once, the outline is the given one, and inner points stay off it."""
    assert (areas(mesh.uv, mesh.faces) > 0).all()
    for k, panel in enumerate(pattern.panels):
        here = mesh.panel_id == k
        assert areas(mesh.uv, mesh.faces[here]).sum() == pytest.approx(panel_area(panel), rel=0.02)
    rim = {tuple(sorted(e)) for e in mesh.rim.tolist()}
    assert boundary_edges(mesh.faces) == rim
    assert np.unique(mesh.faces).size == len(mesh.uv)


def test_triangulate_keeps_every_side_of_odd_outlines():
    rng = np.random.default_rng(4)
    for _ in range(12):
        n = rng.integers(5, 40)
        angle = np.sort(rng.uniform(0, 2 * np.pi, n))
        if np.diff(np.append(angle, angle[0] + 2 * np.pi)).max() > 3:
            continue
        corners = np.stack([np.cos(angle), np.sin(angle)], 1) * rng.uniform(0.08, 0.3, n)[:, None]
        points, faces = triangulate(corners, 0.03)
        assert (areas(points, faces) > 0).all()
        assert areas(points, faces).sum() == pytest.approx(areas(corners, _fan(n)).sum(), rel=1e-9)
        assert boundary_edges(faces) == {tuple(sorted((i, (i + 1) % n))) for i in range(n)}


def _fan(n):
    return np.array([(0, i, i + 1) for i in range(1, n - 1)])


def test_a_plain_panel_is_nearly_equilateral():
    mesh = mesh_pattern(Pattern("p", (rectangle("p", 0.4, 0.5),), ()), 0.02)
    angles = np.degrees(min_angles(mesh.uv, mesh.faces))
    assert angles.min() > 30 and angles.mean() > 52
    lengths = np.linalg.norm(mesh.uv[mesh.faces] - np.roll(mesh.uv[mesh.faces], -1, axis=1), axis=2)
    assert 0.017 < lengths.mean() < 0.023 and lengths.max() < 0.033


@pytest.mark.parametrize("panel", [
    rectangle("collar", 0.4, 0.03), rectangle("binding", 0.6, 0.006), rectangle("button loop", 0.012, 0.012),
    polygon("godet", [(0, 0), (0.16, 0), (0.08, 0.5)]), curved(),
    polygon("crescent", [(0, 0), (0.2, 0.06), (0.4, 0), (0.4, 0.01), (0.2, 0.075), (0, 0.01)]),
], ids=lambda p: p.name)
def test_thin_and_sharp_pieces_mesh_well(panel):
    pattern = Pattern("p", (panel,), ())
    mesh = mesh_pattern(pattern, 0.02)
    check_mesh(pattern, mesh)
    corner = 180.0
    v = panel.vertices
    for i in range(len(v)):
        a, b = v[i - 1] - v[i], v[(i + 1) % len(v)] - v[i]
        corner = min(corner, np.degrees(np.arccos(a @ b / np.linalg.norm(a) / np.linalg.norm(b))))
    assert np.degrees(min_angles(mesh.uv, mesh.faces)).min() > min(18.0, 0.6 * corner)


def test_seam_sides_match_through_spans_gathers_and_darts():
    pattern = dart()
    mesh = mesh_pattern(pattern, 0.02)
    check_mesh(pattern, mesh)
    pairs, ids = mesh.seam_pairs()
    dart_chain = mesh.chains[0]
    tip = dart_chain[dart_chain[:, 0] == dart_chain[:, 1], 0]
    assert len(tip) == 1 and mesh.uv[tip[0]] == pytest.approx([0.15, 0.18])
    assert (pairs[:, 0] != pairs[:, 1]).all()
    for k in (1, 2):  # the strip is 1.5 times as long
        a, b = mesh.uv[mesh.chains[k][:, 0]], mesh.uv[mesh.chains[k][:, 1]]
        assert b[:, 0] == pytest.approx(1.5 * a[:, 0], abs=1e-9)
    joint = set(mesh.chains[1][:, 0]) & set(mesh.chains[2][:, 0])
    assert len(joint) == 1  # the two spans share the point between them
    weld = weld_map(len(mesh.uv), pairs)[mesh.faces]
    assert ((weld[:, 0] != weld[:, 1]) & (weld[:, 1] != weld[:, 2]) & (weld[:, 0] != weld[:, 2])).all()


def test_corners_of_many_panels_weld_transitively():
    names = "abcd"
    panels = tuple(rectangle(n, 0.1, 0.1) for n in names)
    seams = (
        Seam(EdgeRef("a", 1), EdgeRef("b", 3, 1.0, 0.0)), Seam(EdgeRef("a", 2), EdgeRef("c", 0, 1.0, 0.0)),
        Seam(EdgeRef("b", 2), EdgeRef("d", 0, 1.0, 0.0)), Seam(EdgeRef("c", 1), EdgeRef("d", 3, 1.0, 0.0)),
    )
    mesh = mesh_pattern(Pattern("quilt", panels, seams), 0.02)
    weld = weld_map(len(mesh.uv), mesh.seam_pairs()[0])
    corners = [
        int(np.flatnonzero((mesh.vertex_panel == k) & (np.abs(mesh.uv - c).max(1) < 1e-9))[0])
        for k, c in enumerate([(0.1, 0.1), (0, 0.1), (0.1, 0), (0, 0)])
    ]
    assert len({int(weld[v]) for v in corners}) == 1


def test_refinement_follows_the_hierarchy_and_the_true_curves():
    pattern = Pattern("p", (curved(), rectangle("band", 0.3, 0.05)), (Seam(EdgeRef("curved", 2), EdgeRef("band", 0)),))
    coarse = mesh_pattern(pattern, 0.02)
    fine, edges = refine_mesh(coarse, pattern)
    check_mesh(pattern, fine)
    faces, expected = subdivide(coarse.faces, len(coarse.uv))
    assert (fine.faces == faces).all() and (edges == expected).all()
    assert (fine.uv[: len(coarse.uv)] == coarse.uv).all()
    assert len(fine.chains[0]) == 2 * len(coarse.chains[0]) - 1
    assert (fine.chains[0][::2] == coarse.chains[0]).all()
    curve = edge_curve(pattern.panels[0], 2)
    on_curve = fine.uv[fine.chains[0][:, 0]]
    assert on_curve == pytest.approx(curve.points(np.linspace(0, 1, len(on_curve))), abs=1e-9)
    assert np.degrees(min_angles(fine.uv, fine.faces)).min() > 25


def test_real_patterns_mesh_with_matched_seams(shared_data):
    for name in ("tshirt", "skirt_pencil", "turtleneck"):
        pattern = read_pattern(shared_data / "garmentcode_patterns" / f"{name}_specification.json")
        mesh = mesh_pattern(pattern, 0.02)
        check_mesh(pattern, mesh)
        angles = np.degrees(min_angles(mesh.uv, mesh.faces))
        assert angles.min() > 15 and (angles < 20).sum() <= 4 and angles.mean() > 50
        assert all(len(c) >= 2 for c in mesh.chains)


def test_absurd_edge_lengths_are_refused():
    pattern = Pattern("p", (rectangle("p", 0.4, 0.5),), ())
    for bad in (0.0, -1.0, 5e-5, 3.0, float("nan")):
        with pytest.raises(InputError, match="edge length"):
            mesh_pattern(pattern, bad)
