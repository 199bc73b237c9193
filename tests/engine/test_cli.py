"""The command contract: one JSON line on stdout, exit codes, one-line errors with a hint, nothing half-written."""

import json
from pathlib import Path

import numpy as np
import pytest

from engine.cli import main
from engine.core.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
BODY = "sex: female\nstature: 168\nbust: 90\nwaist: 72\nhips: 98\n"


def run(capfd, *words: str) -> tuple[int, str, str]:
    code = main(list(words))
    out, err = capfd.readouterr()
    return code, out, err


@pytest.fixture(scope="module")
def body_folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("body")
    (folder / "me.yaml").write_text(BODY)
    assert main(["avatar", "--measurements", str(folder / "me.yaml"), "--out", str(folder), "--json"]) == 0
    return folder


def refused(capfd, tmp_path, *words: str) -> dict:
    """Runs a command that must fail with exit code 2; returns its JSON error."""
    out = tmp_path / "result"
    code, stdout, stderr = run(capfd, *words, "--out", str(out), "--json")
    assert code == 2, (stdout, stderr)
    error = json.loads(stdout)
    assert stdout.count("\n") == 1 and error["status"] == "error" and error["hint"] and error["code"]
    assert "Traceback" not in stderr
    assert [line for line in stderr.splitlines() if line.startswith("toile: ")] == [stderr.strip().splitlines()[-1]]
    assert not out.exists() or not any(out.iterdir())
    return error


def test_lists_for_people_and_machines(capfd):
    code, out, _ = run(capfd, "garments")
    assert code == 0 and "tee" in out and "trousers" in out
    code, out, _ = run(capfd, "fabrics", "--json")
    fabrics = json.loads(out)["fabrics"]
    assert code == 0 and len(fabrics) >= 10 and all(f["sources"] for f in fabrics)


def test_model_file_is_printed_and_there(capfd):
    code, out, _ = run(capfd, "avatar", "--model-file")
    assert code == 0 and Path(out.strip()).is_file()


def test_avatar_from_typed_measurements(capfd, body_folder):
    code, out, _ = run(capfd, "measure", "--body", str(body_folder), "--json")
    rows = json.loads(out)["measurements"]
    assert code == 0 and out.count("\n") == 1
    for name, value in (("stature", 168), ("bust_girth", 90), ("waist_girth", 72), ("hip_girth", 98)):
        assert rows[name]["value_cm"] == pytest.approx(value, abs=1.0)
        low, high = rows[name]["interval95_cm"]
        assert low <= rows[name]["value_cm"] <= high
    assert (body_folder / "avatar.glb").read_bytes()[:4] == b"glTF"
    manifest = json.loads((body_folder / "manifest.json").read_text())
    assert manifest["outputs"]["body.npz"] and manifest["inputs"]["me.yaml"] and manifest["versions"]["toile"]


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("quality: [draft", "line 1"),
        ("qualty: draft", "quality"),
        ("quality: superb", "quality"),
        ("seed: yes", "seed"),
        ("- 1\n- 2", "name: value"),
        ("device: tpu", "device"),
    ],
)
def test_broken_config(capfd, tmp_path, body_folder, text, place):
    (tmp_path / "c.yaml").write_text(text)
    error = refused(
        capfd, tmp_path, "drape", "--body", str(body_folder), "--garment", "tee", "--config", str(tmp_path / "c.yaml")
    )
    assert "c.yaml" in error["message"] and place in error["message"] + error["hint"]


def one_panel(**changes) -> dict:
    panel = {
        "vertices": [[0, 0], [40, 0], [40, 60], [0, 60]],
        "edges": [{"endpoints": [i, (i + 1) % 4]} for i in range(4)],
        "translation": [0, 80, 30], "rotation": [0, 0, 0],
    }  # fmt: skip
    pattern = {"panels": {"front": {**panel, **changes}}, "stitches": []}
    return {"pattern": pattern, "properties": {"units_in_meter": 100}}


@pytest.mark.parametrize(
    "content",
    [
        "{ not json",
        json.dumps({"hello": 1}),
        json.dumps(one_panel(edges=[{"endpoints": [0, 9]}])),
        json.dumps(one_panel(vertices=[[0, 0], ["a", 0], [40, 60], [0, 60]])),
        json.dumps(one_panel(vertices=[[0, 0], [40, 60], [40, 0], [0, 60]])),
        json.dumps(one_panel() | {"pattern": one_panel()["pattern"] | {"stitches": [[{"panel": "x", "edge": 0}] * 2]}}),
        "",
    ],
    ids=["syntax", "other-json", "edge-index", "not-a-number", "self-crossing", "unknown-panel", "empty"],
)
def test_broken_pattern(capfd, tmp_path, body_folder, content):
    (tmp_path / "p.json").write_text(content)
    error = refused(capfd, tmp_path, "try-on", "--body", str(body_folder), "--garment", str(tmp_path / "p.json"))
    assert "p.json" in error["message"]


def _photos(folder: Path) -> dict[str, Path]:
    from PIL import Image

    grey = np.full((800, 600, 3), 128, np.uint8)
    Image.fromarray(grey).save(folder / "nobody.jpg")
    whole = (folder / "nobody.jpg").read_bytes()
    (folder / "half.jpg").write_bytes(whole[: len(whole) // 3])
    (folder / "text.jpg").write_text("this is no picture")
    (folder / "empty.jpg").write_bytes(b"")
    Image.fromarray(grey[:40, :30]).save(folder / "tiny.png")
    return {p.name: p for p in folder.iterdir() if p.suffix in (".jpg", ".png")} | {"none.jpg": folder / "none.jpg"}


@pytest.mark.parametrize("name", ["nobody.jpg", "half.jpg", "text.jpg", "empty.jpg", "tiny.png", "none.jpg"])
def test_broken_photo(capfd, tmp_path, name):
    photo = _photos(tmp_path)[name]
    error = refused(capfd, tmp_path, "fit", "--front", str(photo), "--height", "172")
    assert name in error["message"]


@pytest.mark.parametrize(
    "words",
    [
        ("try-on", "--garment", "tee", "--height", "172"),
        ("try-on", "--front", "x.jpg", "--garment", "tee"),
        ("fit", "--front", "x.jpg", "--height", "17"),
        ("fit", "--front", "x.jpg", "--height", "abc"),
        ("drape", "--body", "nowhere", "--garment", "tee"),
        ("measure", "--measurements", "nowhere.yaml"),
        ("render", "nowhere"),
    ],
)
def test_wrong_flags(capfd, tmp_path, words):
    refused(capfd, tmp_path, *words)


@pytest.mark.parametrize(
    ("flag", "name", "near"), [("--garment", "te", "tee"), ("--fabric", "jersy", "jersey")], ids=["garment", "fabric"]
)
def test_unknown_names_suggest_the_nearest(capfd, tmp_path, body_folder, flag, name, near):
    words = {"--garment": "tee", "--fabric": "jersey", flag: name}
    flat = [w for pair in words.items() for w in pair]
    error = refused(capfd, tmp_path, "try-on", "--body", str(body_folder), *flat)
    assert near in error["message"] + error["hint"]


def test_a_start_that_is_not_there(capfd, tmp_path, body_folder):
    words = ("drape", "--body", str(body_folder), "--garment", "tee", "--quality", "draft", "--from", str(tmp_path))
    assert refused(capfd, tmp_path, *words)["code"] == "look.missing"


def test_more_fabrics_than_garments(capfd, tmp_path, body_folder):
    words = ("--garment", "shirt", "--fabric", "poplin", "--fabric", "twill")
    error = refused(capfd, tmp_path, "drape", "--body", str(body_folder), *words)
    assert "2 fabrics for 1 garment" in error["message"]


def test_every_garment_of_an_outfit_is_checked_first(capfd, tmp_path, body_folder):
    error = refused(
        capfd, tmp_path, "try-on", "--body", str(body_folder), "--garment", "tee", "--garment", "trouser"
    )
    assert "trousers" in error["hint"]


def test_a_body_file_of_another_kind(capfd, tmp_path):
    np.savez(tmp_path / "body.npz", x=np.zeros(3))
    refused(capfd, tmp_path, "drape", "--body", str(tmp_path / "body.npz"), "--garment", "tee")


def test_options_go_to_the_garment_that_they_name():
    from engine.library_names import read_options

    both = ["shirt", "skirt_pleated"]
    assert read_options(both, ["kind=box", "shirt.length=30", "pleated_skirt.pleats=12"]) == [
        {"length": 0.3}, {"kind": "box", "pleats": 12}]
    assert read_options(both, []) == [{}, {}]
    for given in (["kind"], ["tee.length=3"], ["hem=3"], ["=3"]):
        with pytest.raises(InputError):
            read_options(both, given)
    with pytest.raises(InputError, match="pattern file has no options"):
        read_options(["my.json"], ["length=3"])


def test_garments_show_their_options_in_centimetres(capfd):
    assert main(["garments", "skirt_pleated", "--json"]) == 0
    (row,) = json.loads(capfd.readouterr().out)["garments"]
    assert row["options"]["waistband"]["default_cm"] == 3.5
    assert row["options"]["kind"]["values"] == ["knife", "box", "inverted"]
    assert row["options"]["pleats"]["default"] == 20 and row["options"]["pleats"]["high"] == 80
    assert main(["garments", "shirt"]) == 0
    assert "cuff_ease" in capfd.readouterr().out
