"""Bandits learn, log exact propensities, and their logs judge other policies."""

import numpy as np
import pytest

from recsys.bandit import LinearBandit
from recsys.off_policy import Z95, Decisions, _estimate, doubly_robust, empirical_likelihood, ips, snips

TRUTH = np.array([0.5, -0.3, 0.1])


def offers(rng, arms=4):
    return rng.standard_normal((arms, 3))


@pytest.mark.parametrize("kind", ["linucb", "thompson"])
def test_learns_the_weights_and_earns_more_than_chance(kind):
    rng, bandit = np.random.default_rng(0), LinearBandit(3, kind=kind, explore=0.05)
    late, chance = [], []
    for step in range(600):
        x = offers(rng)
        choice = bandit.choose(x)
        bandit.learn(x[choice.arm], float(x[choice.arm] @ TRUTH + 0.1 * rng.standard_normal()))
        if step >= 300:
            late.append(x[choice.arm] @ TRUTH)
            chance.append((x @ TRUTH).mean())
    np.testing.assert_allclose(bandit.weights, TRUTH, atol=0.05)
    assert np.mean(late) > np.mean(chance) + 0.4


@pytest.mark.parametrize("kind", ["linucb", "thompson"])
def test_logged_propensity_is_the_frequency(kind):
    rng = np.random.default_rng(1)
    x = offers(rng)
    bandit = LinearBandit(3, kind=kind, explore=0.2)
    bandit.learn(x[0], 1.0)
    counts, expected = np.zeros(4), np.zeros(4)
    for _ in range(2000):
        choice = bandit.choose(x)
        assert choice.propensity == choice.probabilities[choice.arm] >= 0.2 / 4 - 1e-12
        assert choice.probabilities.sum() == pytest.approx(1)
        counts[choice.arm] += 1
        expected += choice.probabilities
    np.testing.assert_allclose(counts / 2000, expected / 2000, atol=0.04)


def test_same_seed_same_choices():
    x = [offers(np.random.default_rng(s)) for s in range(20)]
    runs = [[b.choose(c).arm for c in x] for b in (LinearBandit(3, kind="thompson", seed=5) for _ in range(2))]
    assert runs[0] == runs[1]


def test_rerank_puts_the_choice_first_and_keeps_all():
    x = offers(np.random.default_rng(2), arms=6)
    order, propensity = LinearBandit(3).rerank(x)
    assert sorted(order.tolist()) == list(range(6)) and 0 < propensity <= 1


def logged(rng, n=1500):
    x = rng.standard_normal((n, 4, 3))
    logging = np.full((n, 4), 0.25)
    arm = rng.integers(4, size=n)
    reward = (rng.random(n) < 1 / (1 + np.exp(-x[np.arange(n), arm] @ TRUTH))).astype(float)
    return Decisions(x, arm, logging[np.arange(n), arm], reward)


def test_estimates_hold_the_true_value_and_the_doubly_robust_one_is_narrowest():
    rng = np.random.default_rng(3)
    big = rng.standard_normal((200_000, 4, 3))
    score = big @ TRUTH
    truth = (1 / (1 + np.exp(-score))).max(1).mean()
    covered, width = np.zeros(4), np.zeros(4)
    for run in range(40):
        log = logged(np.random.default_rng(run))
        policy = np.eye(4)[(log.contexts @ TRUTH).argmax(1)]
        for k, estimator in enumerate((ips, snips, doubly_robust, empirical_likelihood)):
            e = estimator(log, policy)
            covered[k] += e.low <= truth <= e.high
            width[k] += e.high - e.low
    assert (covered >= 34).all()
    assert width[2] <= width[1] < width[0] and 0 < width[3] < width[0]


def test_intervals_of_skewed_terms_miss_on_both_sides_alike():
    rng, sides = np.random.default_rng(0), np.zeros((2, 2))
    for _ in range(2000):
        terms = rng.exponential(size=60)
        e, reach = _estimate(terms, np.ones(60)), Z95 * terms.std(ddof=1) / np.sqrt(60)
        sides += [[e.high < 1, e.low > 1], [terms.mean() + reach < 1, terms.mean() - reach > 1]]
    ours, normal = sides / 2000
    assert ours.sum() < 0.062 and ours.sum() < normal.sum(), (ours, normal)
    assert abs(ours[0] - ours[1]) < 0.5 * abs(normal[0] - normal[1])


def test_the_likelihoods_interval_holds_where_the_policies_hardly_overlap():
    """The log shows one item nearly always, the policy another one that pays more: six or so heavy weights."""
    n, truth, covered = 1500, 0.4, np.zeros(2)
    for run in range(60):
        rng = np.random.default_rng(run)
        arm = (rng.random(n) < 0.004).astype(int)
        reward = (rng.random(n) < np.where(arm == 1, truth, 0.1)).astype(float)
        log = Decisions(np.ones((n, 2, 1)), arm, np.where(arm == 1, 0.004, 0.996), reward)
        policy = np.tile([0.0, 1.0], (n, 1))
        for k, e in enumerate((snips(log, policy), empirical_likelihood(log, policy))):
            covered[k] += e.low <= truth <= e.high
            assert not k or 0 <= e.low <= e.value <= e.high <= 1
    assert covered[1] >= 53 > covered[0], covered


def test_the_logging_policy_itself_is_valued_at_its_mean():
    log = logged(np.random.default_rng(9))
    same = np.full((1500, 4), 0.25)
    for estimator in (ips, snips, empirical_likelihood):
        e = estimator(log, same)
        assert e.value == pytest.approx(log.reward.mean()) and e.effective == pytest.approx(1500)


def test_wrong_logs_are_refused():
    log = logged(np.random.default_rng(0))
    with pytest.raises(ValueError, match="sum to 1"):
        ips(log, np.ones((1500, 4)))
    with pytest.raises(ValueError, match="propensities"):
        ips(Decisions(log.contexts, log.arm, np.zeros(1500), log.reward), np.full((1500, 4), 0.25))
    with pytest.raises(ValueError, match="linucb or thompson"):
        LinearBandit(3, kind="greedy")
    with pytest.raises(ValueError, match="rewards"):
        empirical_likelihood(Decisions(log.contexts, log.arm, log.propensity, 2 * log.reward), np.full((1500, 4), 0.25))
