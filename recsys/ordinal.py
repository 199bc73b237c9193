"""Ordered verdicts (less, right, more) explained by figures and by who gave them: a hierarchical ordered probit.

A verdict's latent is eta = x.w + sum over groups of the group's own small vector times what it meets. It is less below
-a, "more" above b, with unit noise (McKelvey and Zavoina 1975). Groups (items, sizes, people) have Gaussian effects
whose spread is estimated, so that a group with few verdicts stays near the mean of all (Gelman and Hill 2007, partial
pooling). The log posterior is concave; it is climbed by Newton steps on the weights and on each group's vector in turn,
and spreads follow by expectation maximisation with Laplace's variances. Uncertainty of the figures (e.g. of a measured
body) is added to the noise, which a probit does exactly.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.special import log_ndtr, ndtr

__all__ = ["Group", "Ordinal", "Verdicts", "fit_ordinal", "probabilities", "update_member"]

SWEEPS, STILL, NEWTON = 60, 1e-4, 12
#: Verdicts that the prior of a spread is worth.
SPREAD_TRUST = 8.0
LONGEST_STEP = 2.0


@dataclass(frozen=True)
class Verdicts:
    """What was said.

    Attributes:
        x: Figures, shape [verdict, feature].
        cuts: Which pair of cuts each goes by, int, shape [verdict].
        verdict: 0 less, 1 right, 2 more, shape [verdict].
        noise: Variance of eta by what ``x`` is not sure of, shape [verdict].
    """

    x: np.ndarray
    cuts: np.ndarray
    verdict: np.ndarray
    noise: np.ndarray


@dataclass
class Group:
    """Effects of the members of one group.

    Attributes:
        member: Whose effect each verdict shows, int, -1 for nobody's, shape [verdict].
        meets: What the effect is multiplied by, shape [verdict, width].
        effect: Posterior modes, shape [member, width].
        covariance: Laplace's, shape [member, width, width].
        spread: Standard deviations of the effects, shape [width].
    """

    member: np.ndarray
    meets: np.ndarray
    effect: np.ndarray
    spread: np.ndarray
    covariance: np.ndarray = field(init=False)

    def __post_init__(self) -> None:
        self.covariance = np.tile(np.diag(self.spread**2), (len(self.effect), 1, 1))

    def eta(self) -> np.ndarray:
        """Part of the latent, shape [verdict]."""
        there = self.member >= 0
        return np.where(there, (self.effect[np.maximum(self.member, 0)] * self.meets).sum(1), 0.0)


@dataclass
class Ordinal:
    """Weights and cuts with their uncertainty.

    Attributes:
        weights: Of the figures, followed by a and b of each pair of cuts, shape [feature + 2 * pairs].
        covariance: Same order, shape [.., ..].
        features: Number of figures.
    """

    weights: np.ndarray
    covariance: np.ndarray
    features: int

    def eta(self, x: np.ndarray) -> np.ndarray:
        """Latent of figures without group effects, shape [verdict]."""
        return x @ self.weights[: self.features]

    def cut(self, cuts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """a and b of each verdict's pair, shape [verdict] each."""
        pair = self.weights[self.features :].reshape(-1, 2)[cuts]
        return pair[:, 0], pair[:, 1]

    def variance(self, x: np.ndarray) -> np.ndarray:
        """Of eta by the weights' uncertainty, shape [verdict]."""
        block = self.covariance[: self.features, : self.features]
        return np.einsum("nf,fg,ng->n", x, block, x)


def probabilities(eta: np.ndarray, a: np.ndarray, b: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Of less, right and more, given the latent's mean and variance; rows sum to 1, shape [verdict, 3]."""
    scale = np.sqrt(1 + variance)
    less, more = ndtr((-a - eta) / scale), ndtr((eta - b) / scale)
    return np.stack([less, np.clip(1 - less - more, 0, 1), more], axis=1)


def fit_ordinal(verdicts: Verdicts, groups: list[Group], mean: np.ndarray, spread: np.ndarray) -> Ordinal:
    """The posterior mode; the groups' effects, covariances and spreads are set in place.

    Args:
        mean, spread: Of the Gaussian prior of weights and cuts, in ``Ordinal.weights``' order. Without any verdict the
            prior is what comes back.
    """
    features = verdicts.x.shape[1]
    model = Ordinal(mean.astype(float).copy(), np.diag(spread.astype(float) ** 2), features)
    prior_spread = [group.spread.copy() for group in groups]
    for _ in range(SWEEPS if len(verdicts.x) else 0):
        before = model.weights.copy()
        rest = sum((group.eta() for group in groups), np.zeros(len(verdicts.x)))
        _newton_weights(model, verdicts, rest, mean, spread)
        moved = float(np.abs(model.weights - before).max())
        for group, prior in zip(groups, prior_spread, strict=True):
            rest = model.eta(verdicts.x) + sum((g.eta() for g in groups if g is not group), np.zeros(len(verdicts.x)))
            moved = max(moved, _newton_group(group, model, verdicts, rest, prior))
        if moved < STILL:
            break
    return model


def _slopes(
    eta: np.ndarray, a: np.ndarray, b: np.ndarray, verdict: np.ndarray, noise: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Gradient [verdict, 2] and negative Hessian [verdict, 2, 2] of the log likelihood in (upper, lower) bound.

    The bounds are those of the standard normal noise: (b - eta) / s and (-a - eta) / s.
    """
    s = np.sqrt(1 + noise)
    upper, lower = (b - eta) / s, (-a - eta) / s
    # probability by the tail that keeps its digits; for "right" mirrored so that it is the left one
    log_p = np.select(
        [verdict == 0, verdict == 2], [log_ndtr(lower), log_ndtr(-upper)],
        np.log(np.maximum(np.where(lower > 0, ndtr(-lower) - ndtr(-upper), ndtr(upper) - ndtr(lower)), 1e-300)),
    )  # fmt: skip
    density = [np.exp(np.minimum(-0.5 * v * v - 0.918938533 - log_p, 300)) for v in (upper, lower)]
    up = np.select([verdict == 0, verdict == 2], [0.0, -density[0]], density[0])
    low = np.select([verdict == 0, verdict == 2], [density[1], 0.0], -density[1])
    hessian = np.empty((len(eta), 2, 2))
    hessian[:, 0, 0] = up * up + upper * up
    hessian[:, 1, 1] = low * low + lower * low
    hessian[:, 0, 1] = hessian[:, 1, 0] = up * low
    return np.stack([up, low], 1) / s[:, None], hessian / (s**2)[:, None, None]


def _newton_weights(
    model: Ordinal, verdicts: Verdicts, rest: np.ndarray, mean: np.ndarray, spread: np.ndarray
) -> None:
    eta = model.eta(verdicts.x) + rest
    slope, bend = _slopes(eta, *model.cut(verdicts.cuts), verdicts.verdict, verdicts.noise)
    n, k = len(eta), len(model.weights)
    jacobian = np.zeros((n, 2, k))  # of the bounds in the weights
    jacobian[:, :, : model.features] = -verdicts.x[:, None, :]
    rows = np.arange(n)
    jacobian[rows, 1, model.features + 2 * verdicts.cuts] = -1.0
    jacobian[rows, 0, model.features + 2 * verdicts.cuts + 1] = 1.0
    gradient = np.einsum("nik,ni->k", jacobian, slope) - (model.weights - mean) / spread**2
    curve = np.einsum("nik,nij,njl->kl", jacobian, bend, jacobian, optimize=True) + np.diag(spread**-2.0)
    model.covariance = np.linalg.inv(curve)
    step = model.covariance @ gradient
    model.weights = model.weights + step * min(1.0, LONGEST_STEP / max(np.abs(step).max(), 1e-12))


def _newton_group(group: Group, model: Ordinal, verdicts: Verdicts, rest: np.ndarray, prior: np.ndarray) -> float:
    """One step on all members at once, then their spread. Returns the largest change of an effect."""
    there = group.member >= 0
    slope, bend = _slopes(rest + group.eta(), *model.cut(verdicts.cuts), verdicts.verdict, verdicts.noise)
    first, second = -slope.sum(1)[there], bend.sum((1, 2))[there]
    member, meets = group.member[there], group.meets[there]
    members, width = group.effect.shape
    gradient, curve = np.zeros((members, width)), np.zeros((members, width, width))
    np.add.at(gradient, member, first[:, None] * meets)
    np.add.at(curve, member, second[:, None, None] * meets[:, :, None] * meets[:, None, :])
    gradient -= group.effect / group.spread**2
    curve += np.diag(group.spread**-2.0)
    group.covariance = np.linalg.inv(curve)
    step = np.einsum("mij,mj->mi", group.covariance, gradient)
    longest = np.abs(step).max(initial=0.0)
    step *= min(1.0, LONGEST_STEP / max(longest, 1e-12))
    group.effect = group.effect + step
    seen = np.bincount(member, minlength=members) > 0
    square = group.effect[seen] ** 2 + np.diagonal(group.covariance[seen], axis1=1, axis2=2)
    group.spread = np.sqrt((square.sum(0) + SPREAD_TRUST * prior**2) / (seen.sum() + SPREAD_TRUST))
    return float(np.abs(step).max(initial=0.0))


def update_member(model: Ordinal, verdicts: Verdicts, rest: np.ndarray, spread: float) -> tuple[float, float]:
    """Mean and variance of one member's effect under a prior of that spread, all else of the latent being known.

    Args:
        rest: Part of the latent beside the figures', shape [verdict].
    """
    effect, curve = 0.0, spread**-2
    eta = model.eta(verdicts.x) + rest
    for _ in range(NEWTON if len(eta) else 0):
        slope, bend = _slopes(eta + effect, *model.cut(verdicts.cuts), verdicts.verdict, verdicts.noise)
        curve = spread**-2 + float(bend.sum())
        effect += float(np.clip((-slope.sum() - effect / spread**2) / curve, -LONGEST_STEP, LONGEST_STEP))
    return effect, 1 / curve
