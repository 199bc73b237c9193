"""Outfits: colours are seen as people see them, facts are read from the items table, weights follow what is bought."""

from dataclasses import replace

import numpy as np
import pytest
from small_tables import table

from engine.core.errors import InputError
from recsys.colour import colour_words, harmony, lab_of, suits
from recsys.outfit import RULES, complete, fit_outfits, load_outfits, save_outfits
from recsys.outfit_facts import SLOTS, outfit_facts
from recsys.outfit_pairs import FIGURES, bought_together, learn_weights, lift, pair_figures
from recsys.schema import Catalogue
from recsys.tables import read_embeddings

ITEMS = [  # name, colour, cut, fabric, pattern
    ("white tee", "white", "slim", "jersey", "plain"), ("red tee", "red", "slim", "jersey", "plain"),
    ("navy trousers", "navy", "loose", "twill", "plain"), ("green trousers", "green", "slim", "wool", "checked"),
    ("grey jacket", "grey", "straight", "twill", "plain"), ("black coat", "black", "loose", "wool", "plain"),
    ("pink dress", "pink", "slim", "viscose", "floral"), ("gift card", "", "", "", ""),
]  # fmt: skip


@pytest.fixture
def catalogue():
    columns = {name: [(row[k],) if row[k] else () for row in ITEMS]
               for k, name in ((1, "colour"), (2, "cut"), (3, "fabric"), (4, "pattern"))}  # fmt: skip
    names = tuple(row[0] for row in ITEMS)
    return Catalogue(tuple(n.replace(" ", "-") for n in names), names, np.full(len(names), np.nan), columns)


def plain(catalogue):
    return fit_outfits(outfit_facts(catalogue), table([(0, 0, 1.0)], users=1))


def test_colours_are_cielab():
    np.testing.assert_allclose(lab_of("#ffffff"), [100, 0, 0], atol=0.02)
    np.testing.assert_allclose(lab_of("#ff0000"), [53.24, 80.09, 67.20], atol=0.05)
    assert lab_of("mouse") is None and lab_of("light grey")[0] > lab_of("grey")[0] > lab_of("dark grey")[0]


def test_harmony_is_symmetric_and_likes_what_observers_like():
    red, green, beige, white, black = (lab_of(n) for n in ("red", "green", "beige", "white", "black"))
    assert harmony(red, green) == pytest.approx(harmony(green, red))
    assert harmony(beige, white) > harmony(red, beige) > harmony(red, green)
    assert suits(black, red) >= 0.5 > suits(red, red) > suits(red, green)
    assert np.isnan(suits(red, np.full(3, np.nan)))
    assert "neutral" in colour_words("black", black, "red", red)


def test_facts_are_read_from_words(catalogue):
    f = outfit_facts(catalogue)
    assert [SLOTS[s] if s >= 0 else "" for s in f.slot] == [
        "top", "top", "bottom", "bottom", "layer", "layer", "dress", ""]  # fmt: skip
    assert f.formality[2] > f.formality[0] and f.warmth[5] > f.warmth[0] and f.width[2] > 0 > f.width[0]
    assert f.patterned.tolist()[:4] == [0, 0, 0, 1] and np.isnan(f.lab[7]).all()


def test_geometry_speaks_before_words(catalogue, tmp_path):
    path = tmp_path / "e.npz"
    np.savez(path, item_id=np.array(["navy-trousers"]), embedding=np.ones((1, 3)), silhouette=np.array([[0.0, 0.7]]),
             silhouette_names=np.array(["ease_hip", "leg_flare"]))  # fmt: skip
    f = outfit_facts(read_embeddings(path, catalogue))
    assert f.width[2] == pytest.approx(-0.8) and f.width[0] == outfit_facts(catalogue).width[0]


def test_completes_with_what_is_missing_and_says_why(catalogue):
    facts, model = outfit_facts(catalogue), plain(catalogue)
    first, second = complete(model, facts, catalogue, [0], count=2)
    assert [SLOTS[facts.slot[i]] for i in first.items] == ["top", "bottom", "layer"]
    assert catalogue.names[first.items[1]] == "navy trousers" and first.items != second.items
    assert any("neutral" in r or "tone" in r for r in first.reasons) and any("balanced" in r for r in first.reasons)
    dress = complete(model, facts, catalogue, [6], count=1)[0]
    assert [SLOTS[facts.slot[i]] for i in dress.items] == ["dress", "layer"]
    both = complete(model, facts, catalogue, [1, 3], count=1)[0]
    assert both.items[:2] == (1, 3) and len(both.items) == 3
    among = np.ones(len(catalogue), bool)
    among[2] = False
    assert 2 not in complete(model, facts, catalogue, [0], count=1, among=among)[0].items
    taste = np.zeros(len(catalogue))
    taste[3] = 10.0
    liked = complete(replace(model, weights=RULES * 0.1), facts, catalogue, [0], count=1, taste=taste)[0]
    assert 3 in liked.items


def test_what_cannot_be_completed_is_said(catalogue):
    facts, model = outfit_facts(catalogue), plain(catalogue)
    with pytest.raises(InputError, match="no part of an outfit"):
        complete(model, facts, catalogue, [7])
    with pytest.raises(InputError, match="same place"):
        complete(model, facts, catalogue, [0, 1])
    nothing = np.zeros(len(catalogue), bool)
    with pytest.raises(InputError, match="nothing that completes"):
        complete(model, facts, catalogue, [0], among=nothing)


def test_pairs_are_of_one_visit_kept_and_of_two_slots(catalogue):
    facts = outfit_facts(catalogue)
    day = 86_400.0
    events = table([
        (0, 0, 1.0), (0, 2, 60.0), (0, 4, 5 * day), (1, 0, 6 * day), (1, 1, 6 * day), (1, 3, 6 * day),
        (1, 3, 7 * day, "return", np.nan), (2, 2, 8 * day), (2, 7, 8 * day), (2, 6, 8 * day),
    ])  # fmt: skip
    assert bought_together(events, facts).tolist() == [[0, 2]]


def test_lift_is_of_what_is_more_than_chance():
    pairs = np.array([[0, 2]] * 12 + [[0, 3], [1, 3]] + [[1, 2]])
    up = lift(pairs, 5)
    assert up[0, 2] == up[2, 0] > up[1, 2] and up[0, 4] == 0


def test_weights_move_to_what_customers_do_and_stay_without(shop):
    facts = outfit_facts(shop.catalogue)
    rng = np.random.default_rng(0)
    assert (learn_weights(facts, np.empty((0, 2), int), RULES) == RULES).all()
    none = lift(np.empty((0, 2), int), len(facts.slot))
    tops, bottoms = (np.flatnonzero(facts.slot == SLOTS.index(s)) for s in ("top", "bottom"))
    hidden = -2 * RULES
    pairs = []
    for a in rng.choice(tops, 800):
        score = pair_figures(facts, none, np.full(len(bottoms), a), bottoms) @ hidden
        pairs.append((a, bottoms[(score + rng.gumbel(size=len(bottoms))).argmax()]))
    weights = learn_weights(facts, np.array(pairs), RULES)
    moved = [k for k, name in enumerate(FIGURES) if name in ("formality gap", "balance")]
    assert (np.sign(weights[moved]) == np.sign(hidden[moved])).all()


def test_saved_and_read_back(catalogue, tmp_path):
    model = fit_outfits(outfit_facts(catalogue), table([(0, 0, 1.0), (0, 2, 2.0)], users=1))
    again = load_outfits(save_outfits(tmp_path / "o.npz", model))
    assert (again.weights == model.weights).all() and again.pairs == 1 and again.together[0, 2] == model.together[0, 2]
    np.savez(tmp_path / "bad.npz", a=1)
    with pytest.raises(InputError, match="not an outfit model"):
        load_outfits(tmp_path / "bad.npz")
