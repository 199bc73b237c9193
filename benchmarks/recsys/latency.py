"""One user's recommendation end to end at 100,000 items; one JSON line.

    python benchmarks/recsys/latency.py [--items 100000] [--users 20000] [--queries 300]

Simulated events. Components have their default options and the blend random weights: what a query costs depends on
neither. A query is candidates, features, ranking, diversity and the reasons of ten items.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import time
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
import numpy as np  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from recsys.base import Data  # noqa: E402
from recsys.blend import Blend  # noqa: E402
from recsys.candidates import feature_names, item_facts  # noqa: E402
from recsys.features import item_features  # noqa: E402
from recsys.histories import collect  # noqa: E402
from recsys.hybrid import COMPONENTS, Hybrid  # noqa: E402
from recsys.model_file import Model  # noqa: E402
from recsys.recommend import recommend  # noqa: E402
from recsys.schema import Catalogue, EventTable  # noqa: E402
from recsys.segments import SegmentedBlend  # noqa: E402


def simulated(users: int, items: int, events: int) -> tuple[EventTable, Catalogue]:
    """Simulated users who prefer one of 50 groups of items, popular ones first."""
    rng = np.random.default_rng(0)
    group, taste = rng.integers(50, size=items), rng.integers(50, size=users)
    members = [np.flatnonzero(group == g) for g in range(50)]
    user = (users * rng.random(events) ** 2).astype(np.int32)
    place = rng.random(events) ** 3
    item = np.array([members[taste[u]][int(p * len(members[taste[u]]))] for u, p in zip(user, place, strict=True)])
    item = np.where(rng.random(events) < 0.2, (items * rng.random(events) ** 3).astype(int), item).astype(np.int32)
    kinds = ("colour", 12), ("brand", 300)
    words = {name: [(f"{name}{v}",) for v in rng.integers(n, size=items)] for name, n in kinds}
    catalogue = Catalogue(
        tuple(f"simulated-{k}" for k in range(items)), ("",) * items, np.full(items, np.nan),
        {**words, "group": [(f"g{g}",) for g in group]}, {"price": np.exp(rng.normal(3, 0.5, items))},
    )  # fmt: skip
    time_ = np.sort(rng.uniform(1.7e9, 1.73e9, events))
    kind, value = np.full(events, 4, np.int8), np.full(events, np.nan, np.float32)
    return EventTable(tuple(f"simulated-{k}" for k in range(users)), user, item, time_, kind, value), catalogue


def main() -> None:
    """Fits, then asks."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=100_000)
    parser.add_argument("--users", type=int, default=20_000)
    parser.add_argument("--events", type=int, default=400_000)
    parser.add_argument("--queries", type=int, default=300)
    args = parser.parse_args()
    events, catalogue = simulated(args.users, args.items, args.events)
    features = item_features(catalogue)
    data = Data(collect(events, args.items), features)
    components, fit = [], {}
    for name, make in COMPONENTS.items():
        if name == "als":
            continue
        start = time.process_time()
        components.append(make(**({"steps": 20} if name == "mult_vae" else {})).fit(data))
        fit[name] = round(time.process_time() - start, 1)
        print(name, fit[name], file=sys.stderr, flush=True)
    labels, rng = feature_names(components), np.random.default_rng(0)
    weights = rng.standard_normal((2, len(labels))).astype(np.float32)
    places = labels.index("new"), labels.index("history length")
    blend = Blend(np.zeros(len(labels), np.float32), np.ones(len(labels), np.float32), *weights, *places)
    blend = SegmentedBlend(blend, blend)
    hybrid = Hybrid(components, blend, item_facts(data, catalogue.available_from), np.ones(args.items, bool), False)
    model = Model(hybrid, catalogue, features)
    asked = rng.choice(np.unique(events.user), args.queries)
    wall, cpu = [], []
    for user in asked:
        history = events.where(events.user == user)
        t, c = time.perf_counter(), time.process_time()
        recommend(model, history)
        wall.append(time.perf_counter() - t)
        cpu.append(time.process_time() - c)
    figures = {
        f"{unit}_{p}_ms": round(float(np.percentile(values[5:], q)) * 1e3, 1)
        for unit, values in (("wall", wall), ("cpu", cpu)) for p, q in (("p50", 50), ("p99", 99))
    }  # fmt: skip
    print(json.dumps({
        "benchmark": "recsys.latency", "simulated": True, "items": args.items, "events": args.events, **figures,
        "fit_cpu_s": fit, "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3),
    }))  # fmt: skip


if __name__ == "__main__":
    main()
