"""toile recommend, toile recsys recommend --bandit, event --decision, judge; and --like."""

import json

import numpy as np
import pytest

from engine.cli import main
from engine.core.safe_io import write_json
from engine.like_look import difference, garments_of


def run(capfd, *words):
    code = main([*map(str, words), "--json"])
    out, err = capfd.readouterr()
    assert out.count("\n") == 1 and "Traceback" not in err
    return code, json.loads(out)


@pytest.fixture
def shop(capfd, tmp_path, monkeypatch):
    from recsys import recommend as module
    from recsys.simulate import REGIMES, simulate, write_shop

    fit = module.fit_hybrid
    monkeypatch.setattr(module, "fit_hybrid", lambda *a, **k: fit(*a, **k, names=["popularity", "content"]))
    tables = write_shop(simulate(type(REGIMES["mixed"])(users=60, items=40, events=500), seed=2), tmp_path / "tables")
    out = tmp_path / "shop"
    assert run(capfd, "recsys", "train", "--items", tables[0], "--interactions", tables[1], "--out", out)[0] == 0
    return out


def test_served_rewarded_and_judged(capfd, shop):
    code, plain = run(capfd, "recommend", "--user", "ann", "--count", 5, "--out", shop)
    assert code == 0 and "decision" not in plain and len(plain["items"]) == 5
    assert run(capfd, "recsys", "judge", "--out", shop)[0] == 2
    for k in range(24):
        kind = ("linucb", "thompson")[k % 2]
        words = ("--user", f"u{k}", "--count", 5, "--bandit", kind, "--out", shop)
        code, value = run(capfd, "recsys", "recommend", *words)
        assert code == 0 and 0 < value["propensity"] <= 1
        assert sorted(i["item"] for i in value["items"]) == sorted(i["item"] for i in plain["items"])
        if k % 3 == 0:
            bought = value["items"][0]["item"]
            code, _ = run(capfd, "recsys", "event", "--user", f"u{k}", "--item", bought, "--event", "buy",
                          "--decision", value["decision"], "--out", shop)  # fmt: skip
            assert code == 0
    code, value = run(capfd, "recsys", "judge", "--settle-hours", 0, "--out", shop)
    assert code == 0 and value["decisions"] == 12 and value["logged"] == pytest.approx(4 / 12, abs=1e-4)
    assert set(value["policies"]) == {"uniform", "ranker", "linucb", "thompson"}
    for row in value["policies"].values():
        assert row["ips"]["low"] <= row["ips"]["value"] <= row["ips"]["high"]
        assert row["verdict"] in ("better", "worse", "not to be told apart")
    assert run(capfd, "recsys", "judge", "--policy", "greedy", "--out", shop)[0] == 2
    code, value = run(capfd, "recsys", "event", "--user", "a", "--item", "b", "--event", "fit", "--value", "tight",
                      "--decision", "x", "--out", shop)  # fmt: skip
    assert code == 2 and "rewards no decision" in value["message"]


def test_like_a_look(capfd, shop, tmp_path):
    from avatars.open_body import load_open_body, make_body, prior
    from engine.core import codec

    code, value = run(capfd, "recommend", "--like", "tee", "--out", shop)
    assert code == 2 and "garments embed" in value["hint"]
    code, value = run(capfd, "recommend", "--out", shop)
    assert code == 2 and "--like" in value["message"]
    model = load_open_body()
    body = make_body(model, prior(model, "female")[0], sex="female")
    look = tmp_path / "look"
    look.mkdir()
    assert run(capfd, "recommend", "--like", look, "--out", tmp_path / "designs")[0] == 2
    codec.save(body, look / "body.npz")
    worn = {"garments": ["tee", "skirt_straight"], "fabrics": ["jersey"], "options": [{"length": 0.30}, {}]}
    write_json(look / "manifest.json", worn)
    tee, skirt = garments_of(str(look))
    assert tee.fabric.name != skirt.fabric.name and skirt.name == "skirt_straight"
    code, value = run(capfd, "recommend", "--like", look, "--count", 3, "--out", tmp_path / "designs")
    assert code == 0 and value["among"] == "designs" and [v["garment"] for v in value["like"]] == worn["garments"]
    files = [i["item"] for v in value["like"] for i in v["items"]]
    assert len(set(files)) == 6 and all("skirt" in i["label"] for i in value["like"][1]["items"])
    distances = [i["distance"] for i in value["like"][0]["items"]]
    assert distances == sorted(distances)


def test_like_searches_the_shop_where_it_has_places_in_the_garment_space(capfd, tmp_path, monkeypatch):
    from recsys import recommend as module

    fit = module.fit_hybrid
    monkeypatch.setattr(module, "fit_hybrid", lambda *a, **k: fit(*a, **k, names=["popularity", "content"]))
    assert run(capfd, "recommend", "--like", "tee", "--count", 3, "--out", tmp_path / "tees")[0] == 0
    assert run(capfd, "recommend", "--like", "trousers", "--count", 3, "--out", tmp_path / "tees")[0] == 0
    code, value = run(capfd, "garments", "embed", "--items", tmp_path / "tees", "--out", tmp_path / "e.npz")
    assert code == 0 and value["items"] == 6
    ids = np.load(tmp_path / "e.npz")["item_id"].tolist()
    items, log = tmp_path / "items.csv", tmp_path / "log.csv"
    items.write_text("item_id,type\n" + "".join(f"{i},{i.split('_')[1]}\n" for i in ids))
    log.write_text("user_id,item_id,timestamp\n" + "".join(
        f"u{k % 60},{ids[(k * 7 + k // 60) % 6]},{1_700_000_000 + 9000 * k}\n" for k in range(180)))  # fmt: skip
    shop = tmp_path / "shop"
    code, _ = run(capfd, "recsys", "train", "--items", items, "--interactions", log, "--embeddings",
                  tmp_path / "e.npz", "--out", shop)  # fmt: skip
    assert code == 0
    code, value = run(capfd, "recommend", "--like", "tee", "--count", 3, "--out", shop)
    assert code == 0 and value["among"] == "shop"
    assert all("tee" in i["item"] for i in value["like"][0]["items"]) and value["like"][0]["items"][0]["reason"]


def test_differences_in_words():
    own = {"length": 0.1, "ease_bust": 0.05, "leg_flare": float("nan")}
    assert difference(own, own) == "the same silhouette"
    assert difference(own, {"length": 0.16, "ease_bust": 0.02}) == (
        "like it, longer by 6 cm and closer at the bust by 3 cm")  # fmt: skip
    assert difference(own, {}) == "alike in shape"
