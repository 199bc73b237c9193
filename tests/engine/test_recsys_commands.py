"""toile recsys: the command contract over a shop's whole life."""

import json
from pathlib import Path

import pytest

from engine.cli import main
from recsys.simulate import REGIMES, simulate, write_shop
from recsys.tables import read_interactions

SAMPLE = Path(__file__).resolve().parents[2] / "examples" / "shop"


def run(capfd, *words):
    code = main(["recsys", *map(str, words), "--json"])
    out, err = capfd.readouterr()
    assert out.count("\n") == 1 and "Traceback" not in err
    return code, json.loads(out)


@pytest.fixture(scope="module")
def tables(tmp_path_factory):
    from dataclasses import replace

    shop = simulate(replace(REGIMES["mixed"], users=120, items=60, events=900, views=0.2), seed=4)
    return write_shop(shop, tmp_path_factory.mktemp("tables"))


def test_train_recommend_add_forget(capfd, tables, tmp_path, monkeypatch):
    from recsys import recommend as module

    fit = module.fit_hybrid
    monkeypatch.setattr(module, "fit_hybrid", lambda *a, **k: fit(*a, **k, names=["popularity", "item_knn", "content"]))
    items, interactions = tables
    out = tmp_path / "shop"
    code, value = run(capfd, "train", "--items", items, "--interactions", interactions, "--out", out)
    assert code == 0 and value["items"] == 60 and (out / "model.npz").exists()
    user = interactions.read_text().splitlines()[1].split(",")[0]
    code, value = run(capfd, "recommend", "--user", user, "--count", 5, "--out", out)
    assert code == 0 and len(value["items"]) == 5 and value["known_events"] > 0
    code, value = run(capfd, "similar", "--item", value["items"][0]["item"], "--count", 3, "--out", out)
    assert code == 0 and len(value["items"]) == 3
    table = tmp_path / "ranked.csv"
    visitors = tmp_path / "visitors.csv"
    visitors.write_text(f"user_id,age\n{user},30\nnobody-yet,20\n{user},30\n")
    code, ranked = run(capfd, "rank", "--users", visitors, "--count", 5, "--to", table, "--out", out)
    lines = [line.split(",") for line in table.read_text().splitlines()[1:]]
    assert code == 0 and (ranked["users"], ranked["known_users"]) == (2, 1)
    assert [(r[0], r[2]) for r in lines] == [(who, str(k)) for who in (user, "nobody-yet") for k in range(1, 6)]
    bought = {line.split(",")[1] for line in interactions.read_text().splitlines() if line.startswith(user)}
    assert len({r[1] for r in lines[:5]} - bought) == 5
    more = tmp_path / "more.csv"
    more.write_text("user_id,item_id,timestamp\nsimulated-guest,simulated-item-00001,2026-02-01\n")
    code, value = run(capfd, "add", "--interactions", more, "--out", out)
    assert code == 0 and value["added"] == 1
    code, value = run(capfd, "train", "--interactions", interactions, "--out", out)
    assert code == 2 and "already has" in value["message"]
    code, value = run(capfd, "forget", "--user", user, "--out", out)
    assert code == 0 and value["removed"] > 0 and value["refitted"]
    code, value = run(capfd, "recommend", "--user", user, "--out", out)
    assert code == 0 and value["known_events"] == 0
    code, value = run(capfd, "forget", "--user", user, "--out", out)
    assert code == 0 and value["removed"] == 0 and not value["refitted"]


@pytest.mark.parametrize("with_items", [True, False])
def test_evaluate(capfd, tables, tmp_path, monkeypatch, with_items):
    from recsys import evaluate as module

    names = ["popularity", "item_knn", "content"]
    monkeypatch.setattr(module, "COMPONENTS", {n: module.COMPONENTS[n] for n in names})
    items, interactions = tables
    words = ["--items", items] if with_items else []
    words += ["--interactions", interactions, "--components", ",".join(names), "--out", tmp_path]
    code, value = run(capfd, "evaluate", *words)
    assert code == 0 and set(value["models"]) == {"hybrid", *names} and value["split"]["kind"] == "temporal"
    assert (tmp_path / "evaluation.json").exists()
    if not with_items:
        assert value["models"]["hybrid"]["cold_share_of_top10"] == 0


def test_wrong_input_is_one_clear_error(capfd, tables, tmp_path):
    items, interactions = tables
    for words, place in [
        (("recommend", "--user", "u", "--out", tmp_path), "recommender model"),
        (("train", "--out", tmp_path / "a"), "too few"),
        (("train", "--items", "nothing.csv", "--out", tmp_path / "b"), "nothing.csv"),
        (("evaluate", "--interactions", interactions, "--fraction", 2), "--fraction"),
        (("evaluate", "--items", items, "--interactions", interactions, "--split", "random"), "'random' is not known"),
        (("recommend", "--out", tmp_path), "--user"),
    ]:
        code, value = run(capfd, *words)
        assert code == 2 and place in value["message"] and value["hint"], value


def test_the_sample_shop_can_be_read():
    from recsys.tables import read_items

    events, catalogue, warnings = read_interactions(SAMPLE / "interactions.csv", read_items(SAMPLE / "items.csv"))
    assert len(catalogue) == 150 and len(events) > 3000 and not warnings
    assert all(user.startswith("simulated-") for user in events.users)


def test_outfit(capfd, tables, tmp_path, monkeypatch):
    from recsys import recommend as module

    fit = module.fit_hybrid
    monkeypatch.setattr(module, "fit_hybrid", lambda *a, **k: fit(*a, **k, names=["popularity", "content"]))
    items, interactions = tables
    out = tmp_path / "shop"
    assert run(capfd, "train", "--items", items, "--interactions", interactions, "--out", out)[0] == 0
    rows = [line.split(",") for line in items.read_text().splitlines()]
    top = next(row[0] for row in rows if row[3] in ("tee", "shirt", "blouse", "sweater", "knit"))
    code, value = run(capfd, "outfit", "--item", top, "--user", "simulated-user-00001", "--count", 2, "--out", out)
    assert code == 0 and len(value["outfits"]) == 2
    assert [i["slot"] for i in value["outfits"][0]["items"]] == ["top", "bottom", "layer"]
    assert value["outfits"][0]["items"][0]["item"] == top and value["outfits"][0]["reasons"]
    assert run(capfd, "outfit", "--item", "none", "--out", out)[0] == 2
    assert run(capfd, "outfit", "--item", top, "--count", 0, "--out", out)[0] == 2
