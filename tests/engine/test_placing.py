"""A garment placed before, alike in all that its place depends on, is not placed again."""

import os

import pytest

from avatars.open_body import load_open_body, make_body, prior
from engine import placing
from engine.config import Config
from engine.core.codec import content_hash
from engine.runtime import Run


@pytest.fixture
def body():
    model = load_open_body()
    return make_body(model, prior(model, "female")[0], sex="female")


def placed(tmp_path, body, options, *, cache=True):
    run = Run(tmp_path / "out", Config(quality="draft", threads=1, cache=cache), quiet=True)
    return placing.placed(run, body, "skirt_straight", "denim", options, None), run.cached


def test_a_garment_is_taken_from_the_store_when_all_is_as_before(tmp_path, monkeypatch, body) -> None:
    monkeypatch.setenv("TOILE_RESULTS", str(tmp_path / "results"))
    first, cached = placed(tmp_path, body, {})
    assert cached == []
    with monkeypatch.context() as nothing:
        nothing.setattr("sim.drape.ready", lambda *_, **__: pytest.fail("the simulator is readied for nothing"))
        again, cached = placed(tmp_path, body, {})
    assert cached == ["place"] and content_hash(again) == content_hash(first)
    shorter, cached = placed(tmp_path, body, {"length": 0.4})
    assert cached == [] and content_hash(shorter) != content_hash(first)
    assert placed(tmp_path, body, {}, cache=False)[1] == []


@pytest.mark.parametrize(
    ("quality", "threads", "garments", "cores", "used"),
    [("draft", 0, 1, 8, 1), ("draft", 2, 1, 8, 2), ("standard", 0, 1, 2, 0), ("standard", 0, 2, 2, 1),
     ("standard", 0, 2, 8, 0), ("fine", 2, 3, 2, 2)],
)  # fmt: skip
def test_threads_where_they_are_of_use(tmp_path, monkeypatch, quality, threads, garments, cores, used) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: cores)
    run = Run(tmp_path, Config(quality=quality, threads=threads), garments=garments)
    assert placing.drape_config(run).threads == used
