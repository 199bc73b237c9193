"""The evaluation judges everybody alike and reports what it must."""

import pytest

from recsys.evaluate import evaluate
from recsys.simulate import REGIMES, simulate, write_shop
from recsys.splits import split_events
from recsys.tables import read_interactions, read_items

QUICK = ["popularity", "item_knn", "content"]


@pytest.mark.parametrize("split", ["temporal", "last_out"])
def test_figures_are_whole(shop, split, monkeypatch):
    from recsys import evaluate as module

    monkeypatch.setattr(module, "COMPONENTS", {n: module.COMPONENTS[n] for n in QUICK})
    value = evaluate(shop.events, shop.catalogue, split=split, names=QUICK)
    assert set(value["models"]) == {"hybrid", *QUICK} and set(value["differences"]) == set(QUICK)
    for row in value["models"].values():
        for name in ("recall@10", "ndcg@10"):
            low, high = row[f"{name}_interval95"]
            assert 0 <= low <= row[name] <= high <= 1
        assert 0 < row["coverage"] <= 1 and row["novelty_bits"] >= 0
    for name in QUICK:
        expected = value["models"]["hybrid"]["ndcg@10"] - value["models"][name]["ndcg@10"]
        assert value["differences"][name]["ndcg@10"]["mean"] == pytest.approx(expected, abs=2e-5)
    assert value["split"]["users"] > 20


def test_rivals_show_newcomers_what_is_popular(shop, monkeypatch):
    from recsys import evaluate as module

    monkeypatch.setattr(module, "COMPONENTS", {n: module.COMPONENTS[n] for n in QUICK})
    seen = {}
    monkeypatch.setattr(module, "_figures", lambda cut, top, cold: seen.setdefault("tops", []).append(top) or {})
    value = evaluate(shop.events, shop.catalogue, names=QUICK)
    cut = split_events(shop.events, shop.catalogue)
    has = cut.known.lengths[cut.users] > 0
    _, popular, near, _ = seen["tops"]
    assert (~has).any() and (near[~has] == popular[~has]).all() and (near[has] != popular[has]).any()
    everybody, known = (value[f"differences{of}"]["item_knn"]["ndcg@10"]["mean"] for of in ("", "_with_history"))
    assert set(value["differences_with_history"]) == set(QUICK) and everybody != known


def test_simulated_shops_are_labelled_and_survive_the_tables(tmp_path):
    from dataclasses import replace

    regime = replace(REGIMES["fast_fashion"], users=60, items=40, events=300)
    shop = simulate(regime, seed=2)
    items, interactions = write_shop(shop, tmp_path)
    catalogue = read_items(items)
    events, full, warnings = read_interactions(interactions, catalogue)
    assert not warnings and full.ids == shop.catalogue.ids and full.categories == shop.catalogue.categories
    assert events.item.tolist() == shop.events.item.tolist() and events.time.tolist() == shop.events.time.tolist()
    assert all(i.startswith("simulated-") for i in (*full.ids, *events.users))
    first = simulate(regime, seed=2).events
    assert (first.item == shop.events.item).all()
    released = shop.catalogue.available_from[shop.events.item]
    assert (shop.events.time >= released - 86_400 * 2.1).all(), "nobody buys what is not out yet"
