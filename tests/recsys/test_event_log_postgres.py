"""The event log on a real Postgres server, named by TOILE_TEST_POSTGRES (postgresql://...); in a schema of its own."""

import os
import secrets

import numpy as np
import pytest

from engine.core.errors import InputError, JobError
from recsys.event_log import Event, open_log
from recsys.schema import Catalogue
from recsys.tables import read_interactions

URL = os.environ.get("TOILE_TEST_POSTGRES")
psycopg = pytest.importorskip("psycopg", reason="psycopg is not installed")
pytestmark = pytest.mark.skipif(not URL, reason="TOILE_TEST_POSTGRES names no server")


@pytest.fixture
def place():
    schema = f"toile_test_{secrets.token_hex(4)}"
    with psycopg.connect(URL, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
        yield f"{URL}{'&' if '?' in URL else '?'}options=-csearch_path%3D{schema}"
        connection.execute(f"DROP SCHEMA {schema} CASCADE")


@pytest.fixture
def log(place, tmp_path):
    log = open_log(place, tmp_path / "shop.key")
    yield log
    log.close()


def test_a_whole_life(log, place, tmp_path):
    assert log.add([
        Event("anna@example.org", "tee", "view", 100.0), Event("anna@example.org", "tee", "buy", 200.0, size="M"),
        Event("anna@example.org", "tee", "fit", 300.0, "tight", "waist", "M"),
        Event("bert", "coat", "rating", 150.0, 4.5),
    ]) == 4 == log.count()  # fmt: skip
    events, catalogue = log.read(Catalogue.bare(["coat"]))
    assert events.time.tolist() == [100, 150, 200, 300] and catalogue.ids == ("coat", "tee")
    assert events.value[1] == 4.5 and [events.size[k] for k in range(4)] == ["", "", "M", "M"]
    assert events.zone[3] == "waist" and len(log.read(user="bert")[0]) == 1
    table = tmp_path / "more.csv"
    table.write_text("user_id,item_id,timestamp,event,size\ncarl,hat,2026-01-01,buy,L\n")
    assert log.add_table(*read_interactions(table)[:2]) == 1
    again = open_log(place, tmp_path / "shop.key")  # tables and key are there already
    assert again.count() == 5 and again.pseudonym("bert") == log.pseudonym("bert")
    again.close()
    with psycopg.connect(place) as connection:
        written = str(connection.execute("SELECT * FROM events").fetchall())
    assert "anna" not in written and log.pseudonym("anna@example.org") in written
    assert log.forget("anna@example.org") == 3 and log.count() == 2 and log.forget("anna@example.org") == 0


def test_decisions(log):
    ids = [log.add_decision("u", ["a", "b"], np.array([[1.0, k], [0.0, k]]), k % 2, 0.5, time=float(k))
           for k in range(4)]  # fmt: skip
    log.add_reward(ids[0], 1.0)
    assert log.settle(3.0) == 2
    assert log.decisions(2).reward.tolist() == [1, 0, 0] and log.lessons(2)[0].tolist() == [[1, 0], [0, 1], [1, 2]]
    with pytest.raises(InputError, match="not in the log"):
        log.add_reward("nothing", 1.0)
    assert log.forget("u") == 4


def test_all_or_none_and_a_failed_statement_leaves_the_log_usable(log):
    with pytest.raises(InputError, match="event 2"):
        log.add([Event("a", "b"), Event("a", "b", "stare")])
    assert log.count() == 0
    with pytest.raises(JobError):
        log.add([Event("a", "b\x00c")])  # Postgres takes no NUL in texts
    assert log.count() == 0 and log.add([Event("a", "b")]) == 1


def test_a_server_that_does_not_answer_is_said(tmp_path):
    with pytest.raises(JobError, match="does not answer"):
        open_log("postgresql://nobody@127.0.0.1:1/none", tmp_path / "k")
