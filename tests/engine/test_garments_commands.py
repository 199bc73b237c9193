"""toile garments: every result is a pattern file that Toile reads; nearest valid options; the command contract."""

import json
from pathlib import Path

import numpy as np
import pytest

from engine.cli import main
from engine.sewable import sewable_pattern, sewn, within_ranges
from garments import library
from garments.formats import read_design, read_pattern
from garments.silhouette import FIGURES, silhouette
from recsys.vae.design import Design
from recsys.vae.model import LATENT


@pytest.fixture(scope="module")
def body():
    from avatars.open_body import load_open_body, make_body, prior

    return make_body(load_open_body(), prior(load_open_body(), "female")[0], sex="female")


@pytest.fixture(scope="module")
def stand(body, tmp_path_factory):
    from engine.core import codec

    return codec.save(body, tmp_path_factory.mktemp("body") / "body.npz").parent


def run(capfd, *words):
    code = main(["garments", *map(str, words), "--json"])
    out, err = capfd.readouterr()
    assert out.count("\n") == 1 and "Traceback" not in err
    return code, json.loads(out)


def test_the_list_is_still_there(capfd):
    code, value = run(capfd)
    assert code == 0 and {g["name"] for g in value["garments"]} == set(library.names())


def test_similar_writes_patterns_that_are_read_back(capfd, stand, tmp_path):
    code, value = run(capfd, "similar", "tee", "--count", 3, "--body", stand, "--out", tmp_path)
    assert code == 0 and len(value["garments"]) == 3
    distances = [row["distance"] for row in value["garments"]]
    assert distances == sorted(distances)
    for row in value["garments"]:
        pattern = read_pattern(row["file"])
        assert pattern.panels and read_design(row["file"]) == (row["garment"], row["options"])
    assert json.loads((tmp_path / "index.json").read_text())["command"] == "similar"


def test_similar_among_ones_own_patterns(capfd, stand, tmp_path):
    run(capfd, "sample", "--like", "tee", "--like", "trousers", "--count", 3, "--body", stand, "--out", tmp_path)
    files = sorted(p for p in tmp_path.glob("*.json") if p.name != "index.json")
    code, value = run(capfd, "similar", files[1], "--items", tmp_path, "--body", stand)
    assert code == 0 and value["items"][0]["file"] == str(files[1]) and len(value["items"]) == 3
    table = tmp_path / "items.csv"
    table.write_text(f"item_id,pattern,fabric\nA,{files[0].name},denim\nB,{files[1].name},\nC,none.json,\n")
    code, value = run(capfd, "similar", files[1], "--items", table, "--body", stand)
    assert [row["item"] for row in value["items"]] == ["B", "A"] and len(value["warnings"]) == 1
    table.write_text("pattern\n../x.json\n")
    code, value = run(capfd, "similar", files[1], "--items", table, "--body", stand)
    assert code == 2 and value["code"] == "items.path"


def test_embeddings_are_what_the_recommender_reads(capfd, stand, tmp_path):
    from recsys.schema import Catalogue
    from recsys.tables import read_embeddings

    run(capfd, "sample", "--like", "tee", "--count", 2, "--body", stand, "--out", tmp_path)
    code, value = run(capfd, "embed", "--items", tmp_path, "--out", tmp_path / "e.npz")
    names = sorted(p.stem for p in tmp_path.glob("0*.json"))
    catalogue = read_embeddings(value["embeddings"], Catalogue.bare([*names, "other"]))
    assert code == 0 and value["items"] == 2 and catalogue.embedding.shape == (3, 2 * len(FIGURES) + LATENT)
    assert np.isfinite(catalogue.embedding[:2]).all() and np.isnan(catalogue.embedding[2]).all()


def test_a_blend_begins_and_ends_with_what_was_given(capfd, stand, body, tmp_path):
    code, value = run(capfd, "blend", "skirt_straight", "trousers", "--steps", 3, "--body", stand, "--out", tmp_path)
    rows = value["garments"]
    assert code == 0 and rows[0]["garment"] == "skirt_straight" and rows[-1]["garment"] == "trousers"
    first = library.draft("skirt_straight", body.measurements, body.landmarks)
    read = read_pattern(rows[0]["file"])
    assert [p.name for p in read.panels] == [p.name for p in first.panels]
    assert silhouette(read, body.measurements)["length"] == pytest.approx(
        silhouette(first, body.measurements)["length"], abs=1e-3
    )


def test_vary_changes_what_was_asked_as_measured(capfd, stand, body, tmp_path):
    code, value = run(capfd, "vary", "skirt_straight", "--direction", "longer", "--amount", 8, "--body", stand,
                      "--out", tmp_path)  # fmt: skip
    before = silhouette(library.draft("skirt_straight", body.measurements, body.landmarks), body.measurements)
    after = silhouette(read_pattern(value["garments"][0]["file"]), body.measurements)
    assert code == 0 and value["reached"] == pytest.approx(8, abs=0.8)
    assert 100 * (after["length"] - before["length"]) == pytest.approx(value["reached"], abs=0.01)


@pytest.mark.parametrize(("words", "code"), [
    (("vary", "trousers", "--direction", "longer_sleeves"), "garments.direction"),
    (("vary", "tee", "--direction", "nicer"), "garments.direction"),
    (("similar", "toga"), "garment.unknown"), (("blend", "tee", "shirt", "--steps", 1), "cli.range"),
    (("sample", "--like", "tee", "--spread", 99), "cli.range"), (("similar", "none.json"), "file.missing"),
    (("similar", "tee", "--body", "none.npz"), "body.missing"),
])  # fmt: skip
def test_bad_input_is_named(capfd, stand, tmp_path, words, code):
    where = () if "--body" in words else ("--body", stand)
    exit_code, value = run(capfd, *words, *where, "--out", tmp_path)
    assert exit_code == 2 and value["code"] == code


def test_valid_options_stay_and_others_move_least(body):
    anchor = {"ease": 0.1, "length": 0.25}
    kept = sewn(Design("tee", {"ease": 0.2}), body, anchor)
    assert kept.design.options["ease"] == 0.2 and not kept.moved
    wild = sewn(Design("tee", {"ease": 99.0, "neck_drop": 0.1}), body, anchor)
    assert wild.moved.keys() == {"ease"} and wild.design.options["neck_drop"] == 0.1


def test_refused_options_move_only_where_they_must(body, monkeypatch):
    """A block that refuses wide hems: the hem comes in to where it is taken, the rest stays as it was asked for."""
    import engine.sewable as module

    real = module.library.draft

    def strict(name, measurements, landmarks=None, **options):
        if options["length"] > 0.9:
            raise KeyError("a block that stumbles")
        return real(name, measurements, landmarks, **options)

    monkeypatch.setattr(module.library, "draft", strict)
    asked = Design("skirt_straight", {"length": 1.2, "ease_hip": 0.2, "ease_waist": 0.05, "waistband": 0.08})
    made = sewn(asked, body, {"length": 0.6, "ease_hip": 0.04, "ease_waist": 0.01, "waistband": 0.035})
    assert made.moved.keys() == {"length"} and 0.85 < made.design.options["length"] <= 0.9
    assert sewable_pattern(made.design, body).panels


def test_designs_of_older_libraries_are_brought_into_range():
    design = within_ranges(Design("tee", {"ease": 9.0, "gone": 1.0}))
    assert design.options["ease"] == 0.4 and "gone" not in design.options and design.options["length"] is None


def test_the_shipped_weights_know_the_library():
    from recsys.vae.weights import WEIGHTS, load_weights

    weights = load_weights()
    assert Path(WEIGHTS).stat().st_size <= 10_000_000
    assert {f.name for f in weights.library.families} <= set(library.names())
