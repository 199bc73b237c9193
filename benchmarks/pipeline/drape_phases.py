"""Where the time of a whole `toile drape --no-cache` goes, from the process's start to its end; prints one JSON line.

    python benchmarks/pipeline/drape_phases.py --garment tee --quality draft --repeat 3

Each run is a process of its own, and nothing of an earlier drape is used again but what set-up has made: compiled
kernels and the records of them. Of every phase the least CPU seconds (all threads) and wall seconds of the runs count.

``interpreter``: Python's own start; ``imports``: modules, wherever they are asked for; ``place``: pattern, mesh and the
panels around the body; ``grid``: the body's distances; ``kernels``: reading, loading and first launching of kernels;
``steps``: the rest of sewing and settling; ``check``: the exact checks; ``save``: files. ``drape`` is what
`toile drape --json` calls wall_s and cpu_s: kernels, steps and check, and grid unless that is done while placing.

With ``--again`` each process drapes three times, as `toile drape --watch` does when files are saved, the last counts:
modules and kernels are loaded by then and the body is measured; the panels are placed anew, in the same process.

On two cores and more the panels are placed in a second process, while this one imports the simulator and measures the
body: wall seconds of ``place`` are those that are left to wait then, CPU seconds those of both.
"""

from __future__ import annotations

import time

STARTED = time.process_time()

import argparse  # noqa: E402
import builtins  # noqa: E402
import functools  # noqa: E402
import hashlib  # noqa: E402
import json  # noqa: E402
import os  # noqa: E402
import subprocess  # noqa: E402
import sys  # noqa: E402
import tempfile  # noqa: E402
from collections import defaultdict  # noqa: E402
from collections.abc import Callable  # noqa: E402
from pathlib import Path  # noqa: E402
from typing import Any  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
MARK = "phases: "


class Phases:
    """CPU and wall seconds by phase; a phase inside another is taken out of it."""

    def __init__(self) -> None:
        self.cpu, self.wall = defaultdict(float), defaultdict(float)
        self._open: list[list[float]] = []

    def watch(self, owner: Any, name: str, phase: str, when: Callable[..., bool] = lambda *_: True) -> None:
        """From now on calls of ``owner.name`` for which ``when`` holds belong to the phase."""
        plain = getattr(owner, name)

        def watched(*args, **more):
            if not when(*args):
                return plain(*args, **more)
            cpu, wall = time.process_time(), time.perf_counter()
            self._open.append([0.0, 0.0])
            try:
                return plain(*args, **more)
            finally:
                cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
                inner = self._open.pop()
                self.cpu[phase] += cpu - inner[0]
                self.wall[phase] += wall - inner[1]
                if self._open:
                    self._open[-1][0] += cpu
                    self._open[-1][1] += wall

        setattr(owner, name, watched)


@functools.cache
def _watch_simulator(phases: Phases) -> None:
    import sim.drape as simulator
    from engine.core.taichi_runtime import ti

    seen = set()
    kernel = ti.lang.kernel_impl.Kernel
    phases.watch(simulator, "init", "kernels")
    phases.watch(kernel, "__call__", "kernels", lambda k, *_: k not in seen and seen.add(k) is None)
    phases.watch(simulator, "_grid_of", "grid")
    phases.watch(simulator, "_result", "check")
    phases.watch(simulator, "_sewn", "steps")
    phases.watch(simulator.Run, "settle", "steps")


def child(words: list[str], again: bool) -> None:
    """Runs one command with its phases watched, in this process; tells them on stderr.

    Args:
        again: runs it twice before: the first time another process places the panels, and loads what that takes.
    """
    begun = time.perf_counter()
    phases = Phases()
    phases.watch(builtins, "__import__", "imports", lambda name, *_: name not in sys.modules)
    from engine import cli, commands, pipeline, placing
    from engine.core import codec
    from engine.runtime import Run

    phases.watch(pipeline, "placed", "place")
    phases.watch(commands, "_outfit", "place")
    phases.watch(codec, "save", "save")
    phases.watch(Run, "write_manifest", "save")
    phases.watch(pipeline, "code_version", "save")
    plain, plainly_ready = pipeline._simulated, placing._simulator

    def ready(*args):
        pieces = plainly_ready(*args)
        yield next(pieces)  # has imported it
        _watch_simulator(phases)
        yield from pieces

    def simulated(*args):
        _watch_simulator(phases)
        return plain(*args)

    pipeline._simulated, placing._simulator = simulated, ready
    start, before = STARTED, 0.0
    if again:
        cli.main(words)
        cli.main(words)
        phases.cpu.clear()
        phases.wall.clear()
        start, before, begun = 0.0, _spent(), time.perf_counter()
    code = cli.main(words)
    phases.cpu["interpreter"], phases.wall["interpreter"] = start, start
    phases.cpu["place"] += 0.0 if again else os.times().children_user + os.times().children_system
    total = _spent() - before, time.perf_counter() - begun + start
    for seconds, whole in zip((phases.cpu, phases.wall), total, strict=True):
        seconds["other"], seconds["total"] = whole - sum(seconds.values()), whole
    print(MARK + json.dumps([phases.cpu, phases.wall]), file=sys.stderr)
    sys.exit(code)


def _spent() -> float:
    """CPU seconds of this process and of those that it has waited for."""
    return time.process_time() + os.times().children_user + os.times().children_system


def run(words: list[str], again: bool) -> tuple[dict, dict, dict]:
    """One command in a new process: its JSON line, CPU and wall seconds by phase."""
    kind = "--child-again" if again else "--child"
    done = subprocess.run([sys.executable, __file__, kind, *words, "--json"], cwd=ROOT, capture_output=True,
                          text=True, env={**os.environ, "PYTHONPATH": str(ROOT)})  # fmt: skip
    marked = [line for line in done.stderr.splitlines() if line.startswith(MARK)]
    if not marked:
        sys.exit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1]), *json.loads(marked[-1].removeprefix(MARK))


def drape_hash(folder: Path) -> str:
    """Digest of a saved drape's positions, strain, stress and pressure."""
    import numpy as np

    with np.load(folder / "drape.npz") as saved:
        digest = hashlib.sha256()
        for name in ("positions", "strain", "stress", "pressure"):
            digest.update(np.ascontiguousarray(saved[f"root.{name}"]).tobytes())
    return digest.hexdigest()[:16]


def mean_woman(path: Path) -> Path:
    """Saves the mean woman's body."""
    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # on a busy machine idle threads of torch would spin
    from avatars.typed import body_from_measurements
    from engine.core.codec import save
    from engine.measurement_file import read_measurements

    values, sex = read_measurements(ROOT / "examples" / "bodies" / "mean_woman.yaml")
    return save(body_from_measurements(values, sex=sex), path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--garment", default="tee")
    parser.add_argument("--quality", default="draft")
    parser.add_argument("--body", help="body.npz or a folder with one; default: the mean woman")
    parser.add_argument("--threads", type=int, default=0, help="of the simulation, 0 for all (default)")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--again", action="store_true", help="measure the third drape of each process")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        body = args.body
        if not body:
            body = mean_woman(out / "body.npz")
        words = ["drape", "--body", str(body), "--garment", args.garment, "--quality", args.quality, "--no-cache",
                 "--threads", str(args.threads), "--out", str(out / "drape")]  # fmt: skip
        runs = [run(words, args.again) for _ in range(args.repeat)]
        digest = drape_hash(out / "drape")
    names = sorted({name for _, cpu, _ in runs for name in cpu})
    least = [{n: round(min(r[k].get(n, 0.0) for r in runs), 3) for n in names} for k in (1, 2)]
    last = runs[-1][0]
    print(json.dumps({
        "benchmark": "drape_phases", "garment": args.garment, "quality": args.quality, "threads": args.threads,
        "again": args.again,
        "vertices": last["vertices"], "status": last["status"], "steps": last["frames"], "drape_hash": digest,
        "total_cpu_s": least[0]["total"], "total_wall_s": least[1]["total"],
        "drape_cpu_s": round(min(r[0]["cpu_s"] for r in runs), 3),
        "drape_wall_s": round(min(r[0]["wall_s"] for r in runs), 3),
        "cpu_s": least[0], "wall_s": least[1], "runs": len(runs), "cpus": os.cpu_count(),
        "load1": round(os.getloadavg()[0], 2),
    }))  # fmt: skip


if __name__ == "__main__":
    if sys.argv[1:2] in (["--child"], ["--child-again"]):
        child(sys.argv[2:], sys.argv[1] == "--child-again")
    else:
        main()
