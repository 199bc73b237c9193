"""The event log keeps pseudonyms, not ids; forgets wholly; refuses wrong events."""

import os
import stat

import pytest

from engine.core.errors import InputError, UnsupportedError
from recsys.event_log import Event, open_log
from recsys.tables import read_interactions


@pytest.fixture
def log(tmp_path):
    log = open_log(tmp_path / "shop.db")
    yield log
    log.close()


EVENTS = [
    Event("anna@example.org", "tee", "view", 100.0),
    Event("anna@example.org", "tee", "buy", 200.0),
    Event("anna@example.org", "tee", "fit", 300.0, "tight", "waist"),
    Event("bert", "coat", "rating", 150.0, 4.5),
]


def test_events_come_back_in_order_of_time(log):
    assert log.add(EVENTS) == 4 == log.count()
    events, catalogue = log.read()
    assert events.time.tolist() == [100, 150, 200, 300]
    assert [catalogue.ids[i] for i in events.item] == ["tee", "coat", "tee", "tee"]
    assert events.value[1] == 4.5 and events.value[3] == 0
    assert events.users[0] == log.pseudonym("anna@example.org")


def test_no_user_id_is_on_disk_and_the_key_is_private(log, tmp_path):
    log.add(EVENTS)
    log.close()
    raw = b"".join(p.read_bytes() for p in tmp_path.iterdir())
    assert b"anna" not in raw and b"coat" in raw
    if os.name == "posix":
        assert stat.S_IMODE((tmp_path / "shop.db.key").stat().st_mode) == 0o600


def test_pseudonyms_last_and_differ_between_shops(tmp_path):
    first = open_log(tmp_path / "a.db")
    assert open_log(tmp_path / "a.db").pseudonym("anna") == first.pseudonym("anna")
    assert open_log(tmp_path / "b.db").pseudonym("anna") != first.pseudonym("anna")


def test_forget_leaves_nothing_of_the_user(log, tmp_path):
    log.add(EVENTS)
    log.add_decision("anna@example.org", ["tee", "coat"], [[1.0, 0.0], [0.0, 1.0]], 0, 0.5)
    name = log.pseudonym("anna@example.org")
    assert log.forget("anna@example.org") == 4
    assert log.count() == 1 and log.forget("anna@example.org") == 0
    log.close()
    assert name.encode() not in b"".join(p.read_bytes() for p in tmp_path.iterdir())


def test_wrong_events_are_refused_whole(log):
    for wrong, text in [
        (Event("u", "i", "steal"), "not an event"),
        (Event("", "i"), "user is empty"),
        (Event("u", "i" * 300), "item is empty or too long"),
        (Event("u", "i", "rating", value=9), "not a rating"),
        (Event("u", "i", "fit", value="ok"), "not a fit"),
        (Event("u", "i", time=1e12), "not Unix seconds"),
    ]:
        with pytest.raises(InputError, match=text) as caught:
            log.add([EVENTS[0], wrong])
        assert "event 2" in caught.value.message
    assert log.count() == 0
    with pytest.raises(InputError, match="propensity"):
        log.add_decision("u", ["i"], [[1.0]], 0, 0.0)
    with pytest.raises(InputError, match="contexts"):
        log.add_decision("u", ["i"], [[float("nan")]], 0, 1.0)


def test_decisions_come_back_for_off_policy_estimates(log):
    ids = [log.add_decision("u", ["a", "b"], [[1.0, k], [0.0, k]], k % 2, 0.5, time=k) for k in range(4)]
    for k in (2, 0, 1):
        log.add_reward(ids[k], k / 2)
    found = log.decisions(2)
    assert found.reward.tolist() == [0, 0.5, 1] and found.arm.tolist() == [0, 1, 0]
    assert found.contexts.shape == (3, 2, 2) and found.propensity.tolist() == [0.5] * 3
    with pytest.raises(InputError, match="not in the log"):
        log.add_reward("nothing", 1.0)
    with pytest.raises(InputError, match="no rewarded decision over 3"):
        log.decisions(3)


def test_a_lost_key_a_damaged_log_and_postgres_without_its_package(tmp_path):
    log = open_log(tmp_path / "a.db")
    log.add(EVENTS)
    log.close()
    (tmp_path / "a.db.key").unlink()
    with pytest.raises(InputError, match="key is missing"):
        open_log(tmp_path / "a.db")
    (tmp_path / "b.db").write_text("not a database, but long enough to be taken for one" * 10)
    (tmp_path / "b.db.key").write_bytes(b"0" * 32)
    with pytest.raises(InputError, match="not an event log"):
        open_log(tmp_path / "b.db")
    with pytest.raises(InputError, match="needs a key file"):
        open_log("postgresql://localhost/shop")
    try:
        import psycopg  # noqa: F401
    except ImportError:
        with pytest.raises(UnsupportedError, match="psycopg"):
            open_log("postgresql://localhost/shop", tmp_path / "k")


def test_tables_are_taken_in(log, tmp_path):
    path = tmp_path / "interactions.csv"
    path.write_text("user_id,item_id,timestamp,event,value\nu,a,2026-01-01,view,\nv,b,1767312000,rating,3\n")
    events, catalogue, _ = read_interactions(path)
    assert log.add_table(events, catalogue) == 2
    back, _ = log.read()
    assert back.kind.tolist() == events.kind.tolist() and back.time.tolist() == events.time.tolist()
    assert set(back.users) == {log.pseudonym("u"), log.pseudonym("v")}
