"""Serving: a bandit reranks, writes down what it did, learns from the log alone, and is judged by it."""

import numpy as np
import pytest

from recsys.event_log import open_log
from recsys.off_policy import Decisions, doubly_robust, gain
from recsys.recommend import recommend
from recsys.serving import CONTEXT, EXPLORE, POLICIES, bandit_from, contexts, policy, serve

NEW = CONTEXT.index("new")


@pytest.fixture
def log(tmp_path):
    return open_log(tmp_path / "shop.db")


def history_of(shop, user):
    return shop.events.where(shop.events.user == user)


def test_contexts_are_of_the_items_offered_and_finite(shop, model):
    history = history_of(shop, 3)
    rows = recommend(model, history, count=8)
    x = contexts(model, history, rows)
    assert x.shape == (8, len(CONTEXT)) and np.isfinite(x).all() and np.abs(x).max() <= 1.0 + 1e-6
    assert [model.catalogue.ids[r.place] for r in rows] == [r.item for r in rows]
    likeness = x[:, CONTEXT.index("likeness")]
    swapped = contexts(model, history, rows[::-1])[:, CONTEXT.index("likeness")]
    np.testing.assert_allclose(likeness, swapped[::-1])
    newcomer = contexts(model, history.where(np.zeros(len(history), bool)), rows)
    assert (newcomer[:, CONTEXT.index("likeness")] == 0).all()


def test_before_anything_is_known_the_rankers_first_is_likeliest(shop, model, log):
    history = history_of(shop, 3)
    rows = recommend(model, history, count=5, diversity=0.0)
    served = serve(model, log, "ann", history, rows, kind="thompson", seed=0)
    assert sorted(r.item for r in served.items) == sorted(r.item for r in rows)
    x = contexts(model, history, rows)
    p = bandit_from(np.empty((0, len(CONTEXT))), np.empty(0), "linucb").probabilities(x)
    assert p.argmax() == 0 and p.min() == pytest.approx(EXPLORE / 5)


def test_learns_from_the_log_what_earns_and_forgets_with_it(shop, model, log):
    history = history_of(shop, 3)
    rows = recommend(model, history, count=4)
    x = contexts(model, history, rows)
    x[:, NEW] = [0, 0, 0, 1]
    for k in range(200):  # only new items earn
        decision = log.add_decision("ann", [r.item for r in rows], x, k % 4, 0.25, time=1e9 + k)
        log.add_reward(decision, float(k % 4 == 3))
    shown, reward = log.lessons(len(CONTEXT))
    assert shown.shape == (200, len(CONTEXT)) and reward.sum() == 50
    for kind in ("linucb", "thompson"):
        assert bandit_from(shown, reward, kind, seed=0).probabilities(x).argmax() == 3
    log.forget("ann")
    assert log.lessons(len(CONTEXT))[0].shape == (0, len(CONTEXT))


def test_what_nothing_came_of_is_settled(log):
    old = log.add_decision("u", ["a", "b"], [[1.0], [0.0]], 0, 0.5, time=100.0)
    log.add_decision("u", ["a", "b"], [[1.0], [0.0]], 1, 0.5, time=200.0)
    assert log.settle(150.0) == 1 and log.decisions().reward.tolist() == [0.0]
    log.add_reward(old, 1.0)  # a late purchase still counts
    assert log.decisions().reward.tolist() == [1.0]
    log.add_reward(old, 0.1, lower=False)  # looked at again
    assert log.decisions().reward.tolist() == [1.0]
    log.add_reward(old, 0.0)  # returned
    assert log.decisions().reward.tolist() == [0.0]


def simulated(n, seed):
    """Decisions of a uniform policy in a simulated shop where likeness earns."""
    rng = np.random.default_rng(seed)
    x = np.zeros((n, 5, len(CONTEXT)))
    x[:, :, 0] = 1
    x[:, :, CONTEXT.index("place")] = 1 / np.log2(np.arange(5) + 2)
    x[:, :, CONTEXT.index("likeness")] = rng.uniform(-1, 1, (n, 5))
    arm = rng.integers(5, size=n)
    earns = 0.3 + 0.25 * x[np.arange(n), arm, CONTEXT.index("likeness")]
    return Decisions(x, arm, np.full(n, 0.2), (rng.random(n) < earns).astype(float))


def test_policies_are_judged_from_the_log_of_another():
    log = simulated(3000, 0)
    earlier, judged = log.where(slice(0, 1500)), log.where(slice(1500, None))
    best = judged.contexts[:, :, CONTEXT.index("likeness")].max(1)
    for name in POLICIES:
        p = policy(name, earlier, judged)
        np.testing.assert_allclose(p.sum(1), 1)
        gained = gain(judged, p)
        if name in ("uniform", "ranker"):
            assert gained.low < 0 < gained.high
        else:
            assert gained.low > 0 and gained.value == pytest.approx(0.25 * 0.9 * best.mean(), abs=0.06)
        assert doubly_robust(judged, p).value == pytest.approx(gained.value + judged.reward.mean())
    assert policy("ranker", earlier, judged).argmax(1).tolist() == [0] * 1500
