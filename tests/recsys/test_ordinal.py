"""The hierarchical ordered probit: recovers what made the verdicts, pools what is seldom seen, gives back its prior."""

import numpy as np
import pytest

from recsys.ordinal import Group, Verdicts, _slopes, fit_ordinal, probabilities, update_member

MEAN, SPREAD = np.array([0.0, 0.0, 1.0, 1.0]), np.array([2.0, 2.0, 1.0, 1.0])


def drawn(rng, n=6000, members=40):
    x, member = rng.standard_normal((n, 2)), rng.integers(members, size=n)
    effect = rng.normal(0, 0.7, members)
    eta = x @ [1.2, -0.5] + effect[member]
    p = probabilities(eta, np.full(n, 0.8), np.full(n, 1.5), np.zeros(n))
    verdict = (rng.random(n)[:, None] > np.cumsum(p, 1)[:, :2]).sum(1)
    return Verdicts(x, np.zeros(n, int), verdict, np.zeros(n)), member, effect


def group(member, members=40, spread=0.3):
    return Group(member, np.ones((len(member), 1)), np.zeros((members, 1)), np.array([spread]))


def test_recovers_weights_cuts_effects_and_their_spread():
    verdicts, member, effect = drawn(np.random.default_rng(0))
    items = group(member)
    model = fit_ordinal(verdicts, [items], MEAN, SPREAD)
    np.testing.assert_allclose(model.weights, [1.2, -0.5, 0.8, 1.5], atol=0.25)
    assert items.spread[0] == pytest.approx(effect.std(), abs=0.06)
    assert np.corrcoef(items.effect[:, 0], effect)[0, 1] > 0.95
    off = (items.effect[:, 0] - effect - (items.effect[:, 0] - effect).mean()) / np.sqrt(items.covariance[:, 0, 0])
    assert 0.6 < off.std() < 1.5  # the standard errors say how far off the effects are


def test_slopes_are_those_of_the_log_likelihood():
    eta, a, b, noise = np.array([-2.0, 0.3, 1.4]), np.full(3, 0.7), np.full(3, 1.1), np.array([0.0, 0.5, 2.0])
    for verdict in range(3):
        v = np.full(3, verdict)

        def log_p(eta, a, b, v=v):
            return np.log(probabilities(eta, a, b, noise)[np.arange(3), v])

        slope, bend = _slopes(eta, a, b, v, noise)
        h = 1e-4
        np.testing.assert_allclose(slope[:, 0], (log_p(eta, a, b + h) - log_p(eta, a, b - h)) / (2 * h), atol=1e-6)
        np.testing.assert_allclose(-slope[:, 1], (log_p(eta, a + h, b) - log_p(eta, a - h, b)) / (2 * h), atol=1e-6)
        second = (log_p(eta + h, a, b) - 2 * log_p(eta, a, b) + log_p(eta - h, a, b)) / h**2
        np.testing.assert_allclose(-bend.sum((1, 2)), second, atol=1e-4)


def test_extreme_latents_stay_numbers():
    slope, bend = _slopes(np.array([50.0, -50.0]), np.ones(2), np.ones(2), np.array([0, 2]), np.zeros(2))
    assert np.isfinite(slope).all() and np.isfinite(bend).all() and slope[0, 1] > 10 and slope[1, 0] < -10


def test_no_verdicts_give_the_prior_and_few_are_pooled():
    none = Verdicts(np.zeros((0, 2)), np.zeros(0, int), np.zeros(0, int), np.zeros(0))
    model = fit_ordinal(none, [group(np.zeros(0, int))], MEAN, SPREAD)
    np.testing.assert_array_equal(model.weights, MEAN)
    one = Verdicts(np.zeros((1, 2)), np.zeros(1, int), np.array([0]), np.zeros(1))
    few, _ = update_member(model, one, np.zeros(1), 0.3)
    many = Verdicts(np.zeros((30, 2)), np.zeros(30, int), np.zeros(30, int), np.zeros(30))
    lots, variance = update_member(model, many, np.zeros(30), 0.3)
    assert lots < few < 0 and variance < 0.09
    assert update_member(model, none, np.zeros(0), 0.3) == (0.0, pytest.approx(0.09))


def test_probabilities_sum_to_one_and_flatten_with_doubt():
    eta, one = np.array([-1.5, 0.0, 2.0]), np.ones(3)
    sure, unsure = probabilities(eta, one, one, np.zeros(3)), probabilities(eta, one, one, np.full(3, 9.0))
    np.testing.assert_allclose(sure.sum(1), 1)
    assert (unsure.max(1) < sure.max(1)).all()
