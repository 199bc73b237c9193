"""Users with a history and newcomers are each served, and tuned for, in their own right."""

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import pytest
from small_tables import table

from recsys.base import Data
from recsys.blend import Examples
from recsys.features import item_features
from recsys.schema import Catalogue
from recsys.segments import learn_segments
from recsys.splits import split_events
from recsys.tuning import tuned

PLACES = {"new_feature": 2, "length_feature": 3}


def two_kinds(known, newcomers, seed=0, width=20):
    """Feature 0 foretells what users with a history want, feature 1 what newcomers do."""
    rng = np.random.default_rng(seed)
    users = known + newcomers
    features = rng.standard_normal((users, width, 4)).astype(np.float32)
    features[:, :, 2] = 0
    features[:, :, 3] = np.where(np.arange(users) < known, rng.uniform(0.1, 1, users), 0)[:, None]
    worth = np.where(features[:, :, 3] > 0, features[:, :, 0], features[:, :, 1])
    hit = np.zeros((users, width), bool)
    hit[np.arange(users), (2 * worth + rng.gumbel(size=worth.shape)).argmax(1)] = True
    return Examples(features, hit, np.ones_like(hit), np.ones(users))


@pytest.mark.parametrize("earlier", [[], [two_kinds(80, 500, seed=1)]], ids=["one span", "two spans"])
def test_many_newcomers_do_not_drown_those_with_a_history(earlier):
    blend, learnt = learn_segments([*earlier, two_kinds(80, 500)], np.eye(2, 4) * 0.5, **PLACES)
    test = two_kinds(200, 200, seed=2)
    score = blend.score(test.features)
    for rows, right in ((slice(0, 200), 0), (slice(200, 400), 1)):
        foretold = [np.corrcoef(score[rows].ravel(), test.features[rows, :, k].ravel())[0, 1] for k in (0, 1)]
        assert foretold[right] > 0.9 and abs(foretold[1 - right]) < 0.4, foretold
    assert learnt["known"]["users"] == 80 and learnt["newcomers"]["users"] == 500
    assert learnt["known"]["mean"][0] > 0 == learnt["known"]["mean"][1]


def test_too_few_of_a_kind_are_served_by_what_everybody_taught():
    blend, learnt = learn_segments([two_kinds(10, 300)], np.eye(2, 4) * 0.5, **PLACES)
    assert learnt["known"]["users"] == 310 and learnt["newcomers"]["users"] == 300
    features = two_kinds(50, 0, seed=3).features
    score = blend.score(features)
    assert np.isfinite(score).all() and np.corrcoef(score.ravel(), features[:, :, 1].ravel())[0, 1] > 0.5


@dataclass
class Oracle:
    """Knows what newcomers want with ``x`` 0, and what the others want with 1."""

    x: float = 0.0
    name: ClassVar[str] = "oracle"
    grid: ClassVar[dict] = {"x": [0.0, 1.0]}
    query_options: ClassVar[tuple] = ("x",)
    fitted: ClassVar[tuple] = ()
    data: Data = field(init=False, repr=False)

    def fit(self, data):
        self.data = data
        return self

    def score(self, histories):
        scores = np.zeros((len(histories), histories.n_items), np.float32)
        scores[:, 1:] = 0.5, 1
        scores[(histories.lengths > 0) == (self.x == 1), 1] = 2
        return scores


def test_options_are_chosen_by_users_who_have_a_history():
    known, newcomers = 60, 200
    rows = [(u, 0, u) for u in range(known)] + [(u, 1, 1000 + u) for u in range(known + newcomers)]
    events, catalogue = table(rows, users=known + newcomers), Catalogue.bare(["a", "b", "c"])
    cut = split_events(events, catalogue, fraction=0.8)
    assert len(cut.users) > 4 * known
    model, ndcg = tuned(Oracle, Data(cut.known, item_features(catalogue)), cut)
    has = (cut.known.lengths[cut.users] > 0).mean()
    assert model.x == 1 and ndcg == pytest.approx(has + (1 - has) / np.log2(3), abs=1e-6)
