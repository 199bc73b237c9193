import numpy as np

from render.bake import bake_transfer
from render.studio import Studio, fibonacci_sphere, sh_basis, turn_matrix


def _bake(depth_map, normals):
    points = np.zeros((len(normals), 3))
    return bake_transfer(depth_map, points, normals, centre=np.zeros(3), radius=1.0, directions=400)


def test_unblocked_points_see_the_whole_hemisphere_and_reflect_a_white_sky_whole():
    normals = fibonacci_sphere(20)
    transfer, seen = _bake(lambda m: np.ones((8, 8), np.float32), normals)
    white = (4 * np.pi / 4000) * sh_basis(fibonacci_sphere(4000)).T @ np.ones((4000, 3))
    assert np.allclose(seen, 1)
    assert np.allclose(transfer @ white, 1, atol=0.02)


def test_blocked_points_see_nothing():
    transfer, seen = _bake(lambda m: np.zeros((8, 8), np.float32), fibonacci_sphere(5))
    assert np.allclose(seen, 0) and np.allclose(transfer, 0)


def test_spherical_harmonics_are_orthonormal():
    basis = sh_basis(fibonacci_sphere(20000))
    assert np.allclose(4 * np.pi / 20000 * basis.T @ basis, np.eye(9), atol=2e-3)


def test_the_studio_turns_with_the_camera():
    studio = Studio()
    key = studio.direction("key", 0.0)
    assert np.allclose(studio.direction("key", 0.7), turn_matrix(0.7) @ key)
    assert key[0] < 0 < key[2]  # in front of the subject, at the camera's left
    quarter = studio.environment(np.pi / 2)
    assert np.allclose(quarter[0], studio.environment(0.0)[0], atol=5e-3)  # as bright from wherever it is seen
    assert not np.allclose(quarter, studio.environment(0.0), atol=0.02)
