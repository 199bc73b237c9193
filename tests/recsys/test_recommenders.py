"""Every recommender: right scores on small cases, right shapes, the same twice, no users inside."""

import numpy as np
import pytest
from scipy import sparse

from recsys.als import als_is_installed
from recsys.base import Data, rank_items
from recsys.content import Content, ContentToCollaborative
from recsys.ease import EASE
from recsys.features import ItemFeatures, item_features
from recsys.histories import collect
from recsys.hybrid import COMPONENTS
from recsys.item_knn import ItemKNN, NextItem
from recsys.mult_vae import MultVAE
from recsys.popularity import Popularity
from recsys.taste import FLOOR, Taste
from tests.recsys.small_tables import table

QUICK = {"mult_vae": {"steps": 5}}


@pytest.fixture(scope="module")
def data(shop):
    return Data(collect(shop.events, len(shop.catalogue)), item_features(shop.catalogue))


@pytest.mark.parametrize("name", COMPONENTS)
def test_scores_all_items_for_any_history_the_same_twice(data, name):
    if name == "als" and not als_is_installed():
        pytest.skip("implicit is not installed (pip install .[als])")
    some = data.histories.rows(np.array([0, 3, 5]))
    nobody = data.histories.latest(0).rows(np.array([0]))
    first, second = (COMPONENTS[name](**QUICK.get(name, {})).fit(data) for _ in range(2))
    scores = first.score(some)
    assert scores.shape == (3, data.histories.n_items) and np.isfinite(scores).all()
    np.testing.assert_array_equal(scores, second.score(some))
    assert np.isfinite(first.score(nobody)).all()
    users = data.histories.matrix().shape[0]
    for attribute in first.fitted:
        assert users not in getattr(first, attribute).shape, "nothing is kept per user"


def small(rows, n=5, users=4):
    return Data(collect(table(rows, users), n), described(np.zeros((n, 1), np.float32)))


def described(vectors):
    """Items whose attribute values are the columns of ``vectors``, 0 or 1."""
    n, width = vectors.shape
    values = sparse.csr_matrix(vectors[:, vectors.any(0)])
    return ItemFeatures(vectors, vectors.any(1), np.zeros(n, np.float32), values, np.zeros(values.shape[1], int))


ROWS = [(0, 0, 1), (0, 1, 2), (1, 0, 3), (1, 1, 4), (2, 0, 5), (2, 2, 6), (3, 3, 7), (3, 4, 8)]


def test_item_knn_is_the_shrunk_cosine():
    data = small(ROWS)
    near = ItemKNN(shrink=1.0).fit(data).near.toarray()
    assert near[0, 1] == pytest.approx(2 / (np.sqrt(3 * 2) + 1)) and near[0, 3] == 0 and not near.diagonal().any()


def test_next_item_follows_order():
    near = NextItem(shrink=0.1, half_life=np.inf).fit(small(ROWS)).near.toarray()
    assert near[0, 1] > 0 and near[1, 0] == 0 and near[3, 4] > 0


def test_ease_solves_its_own_equation():
    data = small(ROWS)
    model = EASE(l2=0.5, half_life=np.inf).fit(data)
    x = data.histories.matrix().toarray().astype(float)
    gram = x.T @ x
    l2 = 0.5 * np.square(gram.diagonal()).sum() / np.trace(gram) + 1e-6
    b = model.weights.astype(float)
    assert not b.diagonal().any() and model.active.tolist() == [0, 1, 2, 3, 4]
    gradient = gram @ b - gram + l2 * b  # zero off the diagonal at the optimum
    np.testing.assert_allclose(gradient[~np.eye(5, dtype=bool)], 0, atol=1e-5)


def test_ease_keeps_to_the_active_items():
    data = small(ROWS)
    model = EASE(max_items=2).fit(data)
    scores = model.score(data.histories)
    assert len(model.active) == 2 and np.count_nonzero(scores.any(0)) <= 2 and scores.shape == (4, 5)


def test_recent_popularity_forgets():
    rows = [(u, 0, 1 + u) for u in range(3)] + [(3, 1, 100)]
    assert Popularity(np.inf).fit(small(rows)).weight.argmax() == 0
    assert Popularity(1 / 16).fit(small(rows)).weight.argmax() == 1


def test_new_items_are_placed_by_their_attributes():
    """Two groups of users and items; item 8 is new and looks like the first group, item 9 like the second."""
    rng = np.random.default_rng(0)
    rows = [(u, int(i), 10.0 * u + k) for u in range(40) for k, i in enumerate(rng.permutation(4)[:3] + 4 * (u % 2))]
    vectors = np.zeros((10, 2), np.float32)
    vectors[[0, 1, 2, 3, 8], 0] = vectors[[4, 5, 6, 7, 9], 1] = 1
    data = Data(collect(table(rows, 40), 10), described(vectors))
    for model in (Content(), Taste(), ContentToCollaborative(width=2)):
        scores = model.fit(data).score(data.histories)
        assert (scores[::2, 8] > scores[::2, 9]).all() and (scores[1::2, 9] > scores[1::2, 8]).all()
    top = rank_items(model, data.histories, np.arange(10) >= 8, k=1)
    assert top[:2].ravel().tolist() == [8, 9]


def test_taste_weighs_demand_by_the_odds_of_the_attributes():
    vectors = np.array([[1, 0], [1, 0], [0, 1]], np.float32)
    rows = [(0, 0, 1.0), (1, 0, 2.0), (1, 1, 3.0), (2, 2, 4.0)]
    data = Data(collect(table(rows, 4), 3), described(vectors))
    model = Taste(weight=0.5, half_life=np.inf, recent=np.inf, prior=2.0).fit(data)
    scores = model.score(data.histories)
    demand, share = np.array([2.0, 1.0, 1.0]), np.array([3.002, 1.001]) / 4.003
    odds = np.log((2 + 2 * share[0]) / (2 + 2) / share[0]), np.log(2 * share[1] / (2 + 2) / share[1])
    np.testing.assert_allclose(scores[1], np.log(demand + FLOOR) + 0.5 * np.array(odds)[[0, 0, 1]], rtol=1e-5)
    np.testing.assert_allclose(scores[3], np.log(demand + FLOOR), rtol=1e-6)  # nobody is known: popularity
    bare = Taste(half_life=np.inf).fit(small(rows, 3, 4)).score(data.histories)
    np.testing.assert_allclose(bare, np.tile(np.log(demand + FLOOR), (4, 1)), rtol=1e-6)


def test_mult_vae_learns_the_groups():
    rng = np.random.default_rng(0)
    rows = [(u, int(i), 10.0 * u + k) for u in range(60) for k, i in enumerate(rng.permutation(4)[:2] + 4 * (u % 2))]
    data = small(rows, 8, 60)
    scores = MultVAE(hidden=16, latent=4, steps=150, batch=60).fit(data).score(data.histories)
    first, second = scores[:, :4].mean(1), scores[:, 4:].mean(1)
    assert (first[::2] > second[::2]).mean() > 0.9 and (second[1::2] > first[1::2]).mean() > 0.9


def test_features_tell_likeness_and_take_an_embedding(shop):
    from dataclasses import replace

    features = item_features(shop.catalogue)
    kinds = np.array([v[0] for v in shop.catalogue.categories["type"]])
    same = kinds[:, None] == kinds[None]
    likeness = features.vectors @ features.vectors.T
    assert likeness[same].mean() > likeness[~same].mean() + 0.1
    np.testing.assert_allclose(np.linalg.norm(features.vectors, axis=1), 1, atol=1e-5)
    embedding = np.random.default_rng(0).standard_normal((len(kinds), 32)).astype(np.float32)
    embedding[0] = np.nan
    both = item_features(replace(shop.catalogue, embedding=embedding))
    assert both.vectors.shape[1] == features.vectors.shape[1] + 32 and np.isfinite(both.vectors).all()


