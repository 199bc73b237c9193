"""`toile drape --watch`: the same work again, in the same process, whenever a file that it reads is saved.

A process that goes on has its modules, kernels and the body's surroundings ready: half of a draft's time.
"""

from __future__ import annotations

import sys
import time
from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path

from engine.core.errors import ToileError
from engine.look import BODY

__all__ = ["Stamp", "input_files", "stamps", "watch"]

POLL = 0.25  #: between two looks at the files [s]

Stamp = tuple[int, int] | None  #: time of the last change [ns] and size [bytes]; None where there is no file


def input_files(args: Namespace) -> list[Path]:
    """The files that a drape reads and does not write itself: body or measurements, patterns and fabrics of the user's
    own, settings."""
    from engine.library_names import is_file

    body = Path(args.measurements or args.body or args.out)
    body = body / BODY if body.is_dir() else body
    named = [Path(name) for name in (*args.garment, *(args.fabric or [])) if is_file(name)]
    read = [body, *named, *([Path(args.config)] if args.config else [])]
    return [path for path in read if path.resolve() != (Path(args.out) / BODY).resolve()]


def watch(files: Sequence[Path], work: Callable[[], None], *, pause: Callable[[float], None] = time.sleep) -> None:
    """Does ``work`` now and after every change of the files, until it is interrupted.

    What is wrong the first time is raised; later, when somebody is in the middle of editing, it is told on stderr, and
    the next change is awaited. A file that is being written is left to be finished.

    Args:
        pause: Waits so many seconds.
    """
    before = seen = stamps(files)
    work()
    while True:
        pause(POLL)
        now = stamps(files)
        if now == before:
            continue
        if None in now or now != seen:  # being written
            seen = now
            continue
        before = now
        try:
            work()
        except ToileError as error:
            print(f"toile: {' '.join(error.message.split())}. Hint: {error.hint}.", file=sys.stderr)


def stamps(files: Sequence[Path]) -> list[Stamp]:
    """What tells whether files have changed."""
    found: list[Stamp] = []
    for path in files:
        try:
            state = path.stat()
            found.append((state.st_mtime_ns, state.st_size))
        except OSError:
            found.append(None)
    return found
