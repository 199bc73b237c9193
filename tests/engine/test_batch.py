"""Tables of jobs: what is refused where, and that no job takes another one down with it."""

import os
from pathlib import Path

import pytest

from engine.batch import read_jobs, run_jobs
from engine.core.errors import InputError


class Bomb:
    """Takes down the process that unpickles it."""

    def __reduce__(self):
        return os._exit, (9,)


def jobs_of(tmp_path: Path, text: str, common: tuple[str, ...] = ()) -> list:
    table = tmp_path / "jobs.csv"
    table.write_text(text)
    return read_jobs(table, "drape", tmp_path / "out", list(common))


def test_a_row_is_a_command_line(tmp_path):
    text = "name,garment,fabric,option,body\none, shirt; trousers ,poplin,a=1;b=2,me\n\n"
    (one,) = jobs_of(tmp_path, text, ("--quality", "draft"))
    words = "drape --quality draft --garment shirt --garment trousers --fabric poplin --option a=1 --option b=2"
    assert one == ("one", [*words.split(), "--body", "me", "--out", str(tmp_path / "out" / "one"), "--json"])


def test_a_row_has_precedence_over_the_common_words(tmp_path):
    ((_, words),) = jobs_of(tmp_path, "name,garment,quality\ntwo,tee,fine\n", ("--quality", "draft"))
    assert words[-5:-3] == ["--quality", "fine"] and words.index("draft") < words.index("fine")


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ("name,garment,colour\na,tee,red\n", "colour"),
        ("name,body\na,b\n", "garment"),
        ("name,garment\na,tee,poplin\n", "line 2"),
        ("name,garment\na,tee\na,shirt\n", "'a'"),
        ("name,garment\n../a,tee\n", "line 2"),
        ("name,garment\n", "no jobs"),
        ('name,garment\n"a,tee\n', "CSV"),
    ],
)
def test_a_broken_table_is_refused(tmp_path, text, wrong):
    with pytest.raises(InputError, match=wrong) as error:
        jobs_of(tmp_path, text)
    assert "jobs.csv" in error.value.message and error.value.hint


def test_a_failing_job_stops_no_other(tmp_path):
    jobs = [
        ("list", ["fabrics", "--json"]),
        ("bomb", Bomb()),
        ("misspelt", ["drape", "--garment", "shrit", "--out", str(tmp_path / "out")]),
    ]
    seen = []
    rows = run_jobs(jobs, 1, lambda row: seen.append(row["name"]))
    assert [r["name"] for r in rows] == ["list", "bomb", "misspelt"] and sorted(seen) == ["bomb", "list", "misspelt"]
    assert rows[0]["exit_code"] == 0 and len(rows[0]["fabrics"]) >= 10
    assert rows[1]["status"] == "crashed" and rows[1]["exit_code"] == 1
    assert rows[2]["status"] == "error" and rows[2]["exit_code"] == 2
