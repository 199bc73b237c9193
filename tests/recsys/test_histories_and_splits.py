"""What is learnt from and what is held out: order, returns, and above all no leak from the future."""

import numpy as np
import pytest

from engine.core.errors import InputError
from recsys.base import Data, rank_items
from recsys.histories import collect
from recsys.popularity import Popularity
from recsys.schema import Catalogue
from recsys.splits import split_events
from tests.recsys.small_tables import table

CATALOGUE = Catalogue.bare([f"i{k}" for k in range(6)])


def test_history_is_ordered_counts_repeats_and_drops_what_was_returned():
    h = collect(table([
        (0, 1, 10), (0, 2, 20), (1, 3, 25), (0, 1, 30), (0, 3, 40), (0, 3, 50, "return"), (0, 4, 60, "view"),
        (2, 5, 70, "rating", 1.0), (2, 0, 80, "rating", 5.0),
    ]), 6)  # fmt: skip
    assert h.start.tolist() == [0, 3, 4, 5]
    assert h.item.tolist() == [2, 1, 4, 3, 0] and h.count.tolist() == [1, 2, 1, 1, 1]
    assert h.time.tolist() == [20, 30, 60, 25, 80]
    np.testing.assert_allclose(h.strength, [1, 1, 0.25, 1, 1])
    assert h.now == 80 and h.age_rank.tolist() == [2, 1, 0, 0, 0]
    assert h.latest(2).item.tolist() == [1, 4, 3, 0]
    assert h.rows(np.array([2, 0])).item.tolist() == [0, 2, 1, 4]
    assert h.refused_row.tolist() == [0, 2] and h.refused.tolist() == [3, 5]
    assert h.rows(np.array([2, 0])).refused.tolist() == [5, 3] and h.latest(1).refused.tolist() == [3, 5]
    np.testing.assert_allclose(h.profile(1.0).toarray()[0], [0, 0.5, 0.25, 0, 0.25, 0])


def test_temporal_split_never_parts_a_moment_and_learns_nothing_of_it():
    events = table([(0, 0, 1), (1, 1, 2), (0, 1, 3), (1, 2, 9), (2, 3, 9), (0, 2, 9), (0, 0, 10), (1, 4, 11)])
    cut = split_events(events, CATALOGUE, fraction=0.4)
    assert cut.train.time.max() < 9 and cut.known.now == 3
    found = {(int(cut.users[r]), int(i)) for r, i in zip(cut.target_row, cut.target, strict=True)}
    assert found == {(0, 2), (1, 2), (1, 4), (2, 3)}  # (0, 0) was known before
    assert cut.cold.tolist() == [False, False, True, True, True, True]
    with_repeats = split_events(events, CATALOGUE, fraction=0.4, repeats=True)
    assert len(with_repeats.target) == 5


def test_what_was_returned_or_disliked_is_neither_offered_nor_a_target():
    events = table([
        (0, 0, 1), (0, 1, 2), (0, 1, 3, "return"), (1, 2, 4, "rating", 2.5), (1, 0, 5), (0, 1, 9), (1, 2, 9), (1, 3, 9),
    ])  # fmt: skip
    cut = split_events(events, CATALOGUE, fraction=0.3)
    assert cut.users.tolist() == [1] and cut.target.tolist() == [3]
    model = Popularity(np.inf).fit(Data(cut.known, None))
    top = rank_items(model, cut.known, np.ones(6, bool), k=6)
    assert [sorted(set(row.tolist()) - {-1}) for row in top] == [[2, 3, 4, 5], [1, 3, 4, 5], [0, 1, 2, 3, 4, 5]]
    assert (rank_items(model, cut.known, np.ones(6, bool), k=6, repeats=True) >= 0).all()
    assert len(split_events(events, CATALOGUE, fraction=0.3, repeats=True).target) == 3


def test_changing_the_future_changes_nothing_that_is_learnt(shop):
    from dataclasses import replace

    from recsys.features import item_features
    from recsys.item_knn import ItemKNN

    events, n = shop.events, len(shop.catalogue)
    cut = split_events(events, shop.catalogue)
    held = events.time >= events.time[int(len(events) * 0.9)]
    items = events.item.copy()
    items[held] = np.random.default_rng(0).integers(n, size=int(held.sum()))
    other = split_events(replace(events, item=items), shop.catalogue)
    features = item_features(shop.catalogue)
    for make in (Popularity, ItemKNN):
        first, second = (make().fit(Data(c.known, features)).score(c.known) for c in (cut, other))
        np.testing.assert_array_equal(first, second)
    assert (cut.open == other.open).all() and not np.array_equal(cut.target, other.target)


def test_last_out_holds_out_each_last_want_and_hides_what_follows_it():
    events = table([(0, 0, 1), (1, 1, 2), (0, 1, 3), (2, 5, 4), (1, 2, 9), (0, 1, 10, "return"), (0, 3, 11, "view")])
    cut = split_events(events, CATALOGUE, "last_out")
    found = {(int(cut.users[r]), int(i)) for r, i in zip(cut.target_row, cut.target, strict=True)}
    assert found == {(0, 1), (1, 2)}
    assert cut.train.time.tolist() == [1, 2, 4]


def test_items_of_later_and_of_unknown_existence_are_closed():
    events = table([(0, 0, 1), (1, 1, 2), (0, 1, 3), (1, 2, 9)])
    dated = Catalogue(CATALOGUE.ids, CATALOGUE.names, np.array([0, 0, 0, 0, 100.0, np.nan]))
    assert split_events(events, dated, fraction=0.3).open.tolist() == [True, True, True, True, False, True]
    bare = split_events(events, CATALOGUE, fraction=0.3, catalogue_is_given=False)
    assert bare.open.tolist() == [True, True, True, False, False, False]


def test_too_little_or_unknown():
    with pytest.raises(InputError, match="too few"):
        split_events(table([(0, 0, 1)]), CATALOGUE)
    with pytest.raises(InputError, match="not known"):
        split_events(table([(0, 0, 1), (1, 1, 2)]), CATALOGUE, "random")


def test_few_distinct_times_are_split_where_they_can_be():
    rows = [(u, i, 1) for u in range(3) for i in range(3)]
    assert len(split_events(table([*rows, (0, 4, 2)]), CATALOGUE).train) == 9
    assert len(split_events(table([(0, 5, 0), *rows]), CATALOGUE).train) == 1
    with pytest.raises(InputError, match="one moment"):
        split_events(table(rows), CATALOGUE)
