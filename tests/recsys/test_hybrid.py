"""The blend learns whom to trust; recommendations are valid, explained, spread out and survive a save."""

from dataclasses import replace

import numpy as np
import pytest

from engine.core.errors import InputError
from recsys.base import Data
from recsys.blend import Examples, joined
from recsys.blend_fit import fit_linear
from recsys.blend_learning import RIDGES, _affordable_gap, _gained, _order, learn_blend
from recsys.candidates import gather, item_facts
from recsys.diversity import spread_out, with_a_new_one
from recsys.histories import collect
from recsys.hybrid import _examples, fit_hybrid
from recsys.model_file import load_model, save_model
from recsys.recommend import recommend, similar
from recsys.splits import split_events

PLACES = {"new_feature": 2, "length_feature": 3}


def blend_case(users=400, seed=0, width=20, turned=False):
    """Feature 0 foretells hits, feature 1 is noise, feature 2 marks new items, feature 3 is the history's length.

    ``turned``: feature 0 foretells them for long histories only, feature 1 for short ones.
    """
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((users, width, 4)).astype(np.float32)
    features[:, :, 2] = np.arange(width) == width - 1
    features[:, :, 3] = features[:, :1, 3]
    worth = np.where(features[:, :, 3] > 0, features[:, :, 0], features[:, :, 1]) if turned else features[:, :, 0]
    hit = np.zeros((users, width), bool)
    hit[np.arange(users), (2 * worth + rng.gumbel(size=(users, width))).argmax(1)] = True
    return Examples(features, hit, np.ones_like(hit), np.ones(users))


@pytest.mark.parametrize("earlier", [[], [blend_case(seed=2, width=17)]], ids=["one span", "two spans"])
def test_blend_finds_the_feature_that_matters_whatever_it_starts_from(earlier):
    singles = np.eye(2, 4) * 0.5
    blend, learnt = learn_blend([*earlier, blend_case()], singles, **PLACES)
    test = blend_case(seed=1)
    score = blend.score(test.features)
    assert np.corrcoef(score.ravel(), test.features[..., 0].ravel())[0, 1] > 0.9
    assert test.hit[np.arange(len(score)), score.argmax(1)].mean() > 0.3
    assert 0 < learnt["ndcg"] <= 1
    again, _ = learn_blend([*earlier, blend_case()], singles, **PLACES)
    np.testing.assert_array_equal(score, again.score(test.features))


def test_weights_lean_on_the_length_of_the_history():
    cases = [blend_case(seed=seed, turned=True) for seed in range(3)]
    blend, _ = learn_blend(cases[:2], np.zeros((1, 4)), **PLACES)
    assert blend.by_length[0] > 0.05 and blend.by_length[1] < -0.05
    plain = replace(blend, by_length=np.zeros_like(blend.by_length))
    right = [cases[2].hit[np.arange(400), b.score(cases[2].features).argmax(1)].mean() for b in (blend, plain)]
    assert right[0] > right[1] + 0.05


def test_the_luck_of_one_span_is_not_learnt_by_heart():
    lucky, usual, test = blend_case(seed=3), blend_case(seed=4), blend_case(seed=5)
    lucky.hit[:120] = False
    lucky.hit[:120, -1] = True  # three in ten wanted the new item of that span, nearly nobody that of the others
    first = np.array([0.5, 0, 0, 0], np.float32)
    blend, learnt = learn_blend([lucky, usual], first[None], **PLACES)
    loose = fit_linear(replace(blend, linear=first, by_length=np.zeros_like(first)), lucky, RIDGES)[-1]
    shown = [(b.score(test.features).argmax(1) == 19).mean() for b in (blend, loose)]
    assert learnt["ridge"] > min(RIDGES) and shown[1] > shown[0] + 0.1, shown
    assert test.hit[np.arange(400), blend.score(test.features).argmax(1)].mean() > 0.3


def test_joined_examples_keep_their_candidates():
    both = joined([blend_case(users=3, width=5), blend_case(users=2, width=8, seed=1)])
    assert both.features.shape == (5, 8, 4) and both.valid.sum() == 3 * 5 + 2 * 8 and both.hit.sum() == 5
    assert not both.valid[:3, 5:].any()


def test_examples_hold_every_candidate(shop, model):
    cut = split_events(shop.events, shop.catalogue)
    data, components = Data(cut.known, model.features), model.hybrid.components
    examples = _examples(components, data, shop.catalogue, cut, False, 0)
    facts = item_facts(data, shop.catalogue.available_from)
    found = gather(components, facts, cut.known.rows(cut.users), cut.open, False)
    assert examples.valid.sum() == (found.item >= 0).sum() > 0
    wanted = {(row, item) for row, item in zip(cut.target_row.tolist(), cut.target.tolist(), strict=True)}
    reached = {(row, int(item)) for row, items in enumerate(found.item) for item in items if item >= 0}
    assert examples.hit.sum() == len(wanted & reached) > 0


def test_new_items_can_be_held_back():
    case = blend_case()
    blend, _ = learn_blend([case], np.zeros((1, 4)), **PLACES)
    before = blend.score(case.features)
    blend.new_offset = -3.0
    np.testing.assert_allclose((blend.score(case.features) - before)[0, [0, 19]], [0, -3], atol=1e-5)


def test_spread_out_avoids_twins_and_keeps_order_without_diversity():
    vectors = np.array([[1, 0], [1, 0], [0, 1]], float)
    scores = np.array([1.0, 0.9, 0.5])
    assert spread_out(scores, vectors, 2, 0.0).tolist() == [0, 1]
    assert spread_out(scores, vectors, 2, 0.5).tolist() == [0, 2]
    assert spread_out(scores, vectors, 9, 0.5).tolist() == [0, 2, 1]


def test_the_last_place_goes_to_the_best_new_item_that_is_near_enough():
    order = np.array([[5, 4, 3, 2], [5, 4, 3, 2], [5, 4, 3, 2], [5, 4, 3, 2]])
    new = np.array([[0, 0, 0, 1], [1, 0, 0, 1], [0, 0, 0, 0], [0, 0, 0, 1]], bool)
    score = np.array([[4, 3, 2, 1.5], [4, 3, 2, 1], [4, 3, 2, 1], [4, 3, 2, -5]])
    assert with_a_new_one(order, new, 3, score, 1.0).tolist() == [[5, 4, 2], [5, 4, 3], [5, 4, 3], [5, 4, 3]]
    assert with_a_new_one(order, new, 3, score, np.inf)[3].tolist() == [5, 4, 2]
    assert with_a_new_one(order, new, 3, score, -1.0).tolist() == [[5, 4, 3]] * 4
    assert with_a_new_one(order, new, 5, score, np.inf).shape == (4, 4)


def test_new_items_get_the_last_places_that_cost_little():
    case = blend_case(users=600, width=30)
    case.hit[:] = False  # the new item is never wanted, so each place for it costs what the tenth item earned
    case.hit[np.arange(600), np.random.default_rng(0).integers(29, size=600)] = True
    blend = replace(learn_blend([case], np.zeros((1, 4)), **PLACES)[0], new_offset=0.0)
    gap, share = _affordable_gap(blend, case)
    order, score = _order(blend, case)
    top = with_a_new_one(order, order == 29, 10, score, gap)
    plain, mixed = _gained(case, order[:, :10]).sum(), _gained(case, top).sum()
    assert 0 < share < 1 and (top == 29).any(1).mean() == pytest.approx(share + (order[:, :10] == 29).any(1).mean())
    assert 0.99 * plain <= mixed < plain
    everywhere = with_a_new_one(order, order == 29, 10, score, np.inf)
    assert _gained(case, everywhere).sum() < 0.99 * plain, "else the case would test nothing"


def test_rankings_hold_open_unknown_distinct_items(shop, model):
    h = collect(shop.events, len(shop.catalogue))
    top, scores, standing = model.hybrid.rank(h.rows(np.arange(20)))
    assert standing.shape == (20, 10, len(model.hybrid.components)) and 0 <= standing.min() < standing.max() <= 1
    assert top.shape == (20, 10) and (np.diff(scores[:, :9]) <= 0).all()
    for row, items in enumerate(top):
        assert len(set(items.tolist())) == 10 and model.hybrid.open[items].all()
        assert not set(items.tolist()) & set(h.rows(np.array([row])).item.tolist())
    alone = model.hybrid.rank(h.rows(np.array([7])))
    assert alone.item[0].tolist() == top[7].tolist()


def test_recommendations_come_with_reasons_for_known_and_unknown_users(shop, model):
    user = shop.events.user[0]
    known = recommend(model, shop.events.where(shop.events.user == user), count=8, diversity=0.2)
    new = recommend(model, shop.events.where(np.zeros(len(shop.events), bool)))
    assert len(known) == 8 and len(new) == 10
    assert all(len(r.reason) > 10 and r.item in shop.catalogue.ids and r.label for r in known + new)
    assert any("chose" in r.reason for r in known) and not any("you" in r.reason for r in new)
    with pytest.raises(InputError, match="out of range"):
        recommend(model, shop.events.where(shop.events.user == user), count=0)


def test_similar_items_share_what_was_asked_for(shop, model):
    place = 5
    kind = shop.catalogue.categories["type"][place][0]
    rows = similar(model, shop.catalogue.ids[place], count=3, where={"type": [kind]})
    assert rows and shop.catalogue.ids[place] not in [r[0] for r in rows]
    for item, _ in rows:
        assert shop.catalogue.categories["type"][shop.catalogue.ids.index(item)] == (kind,)
    with pytest.raises(InputError, match="not in the catalogue"):
        similar(model, "nothing")


def test_a_saved_model_recommends_the_same(shop, model, tmp_path):
    path = save_model(tmp_path / "model.npz", model)
    back = load_model(path)
    mine = shop.events.where(shop.events.user == shop.events.user[3])
    assert recommend(back, mine) == recommend(model, mine)
    assert back.catalogue.ids == model.catalogue.ids and back.catalogue.categories == model.catalogue.categories
    (tmp_path / "bad.npz").write_bytes(b"no model")
    with pytest.raises(InputError, match="not a readable"):
        load_model(tmp_path / "bad.npz")


def test_wrong_wishes(shop, model):
    everything = np.ones(len(shop.catalogue), bool)
    with pytest.raises(InputError, match="component 'magic'"):
        fit_hybrid(shop.events, shop.catalogue, model.features, open_items=everything, names=["magic"])
    with pytest.raises(InputError, match="too few"):
        few = shop.events.where(np.arange(len(shop.events)) < 1)
        fit_hybrid(few, shop.catalogue, model.features, open_items=everything)
