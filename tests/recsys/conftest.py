"""A small simulated shop, and a model of it, shared by the tests of the recommender."""

from dataclasses import replace

import pytest

from recsys.recommend import train
from recsys.simulate import REGIMES, simulate


@pytest.fixture(scope="session")
def shop():
    """A simulated shop with taste clusters, new items and views."""
    sizes = {"users": 250, "items": 120, "events": 2500, "views": 0.3}
    return simulate(replace(REGIMES["mixed"], **sizes), seed=1)


@pytest.fixture(scope="session")
def model(shop):
    """A model of the whole log."""
    return train(shop.events, shop.catalogue)
