"""Contextual bandits that rerank online and write down how likely each choice was.

LinUCB (Li et al. 2010) and linear Thompson sampling (Agrawal and Goyal 2013), one ridge model shared by all items:
a context is the features of a user with an item, so that a new item needs no learning of its own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["LinearBandit", "Choice", "KINDS"]

KINDS = ("linucb", "thompson")
SAMPLES = 256


@dataclass(frozen=True)
class Choice:
    """One item shown.

    Attributes:
        arm: Index among the items offered.
        propensity: Probability with which this policy chose it, in (0, 1].
        probabilities: Of every item offered, shape [arm].
    """

    arm: int
    propensity: float
    probabilities: np.ndarray


class LinearBandit:
    """Reward as a linear function of the context, learnt online.

    Args:
        width: Features of a context.
        kind: ``linucb`` (optimism) or ``thompson`` (a draw from the posterior).
        bonus: Width of the confidence bound, or scale of the posterior draw.
        explore: Share of choices made uniformly, so that every propensity is at least ``explore / arms`` and the
            log can judge any other policy.
        l2: Ridge weight.
        prior: Weights of the reward before anything is learnt, shape [feature]; default: zeros.
        seed: Of the draws; None: other draws each time.
    """

    def __init__(
        self, width: int, *, kind: str = "linucb", bonus: float = 0.5, explore: float = 0.05, l2: float = 1.0,
        prior: np.ndarray | None = None, seed: int | None = 0,
    ) -> None:  # fmt: skip
        if kind not in KINDS or not 0 < explore <= 1:
            raise ValueError("kind is linucb or thompson, explore in (0, 1]")
        self.kind, self.bonus, self.explore = kind, bonus, explore
        self._inverse = np.eye(width) / l2
        self._moment = np.zeros(width) if prior is None else l2 * np.asarray(prior, float)
        self._rng = np.random.default_rng(seed)

    @property
    def weights(self) -> np.ndarray:
        """Mean of the reward's weights, shape [feature]."""
        return self._inverse @ self._moment

    def probabilities(self, contexts: np.ndarray) -> np.ndarray:
        """Probability of choosing each item offered.

        Thompson sampling's is the share of ``SAMPLES`` posterior draws in which the item is best; the choice is made
        from these very shares, so the propensity that is logged is exact and not an estimate.

        Args:
            contexts: Features of the user with each item offered, shape [arm, feature].
        """
        mean, arms = contexts @ self.weights, len(contexts)
        if self.kind == "linucb":
            bound = mean + self.bonus * np.sqrt(np.einsum("af,fg,ag->a", contexts, self._inverse, contexts))
            greedy = (bound == bound.max()).astype(float)
            greedy /= greedy.sum()
        else:
            root = np.linalg.cholesky((self._inverse + self._inverse.T) / 2)
            draws = self._rng.standard_normal((SAMPLES, len(root))) @ root.T
            best = (mean + self.bonus * draws @ contexts.T).argmax(1)
            greedy = np.bincount(best, minlength=arms) / SAMPLES
        return (1 - self.explore) * greedy + self.explore / arms

    def choose(self, contexts: np.ndarray) -> Choice:
        """Chooses one of the items offered, shape of ``contexts`` [arm, feature]."""
        p = self.probabilities(contexts)
        arm = int(self._rng.choice(len(p), p=p))
        return Choice(arm, float(p[arm]), p)

    def rerank(self, contexts: np.ndarray) -> tuple[np.ndarray, float]:
        """Order of the items offered: the chosen one first, the others by mean reward. Returns (order, propensity)."""
        choice = self.choose(contexts)
        order = np.argsort(-(contexts @ self.weights), kind="stable")
        return np.concatenate([[choice.arm], order[order != choice.arm]]), choice.propensity

    def learn_all(self, contexts: np.ndarray, rewards: np.ndarray) -> None:
        """Takes in many decisions at once, contexts of shape [decision, feature], rewards [decision]."""
        self._inverse = np.linalg.inv(np.linalg.inv(self._inverse) + contexts.T @ contexts)
        self._moment = self._moment + contexts.T @ rewards

    def learn(self, context: np.ndarray, reward: float) -> None:
        """Takes in the reward of a shown item (Sherman-Morrison update), context of shape [feature]."""
        direction = self._inverse @ context
        self._inverse -= np.outer(direction, direction) / (1 + context @ direction)
        self._moment += reward * context
