"""Command line: ``python -m tools.sample_photos --out DIR --people 20 --seed 7``."""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from pathlib import Path


def main(argv: list[str] | None = None) -> int:
    """Renders held-out people (or the shipped sample with ``--sample``) into numbered folders."""
    parser = argparse.ArgumentParser(prog="python -m tools.sample_photos", description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--people", type=int, default=20)
    parser.add_argument("--first", type=int, default=0, help="index of the first person")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--size", type=int, default=720, help="width of the pictures [px], height is 4/3 of it")
    parser.add_argument("--spp", type=int, default=16, help="paths per pixel")
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--attempt", type=int, default=None, help="run in this process with this shift of the noise")
    parser.add_argument("--sample", action="store_true", help="render the repository's sample pair instead")
    parser.add_argument("--unusable", action="store_true", help="render photos that must be refused instead")
    args = parser.parse_args(argv)

    if args.attempt is None:
        return _guarded(sys.argv[1:] if argv is None else argv)
    from tools.sample_photos.people import random_person
    from tools.sample_photos.scene import use_variant
    from tools.sample_photos.session import shoot, shoot_sample
    from tools.sample_photos.unusable import shoot_unusable

    use_variant(args.threads)
    size = (args.size, args.size * 4 // 3)
    if args.sample:
        shoot_sample(args.out, size=size, spp=args.spp)
        return 0
    if args.unusable:
        shoot_unusable(args.out, size=size, spp=args.spp)
        return 0
    for index in range(args.first, args.first + args.people):
        folder = args.out / f"person_{index:02d}"
        if (folder / "truth.json").exists():
            continue  # so that an interrupted run goes on where it stopped
        start = time.perf_counter()
        person = random_person(index, args.seed)
        truth = shoot(person, folder, seed=args.seed * 1000 + index, size=size, spp=args.spp, noise=args.attempt)
        print(f"{folder.name} {person.name}: {truth['stature_m']:.3f} m, {truth['mass_kg']:.1f} kg, "
              f"{time.perf_counter() - start:.0f} s", file=sys.stderr)  # fmt: skip
    return 0


def _guarded(argv: list[str]) -> int:
    """Runs the work in a child process and starts it again, with other noise, where the tracer's native code crashed.

    Mitsuba 3.9's LLVM kernels have been seen to crash on single paths; the next noise avoids them.
    """
    for attempt in range(12):
        command = [sys.executable, "-m", "tools.sample_photos", *argv, "--attempt", str(attempt)]
        status = subprocess.run(command).returncode
        if status >= 0:
            return status
        print(f"the tracer crashed (signal {-status}); starting again after the last finished person", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
