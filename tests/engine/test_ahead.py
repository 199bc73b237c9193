"""Work in a second process: the same results and errors as in one, whatever happens to either."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from avatars.open_body import load_open_body, make_body, prior
from engine import ahead
from engine.core.codec import save
from engine.core.errors import PlacementError

ROOT = Path(__file__).resolve().parents[2]
forks = pytest.mark.skipif(sys.platform != "linux", reason="a second process is begun on Linux only")


def ignore(share: float, text: str) -> None:
    pass


@pytest.fixture
def two(monkeypatch):
    """Two processes, whatever this machine and this test run are."""
    monkeypatch.setattr(ahead, "_worthwhile", lambda threads: True)


@forks
def test_result_and_progress_come_from_the_other_process(two):
    said, done = [], []

    def work(progress):
        progress(0.5, "half")
        return os.getpid(), np.arange(1_000_000)

    with ahead.begun(work, 0) as result:
        pid, numbers = result(lambda *now: said.append(now), (done.append(k) for k in range(3)))
    assert pid != os.getpid() and np.array_equal(numbers, np.arange(1_000_000))
    assert said == [(0.5, "half")] and done == list(range(len(done)))


@forks
def test_an_error_comes_as_it_is(two):
    def work(progress):
        raise PlacementError("place.test", "nowhere to put it", "give it room")

    with pytest.raises(PlacementError) as raised, ahead.begun(work, 0) as result:
        result(ignore, ())
    assert str(raised.value) == "nowhere to put it (give it room)" and raised.value.code == "place.test"


@forks
def test_what_the_other_process_fails_to_do_is_done_here(two):
    here = os.getpid()

    def dies(progress):
        return here if os.getpid() == here else os._exit(9)

    def breaks(progress):
        raise ZeroDivisionError(str(os.getpid()))

    with ahead.begun(dies, 0) as result:
        assert result(ignore, ()) == here
    with pytest.raises(ZeroDivisionError, match=str(here)), ahead.begun(breaks, 0) as result:
        result(ignore, ())


@forks
def test_a_process_that_comes_to_a_stop_is_given_up(two, monkeypatch):
    monkeypatch.setattr(ahead, "PATIENCE", 0.3)
    here = os.getpid()

    def waits(progress):
        if os.getpid() != here:
            threading.Event().wait()  # as for a thread that a copy of the process has not
        return here

    with ahead.begun(waits, 0) as result:
        assert result(ignore, ()) == here


@forks
def test_an_error_meanwhile_is_left_to_whoever_meets_it_next(two):
    def meanwhile():
        raise PlacementError("place.meanwhile", "not now")
        yield

    with ahead.begun(lambda progress: "done", 0) as result:
        assert result(ignore, meanwhile()) == "done"


@forks
def test_an_interruption_ends_the_other_process(two, tmp_path):
    def work(progress):
        (tmp_path / "pid").write_text(str(os.getpid()))
        time.sleep(60)

    def meanwhile():
        while not (tmp_path / "pid").is_file() or not (tmp_path / "pid").read_text():
            yield
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), ahead.begun(work, 0) as result:
        result(ignore, meanwhile())
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


def test_with_one_thread_the_work_is_done_here():
    with ahead.begun(lambda progress: os.getpid(), 1) as result:
        assert result(ignore, ()) == os.getpid()


PLACE = """
import os
import sys
from pathlib import Path
from engine.config import Config
from engine.core.codec import content_hash, load
from engine.core.types import Body
from engine.pipeline import placed
from engine.runtime import Run

os.sched_getaffinity = lambda process: {0, 1}
body = load(Path(sys.argv[1]), Body)
run = Run(Path("unused"), Config(quality="draft", threads=int(sys.argv[2]), cache=False), quiet=True)
garment = placed(run, body, "skirt_straight", "denim", {}, None)
print(content_hash(garment), "garments.placement" in sys.modules)
"""


@forks
def test_a_garment_is_placed_alike_in_both_ways(tmp_path):
    model = load_open_body()
    body = save(make_body(model, prior(model, "female")[0], sex="female"), tmp_path / "body.npz")
    told = [
        subprocess.run([sys.executable, "-c", PLACE, str(body), threads], cwd=ROOT, capture_output=True, text=True,
                       env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True, timeout=120).stdout.split()
        for threads in ("1", "2")
    ]  # fmt: skip
    assert told[0][0] == told[1][0] and [here for _, here in told] == ["True", "False"]


@forks
def test_no_copy_is_made_of_a_process_with_openmp_threads(monkeypatch):
    import torch

    monkeypatch.setattr(ahead, "THREADED", ())
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 1})
    assert torch.ones(2).sum() == 2 and not ahead._worthwhile(0)
