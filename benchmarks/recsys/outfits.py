"""Outfits learnt from **simulated** co-purchases: fill in the blank among four, and AUC; one JSON line.

    python benchmarks/recsys/outfits.py [--seed N]

Simulated shoppers buy a second item to a first one by hidden weights that partly contradict the stylist's rules, and by
a hidden liking of single items (popularity). Held-out pairs are judged against three (all, for AUC) purchases of the
same slot, so that popularity cannot help. ``rules``: not learnt; ``together``: lift of co-purchases alone;
``learnt``: weights learnt from the pairs before; ``hidden``: the true weights, the most that can be had.
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

from recsys.outfit import RULES  # noqa: E402
from recsys.outfit_facts import OutfitFacts, outfit_facts  # noqa: E402
from recsys.outfit_pairs import FIGURES, learn_weights, lift, pair_figures  # noqa: E402
from recsys.simulate import REGIMES, simulate  # noqa: E402

#: What simulated shoppers go by: they like loud colours, wide with wide, and care much for the occasion.
HIDDEN = np.array([-0.6, -2.0, -1.0, 0.4, 1.2, -0.5, 0.0])
HELD_OUT = 1500


def draw(facts: OutfitFacts, rng: np.random.Generator, n: int) -> np.ndarray:
    """Pairs bought together, shape [n, 2]."""
    worn = np.flatnonzero(facts.slot >= 0)
    liking = rng.gumbel(size=len(facts.slot))
    none = lift(np.empty((0, 2), int), len(facts.slot))
    out = []
    for a in rng.choice(worn, n):
        pool = worn[(facts.slot[worn] != facts.slot[a]) & (facts.slot[worn] != 3)]
        if facts.slot[a] == 3:
            pool = worn[facts.slot[worn] == 2]
        score = pair_figures(facts, none, np.full(len(pool), a), pool) @ HIDDEN + liking[pool]
        out.append((a, pool[(score + rng.gumbel(size=len(pool))).argmax()]))
    return np.array(out)


def judge(facts: OutfitFacts, together, weights: np.ndarray, held: np.ndarray) -> dict[str, float]:
    """Share of blanks filled in rightly (chance 0.25), and AUC."""
    rng = np.random.default_rng(1)
    right, better = [], []
    for a, b in held:
        rivals = held[(facts.slot[held[:, 1]] == facts.slot[b]) & (held[:, 1] != b), 1]
        others = rng.choice(rivals, 20)
        pool = np.concatenate([[b], others])
        score = pair_figures(facts, together, np.full(len(pool), a), pool) @ weights
        beats = (score[0] > score[1:]) + 0.5 * (score[0] == score[1:])
        right.append(np.prod(beats[:3]))
        better.append(beats.mean())
    return {"fill_in": round(float(np.mean(right)), 4), "auc": round(float(np.mean(better)), 4)}


def main() -> None:
    """Draws, learns, judges."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    start = time.process_time()
    facts = outfit_facts(simulate(REGIMES["mixed"], args.seed).catalogue)
    rng = np.random.default_rng(args.seed)
    pairs = draw(facts, rng, 6000 + HELD_OUT)
    held, seen = pairs[:HELD_OUT], pairs[HELD_OUT:]
    alone = np.array([0.0] * (len(FIGURES) - 1) + [1.0])
    out = {}
    for n in (50, 500, 6000):
        together = lift(seen[:n], len(facts.slot))
        learnt = learn_weights(facts, seen[:n], RULES)
        out[str(n)] = {"together": judge(facts, together, alone, held), "learnt": judge(facts, together, learnt, held)}
    none = lift(np.empty((0, 2), int), len(facts.slot))
    print(json.dumps({
        "benchmark": "recsys.outfits", "simulated": True, "seed": args.seed, "items": len(facts.slot),
        "held_out_pairs": HELD_OUT, "rules": judge(facts, none, RULES, held), "by_pairs_learnt_from": out,
        "hidden": judge(facts, none, HIDDEN, held), "weights_learnt": learnt.round(2).tolist(),
        "weights_hidden": HIDDEN.tolist(), "cpu_s": round(time.process_time() - start, 1),
    }))  # fmt: skip


if __name__ == "__main__":
    main()
