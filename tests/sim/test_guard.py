"""The exact checks, against brute force."""

import numpy as np

from engine.core.mesh import unique_edges
from sim.guard import caught, intersections


def brute_force(x, faces):
    """Every edge against every triangle by the signs of five volumes."""
    volume = lambda a, b, c, d: np.linalg.det(np.stack([b - a, c - a, d - a]))  # noqa: E731
    edges, _ = unique_edges(faces)
    out = set()
    for p, q in edges:
        for t, tri in enumerate(faces):
            if p in tri or q in tri:
                continue
            a, b, c = x[tri]
            if np.sign(volume(a, b, c, x[p])) == np.sign(volume(a, b, c, x[q])):
                continue
            s = [np.sign(volume(x[p], x[q], u, v)) for u, v in ((a, b), (b, c), (c, a))]
            if s[0] == s[1] == s[2]:
                out.add((int(p), int(q), t))
    return out


def test_random_triangles_as_brute_force():
    rng = np.random.default_rng(0)
    for _ in range(3):
        centre = rng.normal(size=(25, 1, 3)) * 0.05
        x = (centre + rng.normal(size=(25, 3, 3)) * 0.05).reshape(-1, 3)
        faces = np.arange(75).reshape(-1, 3)
        expected = brute_force(x, faces)
        assert len(expected) > 5
        assert {tuple(r) for r in intersections(x, faces).tolist()} == expected


def test_sewn_neighbours_do_not_count():
    x = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0.2, 0.2, -1], [0.2, 0.2, 1], [3, 3, 0]], float)
    faces = np.array([[0, 1, 2], [3, 4, 5]])
    assert len(intersections(x, faces)) == 2  # each triangle has an edge that crosses the other
    assert len(intersections(x, faces, np.array([0, 1, 2, 0, 1, 4]))) == 0


def test_a_flat_sheet_is_clean():
    g = np.stack(np.meshgrid(np.arange(6.0), np.arange(6.0), indexing="ij"), -1).reshape(-1, 2)
    x = np.column_stack([g, np.zeros(len(g))])
    a = np.array([i * 6 + j for i in range(5) for j in range(5)])
    faces = np.concatenate([np.stack([a, a + 6, a + 7], 1), np.stack([a, a + 7, a + 1], 1)])
    assert len(intersections(x, faces)) == 0


def test_cloth_between_the_sides_of_a_seam_is_found():
    """Two triangles to be sewn along an edge, a millimetre apart, and a third that stands in the gap or beside it."""
    left = np.array([(0, 0, 0), (0, 1, 0), (-1, 0, 0)], float)
    right = np.array([(0.001, 0, 0), (0.001, 1, 0), (1, 0, 0)], float)
    faces, pairs = np.arange(9).reshape(3, 3), np.array([(0, 3), (1, 4)])
    group = np.array([0, 1, 2, 0, 1, 3, 4, 5, 6])
    for x, found in ((0.0005, [[0, 2]]), (0.5, [])):
        between = np.array([(x, -0.2, -1), (x, -0.2, 1), (x, 0.3, 0)], float)
        hits = caught(np.concatenate([left, right, between]), faces, pairs, group)
        assert hits.tolist() == found
    closed = np.concatenate([left, left, between])
    assert len(caught(closed, faces, pairs, group)) == 0
