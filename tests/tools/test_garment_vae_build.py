"""What the garment space's weights are made of beside the network."""

import numpy as np

from tools.garment_vae.build import even, ways


def test_a_direction_changes_one_figure_and_leaves_those_that_go_with_it():
    rng = np.random.default_rng(0)
    body = rng.integers(4, size=400)
    figures = np.full((400, 8), np.nan)
    figures[:, 0] = rng.standard_normal(400)
    figures[:, 1] = 0.8 * figures[:, 0] + 0.6 * rng.standard_normal(400)  # flare goes with length
    z = np.zeros((400, 32))
    z[:, 0], z[:, 1] = 2 * figures[:, 0], 3 * figures[:, 1]
    figures[:, :2] += body[:, None]  # what the body does is not style
    direction, spread = ways(figures, body, z)
    assert np.allclose(direction[0, :2], [2, 0], atol=0.25) and np.allclose(direction[1, :2], [0, 3], atol=0.25)
    assert not direction[2:].any() and np.isnan(spread[2:]).all() and np.allclose(spread[:2], 1, atol=0.1)


def test_ratios_are_learnt_as_logarithms():
    figures = np.full((1, 8), 2.0)
    assert np.allclose(even(figures)[0], [2, np.log(2), 2, 2, 2, np.log(2), 2, 2]) and (figures == 2).all()
