"""Levenberg-Marquardt over one shape and one pose per view (contours, landmarks, height, weight, priors).

Every residual is divided by its standard error, so that the inverse of J'J is the posterior covariance. Neighbouring
contour points err together: each counts only as its share of a correlation length.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from avatars.contours import Contour
from avatars.fit_model import (
    CENTRE,
    PARAMETERS,
    BodyArrays,
    View,
    project,
    project_points,
    project_with_jacobian,
)
from avatars.fit_silhouette import Matches, Topology, match, outline

SETTLED = 0.03  #: steps below this, in standard errors of the result, end a stage
RESTING = 0.3  #: a last step below this counts as arrived

__all__ = ["Observation", "ShapeKnowledge", "Settings", "Problem", "Solution"]


@dataclass(frozen=True)
class Observation:
    """What one photo says."""

    contour: Contour
    landmarks: np.ndarray  #: [px], shape [33, 2]
    landmark_std: np.ndarray  #: standard error [m at the body], inf where not seen, shape [33]
    spacing: float  #: of the contour points [px]


@dataclass(frozen=True)
class ShapeKnowledge:
    """What is known of the shape without looking: a Gaussian over betas and scalar statements about it."""

    mean: np.ndarray  #: shape [K]
    precision: np.ndarray  #: inverse covariance, shape [K, K]
    scalars: tuple[Callable[[np.ndarray], tuple[float, np.ndarray]], ...] = ()
    #: each gives a residual in standard errors and its gradient by betas, shape [K]


@dataclass(frozen=True)
class Settings:
    """Weights of the evidence. Lengths in metres at the body."""

    contour_std: float = 0.0018  #: model, clothes and posture errors of a contour point [m]
    correlation: float = 0.04  #: length along the contour over which these hang together [m]
    huber: float = 1.5  #: residuals beyond this many standard errors count linearly
    radii: tuple[float, ...] = (0.06, 0.03, 0.02)  #: of matching, stage by stage [m]
    steps: tuple[int, ...] = (7, 6, 8)  #: most iterations in each stage
    last_radius: float = 0.012  #: of matching, once the outline was searched for along the fitted body [m]
    refine_steps: tuple[int, int] = (5, 9)  #: the same for the two stages after a new search for the outline
    landmark_steps: int = 10


@dataclass
class Solution:
    """Where the search ended."""

    betas: np.ndarray
    covariance: np.ndarray  #: of betas, shape [K, K]
    views: list[View]
    contour_rms: list[float]  #: of the matched contour points of each view [m]
    matched: list[float]  #: share of each view's contour that found its answer
    landmark_rms: list[float]  #: [m]
    iterations: int = 0
    converged: bool = False
    matches: list[Matches] = field(default_factory=list)


class Problem:
    """Fits ``body`` to ``observations``; ``solve`` moves copies of ``views``.

    Args:
        contour_weight: per vertex, 0 leaves it out of the outline (hands, hair), shape [V].
    """

    def __init__(
        self,
        body: BodyArrays,
        views: list[View],
        observations: list[Observation],
        knowledge: ShapeKnowledge,
        regressor: np.ndarray,
        contour_weight: np.ndarray,
        settings: Settings | None = None,
    ) -> None:
        self.body = body
        self.views = views
        self.observations = observations
        self.knowledge = knowledge
        self.regressor = regressor
        self.contour_weight = contour_weight
        self.settings = settings or Settings()
        self.topology = Topology(body.faces)
        self.free = np.arange(PARAMETERS)

    # ------------------------------------------------------------ the search

    def solve(self, *, progress: Callable[[float, str], None] | None = None) -> Solution:
        """Landmarks first, then the contours in ever narrower reach."""
        s = self.settings
        stages = list(zip((0.0, *s.radii), (s.landmark_steps, *s.steps), strict=True))
        return self._search(self.knowledge.mean.copy(), stages, progress)

    def refine(self, betas: np.ndarray, *, progress: Callable[[float, str], None] | None = None) -> Solution:
        """Goes on from where :meth:`solve` ended, after the observations have become better."""
        s = self.settings
        return self._search(betas, list(zip((s.radii[-1], s.last_radius), s.refine_steps, strict=True)), progress)

    def _search(self, betas: np.ndarray, stages: list, progress: Callable[[float, str], None] | None) -> Solution:
        total = sum(steps for _, steps in stages)
        done = 0
        converged = False
        for radius, steps in stages:
            damping = 1e-2
            small = 0
            for step in range(steps):
                matches = [self._match(betas, i, radius) if radius else None for i in range(len(self.views))]
                betas, damping, moved = self._step(betas, matches, damping)
                if progress:
                    progress((done + step + 1) / total, "fitting the body")
                small = small + 1 if moved < SETTLED else 0
                # matches change from step to step, so that the last digits never rest
                converged = moved < RESTING
                if small >= 2 or damping > 1e6:
                    break
            done += steps
        return self._finish(betas, stages[-1][0], done, converged)

    def scale(self, i: int) -> float:
        """Pixels per metre at the body in view ``i``."""
        view = self.views[i]
        return float(view.focal * np.exp(view.q[6]) / view.q[CENTRE][2])

    def pixels(self, betas: np.ndarray, i: int) -> np.ndarray:
        """All vertices of view ``i`` in the picture [px], shape [V, 2]."""
        view = self.views[i]
        vertices, _ = self.body.posed(betas, view.q, view.base)
        return project(vertices, view)

    def _match(self, betas: np.ndarray, i: int, radius: float) -> Matches:
        seen = self.observations[i]
        line = outline(self.pixels(betas, i), self.topology)
        scale = self.scale(i)
        found = match(
            line, seen.contour, radius=max(radius * scale, 3.0), spacing=seen.spacing,
            correlation=self.settings.correlation * scale,
        )  # fmt: skip
        weight = found.weight * self.contour_weight[found.edges].min(1)
        keep = weight > 0
        return Matches(
            found.edges[keep], found.t[keep], found.target[keep], found.normal[keep], found.std[keep], weight[keep]
        )

    # ------------------------------------------------------------ one step

    def _step(self, betas: np.ndarray, matches: list, damping: float) -> tuple[np.ndarray, float, float]:
        normal, gradient, cost = self._normal_equations(betas, matches)
        for _ in range(8):
            damped = normal + damping * np.diag(np.diag(normal))
            step = -np.linalg.solve(damped, gradient)
            new_betas, new_q = self._moved(betas, step)
            old_q = [v.q for v in self.views]
            for view, q in zip(self.views, new_q, strict=True):
                view.q = q
            if self._cost(new_betas, matches) < cost:
                # in units of the posterior's own standard errors
                size = float(np.sqrt(step @ normal @ step / len(step)))
                return new_betas, max(damping * 0.2, 1e-6), size
            for view, q in zip(self.views, old_q, strict=True):
                view.q = q
            damping *= 6.0
        return betas, damping, 0.0

    def _moved(self, betas: np.ndarray, step: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
        k = len(betas)
        qs = []
        for i, view in enumerate(self.views):
            q = view.q.copy()
            q[self.free] += step[k + i * len(self.free) : k + (i + 1) * len(self.free)]
            qs.append(q)
        return betas + step[:k], qs

    def _normal_equations(self, betas: np.ndarray, matches: list) -> tuple[np.ndarray, np.ndarray, float]:
        k, n = len(betas), len(self.free)
        size = k + n * len(self.views)
        normal, gradient = np.zeros((size, size)), np.zeros(size)
        cost = self._add_knowledge(betas, normal, gradient)
        for i, view in enumerate(self.views):
            residual, jacobian, weight = self._view_residuals(betas, i, matches[i], slopes=True)
            place = np.concatenate([np.arange(k), k + i * n + np.arange(n)])
            weighted = jacobian * weight[:, None]
            normal[np.ix_(place, place)] += weighted.T @ jacobian
            gradient[place] += weighted.T @ residual
            cost += self._robust(residual, self._weights(i, matches[i]))[1]
            own = k + i * n + np.arange(n)
            slack = (view.q - view.prior_mean)[self.free] / view.prior_std[self.free]
            normal[own, own] += view.prior_std[self.free] ** -2.0
            gradient[own] += slack / view.prior_std[self.free]
            stance, slope = view.standing()
            normal[np.ix_(own, own)] += slope[:, self.free].T @ slope[:, self.free]
            gradient[own] += stance @ slope[:, self.free]
            cost += float(slack @ slack + stance @ stance)
        return normal, gradient, cost

    def _cost(self, betas: np.ndarray, matches: list) -> float:
        k = len(betas)
        cost = self._add_knowledge(betas, np.zeros((k, k)), np.zeros(k))
        for i, view in enumerate(self.views):
            residual, _, _ = self._view_residuals(betas, i, matches[i], slopes=False)
            cost += self._robust(residual, self._weights(i, matches[i]))[1]
            slack = (view.q - view.prior_mean)[self.free] / view.prior_std[self.free]
            stance, _ = view.standing()
            cost += float(slack @ slack + stance @ stance)
        return cost

    def _add_knowledge(self, betas: np.ndarray, normal: np.ndarray, gradient: np.ndarray) -> float:
        k = len(betas)
        slack = betas - self.knowledge.mean
        pull = self.knowledge.precision @ slack
        normal[:k, :k] += self.knowledge.precision
        gradient[:k] += pull
        cost = float(slack @ pull)
        for scalar in self.knowledge.scalars:
            residual, slope = scalar(betas)
            normal[:k, :k] += np.outer(slope, slope)
            gradient[:k] += residual * slope
            cost += residual**2
        return cost

    # ------------------------------------------------------------ residuals

    def _weights(self, i: int, matches: Matches | None) -> np.ndarray:
        marks = np.repeat(np.where(np.isfinite(self.observations[i].landmark_std), 1.0, 0.0), 2)
        return marks if matches is None else np.concatenate([matches.weight, marks])

    def _view_residuals(self, betas: np.ndarray, i: int, matches: Matches | None, *, slopes: bool):
        """Residuals in standard errors [R], Jacobian [R, K + Q] (None without ``slopes``) and robust weights [R]."""
        view, seen = self.views[i], self.observations[i]
        scale = self.scale(i)
        ids, where = np.zeros(0, int), np.zeros((0, 2), int)
        if matches is not None and len(matches.t):
            ids, inverse = np.unique(matches.edges, return_inverse=True)
            where = inverse.reshape(-1, 2)
        if slopes:
            pixels, moves = project_with_jacobian(self.body, betas, view, ids, self.regressor, self.free)
        else:
            pixels, moves = project_points(self.body, betas, view, ids, self.regressor), None
        residuals, rows = [], []
        if len(where):
            t, std = matches.t[:, None], np.hypot(matches.std, self.settings.contour_std * scale)
            point = (1 - t) * pixels[where[:, 0]] + t * pixels[where[:, 1]]
            direction = matches.normal / std[:, None]
            residuals.append(((point - matches.target) * direction).sum(1))
            if slopes:
                rows.append(_dot(moves, where[:, 0], direction * (1 - t)) + _dot(moves, where[:, 1], direction * t))
        std = np.where(np.isfinite(seen.landmark_std), seen.landmark_std, 1.0)[:, None] * scale
        residuals.append(((pixels[len(ids) :] - seen.landmarks) / std).reshape(-1))
        if slopes:
            rows.append((moves[len(ids) :] / std[..., None]).reshape(len(residuals[-1]), -1))
        residual = np.concatenate(residuals)
        base = self._weights(i, matches if len(where) else None)
        weight = base * self._robust(residual, base)[0]
        return residual, np.concatenate(rows) if slopes else None, weight

    def _robust(self, residual: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, float]:
        """Huber's weights (1 near zero) and the sum of weighted losses."""
        size = np.abs(residual)
        limit = self.settings.huber
        factor = np.where(size <= limit, 1.0, limit / np.maximum(size, 1e-12))
        loss = np.where(size <= limit, size**2, 2 * limit * size - limit**2)
        return factor, float((weight * loss).sum())

    # ------------------------------------------------------------ the end

    def _finish(self, betas: np.ndarray, radius: float, iterations: int, converged: bool) -> Solution:
        matches = [self._match(betas, i, radius) for i in range(len(self.views))]
        k = len(betas)
        contour_rms, matched, landmark_rms, squares, count = [], [], [], 0.0, 0.0
        for i, found in enumerate(matches):
            residual, _, weight = self._view_residuals(betas, i, found, slopes=False)
            m = len(found.t)
            std = np.hypot(found.std, self.settings.contour_std * self.scale(i))
            errors = residual[:m] * std / self.scale(i)
            contour_rms.append(float(np.sqrt(np.average(errors**2, weights=found.weight))) if m else float("nan"))
            matched.append(self._share(found, i))
            seen = np.isfinite(self.observations[i].landmark_std)
            marks = residual[m:].reshape(-1, 2)[seen] * self.observations[i].landmark_std[seen][:, None]
            landmark_rms.append(float(np.sqrt((marks**2).sum(1).mean())) if seen.any() else float("nan"))
            squares += float((weight[:m] * residual[:m] ** 2).sum())
            count += float(weight[:m].sum())
        # contours worse than assumed weigh less, better ones do not weigh more
        excess = max(1.0, squares / max(count, 1e-9))
        calm = [replace(m, weight=m.weight / excess) for m in matches]
        covariance = np.linalg.inv(self._normal_equations(betas, calm)[0])[:k, :k]
        return Solution(
            betas, covariance, self.views, contour_rms, matched, landmark_rms, iterations, converged, matches
        )

    def _share(self, found: Matches, i: int) -> float:
        contour = self.observations[i].contour
        if not len(contour.points):
            return 0.0
        answered = np.unique(found.target, axis=0)
        return len(answered) / len(contour.points)


def _dot(moves: np.ndarray, ids: np.ndarray, direction: np.ndarray) -> np.ndarray:
    """Derivatives [N, 2, K] of points ``ids`` [M] along directions [M, 2]: shape [M, K]."""
    return moves[ids, 0] * direction[:, :1] + moves[ids, 1] * direction[:, 1:]
