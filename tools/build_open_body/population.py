"""A population of adult bodies: ANSUR II's people, and the public at large, as parameters of Anny.

Each person's measurements are matched by Gauss-Newton on Anny's phenotypes and local changes, starting from a random
body of that sex and staying as close to it as the measurements allow. What a survey does not see (bust shape, belly,
posture, age) therefore varies at random.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tools.build_open_body.anny_source import PHENOTYPES, AnnySource
from tools.build_open_body.ansur import TARGETS, general_public, read_ansur
from tools.build_open_body.tapes import FixedTapes

__all__ = ["Population", "draw_population"]

_PREGNANT = 0.05  #: share of the women of the public at large
_ITERATIONS = 14
_BATCH = 48
_PILOT = 48  #: bodies of each sex that show where to start
_REST_DROP = 0.0025  #: [m] stature lost by Anny's rest pose, legs apart
#: What the survey does not hold, as shares of the bust girth (female, male) with a tolerance [m].
_OF_BUST = {"bust_points": (0.195, 0.21, 0.012), "underbust_girth": (0.87, 0.935, 0.012)}
_TOLERANCE = {"height": 0.006, "girth": 0.006, "other": 0.008}  #: [m] how well measurements are to be matched
_PREGNANT_LABEL = "stomach-pregnant-incr"

#: (mean, standard deviation, low, high) of the phenotypes after gender.
_PHENOTYPE_PRIOR = {
    "age": (0.78, 0.07, 0.667, 0.98), "muscle": (0.5, 0.2, 0.0, 1.1), "weight": (0.55, 0.25, 0.0, 1.6),
    "height": (0.35, 0.2, -0.2, 1.1), "proportions": (0.4, 0.25, 0.0, 1.0), "cupsize": (0.5, 0.2, 0.0, 1.1),
    "firmness": (0.5, 0.15, 0.1, 0.95), "african": (0.33, 0.2, 0.02, 1.0), "asian": (0.33, 0.2, 0.02, 1.0),
    "caucasian": (0.33, 0.2, 0.02, 1.0),
}  # fmt: skip

#: Local changes that may move (both sides together); all but face and fingers.
_LOCAL_PREFIXES = (
    "measure-", "torso-scale-depth", "torso-scale-horiz", "torso-vshape", "torso-muscle", "torso-trans-forward",
    "hip-scale", "hip-waist", "hip-trans-forward", "stomach-", "buttocks-", "pelvis-tone", "breast-", "head-scale",
    "head-fat", "head-back", "neck-scale", "neck-double", "hand-scale", "foot-scale", "upperarm-fat", "upperarm-muscle",
    "upperarm-scale", "upperarm-shoulder", "lowerarm-fat", "lowerarm-muscle", "lowerarm-scale", "upperleg-fat",
    "upperleg-muscle", "upperleg-scale", "lowerleg-fat", "lowerleg-muscle", "lowerleg-scale", "leg-valgus",
)  # fmt: skip
_LOCAL_SPREAD = 0.1  #: of the random bodies
_LOCAL_REACH = 0.6  #: how far a fit may pull a local change from them
_LOCAL_LIMIT = 1.8
#: Changes that look unnatural when they go far, with their own reach (female, male).
_TIGHT = {
    "torso-muscle-dorsi-incr": (0.2, 0.2), "torso-vshape-incr": (0.3, 0.3), "pelvis-tone-incr": (0.2, 0.2),
    "hand-scale-incr": (0.25, 0.25), "upperarm-shoulder-muscle-incr": (0.2, 0.2), "measure-bust-circ-incr": (0.6, 0.2),
    "measure-underbust-circ-incr": (0.6, 0.3), "measure-waist-circ-incr": (0.6, 0.35),
    "measure-frontchest-dist-incr": (0.6, 0.3), "torso-muscle-pectoral-incr": (0.6, 0.25),
    "measure-thigh-circ-incr": (0.5, 0.35),
}  # fmt: skip


@dataclass(frozen=True)
class Population:
    """Anny's parameters of adult bodies."""

    phenotypes: np.ndarray  #: shape [N, 11]
    local: np.ndarray  #: shape [N, L]
    female: np.ndarray  #: shape [N] bool
    importance: np.ndarray  #: weight of each body, shape [N]
    weight: np.ndarray  #: body mass that the person should have [kg], shape [N]
    error: np.ndarray  #: what the fit leaves of each measurement [m], shape [N, measurements]
    names: tuple[str, ...]  #: of those measurements


@dataclass(frozen=True)
class _Controls:
    """Maps a parameter vector (phenotypes after gender, then tied local changes) to Anny's."""

    groups: list[list[int]]  #: local changes moved together by each parameter
    mean: np.ndarray
    spread: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def split(self, x: np.ndarray, female: np.ndarray, labels: int) -> tuple[np.ndarray, np.ndarray]:
        phenotypes = np.concatenate([female[:, None].astype(np.float64), x[:, : len(PHENOTYPES) - 1]], axis=1)
        local = np.zeros((len(x), labels))
        for k, group in enumerate(self.groups):
            local[:, group] = x[:, [len(PHENOTYPES) - 1 + k]]
        return phenotypes, local


def _controls(source: AnnySource) -> _Controls:
    groups: dict[str, list[int]] = {}
    for i, label in enumerate(source.local_labels):
        name = label[2:] if label.startswith(("l-", "r-")) else label
        if name.startswith(_LOCAL_PREFIXES):
            groups.setdefault(name, []).append(i)
    prior = np.array([_PHENOTYPE_PRIOR[p] for p in PHENOTYPES[1:]])
    n = len(groups)
    limit = np.full(n, _LOCAL_LIMIT)
    pregnant = list(groups).index(_PREGNANT_LABEL)
    limit[pregnant] = 1.0
    return _Controls(
        groups=list(groups.values()),
        mean=np.concatenate([prior[:, 0], np.zeros(n)]),
        spread=np.concatenate([prior[:, 1], np.full(n, _LOCAL_SPREAD)]),
        low=np.concatenate([prior[:, 2], -limit]),
        high=np.concatenate([prior[:, 3], limit]),
    )


def draw_population(
    source: AnnySource, tapes: FixedTapes, ansur: Path, count: int, seed: int, log: Callable[[str], None]
) -> Population:
    """Half ANSUR II's people, half the public at large; as many women as men."""
    rng = np.random.default_rng(seed)
    surveys = read_ansur(ansur)
    controls = _controls(source)
    names = [name for name, _ in TARGETS.values()]
    goals, weight, female, public = [], [], [], []
    for sex, survey in surveys.items():
        half = count // 4
        chosen = rng.choice(len(survey.values), half, replace=half > len(survey.values))
        drawn = general_public(survey, sex, count // 2 - half, rng)
        goals += [survey.values[chosen], drawn.values]
        weight += [survey.weight[chosen], drawn.weight]
        female += [np.full(count // 2, sex == "female")]
        public += [np.arange(count // 2) >= half]
    goal, mass, is_female = np.concatenate(goals), np.concatenate(weight), np.concatenate(female)
    bust = goal[:, names.index("bust_girth")]
    shares = [np.where(is_female, woman, man) * bust for woman, man, _ in _OF_BUST.values()]
    goal = np.concatenate([goal, np.stack(shares, axis=1)], axis=1)
    names = [*names, *_OF_BUST]
    tolerance = _tolerances(names, len(goal))
    start, pull = _starts(controls, source, is_female, np.concatenate(public), tolerance, names, rng)
    for k, name in enumerate(names):
        if name.endswith("_height") or name == "stature":
            goal[:, k] -= _REST_DROP
    problem = _problem(source, tapes, controls, names)
    free = pull > 0.01
    for sex in (True, False):  # a pilot moves the random starts to where that sex's bodies are
        pilot = np.flatnonzero(is_female == sex)[:: max(1, count // (2 * _PILOT))]
        found, _ = _fit(problem, start[pilot], pull[pilot], goal[pilot], tolerance[pilot], is_female[pilot], log)
        shift = (found - start[pilot]).mean(0)
        start = np.where((is_female == sex)[:, None] & free, start + shift, start).clip(controls.low, controls.high)
    x, error = _fit(problem, start, pull, goal, tolerance, is_female, log)
    phenotypes, local = controls.split(x, is_female, len(source.local_labels))
    return Population(phenotypes, local, is_female, np.ones(len(x)), mass, error, tuple(names))


def _tolerances(names: list[str], count: int) -> np.ndarray:
    def one(name: str) -> float:
        if name.endswith("_height") or name == "stature":
            return _TOLERANCE["height"]
        return _TOLERANCE["girth"] if name.endswith("_girth") else _TOLERANCE["other"]

    out = np.tile([one(n) for n in names], (count, 1))
    for name, value in (("axilla_height", 0.03), ("hip_height", 0.02), ("bust_height", 0.015),
                        *((name, tolerance) for name, (_, _, tolerance) in _OF_BUST.items()),
                        ("upper_arm_length", 0.012), ("forearm_length", 0.012), ("hand_length", 0.012)):  # fmt: skip
        out[:, names.index(name)] = value
    return out


def _starts(
    controls: _Controls, source: AnnySource, female: np.ndarray, public: np.ndarray, tolerance: np.ndarray,
    names: list[str], rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Random bodies to start from [N, n] and how far each parameter may be pulled [N, n].

    Pregnant women's bellies are drawn, and their waists are left free.
    """
    start = controls.mean + controls.spread * rng.normal(size=(len(female), len(controls.mean)))
    start = start.clip(controls.low, controls.high)
    pull = np.tile(np.concatenate([controls.spread[: len(PHENOTYPES) - 1] * 2.0,
                                   np.full(len(controls.groups), _LOCAL_REACH)]), (len(female), 1))  # fmt: skip
    labels = [source.local_labels[g[0]] for g in controls.groups]
    belly = len(PHENOTYPES) - 1 + labels.index(_PREGNANT_LABEL)
    start[:, belly] = 0.0
    pull[:, belly] = 1e-3
    pregnant = female & public & (rng.random(len(female)) < 2 * _PREGNANT)
    pull[:, PHENOTYPES.index("age") - 1] = 1e-3
    for name, (woman, man) in _TIGHT.items():
        column = len(PHENOTYPES) - 1 + np.array([label.endswith(name) for label in labels]).nonzero()[0]
        pull[:, column] = np.where(female, woman, man)[:, None]
    start[pregnant, belly] = rng.uniform(0.3, 1.0, pregnant.sum())
    for name in ("navel_girth", "navel_depth", "navel_breadth", "navel_height", "hip_depth"):
        tolerance[pregnant, names.index(name)] = 10.0
    tolerance[~female, names.index("bust_points")] = 0.03
    breasts = len(PHENOTYPES) - 1 + np.flatnonzero([label.startswith("breast-") for label in labels])
    start[np.ix_(~female, breasts)] = 0.0
    pull[np.ix_(~female, breasts)] = 1e-3
    return start, pull


@dataclass(frozen=True)
class _Problem:
    """Bodies' readings as a function of the controls, on the points that the tapes touch."""

    source: AnnySource
    tapes: FixedTapes
    controls: _Controls
    names: list[str]
    rows: np.ndarray  #: blend shapes that the controls can move
    basis: np.ndarray  #: those blend shapes at the points, shape [rows, 3 P]
    origin: np.ndarray  #: shape [3 P]
    grow: np.ndarray  #: point moves of the local changes when positive, shape [1, P, 3, n]
    shrink: np.ndarray  #: and when negative

    def points(self, x: np.ndarray, female: np.ndarray) -> np.ndarray:
        p, local = self.controls.split(x, female, len(self.source.local_labels))
        c = self.source.coefficients(p, local)[:, self.rows]
        return (self.origin + c @ self.basis).reshape(len(x), -1, 3)

    def read(self, x: np.ndarray, female: np.ndarray) -> np.ndarray:
        return self.tapes.read(self.points(x, female), self.names)

    def jacobian(self, x: np.ndarray, female: np.ndarray, step: float = 0.08) -> np.ndarray:
        """d reading / d control, shape [B, names, n].

        Wide central differences carry the fit over the kinks that Anny's phenotypes have at their anchors.
        """
        first = len(PHENOTYPES) - 1
        base = self.points(x, female)
        steps = step * np.eye(x.shape[1])[:first]
        moved = np.stack([self.points(x + s, female) - self.points(x - s, female) for s in steps], axis=-1)
        by_phenotype = self.tapes.slopes(base, self.names, moved / (2 * step))
        up, down = (self.tapes.slopes(base, self.names, m) for m in (self.grow, self.shrink))
        return np.concatenate([by_phenotype, np.where(x[:, None, first:] >= 0, up, down)], axis=2)


def _problem(source: AnnySource, tapes: FixedTapes, controls: _Controls, names: list[str]) -> _Problem:
    first = source.phenotype_rows + len(source.facial_labels)
    flat = tapes.points(source.blendshapes.astype(np.float64))
    grow = np.stack([sum(flat[first + 2 * i] for i in g) for g in controls.groups], axis=-1)
    shrink = np.stack([-sum(flat[first + 2 * i + 1] for i in g) for g in controls.groups], axis=-1)
    local = [first + 2 * i + s for g in controls.groups for i in g for s in (0, 1)]
    rows = np.concatenate([np.arange(source.phenotype_rows), np.sort(local)])
    return _Problem(
        source, tapes, controls, names, rows, flat[rows].reshape(len(rows), -1),
        tapes.points(source.template).reshape(-1), grow[None], shrink[None],
    )  # fmt: skip


def _fit(
    problem: _Problem, start: np.ndarray, pull: np.ndarray, goal: np.ndarray, tolerance: np.ndarray,
    female: np.ndarray, log: Callable[[str], None],
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Levenberg-Marquardt with a Gaussian pull towards the start, body by body.

    Returns:
        Controls [N, n] and what is left of the measurements [N, names].
    """
    x, error = start.copy(), np.zeros_like(goal)
    low, high = problem.controls.low, problem.controls.high
    for first in range(0, len(x), _BATCH):
        part = slice(first, first + _BATCH)
        sex, begin, strength, width = female[part], start[part], pull[part], tolerance[part]
        here, damping = begin.copy(), np.full(len(begin), 1e-2)

        def cost(at: np.ndarray, value: np.ndarray, b=begin, s=strength, w=width, g=goal[part]) -> np.ndarray:
            return (((g - value) / w) ** 2).sum(1) + (((at - b) / s) ** 2).sum(1)

        value = problem.read(here, sex)
        for _ in range(_ITERATIONS):
            a = problem.jacobian(here, sex) / width[..., None]
            normal = np.swapaxes(a, 1, 2) @ a
            diagonal = np.arange(here.shape[1])
            normal[:, diagonal, diagonal] += 1 / strength**2
            normal[:, diagonal, diagonal] *= 1 + damping[:, None]
            slope = (np.swapaxes(a, 1, 2) @ ((goal[part] - value) / width)[..., None])[..., 0]
            slope += (begin - here) / strength**2
            trial = (here + np.linalg.solve(normal, slope[..., None])[..., 0]).clip(low, high)
            trial_value = problem.read(trial, sex)
            better = cost(trial, trial_value) < cost(here, value)
            here[better], value[better] = trial[better], trial_value[better]
            damping = np.where(better, damping / 5, damping * 6).clip(1e-4, 1e4)
        x[part], error[part] = here, goal[part] - value
        if (first // _BATCH) % 8 == 0:
            log(f"  fitted {min(first + _BATCH, len(x))} of {len(x)}")
    return x, error
