"""A stage's work in a second process, while this one readies what the next stage needs.

What a drape does before its first step (loading modules, meshing, measuring the body's surroundings) Python does on one
core. A copy of the process (fork) has all that the work needs at once, and another core to do it on. It must be made
before modules are loaded whose threads a copy would lack.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from engine.core.errors import ToileError

__all__ = ["begun"]

Progress = Callable[[float, str], None]
Work = Callable[[Progress], Any]

THREADED = ("taichi", "open3d", "mediapipe")  #: modules that start threads, and cannot go on in a copy without them
PATIENCE = 10.0  #: a second process that sleeps so long without a word, for want of a thread, is given up [s]
OPENMP = ("libgomp", "libomp", "libiomp")  #: likewise: with torch's loaded, Open3D waits for ever in a copy


@contextlib.contextmanager
def begun(work: Work, threads: int) -> Iterator[Callable[[Progress, Iterable[None]], Any]]:
    """Begins work in a second process where that can be of use; yields what waits for its result.

    That takes (progress, meanwhile). As long as there is no result, the pieces of ``meanwhile`` are done one by one in
    this process; those that are not are left to whoever needs them, and so are errors in them. Results and errors of
    the work are the same as when it is done in this process: as it is with ``threads`` = 1, on one core, where there is
    no safe way to copy a process, and when the second process ends, or comes to a stop, without a result.

    Args:
        work: Called with progress; what it returns, and its ToileErrors, must be fit for pickle.
        threads: that may be used, 0 for all.
    """
    if not _worthwhile(threads):
        yield lambda progress, meanwhile: work(progress)
        return
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(work, ours, theirs), daemon=True)
    process.start()
    theirs.close()
    try:
        yield lambda progress, meanwhile: _result(ours, process.pid, work, progress, iter(meanwhile))
    finally:
        process.kill()
        process.join()
        ours.close()


def _worthwhile(threads: int) -> bool:
    """Whether a second process has a core of its own, and this one can be copied."""
    if sys.platform != "linux" or threads == 1 or len(os.sched_getaffinity(0)) < 2:
        return False
    if threading.active_count() > 1 or any(name in sys.modules for name in THREADED):
        return False
    libraries = Path("/proc/self/maps").read_text()
    return not any(name in libraries for name in OPENMP)


def _work(work: Work, theirs: Connection, ours: Connection) -> None:
    """In the second process: does the work and sends its progress and its result."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the first process ends this one
    theirs.close()
    with contextlib.suppress(BrokenPipeError):  # nobody waits any more
        try:
            result = "result", work(lambda *said: ours.send(("progress", said)))
        except ToileError as error:
            result = "error", error
        except Exception:
            return  # the first process meets it itself, with a whole traceback
        ours.send(result)


def _result(ours: Connection, pid: int, work: Work, progress: Progress, pieces: Iterator[None]) -> Any:
    while True:
        busy = _one_more(pieces)
        while not busy or ours.poll():
            try:
                if not _answers(ours, pid):
                    return work(progress)
                kind, value = ours.recv()
            except (EOFError, OSError):
                return work(progress)
            if kind == "result":
                return value
            if kind == "error":
                raise value
            progress(*value)


def _answers(ours: Connection, pid: int) -> bool:
    """Waits for a word; False if the process sleeps and has worked at nothing for as long as is borne."""
    worked = _worked(pid)
    while not ours.poll(PATIENCE):
        before, worked = worked, _worked(pid)
        if worked[0] == "S" and worked[1] == before[1]:
            return False
    return True


def _worked(pid: int) -> tuple[str, int]:
    """State of a process (S is asleep), and the clock ticks that it has run."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return fields[0], int(fields[11]) + int(fields[12])


def _one_more(pieces: Iterator[None]) -> bool:
    """Does the next piece; False when there is none, or when it failed and so will be met again."""
    try:
        next(pieces)
    except (StopIteration, ToileError):
        return False
    return True
