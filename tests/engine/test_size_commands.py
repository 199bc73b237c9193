"""toile recsys size, event, train --sizes: the command contract of size and fit."""

import json

import pytest

from engine.cli import main

TABLE = "item_id,size,bust_cm,waist_cm,body_bust_cm,body_waist_cm\n" + "".join(
    f"simulated-item-{k:05d},{size},{94 + 6 * j},{80 + 6 * j},{86 + 6 * j},{68 + 6 * j}\n"
    for k in range(3) for j, size in enumerate("SML")
)  # fmt: skip
BODY = "stature: 170\nbust: 92\nwaist: 74\nhip: 98\nsex: female\n"


def run(capfd, *words):
    code = main(["recsys", *map(str, words), "--json"])
    out, err = capfd.readouterr()
    assert out.count("\n") == 1 and "Traceback" not in err
    return code, json.loads(out)


@pytest.fixture
def body(tmp_path):
    path = tmp_path / "ann.yaml"
    path.write_text(BODY)
    return path


def test_a_shops_sizes_from_table_to_advice(capfd, tmp_path, body, monkeypatch):
    from recsys import recommend as module
    from recsys.simulate import REGIMES, simulate, write_shop

    fit = module.fit_hybrid
    monkeypatch.setattr(module, "fit_hybrid", lambda *a, **k: fit(*a, **k, names=["popularity"]))
    shop = simulate(type(REGIMES["mixed"])(users=60, items=30, events=400), seed=4)
    items, interactions = write_shop(shop, tmp_path / "tables")
    sizes, out = tmp_path / "sizes.csv", tmp_path / "shop"
    sizes.write_text(TABLE)
    code, value = run(capfd, "train", "--items", items, "--interactions", interactions, "--sizes", sizes, "--out", out)
    assert code == 0 and (out / "sizes.npz").exists()
    item = ("--item", "simulated-item-00001")
    code, value = run(capfd, "size", *item, "--measurements", body, "--user", "ann", "--remember", "--out", out)
    assert code == 0 and value["best"] == "M" and len(value["sizes"]) == 3 and value["verdicts_learnt_from"] == 0
    middle = value["sizes"][1]
    assert middle["tight"] + middle["right"] + middle["loose"] == pytest.approx(1, abs=0.002)
    assert middle["zones"]["waist_girth"]["ease_cm"] == pytest.approx(12, abs=0.3)
    for zone in (None, "waist"):
        where = ["--zone", zone] if zone else []
        code, value = run(capfd, "event", *item, "--user", "ann", "--event", "fit", "--value", "tight", "--size", "M",
                          *where, "--out", out)  # fmt: skip
        assert code == 0
    code, value = run(capfd, "size", *item, "--user", "ann", "--out", out)  # the body that was remembered
    assert code == 0 and value["sizes"][1]["tight"] > middle["tight"]
    assert run(capfd, "train", "--out", out)[0] == 0
    code, value = run(capfd, "size", *item, "--measurements", body, "--out", out)
    assert value["verdicts_learnt_from"] == 2
    code, value = run(capfd, "forget", "--user", "ann", "--out", out)
    assert code == 0 and value["removed"] > 40 and value["refitted"]
    code, value = run(capfd, "size", *item, "--user", "ann", "--out", out)
    assert value["verdicts_learnt_from"] == 0 and "mean customer" in value["advice"]
    assert run(capfd, "size", "--item", "none", "--user", "ann", "--out", out)[0] == 2


def test_a_library_garment_is_graded_by_drafting(capfd, tmp_path, body):
    words = ("--measurements", body, "--no-drape", "--out", tmp_path)
    code, value = run(capfd, "size", "--garment", "skirt_straight", *words)
    assert code == 0 and value["best"] == "40" and [s["size"] for s in value["sizes"]] == ["36", "38", "40", "42", "44"]
    assert value["draped"] == [] and value["sizes"][0]["tight"] > value["sizes"][-1]["tight"]


def test_refusals_name_the_flag(capfd, tmp_path, body):
    assert run(capfd, "size", "--out", tmp_path)[0] == 2
    assert run(capfd, "size", "--garment", "shirt", "--out", tmp_path)[0] == 2
    code, value = run(capfd, "size", "--item", "x", "--measurements", body, "--remember", "--out", tmp_path)
    assert code == 2 and "--user" in value["message"]
    code, value = run(capfd, "event", "--user", "a", "--item", "b", "--event", "rating", "--out", tmp_path)
    assert code == 2 and value["code"] == "log.event"
