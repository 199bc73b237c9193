"""Simulated shoppers who try sizes on, to test the size model where no real verdicts may be shipped.

**Nothing here is real shoppers' data**; every id starts with ``simulated-``.

How they judge is not what the model assumes: in centimetres and not in steps, by the one tightest zone, with logistic
noise, an own wish for room, items that are cut off their chart, curvy cuts, and sizes that are graded wrongly.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import expit

from recsys.size_bodies import Known
from recsys.size_chart import SizeChart
from recsys.size_features import OVERALL
from recsys.size_fit import Feedback

__all__ = ["KINDS", "SIZES", "SizeShop", "simulate_sizes"]

ZONES = ("bust_girth", "waist_girth", "hip_girth", "thigh_girth")
#: Women of the open body's population: mean, standard deviation [m] and correlation at ZONES and stature.
_MEAN = np.array([0.926, 0.829, 1.033, 0.632, 1.633])
_SPREAD = np.array([0.097, 0.112, 0.092, 0.073, 0.068])
_TOGETHER = np.array([
    [1.0, 0.92, 0.82, 0.79, 0.02], [0.92, 1.0, 0.82, 0.79, 0.02], [0.82, 0.82, 1.0, 0.95, 0.14],
    [0.79, 0.79, 0.95, 1.0, 0.06], [0.02, 0.02, 0.14, 0.06, 1.0],
])  # fmt: skip
SIZES = tuple(str(s) for s in range(34, 54, 2))
#: Zones that a kind of garment has.
KINDS = {"top": (0, 1), "dress": (0, 1, 2), "trousers": (1, 2, 3), "skirt": (1, 2)}
TIGHT_CM, LOOSE_CM, NOISE_CM = -2.2, 4.5, 1.3  #: where verdicts tip, off what was intended, and how sharply


@dataclass(frozen=True)
class SizeShop:
    """A simulated shop.

    Attributes:
        chart: What the shop's size table says.
        feedback: Verdicts, in order of time. kept: (person, chart row) of sizes kept.
        bodies: What is known of those who were measured, by person.
        truth: Probability of tight, right and loose overall for every person and chart row, shape [person, row, 3].
        usual: Index into SIZES nearest to each person's body, shape [person].
    """

    chart: SizeChart
    feedback: Feedback
    kept: tuple[np.ndarray, np.ndarray]
    bodies: dict[str, Known]
    truth: np.ndarray
    usual: np.ndarray


def simulate_sizes(
    *, people: int = 600, items: int = 60, verdicts: int = 6000, measured: float = 0.7, stderr: float = 0.015,
    kinds: list[str] | None = None, seed: int = 0,
) -> SizeShop:  # fmt: skip
    """Draws a shop.

    Args:
        verdicts: How many times somebody tries a size on.
        measured: Share of the people whose body is known, with standard error ``stderr`` [m].
        kinds: Of the items, each of KINDS; default: drawn.
    """
    rng = np.random.default_rng(seed)
    kinds = list(rng.choice(["top", "dress", "trousers"], items)) if kinds is None else kinds
    items = len(kinds)
    chart, cloth = _chart(rng, kinds)
    covariance = np.outer(_SPREAD, _SPREAD) * _TOGETHER
    true = np.clip(rng.multivariate_normal(_MEAN, covariance, people), _MEAN - 2.2 * _SPREAD, _MEAN + 3 * _SPREAD)
    room = rng.normal(0, 0.012, people)  # what a person likes more of [m]
    tight_at, loose_at = _margins(chart, cloth, true[:, :4], room)
    truth = _odds(tight_at.min(2), loose_at)
    graded = np.array([np.nanmean(chart.body[np.array(chart.sizes) == s], 0) for s in SIZES])
    usual = np.abs(true[:, None, :3] - graded[None, :, :3]).sum(2).argmin(1)
    person = rng.choice(people, verdicts, p=(w := rng.lognormal(0, 1, people)) / w.sum())
    item = rng.choice(items, verdicts, p=(w := rng.lognormal(0, 0.8, items)) / w.sum())
    size = np.clip(usual[person] + rng.choice([-1, 0, 0, 0, 1], verdicts), 0, len(SIZES) - 1)
    row = item * len(SIZES) + size
    verdict = _drawn(rng, truth[person, row])
    said = rng.random(verdicts) < 0.5  # half of them also say where
    columns = [(person, row, np.full(verdicts, OVERALL), verdict)]
    order = [np.arange(verdicts) * 10]
    for z in range(len(ZONES)):
        there = said & np.isfinite(chart.garment[row, z])
        p, r = person[there], row[there]
        at = _drawn(rng, _odds(tight_at[p, r, z], _zone_room(chart, cloth, true[:, :4], room)[p, r, z]))
        columns.append((p, r, np.full(len(p), z), at))
        order.append(np.flatnonzero(there) * 10 + z + 1)
    by_time = np.argsort(np.concatenate(order), kind="stable")
    names = tuple(f"simulated-shopper-{k:05d}" for k in range(people))
    flat = [np.concatenate(part)[by_time] for part in zip(*columns, strict=True)]
    keep = (verdict == 1) & (rng.random(verdicts) < 0.9)
    pairs = np.unique(np.stack([person[keep], row[keep]], 1), axis=0)
    known = {
        names[k]: {z: (float(v), stderr) for z, v in zip((*ZONES, "stature"), true[k] + rng.normal(0, stderr, 5),
                                                         strict=True)}
        for k in np.flatnonzero(rng.random(people) < measured)
    }  # fmt: skip
    return SizeShop(chart, Feedback(names, *flat), (pairs[:, 0], pairs[:, 1]), known, truth, usual)


def _chart(rng: np.random.Generator, kinds: list[str]) -> tuple[SizeChart, np.ndarray]:
    """The size table, and what the cloth really measures [m], shape [row, zone]."""
    step = np.arange(len(SIZES))
    meant = np.stack([0.80 + 0.045 * step, 0.66 + 0.048 * step, 0.90 + 0.042 * step, 0.53 + 0.03 * step], 1)
    body, garment, cloth, stretch = [], [], [], []
    for kind in kinds:
        there = np.isin(np.arange(4), KINDS[kind])
        ease = np.where(there, rng.uniform(0.02, 0.12), np.nan)
        give = rng.choice([0.0, 0.05, 0.12, 0.2])
        off = rng.normal(0, 0.018) + rng.normal(0, 0.012, 4) + rng.normal(0, 0.008, (len(SIZES), 1))
        own = meant * (1 + ease)
        body.append(np.where(there, meant, np.nan))
        garment.append(own)
        cloth.append(own + off)
        stretch.append(np.full(len(SIZES), give))
    names = tuple(f"simulated-item-{k:05d}" for k in range(len(kinds)))
    start = np.arange(len(kinds) + 1) * len(SIZES)
    sizes, measured = SIZES * len(kinds), (np.vstack(garment), np.vstack(body), np.concatenate(stretch))
    return SizeChart(names, start, sizes, ZONES, *measured), np.vstack(cloth)


def _zone_room(chart: SizeChart, cloth: np.ndarray, true: np.ndarray, room: np.ndarray) -> np.ndarray:
    """Room off the intended one and the person's wish [cm], shape [person, row, zone]."""
    intended = chart.garment - chart.body
    return 100 * (cloth[None] - true[:, None] - intended[None] - room[:, None, None])


def _margins(
    chart: SizeChart, cloth: np.ndarray, true: np.ndarray, room: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Room as it is felt when tight [cm], inf where there is no zone, [person, row, zone]; and when loose, [.., ..]."""
    free = _zone_room(chart, cloth, true, room)
    felt = np.where(free < 0, free * (1 - np.minimum(2.5 * chart.stretch, 0.6))[None, :, None], free)
    return np.where(np.isfinite(free), felt, np.inf), np.nanmean(free, 2)


def _odds(tight_at: np.ndarray, loose_at: np.ndarray) -> np.ndarray:
    tight = expit((TIGHT_CM - tight_at) / NOISE_CM)
    loose = (1 - tight) * expit((loose_at - LOOSE_CM) / NOISE_CM)
    return np.stack([tight, 1 - tight - loose, loose], -1)


def _drawn(rng: np.random.Generator, odds: np.ndarray) -> np.ndarray:
    return (rng.random(len(odds))[:, None] > np.cumsum(odds, 1)[:, :2]).sum(1)
