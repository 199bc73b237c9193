"""The exact distance to a closed mesh, against closed forms and against another program's."""

import numpy as np
import trimesh

from sim.exact_distance import signed_distance


def test_a_box_as_in_closed_form():
    box = trimesh.creation.box((0.4, 0.6, 1.0))
    points = np.random.default_rng(0).uniform(-1.0, 1.0, (3000, 3))
    points = np.concatenate([points, [[0.2, 0.3, 0.5], [0.0, 0.0, 0.5], [0.0, 0.0, 0.0], [0.2, 0.3, 0.0]]])
    beyond = np.abs(points) - [0.2, 0.3, 0.5]
    expected = np.linalg.norm(np.maximum(beyond, 0.0), axis=1) + np.minimum(beyond.max(1), 0.0)
    assert np.abs(signed_distance(box.vertices, box.faces, points) - expected).max() < 1e-12


def test_sharp_creases_and_spikes_as_ray_casting_says():
    from engine.core.open3d_runtime import surface_scene, tensor

    rng = np.random.default_rng(1)
    ball = trimesh.creation.icosphere(subdivisions=3, radius=0.3)
    spiky = ball.vertices * (1.0 + 0.6 * rng.random((len(ball.vertices), 1)) ** 4)
    points = np.concatenate([rng.uniform(-0.6, 0.6, (3000, 3)), spiky[rng.integers(0, len(spiky), 3000)]
                             + rng.normal(0.0, 0.01, (3000, 3))])  # fmt: skip
    found = signed_distance(spiky, ball.faces, points)
    expected = surface_scene(spiky, ball.faces).compute_signed_distance(tensor(points), nsamples=3).numpy()
    assert np.abs(found - expected).max() < 1e-6
    assert (found < 0).sum() > 300


def test_points_are_told_alike_alone_and_among_thousands():
    ball = trimesh.creation.icosphere(subdivisions=2, radius=0.1)
    points = np.random.default_rng(2).uniform(-0.2, 0.2, (9000, 3))
    together = signed_distance(ball.vertices, ball.faces, points)
    alone = [signed_distance(ball.vertices, ball.faces, p[None])[0] for p in points[::500]]
    assert np.array_equal(together[::500], alone)
    assert len(signed_distance(ball.vertices, ball.faces, np.zeros((0, 3)))) == 0
