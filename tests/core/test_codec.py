import dataclasses

import numpy as np
import pytest

from engine.core import codec
from engine.core.errors import InputError
from engine.core.pattern_types import ArcEdge, BezierEdge, EdgeRef, LineEdge, Panel, Pattern, Placement, Seam
from engine.core.store import Store, stage_key
from engine.core.types import Camera


def pattern() -> Pattern:
    edges = (LineEdge(0, 1), BezierEdge(1, 2, ((0.1, 0.2),), "x"), ArcEdge(2, 0, 0.5, False, True))
    panel = Panel("a", np.array([[0, 0], [1, 0], [0, 1]], np.float32), edges, Placement(np.eye(3), np.zeros(3)))
    return Pattern("p", (panel,), (Seam(EdgeRef("a", 0), EdgeRef("a", 1)),), intended_ease={"bust_girth": 0.08})


def test_round_trip_keeps_everything(tmp_path):
    codec.save(pattern(), tmp_path / "p.npz")
    back = codec.load(tmp_path / "p.npz", Pattern)
    assert back.panels[0].edges == pattern().panels[0].edges
    assert back.seams == pattern().seams and back.intended_ease == {"bust_girth": 0.08}
    np.testing.assert_array_equal(back.panels[0].vertices, pattern().panels[0].vertices)
    assert back.panels[0].vertices.dtype == np.float32


def test_wrong_kind_and_damage_are_input_errors(tmp_path):
    codec.save(pattern(), tmp_path / "p.npz")
    with pytest.raises(InputError, match="not a Camera"):
        codec.load(tmp_path / "p.npz", Camera)
    np.savez(tmp_path / "other.npz", x=np.zeros(3))
    with pytest.raises(InputError, match="other.npz"):
        codec.load(tmp_path / "other.npz", Pattern)


def test_hash_sees_content_not_identity():
    assert codec.content_hash(pattern()) == codec.content_hash(pattern())
    assert codec.content_hash(pattern()) != codec.content_hash(dataclasses.replace(pattern(), name="q"))


def test_store_runs_a_stage_once_and_survives_damage(tmp_path):
    store, calls = Store(tmp_path), []

    def make():
        calls.append(1)
        return pattern()

    key = stage_key("draft", "1", {"a": 1}, ["x"], 0)
    assert key != stage_key("draft", "2", {"a": 1}, ["x"], 0) != stage_key("draft", "2", {"a": 1}, ["x"], 1)
    assert store.fetch(key, Pattern, make)[1] is False
    assert store.fetch(key, Pattern, make)[1] is True and len(calls) == 1
    next(tmp_path.rglob("*.npz")).write_bytes(b"broken")
    assert store.fetch(key, Pattern, make)[1] is False and len(calls) == 2
