import numpy as np

from engine.core import mesh

FACES = np.array([[0, 1, 2], [2, 1, 3]], np.int32)
POINTS = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 1]], np.float32)


def test_unique_edges():
    edges, face_edges = mesh.unique_edges(FACES)
    assert edges.tolist() == [[0, 1], [0, 2], [1, 2], [1, 3], [2, 3]]
    assert face_edges.tolist() == [[0, 2, 1], [2, 3, 4]]


def test_subdivision_leaves_the_surface_as_it_was():
    faces, edges = mesh.subdivide(FACES, len(POINTS))
    points = np.concatenate([POINTS, POINTS[edges].mean(1)])
    assert faces.shape == (8, 3)
    n0, a0 = mesh.face_normals_areas(POINTS, FACES)
    n1, a1 = mesh.face_normals_areas(points, faces)
    np.testing.assert_allclose(a1.reshape(2, 4), np.repeat(a0[:, None] / 4, 4, 1), rtol=1e-6)
    np.testing.assert_allclose(n1.reshape(2, 4, 3), np.repeat(n0[:, None], 4, 1), atol=1e-6)


def test_weld_is_transitive_and_ordered():
    assert mesh.weld_map(6, np.array([[4, 1], [1, 5]])).tolist() == [0, 1, 2, 3, 1, 1]
    assert mesh.weld_map(3, np.zeros((0, 2), int)).tolist() == [0, 1, 2]


def test_normals_across_a_weld_are_shared():
    points = np.array([[0, 0, 0], [1, 0, 0], [0, 0, 1], [1, 0, 0], [0, 0, 0], [0, 1, 0]], np.float32)
    faces = np.array([[0, 1, 2], [3, 4, 5]], np.int32)
    weld = mesh.weld_map(6, np.array([[0, 4], [1, 3]]))
    normals = mesh.vertex_normals(points, faces, weld)
    np.testing.assert_array_equal(normals[0], normals[4])
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-6)


def test_green_strain_of_a_known_stretch_and_shear():
    rest = np.array([[[0, 0], [1, 0], [0, 1]]], float)
    stretched = np.array([[0, 0, 0], [1.1, 0, 0], [0.2, 1, 0]])
    e = mesh.green_strain(stretched, np.array([[0, 1, 2]]), rest)[0]
    np.testing.assert_allclose(e, [(1.21 - 1) / 2, (1.04 - 1) / 2, 0.22 / 2], rtol=1e-6)
    angle = 0.7
    turn = np.array([[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]])
    rigid = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]]) @ turn.T
    np.testing.assert_allclose(mesh.green_strain(rigid, np.array([[0, 1, 2]]), rest), 0, atol=1e-7)
