"""The embedded vector index: 1,000,000 x 32, top 10 with a filter; one JSON line.

    python benchmarks/recsys/vector_index.py [--vectors 1000000] [--queries 300]

Vectors spread evenly over all directions (the hardest case for lists) and clustered ones; filters that one half, a
tenth and a hundredth of the vectors pass. Times are wall and processor time of a single query in one thread.
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

from recsys.vector_index import EmbeddedIndex  # noqa: E402

FILTERS = {"none": None, "half": {"sex": ["women"]}, "tenth": {"colour": ["c0"]}, "hundredth": {"brand": ["b0"]}}


def main() -> None:
    """Measures both kinds of vectors."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--vectors", type=int, default=1_000_000)
    parser.add_argument("--queries", type=int, default=300)
    parser.add_argument("--dimension", type=int, default=32)
    args = parser.parse_args()
    out = {"benchmark": "recsys.vector_index", "vectors": args.vectors, "dimension": args.dimension}
    for kind in ("even", "clustered"):
        out[kind] = measure(kind, args.vectors, args.dimension, args.queries)
    print(json.dumps(out))


def measure(kind: str, n: int, d: int, queries: int) -> dict:
    """Figures for one kind of vectors."""
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((500, d)).astype(np.float32)

    def draw(count: int) -> np.ndarray:
        noise = rng.standard_normal((count, d)).astype(np.float32)
        x = noise if kind == "even" else centres[rng.integers(500, size=count)] + 0.5 * noise
        return x / np.linalg.norm(x, axis=1, keepdims=True)

    vectors = draw(n)
    columns = {
        "sex": np.array(["women", "men"])[rng.integers(2, size=n)],
        "colour": np.array([f"c{k}" for k in range(10)])[rng.integers(10, size=n)],
        "brand": np.array([f"b{k}" for k in range(100)])[rng.integers(100, size=n)],
    }
    start = time.process_time()
    index = EmbeddedIndex(d)
    index.add(np.arange(n), vectors, columns)
    out = {"build_cpu_s": round(time.process_time() - start, 1), "share_visited": index._share}
    out["memory_mb"] = round(index.memory_bytes / 1e6)
    for name, where in FILTERS.items():
        keep = np.ones(n, bool)
        for column, values in (where or {}).items():
            keep &= columns[column] == values[0]
        found, wall, cpu = 0, [], []
        for number, query in enumerate(draw(queries)):
            t0, c0 = time.perf_counter(), time.process_time()
            ids, _ = index.search(query, 10, where)
            wall.append(time.perf_counter() - t0)
            cpu.append(time.process_time() - c0)
            if number < 100:
                score = np.where(keep, vectors @ query, -9)
                found += len(set(np.argpartition(-score, 10)[:10].tolist()) & set(ids.tolist()))
        out[name] = {
            "recall_at_10": round(found / (10 * min(queries, 100)), 4),
            **{f"{unit}_{p}_ms": round(float(np.percentile(t, q)) * 1e3, 2)
               for unit, t in (("wall", wall), ("cpu", cpu)) for p, q in (("p50", 50), ("p99", 99))},
        }  # fmt: skip
    return out


if __name__ == "__main__":
    main()
