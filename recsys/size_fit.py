"""Which size fits whom: tight, right or loose, overall and zone by zone, as calibrated probabilities.

A hierarchical ordered probit (``recsys.ordinal``) on the figures of a size on a body (``recsys.size_features``), with
effects of the item (also by the shape of whom it is on: what people of that shape said), of the item at a zone, of one
size of it, and of the person (after Sembium et al. 2017 and Misra et al. 2018, whose latent sizes are here measured
ones). Without feedback the prior is a tailor's rule; every verdict moves it. Nothing of a person is kept in the model:
a person's own effect is worked out from their own verdicts when they ask.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from engine.core.measurements import ALIASES
from recsys.ordinal import Group, Ordinal, Verdicts, fit_ordinal, probabilities, update_member
from recsys.schema import EVENTS, EventTable
from recsys.size_bodies import Known, Population, population_of
from recsys.size_chart import SizeChart
from recsys.size_features import OVERALL, PRIOR_MEAN, PRIOR_SPREAD, BodyEstimate, body_noise, figures

__all__ = ["Feedback", "SizeModel", "SizePrediction", "feedback_of", "fit_sizes", "kept_rows", "person_effect",
           "predict_sizes"]

SHAPES = 3
_SPREADS = {"item": (0.4, *(0.15,) * SHAPES), "zone": (0.25,), "size": (0.2,), "person": (0.35,)}
PASSES = 3  #: of the fit, between which the noise by the bodies' errors is worked out anew
EFFECTS = ("item", "zone", "size")
_BUY, _RETURN = EVENTS.index("buy"), EVENTS.index("return")


@dataclass(frozen=True)
class Feedback:
    """Verdicts of people on sizes.

    Attributes:
        people: Their ids, in index order. person: Index, shape [verdict].
        row: Row of the chart, shape [verdict]. zone: Index of the chart's zones, or ``OVERALL``, shape [verdict].
        verdict: Index into ``recsys.schema.FITS``, shape [verdict].
    """

    people: tuple[str, ...]
    person: np.ndarray
    row: np.ndarray
    zone: np.ndarray
    verdict: np.ndarray

    def __len__(self) -> int:
        return len(self.row)

    def where(self, mask: np.ndarray) -> Feedback:
        """Some of the verdicts; people keep their indices."""
        columns = {n: getattr(self, n)[mask] for n in ("person", "row", "zone", "verdict")}
        return replace(self, **columns)


@dataclass(frozen=True)
class SizeModel:
    """A fitted model.

    Attributes:
        ordinal: Weights of the figures, cuts.
        effects: Of items, of items at zones (item * zones + zone), of sizes (chart rows): (mean [member, width],
            covariance [member, width, width]).
        spreads: Of the effects of members that nobody has spoken of, by group; ``person`` too.
        verdicts: How many were learnt from.
    """

    chart: SizeChart
    population: Population
    ordinal: Ordinal
    effects: dict[str, tuple[np.ndarray, np.ndarray]]
    spreads: dict[str, np.ndarray]
    verdicts: int

    def for_chart(self, chart: SizeChart) -> SizeModel:
        """What was learnt of people in general, for items of another chart that nobody has spoken of."""
        effects = {name: _nothing(self.spreads[name], n) for name, n in _members(chart).items()}
        return replace(self, chart=chart, population=population_of(chart, {}), effects=effects)


@dataclass(frozen=True)
class SizePrediction:
    """One size of an item on a body.

    Attributes:
        size: Its name. row: Of the chart.
        overall: Probability of tight, right and loose, shape [3].
        zones: The same by zone, with the expected ease [m].
    """

    size: str
    row: int
    overall: np.ndarray
    zones: dict[str, tuple[np.ndarray, float]]


def feedback_of(events: EventTable, item_ids: tuple[str, ...], chart: SizeChart) -> Feedback:
    """The fit verdicts of a log that name a size and, if any, a zone of the chart."""
    place = {(chart.items[i], s): r for r, (i, s) in enumerate(zip(chart.row_item, chart.sizes, strict=True))}
    zones = {"": OVERALL} | {z: k for k, z in enumerate(chart.zones)}
    rows = []
    if events.size is not None:
        for e in np.flatnonzero((events.kind == EVENTS.index("fit")) & (events.size.code >= 0)).tolist():
            zone = events.zone[e] if events.zone is not None else ""
            row = place.get((item_ids[events.item[e]], events.size[e]))
            at = zones.get(ALIASES.get(zone, zone))
            if row is not None and at is not None:
                rows.append((events.user[e], row, at, events.value[e]))
    columns = np.array(rows, float).reshape(-1, 4).T.astype(np.int64)
    return Feedback(events.users, *columns)


def kept_rows(events: EventTable, item_ids: tuple[str, ...], chart: SizeChart) -> tuple[np.ndarray, np.ndarray]:
    """(user, chart row) of sizes that were bought and not returned."""
    place = {(chart.items[i], s): r for r, (i, s) in enumerate(zip(chart.row_item, chart.sizes, strict=True))}
    kept: dict[tuple[int, int], None] = {}
    if events.size is not None:
        for e in np.flatnonzero((events.size.code >= 0) & np.isin(events.kind, (_BUY, _RETURN))).tolist():
            row = place.get((item_ids[events.item[e]], events.size[e]))
            if row is not None:
                key = (int(events.user[e]), row)
                kept.pop(key, None) if events.kind[e] == _RETURN else kept.setdefault(key)
    pairs = np.array(list(kept), np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def fit_sizes(
    chart: SizeChart, feedback: Feedback, bodies: Mapping[str, Known], kept: tuple[np.ndarray, np.ndarray] | None = None
) -> SizeModel:
    """Learns from verdicts.

    Args:
        bodies: What is known of some people's bodies, by their id in ``feedback.people``.
        kept: (person, chart row) of sizes kept, which tell of the bodies of all others.
    """
    population = population_of(chart, bodies)
    value, stderr, shape = _bodies(chart, population, feedback, bodies, kept)
    ordinal = Ordinal(PRIOR_MEAN, np.diag(PRIOR_SPREAD**2), len(PRIOR_MEAN) - 4)
    x = figures(chart, feedback.row, feedback.zone, value)
    cuts = (feedback.zone >= 0).astype(int)
    groups: dict[str, Group] = {}
    for _ in range(PASSES):
        noise = body_noise(chart, feedback.row, feedback.zone, value, stderr, ordinal.weights[: ordinal.features])
        groups = _groups(chart, feedback, shape)
        verdicts = Verdicts(x, cuts, feedback.verdict, noise)
        ordinal = fit_ordinal(verdicts, list(groups.values()), PRIOR_MEAN, PRIOR_SPREAD)
    effects = {name: (groups[name].effect, groups[name].covariance) for name in EFFECTS}
    return SizeModel(chart, population, ordinal, effects, {n: g.spread for n, g in groups.items()}, len(feedback))


def predict_sizes(
    model: SizeModel, item: str, body: BodyEstimate, *, person: tuple[float, float] | None = None,
    drape: Mapping[int, np.ndarray] | None = None,
) -> list[SizePrediction]:  # fmt: skip
    """Every size of an item on a body, from the smallest.

    Args:
        person: Mean and variance of the person's own effect (``person_effect``); None: nothing is known of it.
        drape: What a drape says of each zone of some chart rows, see ``recsys.size_features.figures``.
    """
    chart = model.chart
    out = []
    for row in chart.rows(item):
        there = np.flatnonzero(np.isfinite(chart.garment[row]))
        zone = np.concatenate([[OVERALL], there]).astype(int)
        rows = np.full(len(zone), row)
        seen = None if drape is None or row not in drape else np.tile(drape[row], (len(zone), 1))
        p = _predict(model, rows, zone, body, person, seen)
        ease = chart.garment[row] - body.value
        zones = {chart.zones[z]: (p[k], float(ease[z])) for k, z in enumerate(there, 1)}
        out.append(SizePrediction(chart.sizes[row], row, p[0], zones))
    return out


def person_effect(model: SizeModel, feedback: Feedback, body: BodyEstimate) -> tuple[float, float]:
    """Mean and variance of one person's own effect (whether they like it looser), from their verdicts."""
    n = len(feedback)
    values = np.tile(body.value, (n, 1))
    noise = _noise(model, feedback.row, feedback.zone, values, body.stderr)
    eta, variance = _effects(model, feedback.row, feedback.zone, body.shape)
    x = figures(model.chart, feedback.row, feedback.zone, values)
    verdicts = Verdicts(x, (feedback.zone >= 0).astype(int), feedback.verdict, noise + variance)
    return update_member(model.ordinal, verdicts, eta, float(model.spreads["person"][0]))


def _predict(
    model: SizeModel, rows: np.ndarray, zone: np.ndarray, body: BodyEstimate, person: tuple[float, float] | None,
    drape: np.ndarray | None,
) -> np.ndarray:  # fmt: skip
    values = np.tile(body.value, (len(rows), 1))
    x = figures(model.chart, rows, zone, values, drape)
    eta, variance = _effects(model, rows, zone, body.shape)
    own, spread = person or (0.0, float(model.spreads["person"][0]) ** 2)
    noise = _noise(model, rows, zone, values, body.stderr, drape)
    total = variance + noise + spread + model.ordinal.variance(x)
    a, b = model.ordinal.cut((zone >= 0).astype(int))
    return probabilities(model.ordinal.eta(x) + eta + own, a, b, total)


def _noise(
    model: SizeModel, rows: np.ndarray, zone: np.ndarray, values: np.ndarray, stderr: np.ndarray,
    drape: np.ndarray | None = None,
) -> np.ndarray:  # fmt: skip
    weights = model.ordinal.weights[: model.ordinal.features]
    return body_noise(model.chart, rows, zone, values, np.tile(stderr, (len(rows), 1)), weights, drape)


def _effects(
    model: SizeModel, rows: np.ndarray, zone: np.ndarray, shape: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Mean and variance of the items' and sizes' effects on a body of a shape, shape [n] each."""
    item = model.chart.row_item[rows]
    meets = np.concatenate([[1.0], shape])
    mean, covariance = model.effects["item"]
    eta, variance = mean[item] @ meets, np.einsum("i,nij,j->n", meets, covariance[item], meets)
    at = item * len(model.chart.zones) + zone
    mean, covariance = model.effects["zone"]
    eta = eta + np.where(zone >= 0, mean[at, 0], 0)
    variance = variance + np.where(zone >= 0, covariance[at, 0, 0], 0)
    mean, covariance = model.effects["size"]
    return eta + mean[rows, 0], variance + covariance[rows, 0, 0]


def _members(chart: SizeChart) -> dict[str, int]:
    return {"item": len(chart.items), "zone": len(chart.items) * len(chart.zones), "size": len(chart.sizes)}


def _nothing(spread: np.ndarray, members: int) -> tuple[np.ndarray, np.ndarray]:
    return np.zeros((members, len(spread))), np.tile(np.diag(spread**2), (members, 1, 1))


def _groups(chart: SizeChart, feedback: Feedback, shape: np.ndarray) -> dict[str, Group]:
    item, one = chart.row_item[feedback.row], np.ones((len(feedback), 1))
    at = np.where(feedback.zone >= 0, item * len(chart.zones) + feedback.zone, -1)
    member = {"item": item, "zone": at, "size": feedback.row, "person": feedback.person}
    count = _members(chart) | {"person": len(feedback.people)}
    return {
        name: Group(
            member[name], np.hstack([one, shape]) if name == "item" else one,
            np.zeros((count[name], len(spread))), np.array(spread),
        )
        for name, spread in _SPREADS.items()
    }  # fmt: skip


def _bodies(
    chart: SizeChart, population: Population, feedback: Feedback, bodies: Mapping[str, Known],
    kept: tuple[np.ndarray, np.ndarray] | None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """Value, standard error and shape of the body behind each verdict.

    What a kept size says of a body is left out where the verdict is on that very size: it would explain itself.
    """
    n, width = len(feedback), len(chart.zones)
    value, stderr, shape = np.empty((n, width)), np.empty((n, width)), np.zeros((n, SHAPES))
    person, rows = kept if kept is not None else (np.empty(0, int), np.empty(0, int))
    order = np.argsort(feedback.person, kind="stable")
    bounds = np.searchsorted(feedback.person[order], np.arange(len(feedback.people) + 1))
    for k, name in enumerate(feedback.people):
        mine = order[bounds[k] : bounds[k + 1]]
        if not len(mine):
            continue
        known = bodies.get(name, {})
        own = rows[person == k] if not known else np.empty(0, int)
        if not len(own):
            estimate = population.estimate(chart, known)
            value[mine], stderr[mine], shape[mine] = estimate.value, estimate.stderr, estimate.shape
            continue
        for e in mine.tolist():
            estimate = population.estimate(chart, known, own[own != feedback.row[e]])
            value[e], stderr[e] = estimate.value, estimate.stderr
    return value, stderr, shape
