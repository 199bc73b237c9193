"""Size and fit on **simulated shoppers**: calibration and the sizes chosen, against simpler rules; one JSON line.

    python benchmarks/recsys/size_fit.py [--seed N] [--people 800] [--verdicts 8000]

The first four fifths of the verdicts are learnt from; the last fifth is judged, on people and items as they come, and
apart on items that nobody spoke of before (their verdicts are taken out of what is learnt). Rivals: how often each
verdict falls (``frequency``); a tailor's ease rule, its verdicts' own frequencies learnt (``ease_rule``); the model
without feedback (``prior``). ``right`` is the true probability that the size advised is right: of the model's best
size, of the size whose body is nearest by the chart, of the item's most common size, of the person's usual one.
Log loss [nat], Brier score of three classes, expected calibration error over all classes in ten bins.
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

from recsys.size_features import OVERALL  # noqa: E402
from recsys.size_fit import Feedback, SizeModel, fit_sizes, person_effect, predict_sizes  # noqa: E402
from recsys.size_simulate import SIZES, SizeShop, simulate_sizes  # noqa: E402

COLD_SHARE = 0.15
BINS = 10


def scores(p: np.ndarray, verdict: np.ndarray) -> dict[str, float]:
    """Log loss, Brier, calibration error and share of right guesses."""
    hit = np.eye(3)[verdict]
    bins = np.minimum((p * BINS).astype(int), BINS - 1)
    ece = sum(abs((p - hit)[bins == b].sum()) for b in range(BINS)) / p.size
    loss = -np.log(np.maximum(p[np.arange(len(p)), verdict], 1e-9))
    return {
        "log_loss": round(float(loss.mean()), 4), "brier": round(float(((p - hit) ** 2).sum(1).mean()), 4),
        "ece": round(float(ece), 4), "accuracy": round(float((p.argmax(1) == verdict).mean()), 4),
    }  # fmt: skip


class Judge:
    """Predictions of one model for people as they stood at the end of the learning part."""

    def __init__(self, model: SizeModel, shop: SizeShop, learnt: Feedback, *, personal: bool) -> None:
        self.model, self.shop, self.learnt, self.personal = model, shop, learnt, personal
        self._people: dict[int, tuple] = {}
        self._seen: dict[tuple[int, int], list] = {}

    def person(self, k: int) -> tuple:
        """Body and own effect."""
        if k not in self._people:
            known = self.shop.bodies.get(self.learnt.people[k], {})
            kept = self.shop.kept[1][self.shop.kept[0] == k] if not known else None
            own = self.learnt.where(self.learnt.person == k)
            if kept is not None:
                kept = np.intersect1d(kept, own.row)  # what was kept before the cut
            body = self.model.population.estimate(self.model.chart, known, kept)
            self._people[k] = body, person_effect(self.model, own, body) if self.personal else None
        return self._people[k]

    def sizes(self, person: int, item: int) -> list:
        """All sizes of an item for a person."""
        if (person, item) not in self._seen:
            body, own = self.person(person)
            self._seen[person, item] = predict_sizes(self.model, self.model.chart.items[item], body, person=own)
        return self._seen[person, item]

    def verdict(self, person: int, row: int, zone: int) -> np.ndarray:
        """Probabilities of one verdict."""
        at = next(p for p in self.sizes(person, row // len(SIZES)) if p.row == row)
        return at.overall if zone == OVERALL else at.zones[self.model.chart.zones[zone]][0]


def ease_rule(shop: SizeShop, judge: Judge, feedback: Feedback) -> np.ndarray:
    """0 tight, 1 right, 2 loose by 4 % of the girth off the intended ease, at the tightest zone, [verdict]."""
    out = []
    for person, row, zone in zip(feedback.person, feedback.row, feedback.zone, strict=True):
        body = judge.person(person)[0].value
        off = (shop.chart.body[row] - body) / body
        off = off[np.isfinite(off)].min() if zone == OVERALL else off[zone]
        out.append(0 if off < -0.04 else 2 if off > 0.04 else 1)
    return np.array(out)


def frequencies(key: np.ndarray, verdict: np.ndarray, n: int) -> np.ndarray:
    """Share of each verdict by key, shape [n, 3]."""
    count = np.ones((n, 3))
    np.add.at(count, (key, verdict), 1)
    return count / count.sum(1, keepdims=True)


def right(shop: SizeShop, judge: Judge, learnt: Feedback, people: np.ndarray, items: np.ndarray) -> dict[str, float]:
    """True probability that the size advised is right, by adviser."""
    out: dict[str, list[float]] = {name: [] for name in ("model", "nearest_body", "common_size", "usual_size", "best")}
    bought = np.zeros((len(shop.chart.items), len(SIZES)))
    np.add.at(bought, (learnt.row // len(SIZES), learnt.row % len(SIZES)), learnt.zone == OVERALL)
    worn = np.zeros((len(shop.truth), len(SIZES)))
    np.add.at(worn, (learnt.person, learnt.row % len(SIZES)), (learnt.zone == OVERALL) & (learnt.verdict == 1))
    for person, item in zip(people, items, strict=True):
        rows = np.arange(len(SIZES)) + item * len(SIZES)
        truth = shop.truth[person, rows, 1]
        body = judge.person(person)[0].value
        near = np.nanmean(np.abs(shop.chart.body[rows] - body), 1).argmin()
        common = bought[item] if bought[item].any() else bought.sum(0)
        usual = worn[person] if worn[person].any() else bought.sum(0)
        best = max(range(len(SIZES)), key=lambda k: judge.sizes(person, item)[k].overall[1])
        for name, k in (("model", best), ("nearest_body", near), ("common_size", common.argmax()),
                        ("usual_size", usual.argmax()), ("best", truth.argmax())):  # fmt: skip
            out[name].append(float(truth[k]))
    return {name: round(float(np.mean(values)), 4) for name, values in out.items()}


def main() -> None:
    """Simulates, learns, judges."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--people", type=int, default=800)
    parser.add_argument("--items", type=int, default=80)
    parser.add_argument("--verdicts", type=int, default=8000)
    args = parser.parse_args()
    start = time.process_time()
    shop = simulate_sizes(people=args.people, items=args.items, verdicts=args.verdicts, seed=args.seed)
    f, rng = shop.feedback, np.random.default_rng(args.seed)
    cold = rng.random(len(shop.chart.items)) < COLD_SHARE
    late = np.arange(len(f)) >= 0.8 * len(f)
    learnt, judged = f.where(~late & ~cold[f.row // len(SIZES)]), f.where(late)
    before = np.isin(shop.kept[0] * 10**6 + shop.kept[1], learnt.person * 10**6 + learnt.row)
    model = fit_sizes(shop.chart, learnt, shop.bodies, (shop.kept[0][before], shop.kept[1][before]))
    fit_s = time.process_time() - start
    none = learnt.where(np.zeros(len(learnt), bool))
    judge = Judge(model, shop, learnt, personal=True)
    plain = Judge(fit_sizes(shop.chart, none, shop.bodies), shop, none, personal=False)
    zone = judged.zone >= 0
    rule, rule_before = ease_rule(shop, judge, judged), ease_rule(shop, judge, learnt)
    by_rule = frequencies(rule_before + 3 * (learnt.zone >= 0), learnt.verdict, 6)
    often = frequencies((learnt.zone >= 0).astype(int), learnt.verdict, 2)
    ask = list(zip(judged.person, judged.row, judged.zone, strict=True))
    guesses = {
        "model": np.array([judge.verdict(*one) for one in ask]),
        "prior": np.array([plain.verdict(*one) for one in ask]),
        "ease_rule": by_rule[rule + 3 * zone], "frequency": often[zone.astype(int)],
    }  # fmt: skip
    is_cold = cold[judged.row // len(SIZES)]
    measured = np.isin(judged.person, [k for k, n in enumerate(f.people) if n in shop.bodies])
    sets = {"overall": ~zone & ~is_cold, "by_zone": zone & ~is_cold, "cold_items": ~zone & is_cold,
            "unmeasured_people": ~zone & ~measured}  # fmt: skip
    asked = ~zone
    print(json.dumps({
        "benchmark": "recsys.size_fit", "simulated": True, "seed": args.seed, "learnt": len(learnt),
        "verdicts": {name: {g: scores(p[mask], judged.verdict[mask]) for g, p in guesses.items()} | {
            "n": int(mask.sum())} for name, mask in sets.items()},
        "right": {
            "all": right(shop, judge, learnt, judged.person[asked], judged.row[asked] // len(SIZES)),
            "cold_items": right(shop, judge, learnt, judged.person[asked & is_cold],
                                judged.row[asked & is_cold] // len(SIZES)),
        },
        "spreads": {k: v.round(3).tolist() for k, v in model.spreads.items()},
        "weights": model.ordinal.weights.round(3).tolist(), "fit_cpu_s": round(fit_s, 1),
        "cpu_s": round(time.process_time() - start, 1),
    }))  # fmt: skip


if __name__ == "__main__":
    main()
