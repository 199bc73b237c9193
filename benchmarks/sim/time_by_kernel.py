"""Where a drape's time goes, kernel by kernel, beside what the memory's bandwidth would allow; prints one JSON line.

    python benchmarks/sim/time_by_kernel.py --garment tee --quality standard

``least_s`` is the time in which memory could move every array that a kernel is given once (in each iteration of
conjugate gradients); the body's distance grid, of which a launch touches a small part, is left out. A kernel's first
launch, which loads it, is counted apart. Arrays that stay in the processor's caches beat that time.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parents[2]


class Watch:
    """Counts launches, seconds and bytes of every Taichi kernel from now on."""

    def __init__(self) -> None:
        from taichi.lang import kernel_impl

        self.seconds, self.first = defaultdict(float), {}
        self.launches, self.bytes = defaultdict(int), defaultdict(float)
        plain = kernel_impl.Kernel.__call__

        def watched(kernel, *args, **more):
            started = time.perf_counter()
            result = plain(kernel, *args, **more)
            self.note(kernel.func.__name__, time.perf_counter() - started, args)
            return result

        kernel_impl.Kernel.__call__ = watched

    def note(self, name: str, seconds: float, args: tuple) -> None:
        self.launches[name] += 1
        if name not in self.first:
            self.first[name] = seconds
        else:
            self.seconds[name] += seconds
        self.bytes[name] += sum(array_bytes(a) for a in args)

    def rows(self, bandwidth: float, iterations_a_launch: float) -> list[dict]:
        rows = []
        for name, seconds in sorted(self.seconds.items(), key=lambda item: -item[1]):
            moved = self.bytes[name] * (iterations_a_launch if name == "cg_iterate" else 1.0)
            rows.append({"kernel": name, "launches": self.launches[name], "s": round(seconds, 3),
                         "gb": round(moved / 1e9, 2), "least_s": round(moved / bandwidth, 3)})  # fmt: skip
        return rows


def array_bytes(value) -> int:
    """Size of a Taichi array; none of what is not one, nor of a grid in space."""
    shape = getattr(value, "shape", None)
    if shape is None or len(shape) > 2 or not hasattr(value, "dtype"):
        return 0
    return int(np.prod(shape)) * int(np.prod(getattr(value, "element_shape", ()))) * 4


def memory_bandwidth() -> float:
    """Bytes a second of a plain copy that no cache holds, the best of five."""
    source = np.ones(1 << 27, np.uint8)
    target = np.empty_like(source)
    best = 0.0
    for _ in range(5):
        started = time.perf_counter()
        np.copyto(target, source)
        best = max(best, 2 * source.nbytes / (time.perf_counter() - started))
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--garment", default="tee")
    parser.add_argument("--fabric")
    parser.add_argument("--quality", default="standard")
    parser.add_argument("--measurements", default=str(ROOT / "examples" / "bodies" / "mean_woman.yaml"))
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    from avatars.typed import body_from_measurements
    from engine.config import QUALITY
    from engine.library_names import default_fabric, load_fabric, load_pattern
    from engine.measurement_file import read_measurements
    from garments.fabrics import load_fabrics
    from garments.placement import place
    from sim.drape import DrapeConfig, drape

    values, sex = read_measurements(args.measurements)
    body = body_from_measurements(values, sex=sex)
    preset, fabric = QUALITY[args.quality], load_fabric(args.fabric or default_fabric(args.garment))
    garment = place(load_pattern(args.garment, body), body, fabric, fabrics=load_fabrics(),
                    edge_length=preset.edge_length, levels=preset.levels)  # fmt: skip
    watch = Watch()
    started, used = time.perf_counter(), time.process_time()
    result = drape(garment, body, config=DrapeConfig(threads=args.threads))
    wall, cpu = time.perf_counter() - started, time.process_time() - used
    bandwidth = memory_bandwidth()
    iterations = float(np.sum(result.history["iterations"])) / max(watch.launches["cg_iterate"], 1)
    rows = watch.rows(bandwidth, iterations)
    inside, loading = sum(watch.seconds.values()), sum(watch.first.values())
    print(json.dumps({
        "benchmark": "time_by_kernel", "garment": args.garment, "quality": args.quality, "threads": args.threads,
        "vertices": len(garment.positions), "status": result.status, "steps": int(result.metrics["frames"]),
        "iterations": int(np.sum(result.history["iterations"])), "wall_s": round(wall, 2), "cpu_s": round(cpu, 2),
        "kernels_s": round(inside, 2), "loading_s": round(loading, 2), "python_s": round(wall - inside - loading, 2),
        "bandwidth_gb_s": round(bandwidth / 1e9, 2), "least_s": round(sum(r["least_s"] for r in rows), 2),
        "kernels": rows[:20],
    }))  # fmt: skip


if __name__ == "__main__":
    main()
