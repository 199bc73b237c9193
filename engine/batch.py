"""Many drapes at once: every row of a table is one `toile drape` or `toile try-on`, done in worker processes.

A garment of ordinary size gains little from a second thread; two garments side by side, one thread each, do not share
anything that they could wait for.
"""

from __future__ import annotations

import csv
import io
import multiprocessing
import os
import re
import time
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

from engine.core.errors import InputError, ToileError
from engine.core.safe_io import read_bytes, write_json

__all__ = ["COLUMNS", "Job", "batch", "read_jobs", "run_jobs"]

#: Columns of the table: flags of the command by the same name; several values in one cell are parted by ';'.
COLUMNS = (
    "name", "measurements", "body", "front", "side", "height", "weight", "sex", "garment", "fabric", "option",
    "quality",
)  # fmt: skip
REPEATED = ("garment", "fabric", "option")
MAX_JOBS = 100_000

Job = tuple[str, list[str]]  #: name and words of the command line
Row = dict[str, Any]


def read_jobs(path: Path, command: str, out: Path, common: list[str]) -> list[Job]:
    """Reads a table of jobs.

    Args:
        path: CSV file with a header of :data:`COLUMNS` (``name`` and ``garment`` at least).
        command: ``drape`` or ``try-on``.
        out: Each job writes into its folder ``name`` below.
        common: Further words of every command line, over which a row's own have precedence.

    Raises:
        InputError: names file, line and column.
    """
    try:
        text = read_bytes(path, what="table of jobs").decode("utf-8-sig")
        lines = list(csv.reader(io.StringIO(text), strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError("batch.table", f"{path}: is not a CSV table: {error}", "save it as CSV in UTF-8") from None
    header = [cell.strip().lower() for cell in lines[0]] if lines else []
    _check_header(path, header)
    jobs: list[Job] = []
    for number, cells in enumerate(lines[1:], 2):
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(header):
            raise InputError("batch.cells", f"{path}: line {number}: {len(cells)} cells for {len(header)} columns",
                             "give every column a cell")  # fmt: skip
        jobs.append(_job(f"{path}: line {number}", dict(zip(header, cells, strict=True)), command, out, common))
        if len(jobs) > MAX_JOBS:
            raise InputError("batch.many", f"{path}: more than {MAX_JOBS} jobs", "split the table")
    twice = [name for name, count in Counter(name for name, _ in jobs).items() if count > 1]
    if twice:
        raise InputError("batch.twice", f"{path}: the name '{twice[0]}' stands twice", "name every job differently")
    if not jobs:
        raise InputError("batch.empty", f"{path}: has no jobs", "add a line for each")
    return jobs


def run_jobs(jobs: list[Job], workers: int, told: Callable[[Row], None]) -> list[Row]:
    """Runs jobs in worker processes that are used again; a job that fails or takes its process down stops no other.

    Returns:
        One row a job in the jobs' order: its ``name``, ``status``, ``exit_code`` and what the command gives.
    """
    rows: dict[str, Row] = {}
    for row in _pooled(jobs, workers):
        rows[row["name"]] = row
        told(row)
    # a process that went down has taken the other workers' jobs with it: each of those is tried by itself
    for job in [j for j in jobs if j[0] not in rows]:
        alone = list(_pooled([job], 1)) or [
            {"name": job[0], "status": "crashed", "exit_code": 1, "message": "its process went down"}
        ]
        rows[job[0]] = alone[0]
        told(alone[0])
    return [rows[name] for name, _ in jobs]


def batch(args: Namespace, emit: Callable[[str], None]) -> tuple[Any, int]:
    """toile batch"""
    out = Path(args.out)
    workers = args.workers or os.cpu_count() or 1
    if not 1 <= workers <= 256:
        raise InputError("cli.range", f"--workers {workers}: is not between 1 and 256", "give the number of processes")
    common = ["--threads", "1"]
    for flag in ("quality", "device", "config", "seed"):
        if getattr(args, flag) is not None:
            common += [f"--{flag}", str(getattr(args, flag))]
    off = ("no_cache", "no_turntable", "no_harmonise")
    common += [f"--{flag.replace('_', '-')}" for flag in off if getattr(args, flag)]
    jobs = read_jobs(Path(args.table), args.stage, out, common)
    started = time.perf_counter()

    def told(row: Row) -> None:
        if not args.json:
            print(f"{row['name']}: {row['status']} {row.get('message', '')}".rstrip(), flush=True)

    rows = run_jobs(jobs, workers, told)
    bad = [row["name"] for row in rows if row["exit_code"]]
    value = {
        "status": "failed" if bad else "done", "jobs": len(rows), "failed": bad, "workers": workers,
        "wall_s": round(time.perf_counter() - started, 3), "rows": rows,
    }  # fmt: skip
    write_json(out / "batch.json", value)
    if not args.json:
        print(f"{len(rows) - len(bad)} of {len(rows)} done in {value['wall_s']:.0f} s; see {out / 'batch.json'}")
    return value, 1 if bad else 0


def _check_header(path: Path, header: list[str]) -> None:
    unknown = [name for name in header if name not in COLUMNS]
    missing = [name for name in ("name", "garment") if name not in header]
    if unknown or missing or len(set(header)) < len(header):
        wrong = f"unknown column '{unknown[0]}'" if unknown else f"no column '{missing[0]}'" if missing else "twice"
        raise InputError("batch.header", f"{path}: line 1: {wrong}", f"the columns are: {', '.join(COLUMNS)}")


def _job(place: str, cells: dict[str, str], command: str, out: Path, common: list[str]) -> Job:
    name = cells.pop("name").strip()
    if not re.fullmatch(r"[\w][\w.\- ]{0,99}", name):
        raise InputError("batch.name", f"{place}: name '{name}' cannot name a folder",
                         "use letters, digits, spaces, '-', '_' and '.'")  # fmt: skip
    words = [command, *common]
    for flag, cell in cells.items():
        parts = [part.strip() for part in cell.split(";")] if flag in REPEATED else [cell.strip()]
        words += [word for part in parts if part for word in (f"--{flag}", part)]
    return name, [*words, "--out", str(out / name), "--json"]


def _pooled(jobs: list[Job], workers: int) -> Iterator[Row]:
    """Rows of the jobs that came to an end, in the order in which they did."""
    # no copy of a process in which Taichi or OpenGL may already run
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(min(workers, len(jobs)), mp_context=context) as pool:
        futures = [pool.submit(_work, job) for job in jobs]
        for future in as_completed(futures):
            try:
                yield future.result()
            except BrokenProcessPool:
                return


def _work(job: Job) -> Row:
    """One job, in a worker process."""
    from engine.cli import execute
    from engine.runtime import only_json_on_stdout

    name, words = job
    started = time.process_time()
    with only_json_on_stdout(True) as emit:
        try:
            value, code = execute(words, emit)
        except ToileError as error:
            value = {"status": "error", "code": error.code, "message": error.message, "hint": error.hint}
            code = error.exit_code
    return {"name": name, "exit_code": code, "job_cpu_s": round(time.process_time() - started, 3), **value}
