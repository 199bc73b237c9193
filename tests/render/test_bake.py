import numpy as np
import pytest

from render.bake import bake_transfer, ortho_matrix
from render.gpu_programs import Programs
from render.opengl import create_context
from render.studio import Studio, fibonacci_sphere, sh_basis, turn_matrix


@pytest.fixture(scope="module")
def context(opengl):
    with create_context() as held:
        yield held
    held.release()


def _bake(context, depth, normals, points=None, **how):
    """With the same depth on every map, or one for each from a function of the matrix."""
    def draw(frame, matrix):
        frame.use()
        if callable(depth):
            frame.depth_attachment.write(np.ascontiguousarray(depth(matrix), np.float32).tobytes())
        else:
            frame.clear(depth=depth)

    points = np.zeros((len(normals), 3)) if points is None else points
    how = {"directions": 400, **how}
    with context:
        return bake_transfer(
            context, Programs(context), draw, points, normals, centre=np.zeros(3), radius=1.0, **how
        )


def _by_hand(depth, points, normals, directions, offset=0.003):
    """The same sums in NumPy."""
    transfer, seen, whole = np.zeros((len(points), 9)), np.zeros(len(points)), np.zeros(len(points))
    ways = fibonacci_sphere(directions)
    for way, harmonics in zip(ways, sh_basis(ways), strict=True):
        m = ortho_matrix(way, np.zeros(3), 1.0)
        stored = depth(m)
        clip = (points + offset * normals) @ m[:3, :3].T + m[:3, 3]
        xy, z = (clip[:, :2] * 0.5 + 0.5) * len(stored) - 0.5, clip[:, 2] * 0.5 + 0.5
        low = np.floor(xy).astype(int)
        t = xy - low
        weight = 4 / directions * np.maximum(normals @ way, 0)
        visible = np.zeros(len(points))
        for dy in (0, 1):
            for dx in (0, 1):
                part = np.where(dx, t[:, 0], 1 - t[:, 0]) * np.where(dy, t[:, 1], 1 - t[:, 1])
                visible += part * (stored[low[:, 1] + dy, low[:, 0] + dx] >= z)
        transfer += (weight * visible)[:, None] * harmonics
        seen, whole = seen + weight * visible, whole + weight
    return transfer, seen / whole


def test_the_card_sums_as_numpy_does(context):
    rng = np.random.default_rng(5)
    normals = fibonacci_sphere(300)
    points = rng.uniform(-0.5, 0.5, (300, 3))
    ramp = np.linspace(-1, 1, 1024)

    def depth(matrix):  # a wavy sheet, other from every side
        return 0.5 + 0.3 * np.sin(6 * ramp[:, None] + 3 * matrix[0, 0]) * np.cos(5 * ramp + 2 * matrix[1, 1])

    transfer, seen = _bake(context, depth, normals, points, directions=24)
    wanted, share = _by_hand(depth, points, normals, 24)
    assert 0.2 < share.mean() < 0.8
    assert np.allclose(transfer, wanted, atol=2e-3) and np.allclose(seen, share, atol=2e-3)


def test_unblocked_points_see_the_whole_hemisphere_and_reflect_a_white_sky_whole(context):
    normals = fibonacci_sphere(20)
    transfer, seen = _bake(context, 1.0, normals)
    white = (4 * np.pi / 4000) * sh_basis(fibonacci_sphere(4000)).T @ np.ones((4000, 3))
    assert np.allclose(seen, 1)
    assert np.allclose(transfer @ white, 1, atol=0.02)


def test_blocked_points_see_nothing(context):
    transfer, seen = _bake(context, 0.0, fibonacci_sphere(5))
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
