"""What another policy would have earned, from the log of the one that ran: judged before it is shown to anybody.

Inverse propensity scoring (Horvitz and Thompson 1952), its self-normalised form (Swaminathan and Joachims 2015) and
the doubly robust estimate (Dudik et al. 2011), whose reward model is cross-fitted (Chernozhukov et al. 2018): each
decision is predicted by a model that did not learn from it. Their intervals come from the estimates' influence
functions, and are normal but for their skewness, which heavy weights make (Hall 1992, "On the removal of skewness by
transformation"). They hold where the two policies overlap. Where they hardly do, the few heavy weights that a log
lacks make them too narrow; the empirical likelihood (Karampatziakis, Langford and Mineiro 2020), which knows that
weights average to one and how heavy they could be, stays honest there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize, minimize_scalar

__all__ = ["Decisions", "Estimate", "doubly_robust", "empirical_likelihood", "gain", "ips", "snips"]

Z95 = 1.959964
CHI2_95 = 3.841459  #: of one degree of freedom


@dataclass(frozen=True)
class Decisions:
    """Logged decisions.

    Attributes:
        contexts: Features of the user with each item offered, shape [decision, arm, feature].
        arm: The item shown, int, shape [decision].
        propensity: Probability with which it was shown, shape [decision].
        reward: Shape [decision].
    """

    contexts: np.ndarray
    arm: np.ndarray
    propensity: np.ndarray
    reward: np.ndarray

    def __len__(self) -> int:
        return len(self.arm)

    @property
    def shown(self) -> np.ndarray:
        """Features of the items shown, shape [decision, feature]."""
        return self.contexts[np.arange(len(self.arm)), self.arm]

    def where(self, mask: np.ndarray) -> Decisions:
        """Some of the decisions."""
        return Decisions(self.contexts[mask], self.arm[mask], self.propensity[mask], self.reward[mask])


@dataclass(frozen=True)
class Estimate:
    """Expected reward per decision of a policy.

    Attributes:
        value, low, high: Estimate and its 95 % interval.
        effective: Decisions that the weighted log is worth (Kish).
    """

    value: float
    low: float
    high: float
    effective: float


def ips(log: Decisions, policy: np.ndarray) -> Estimate:
    """Unbiased; wide where the policies differ much. ``policy``: its probabilities, shape [decision, arm]."""
    weight = _weights(log, policy)
    return _estimate(weight * log.reward, weight)


def snips(log: Decisions, policy: np.ndarray) -> Estimate:
    """Weights normalised by their mean: slightly biased, much less spread."""
    weight = _weights(log, policy)
    value = float((weight * log.reward).sum() / max(weight.sum(), 1e-12))
    return _estimate(value + weight * (log.reward - value) / max(weight.mean(), 1e-12), weight)


def doubly_robust(log: Decisions, policy: np.ndarray, *, folds: int = 5, l2: float = 1.0) -> Estimate:
    """A ridge model's prediction for the policy, corrected by the weighted residuals of the log."""
    return _estimate(*_robust_terms(log, policy, folds, l2))


def gain(log: Decisions, policy: np.ndarray, *, folds: int = 5, l2: float = 1.0) -> Estimate:
    """What a policy would earn more than the one that ran did, doubly robust, decision by decision."""
    terms, weight = _robust_terms(log, policy, folds, l2)
    return _estimate(terms - log.reward, weight)


def empirical_likelihood(log: Decisions, policy: np.ndarray, *, floor: float | None = None) -> Estimate:
    """The values under which the log is not too unlikely, around the self-normalised one; for rewards in [0, 1].

    Args:
        floor: Least probability with which the policy that ran shows any item; default: the least that was logged.

    Raises:
        ValueError: rewards outside [0, 1].
    """
    weight = _weights(log, policy)
    if not ((log.reward >= 0) & (log.reward <= 1)).all():
        raise ValueError("rewards must be in [0, 1]")
    heaviest = max(float(policy.max()) / (floor or float(log.propensity.min())), float(weight.max()), 1 + 1e-6)
    fall = CHI2_95 / 2 + _unlikeliness(weight, heaviest)
    low = _least_likely(weight, log.reward, heaviest, fall)
    high = 1 - _least_likely(weight, 1 - log.reward, heaviest, fall)
    middle = snips(log, policy)
    return Estimate(float(np.clip(middle.value, low, high)), low, high, middle.effective)


def _unlikeliness(weight: np.ndarray, heaviest: float) -> float:
    """By how much the log likelihood falls for the weights to average to one (they do, in the long run)."""
    bounds = (-1 / (heaviest - 1), 1.0)
    found = minimize_scalar(
        lambda at: -np.log(np.maximum(1 + at * (weight - 1), 1e-300)).sum(), bounds=bounds, method="bounded",
        options={"xatol": 1e-9 * (bounds[1] - bounds[0])},
    )  # fmt: skip
    return max(float(-found.fun), 0.0)


def _least_likely(weight: np.ndarray, reward: np.ndarray, heaviest: float, fall: float) -> float:
    """Least mean of weight * reward over distributions whose log likelihood is ``fall`` below the greatest one.

    The dual problem: maximise -a - c + exp(mean log d - fall / n) over a, c >= 0, where
    d = weight * reward + a * weight + c * (heaviest - weight) / (heaviest - 1); it is concave.
    """
    room = (heaviest - weight) / (heaviest - 1)
    earned, fall = weight * reward, fall / len(weight)

    def cost(at: np.ndarray) -> tuple[float, np.ndarray]:
        d = np.maximum(earned + at[0] * weight + at[1] * room, 1e-300)
        mean = np.exp(np.log(d).mean() - fall)
        return at.sum() - mean, 1 - mean * np.array([(weight / d).mean(), (room / d).mean()])

    scale = float(np.sqrt(max(earned.var(), 1e-6) / (2 * fall)))  # of the best a, were weights not bounded
    options = {"maxiter": 1000, "maxfun": 3000, "ftol": 1e-16, "gtol": 1e-12}
    ends = [minimize(cost, start, jac=True, method="L-BFGS-B", bounds=[(1e-9, None)] * 2, options=options)
            for start in ([scale, 0.1 * scale], [0.1 * scale, 0.01])]  # fmt: skip
    return float(np.clip(-min(end.fun for end in ends), 0.0, 1.0))


def _robust_terms(log: Decisions, policy: np.ndarray, folds: int, l2: float) -> tuple[np.ndarray, np.ndarray]:
    weight, n = _weights(log, policy), len(log.arm)
    rows = np.arange(n)
    predicted = np.zeros(policy.shape)
    fold = rows % folds
    shown = _with_intercept(log.shown)
    for part in range(folds):
        learn, judge = fold != part, fold == part
        gram = shown[learn].T @ shown[learn] + l2 * np.eye(shown.shape[1])
        coefficients = np.linalg.solve(gram, shown[learn].T @ log.reward[learn])
        predicted[judge] = _with_intercept(log.contexts[judge]) @ coefficients
    return (policy * predicted).sum(1) + weight * (log.reward - predicted[rows, log.arm]), weight


def _weights(log: Decisions, policy: np.ndarray) -> np.ndarray:
    if policy.shape != log.contexts.shape[:2] or not np.allclose(policy.sum(1), 1):
        raise ValueError("policy: one probability for each decision and item, rows that sum to 1")
    if not ((log.propensity > 0) & (log.propensity <= 1)).all():
        raise ValueError("logged propensities must be in (0, 1]")
    return policy[np.arange(len(log.arm)), log.arm] / log.propensity


def _with_intercept(contexts: np.ndarray) -> np.ndarray:
    return np.concatenate([contexts, np.ones((*contexts.shape[:-1], 1))], axis=-1)


def _estimate(terms: np.ndarray, weight: np.ndarray) -> Estimate:
    mean, error = float(terms.mean()), float(terms.std(ddof=1) / np.sqrt(len(terms)))
    effective = float(weight.sum() ** 2 / max((weight**2).sum(), 1e-12))
    low, high = (mean - error * _unskewed(terms, q) for q in (Z95, -Z95))
    return Estimate(mean, low, high, effective)


def _unskewed(terms: np.ndarray, q: float) -> float:
    """The studentised mean whose quantile is ``q``: with g = skewness / sqrt(n), solves z + g z^2 / 3 + g^2 z^3 / 27 +
    g / 6 = q, which is normal to the second order; it rises with z throughout."""
    centred = terms - terms.mean()
    spread = float(np.sqrt((centred**2).mean()))
    g = float((centred**3).mean()) / max(spread**3, 1e-300) / np.sqrt(len(terms)) if spread else 0.0
    return q if abs(g) < 1e-6 else float(3 / g * (np.cbrt(1 + g * (q - g / 6)) - 1))
