"""Work that is done again when its files are saved."""

import os
from argparse import Namespace
from pathlib import Path

import pytest

from engine.core.errors import InputError
from engine.watch import input_files, watch


def watched(path: Path, events: list, work) -> None:
    """Watches a file while one event happens in each pause, then interrupts."""
    left = iter(events)

    def pause(_: float) -> None:
        event = next(left, None)
        if event is None:
            raise KeyboardInterrupt
        if isinstance(event, bytes):
            path.write_bytes(event)
            os.utime(path, ns=(0, 1000 * len(event)))
        elif event == "gone":
            path.unlink()

    with pytest.raises(KeyboardInterrupt):
        watch([path], work, pause=pause)


def test_done_again_after_each_change_once_it_is_whole(tmp_path):
    path, seen = tmp_path / "pattern.json", []
    path.write_bytes(b"first")
    events = ["idle", b"sec", b"second", "idle", "idle", "gone", "idle", b"third one", "idle", "idle"]
    watched(path, events, lambda: seen.append(path.read_bytes()))
    assert seen == [b"first", b"second", b"third one"]


def test_a_mistake_while_editing_is_told_and_awaited(tmp_path, capsys):
    path, seen = tmp_path / "pattern.json", []
    path.write_bytes(b"first")

    def work() -> None:
        seen.append(path.read_bytes())
        if seen[-1] == b"broken":
            raise InputError("json.syntax", "line 1 is broken", "mend it")

    watched(path, [b"broken", "idle", "idle", b"mended!", "idle", "idle"], work)
    assert seen == [b"first", b"broken", b"mended!"]
    assert capsys.readouterr().err == "toile: line 1 is broken. Hint: mend it.\n"


def test_a_mistake_at_the_start_is_raised(tmp_path):
    def work() -> None:
        raise InputError("cli.usage", "no such garment", "")

    with pytest.raises(InputError):
        watch([tmp_path / "missing"], work)


def test_files_of_a_drape(tmp_path):
    args = Namespace(measurements=None, body=str(tmp_path), out="out", garment=["tee", "mine.json"],
                     fabric=["jersey", "my.yaml"], config="set.yaml")  # fmt: skip
    assert input_files(Namespace(**{**vars(args), "out": str(tmp_path)}))[0] == Path("mine.json")  # it writes the body
    assert input_files(args) == [tmp_path / "body.npz", *map(Path, ("mine.json", "my.yaml", "set.yaml"))]
