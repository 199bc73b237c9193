"""Rows of users and items are never taken for one another's, whatever order catalogue, log and query have."""

import numpy as np
import pytest

from recsys import recommend as module
from recsys.event_log import Event, open_log
from recsys.model_file import load_model, save_model
from recsys.recommend import recommend, train
from recsys.schema import Catalogue

GROUPS = {"red": [f"r{k}" for k in range(8)], "blue": [f"b{k}" for k in range(8)], "grey": [f"g{k}" for k in range(8)]}


@pytest.fixture
def taught(tmp_path, monkeypatch):
    """People who each buy within one group; the catalogue's order is neither the log's nor the alphabet's."""
    fit = module.fit_hybrid
    monkeypatch.setattr(module, "fit_hybrid", lambda *a, **k: fit(*a, **k, names=["item_knn", "ease"]))
    rng = np.random.default_rng(0)
    ids = [i for group in GROUPS.values() for i in group]
    catalogue = Catalogue.bare([str(i) for i in rng.permutation(ids)])
    log, now = open_log(tmp_path / "shop.db"), 1e9
    for k in rng.permutation(120):
        group = list(GROUPS)[k % 3]
        for item in rng.choice(GROUPS[group], 4, replace=False):
            now += 3600.0
            log.add([Event(f"person-{k}", str(item), "buy", time=now)])
    events, full = log.read(catalogue)
    assert full.ids == catalogue.ids
    return log, save_model(tmp_path / "model.npz", train(events, catalogue))


@pytest.mark.parametrize("group", list(GROUPS))
def test_everybody_is_recommended_their_own_group(taught, group):
    log, path = taught
    model = load_model(path)
    for k in range(list(GROUPS).index(group), 24, 3):
        history, catalogue = log.read(model.catalogue, user=f"person-{k}")
        own = {catalogue.ids[i] for i in history.item}
        rows = recommend(model, history, count=4, diversity=0.0)
        assert {r.item for r in rows} == set(GROUPS[group]) - own
        assert all(model.catalogue.ids[r.place] == r.item for r in rows)
        named = {r.reason.split()[3] for r in rows if r.reason.startswith("people who chose")}
        assert named and named <= own


def test_a_newcomers_one_purchase_decides(taught):
    log, path = taught
    model = load_model(path)
    for group, items in GROUPS.items():
        user = f"new-{group}"
        log.add([Event(user, items[5], "buy")])
        history, _ = log.read(model.catalogue, user=user)
        assert {r.item for r in recommend(model, history, count=3, diversity=0.0)} < set(items) - {items[5]}
