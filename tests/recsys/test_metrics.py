"""Figures of rankings against figures worked out by hand, and intervals against theory."""

import numpy as np
import pytest

from recsys import metrics
from recsys.base import MASKED, top_k
from recsys.splits import Split


def split(targets, cold=(), n=8):
    start = np.concatenate([[0], np.cumsum([len(t) for t in targets])])
    is_cold = np.zeros(n, bool)
    is_cold[list(cold)] = True

    class Known:
        item, n_items, lengths = np.array([0, 0, 1]), n, np.array([2, 1])

    flat = np.array([i for t in targets for i in t])
    return Split(None, Known(), np.arange(len(targets)), start, flat, np.ones(n, bool), is_cold, 0.0)


def test_recall_and_ndcg_by_hand():
    value = metrics.per_user(split([[3, 5], [1], [2]]), np.array([[3, 0, 5], [0, 1, 2], [-1, -1, -1]]))
    assert value["recall"].tolist() == [1.0, 1.0, 0.0]
    expected = [(1 + 1 / 2) / (1 + 1 / np.log2(3)), 1 / np.log2(3), 0.0]
    np.testing.assert_allclose(value["ndcg"], expected)


def test_recall_with_more_targets_than_places():
    assert metrics.per_user(split([[0, 1, 2, 3]]), np.array([[0, 1]]))["recall"].tolist() == [1.0]


def test_cold_recall_counts_only_users_with_a_cold_target():
    s = split([[3, 5], [1], [4]], cold=[4, 5])
    assert metrics.cold_recall(s, np.array([[3, 5], [1, 0], [0, 1]])).tolist() == [1.0, 0.0]


def test_coverage_and_novelty():
    s, top = split([[1]]), np.array([[0, 1], [0, -1]])
    assert metrics.coverage(s, top) == 2 / 8
    assert metrics.novelty(s, top) == pytest.approx(-(2 * np.log2(3 / 3) + np.log2(2 / 3)) / 3)


def test_bootstrap_interval_agrees_with_the_normal_one():
    values = np.random.default_rng(0).random(2000)
    low, high = metrics.bootstrap_interval(values)
    error = values.std() / np.sqrt(2000)
    assert low == pytest.approx(values.mean() - 1.96 * error, abs=error / 4)
    assert high == pytest.approx(values.mean() + 1.96 * error, abs=error / 4)


def test_paired_difference_sees_a_small_steady_gain():
    base = np.random.default_rng(1).random(500)
    d = metrics.paired_difference(base + 0.01, base)
    assert d["mean"] == pytest.approx(0.01) and d["low"] == pytest.approx(0.01) == d["high"]


def test_top_k_orders_breaks_ties_by_index_and_marks_masked():
    scores = np.array([[1, 3, 3, MASKED, 2], [MASKED] * 4 + [0]], np.float32)
    assert top_k(scores, 4).tolist() == [[1, 2, 4, 0], [4, -1, -1, -1]]
    assert top_k(scores, 9).shape == (2, 5)
