"""Recommendations served and learnt from: a bandit chooses what is shown first, and the log says how likely it was.

The bandit's knowledge is the log itself: it is made anew from the rewarded decisions, so that forgetting a user forgets
what the bandit learnt of them. Before anything is known it trusts the ranker.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from recsys.bandit import LinearBandit
from recsys.event_log import EventLog
from recsys.features import ItemFeatures
from recsys.model_file import Model
from recsys.off_policy import Decisions
from recsys.recommend import Recommendation
from recsys.schema import EventTable, strengths

__all__ = ["CONTEXT", "POLICIES", "REWARDS", "Served", "bandit_from", "contexts", "policy", "serve"]

#: Figures of a user with an item; none is of a body.
CONTEXT = ("constant", "score", "place", "new", "popular", "likeness", "price apart")
#: What the mean reward of a decision is taken to be before any is known, by the figures above.
_PRIOR = np.array([0.05, 0.08, 0.02, 0.0, 0.0, 0.0, 0.0])
#: Reward of what a user did with the item shown first.
REWARDS = {"buy": 1.0, "like": 0.4, "try_on": 0.2, "view": 0.1, "return": 0.0}
EXPLORE = 0.1
#: Policies that can be judged: show any item, the ranker's first, or what a bandit taught by the earlier half shows.
POLICIES = ("uniform", "ranker", "linucb", "thompson")


@dataclass(frozen=True)
class Served:
    """A list as it was shown.

    Attributes:
        items: In the order shown: the first was chosen, the others follow by their mean reward.
        decision: Id in the log, for the reward.
        propensity: With which the first was chosen.
    """

    items: list[Recommendation]
    decision: str
    propensity: float


def serve(
    model: Model, log: EventLog, user: str, history: EventTable, offered: list[Recommendation], *,
    kind: str = "linucb", seed: int | None = None, time: float | None = None,
) -> Served:  # fmt: skip
    """Lets the bandit rerank the recommended items, and writes down which it showed first."""
    x = contexts(model, history, offered)
    bandit = bandit_from(*log.lessons(len(CONTEXT)), kind, seed=seed)
    order, propensity = bandit.rerank(x)
    ids = [row.item for row in offered]
    name = log.add_decision(user, ids, x, int(order[0]), propensity, time=time)
    return Served([offered[k] for k in order], name, propensity)


def contexts(model: Model, history: EventTable, offered: list[Recommendation]) -> np.ndarray:
    """Figures of a user with each item offered, columns CONTEXT, shape [arm, feature]."""
    place = np.array([row.place for row in offered])
    score = np.array([row.score for row in offered])
    facts, features = model.hybrid.facts, model.features
    weight = strengths(history) if len(history) else np.empty(0)
    items = history.item[weight > 0]
    near, falling = np.clip(score - score.max(), -4, 0) / 4 + 1, 1 / np.log2(np.arange(len(place)) + 2)
    likeness, apart = _likeness(features, items, place), _price_apart(features, items, place)
    columns = np.ones(len(place)), near, falling, facts.new[place], facts.table[place, 2], likeness, apart
    return np.stack(columns, axis=1).astype(float)


def _likeness(features: ItemFeatures, items: np.ndarray, place: np.ndarray) -> np.ndarray:
    """Cosine with the mean of what the user wanted, 0 without a history."""
    mean = features.vectors[items].sum(0) if len(items) else np.zeros(features.vectors.shape[1])
    return features.vectors[place] @ (mean / max(float(np.linalg.norm(mean)), 1e-9))


def _price_apart(features: ItemFeatures, items: np.ndarray, place: np.ndarray) -> np.ndarray:
    usual = float(features.price[items].mean()) if len(items) else 0.0
    return np.clip(np.abs(features.price[place] - usual), 0, 3) / 3


def bandit_from(shown: np.ndarray, reward: np.ndarray, kind: str, *, seed: int | None = None) -> LinearBandit:
    """The bandit that has learnt from items shown, shape [decision, feature]; ``seed`` None: other draws each time."""
    bandit = LinearBandit(len(CONTEXT), kind=kind, explore=EXPLORE, prior=_PRIOR, seed=seed)
    bandit.learn_all(shown, reward)
    return bandit


def policy(name: str, earlier: Decisions, judged: Decisions) -> np.ndarray:
    """Probabilities with which a policy would show each item offered, shape [decision, arm].

    Args:
        name: One of POLICIES.
        earlier: What a bandit learns from; it is not learnt from what it is judged by.
    """
    n, arms = judged.contexts.shape[:2]
    if name == "uniform":
        return np.full((n, arms), 1 / arms)
    if name == "ranker":
        return np.eye(arms)[judged.contexts[:, :, CONTEXT.index("place")].argmax(1)]
    bandit = bandit_from(earlier.shown, earlier.reward, name, seed=0)
    return np.array([bandit.probabilities(x) for x in judged.contexts])
