"""The bandits that serve against the ranker alone, online, and off-policy from their log; one JSON line.

    python benchmarks/recsys/bandit.py [--decisions 4000] [--seed N]

**Simulated visitors** take what is shown first with a hidden probability that depends on the figures of
``recsys.serving.CONTEXT`` in a way that is not linear, and less on the ranker's score than the ranker believes. Each
policy serves the same visitors. Reported are rewards per decision over all and over the last quarter, by policy; and
what the log of LinUCB says of the others ("judged", with 95 % intervals), beside what they earn in truth.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
import numpy as np  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from recsys.off_policy import Decisions, doubly_robust, empirical_likelihood, ips, snips  # noqa: E402
from recsys.serving import CONTEXT, EXPLORE, bandit_from, policy  # noqa: E402

ARMS = 10


def offers(rng: np.random.Generator, n: int) -> np.ndarray:
    """Figures of visitors with the items offered, shape [n, ARMS, feature]."""
    x = np.zeros((n, ARMS, len(CONTEXT)))
    put = {name: k for k, name in enumerate(CONTEXT)}
    x[:, :, put["constant"]] = 1
    x[:, :, put["score"]] = -np.sort(-rng.beta(2, 2, (n, ARMS)), axis=1)
    x[:, :, put["place"]] = 1 / np.log2(np.arange(ARMS) + 2)
    x[:, :, put["new"]] = rng.random((n, ARMS)) < 0.2
    x[:, :, put["popular"]] = rng.beta(1, 4, (n, ARMS))
    x[:, :, put["likeness"]] = rng.uniform(-0.3, 1, (n, ARMS))
    x[:, :, put["price apart"]] = rng.beta(1, 3, (n, ARMS))
    return x


def wanted(x: np.ndarray) -> np.ndarray:
    """True probability that what is shown is taken, shape [...]."""
    c = {name: x[..., k] for k, name in enumerate(CONTEXT)}
    eta = -2.6 + 1.0 * c["score"] + 1.6 * np.maximum(c["likeness"], 0) ** 2 + 0.5 * c["new"] - 1.5 * c["price apart"]
    return 1 / (1 + np.exp(-eta))


def serve(kind: str, x: np.ndarray, luck: np.ndarray, seed: int) -> Decisions:
    """A bandit that learns as it serves; ``ranker`` and ``uniform`` do not learn."""
    rng, n = np.random.default_rng(seed), len(x)
    bandit = bandit_from(np.empty((0, len(CONTEXT))), np.empty(0), kind, seed=seed) if kind in (
        "linucb", "thompson") else None  # fmt: skip
    arm, propensity, reward = np.zeros(n, int), np.ones(n), np.zeros(n)
    for k in range(n):
        if bandit is not None:
            choice = bandit.choose(x[k])
            arm[k], propensity[k] = choice.arm, choice.propensity
        elif kind == "uniform":
            arm[k], propensity[k] = rng.integers(ARMS), 1 / ARMS
        reward[k] = luck[k] < wanted(x[k, arm[k]])
        if bandit is not None:
            bandit.learn(x[k, arm[k]], reward[k])
    return Decisions(x, arm, propensity, reward)


def main() -> None:
    """Serves, learns, judges."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--decisions", type=int, default=4000)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    start, rng = time.process_time(), np.random.default_rng(args.seed)
    x, luck = offers(rng, args.decisions), rng.random(args.decisions)
    logs = {kind: serve(kind, x, luck, args.seed) for kind in ("uniform", "ranker", "linucb", "thompson")}
    truth = wanted(x)
    rows = np.arange(args.decisions)
    earned = {
        kind: {"all": round(float(truth[rows, log.arm].mean()), 4),
               "last_quarter": round(float(truth[rows, log.arm][-args.decisions // 4 :].mean()), 4)}
        for kind, log in logs.items()
    }  # fmt: skip
    log, half = logs["linucb"], args.decisions // 2
    earlier, judged = log.where(slice(0, half)), log.where(slice(half, None))
    says = {}
    for name in ("uniform", "ranker", "linucb", "thompson"):
        p = policy(name, earlier, judged)
        says[name] = {"truth": round(float((p * truth[half:]).sum(1).mean()), 4)} | {
            kind: [round(v, 4) for v in (e.value, e.low, e.high)]
            for kind, e in (("ips", ips(judged, p)), ("snips", snips(judged, p)), ("dr", doubly_robust(judged, p)),
                            ("el", empirical_likelihood(judged, p, floor=EXPLORE / ARMS)))
        }  # fmt: skip
    print(json.dumps({
        "benchmark": "recsys.bandit", "simulated": True, "seed": args.seed, "decisions": args.decisions,
        "earned": earned, "best_possible": round(float(truth.max(1).mean()), 4), "judged_from_linucb_log": says,
        "cpu_s": round(time.process_time() - start, 1),
    }))  # fmt: skip


if __name__ == "__main__":
    main()
