"""Toile's own pattern file: read back exactly, and every kind of damage named with its place."""

import json

import numpy as np
import pytest
from size_table import BODIES

from engine.core.codec import content_hash
from engine.core.errors import InputError
from engine.core.pattern_types import ArcEdge, EdgeRef, LineEdge, Panel, PanelLine, Pattern, Placement, Seam, Tape
from garments import library
from garments.formats import read_design, read_pattern, write_toile


@pytest.mark.parametrize("name", library.names())
def test_library_patterns_are_read_back_exactly(name, tmp_path):
    pattern = library.draft(name, BODIES["mean_woman"])
    path = write_toile(tmp_path / "p.json", pattern, design={"garment": name, "options": {}})
    assert content_hash(read_pattern(path)) == content_hash(pattern)
    assert read_design(path) == (name, {})


def test_everything_that_a_pattern_can_hold(tmp_path):
    vertices = np.array([[0, 0], [0.3, 0], [0.3, 0.4], [0, 0.4]], np.float32)
    edges = (LineEdge(0, 1, "hem"), ArcEdge(1, 2, 0.31, False, True), LineEdge(2, 3), LineEdge(3, 0))
    panel = Panel("front", vertices, edges, Placement(np.eye(3), np.array([0, 1 / 3, 0.2]), 0.1, "torso_front"),
                  grainline=0.1, internal_lines=(np.array([[0.1, 0.1], [0.2, 0.1]]),), fabric="denim", layer=2,
                  stiffness=3.5, lines=(PanelLine(np.array([[0.1, 0.2], [0.2, 0.3]]), -1.0, "fold"),))
    back = Panel("back", vertices.astype(float), edges, Placement(np.diag([-1.0, 1, -1]), np.zeros(3)))
    pattern = Pattern("x", (panel, back), (Seam(EdgeRef("front", 1), EdgeRef("back", 3, 1.0, 0.0), "seam", 0.3),),
                      0.012, {"bust_girth": 0.1}, {"hip_girth": 1.0}, "top", "by hand",
                      tapes=(Tape(EdgeRef("front", 0), 0.8, 250.0, "elastic"),))
    path = write_toile(tmp_path / "p.json", pattern)
    read = read_pattern(path)
    assert read.tapes == pattern.tapes and read.seams == pattern.seams and read.panels[0].edges == edges
    assert read.intended_ease == pattern.intended_ease and read.seam_allowance == 0.012
    for name in ("vertices", "grainline", "stiffness", "layer", "fabric"):
        assert np.array_equal(getattr(read.panels[0], name), getattr(panel, name)), name
    assert np.array_equal(read.panels[0].placement.translation, panel.placement.translation)
    assert np.array_equal(read.panels[0].lines[0].points, panel.lines[0].points) and read_design(path) is None


def damaged(pattern_file, change):
    root = json.loads(pattern_file.read_text())
    change(root)
    pattern_file.write_text(json.dumps(root))
    return pattern_file


DAMAGE = {
    "version": (lambda r: r.update(version=7), "version 7"),
    "no_panels": (lambda r: r["pattern"].pop("panels"), "'panels'"),
    "misspelt": (lambda r: r["pattern"].update(seems=[]), "seams"),
    "text_number": (lambda r: r["pattern"]["panels"][0].update(grainline="up"), "not a number"),
    "nan_like": (lambda r: r["pattern"]["panels"][0]["vertices"].__setitem__(0, [1e9, 0]), "metres"),
    "ragged": (lambda r: r["pattern"]["panels"][0]["vertices"].__setitem__(0, [1]), "n x 2"),
    "vertex": (lambda r: r["pattern"]["panels"][0]["edges"][0].update(start=99), "vertex"),
    "negative": (lambda r: r["pattern"]["panels"][0]["edges"][0].update(start=-1), "vertex"),
    "kind": (lambda r: r["pattern"]["panels"][0]["edges"][0].update(kind="spline"), "line, bezier, arc"),
    "rotation": (lambda r: r["pattern"]["panels"][0]["placement"].update(rotation=[[2, 0, 0], [0, 1, 0], [0, 0, 1]]),
                 "rotation"),
    "bool": (lambda r: r["pattern"]["panels"][0].update(layer=True), "layer"),
    "stranger": (lambda r: r["pattern"]["seams"][0]["a"].update(panel="nobody"), "nobody"),
    "list": (lambda r: r["pattern"].update(seams={}), "list"),
    "design": (lambda r: r.update(design=[1]), None),
}  # fmt: skip


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_named(name, tmp_path):
    change, words = DAMAGE[name]
    path = damaged(write_toile(tmp_path / "p.json", library.draft("tee", BODIES["mean_woman"])), change)
    with pytest.raises(InputError) as error:
        read_design(path) if words is None else read_pattern(path)
    assert str(path) in error.value.message
    assert words is None or words in f"{error.value.message} {error.value.hint}"
