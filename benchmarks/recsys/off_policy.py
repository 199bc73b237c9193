"""Off-policy estimates against known values: three synthetic policies, 200 logs, one JSON line.

    python benchmarks/recsys/off_policy.py [--runs 200] [--decisions 2000]

Simulated shoppers click with a known, non-linear probability, so that each policy's true value is known from a
million contexts, and the doubly robust estimate's linear model is wrong. "covered" is the share of runs whose
95 % interval holds the true value.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from recsys.bandit import LinearBandit  # noqa: E402
from recsys.off_policy import Decisions, doubly_robust, empirical_likelihood, ips, snips  # noqa: E402

ARMS, WIDTH = 6, 5


def contexts(rng: np.random.Generator, n: int) -> np.ndarray:
    """Simulated users with the items offered to them, shape [n, arm, feature]."""
    user, items = rng.standard_normal((n, 1, WIDTH)), np.random.default_rng(99).standard_normal((ARMS, WIDTH))
    return user * items


def click_probability(x: np.ndarray) -> np.ndarray:
    """The truth, shape [n, arm]."""
    return 1 / (1 + np.exp(1.5 - 0.8 * x[..., 0] + 0.5 * x[..., 1] - 0.4 * x[..., 2] * np.abs(x[..., 3])))


def softmax(score: np.ndarray) -> np.ndarray:
    """Rows that sum to one."""
    e = np.exp(score - score.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


POLICIES = {
    "uniform": lambda x: np.full(x.shape[:2], 1 / ARMS),
    "soft_good": lambda x: softmax(1.5 * x[..., 0] - x[..., 1]),
    "nearly_greedy": lambda x: 0.9 * np.eye(ARMS)[(x[..., 0] - x[..., 1]).argmax(1)] + 0.1 / ARMS,
}


def logging_bandit(seed: int, explore: float) -> LinearBandit:
    """A Thompson sampler that has learnt from 300 decisions, then frozen."""
    rng = np.random.default_rng(seed)
    bandit = LinearBandit(WIDTH, kind="thompson", bonus=1.0, explore=explore, seed=seed)
    for x in contexts(rng, 300):
        arm = bandit.choose(x).arm
        bandit.learn(x[arm], float(rng.random() < click_probability(x)[arm]))
    return bandit


def main() -> None:
    """Counts covered intervals."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--decisions", type=int, default=2000)
    parser.add_argument("--explore", type=float, default=0.3, help="share of the logged choices made uniformly")
    args = parser.parse_args()
    start = time.process_time()
    big = contexts(np.random.default_rng(7), 1_000_000)
    truth = {name: float((policy(big) * click_probability(big)).sum(1).mean()) for name, policy in POLICIES.items()}
    estimators = {"ips": ips, "snips": snips, "dr": doubly_robust, "el": empirical_likelihood}
    covered = {name: dict.fromkeys(estimators, 0) for name in POLICIES}
    width = {name: dict.fromkeys(estimators, 0.0) for name in POLICIES}
    bandit = logging_bandit(0, args.explore)
    for run in range(args.runs):
        rng = np.random.default_rng(1000 + run)
        x = contexts(rng, args.decisions)
        choices = [bandit.choose(one) for one in x]
        arm = np.array([c.arm for c in choices])
        reward = (rng.random(len(x)) < click_probability(x)[np.arange(len(x)), arm]).astype(float)
        log = Decisions(x, arm, np.array([c.propensity for c in choices]), reward)
        for name, policy in POLICIES.items():
            for kind, estimator in estimators.items():
                e = estimator(log, policy(x))
                covered[name][kind] += e.low <= truth[name] <= e.high
                width[name][kind] += (e.high - e.low) / args.runs
    print(json.dumps({
        "benchmark": "recsys.off_policy", "simulated": True, "runs": args.runs,
        "decisions": args.decisions, "explore": args.explore,
        "true_value": {k: round(v, 4) for k, v in truth.items()},
        "covered": {k: {e: round(c / args.runs, 3) for e, c in v.items()} for k, v in covered.items()},
        "mean_interval_width": {k: {e: round(w, 4) for e, w in v.items()} for k, v in width.items()},
        "cpu_s": round(time.process_time() - start, 1),
    }))  # fmt: skip


if __name__ == "__main__":
    main()
