"""Bodies at a chart's zones from what is known: measured, typed, or only the sizes that somebody kept.

All of it is one Gaussian: the population's mean and covariance, conditioned on measurements with their standard errors
and on kept sizes, each of which says that the body is about the one that the size is made for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from recsys.size_chart import SizeChart
from recsys.size_features import BodyEstimate, shape_of

__all__ = ["Known", "Population", "population_of"]

#: Known measurements of one person: {ISO name: (value, standard error)} [m].
Known = Mapping[str, tuple[float, float]]

SPREAD, TOGETHER = 0.09, 0.8  #: of adults' girths as a share of the mean, and their correlation, where unknown
TRUST = 20.0  #: bodies that these two are worth
KEPT = 0.05  #: standard error of what a kept size says, as a share of the girth


@dataclass(frozen=True)
class Population:
    """Bodies of a shop's customers at the chart's zones [m].

    Attributes:
        mean: Shape [zone]. covariance: Shape [zone, zone].
    """

    mean: np.ndarray
    covariance: np.ndarray

    def estimate(self, chart: SizeChart, known: Known, kept: np.ndarray | None = None) -> BodyEstimate:
        """A body of which some measurements are known, and some chart rows were kept, shape [row]."""
        precision, pull = np.linalg.inv(self.covariance), np.zeros(len(self.mean))
        pull = precision @ self.mean
        for k, zone in enumerate(chart.zones):
            if zone in known:
                value, stderr = known[zone]
                weight = 1 / max(stderr, 1e-4) ** 2
                precision[k, k] += weight
                pull[k] += weight * value
        if kept is not None and len(kept):
            weight, weighted = kept_evidence(chart, kept)
            precision = precision + np.diag(weight.sum(0))
            pull = pull + weighted.sum(0)
        covariance = np.linalg.inv(precision)
        value = covariance @ pull
        shape = shape_of({name: v for name, (v, _) in known.items()})
        return BodyEstimate(value, np.sqrt(np.diag(covariance)), shape)


def kept_evidence(chart: SizeChart, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Precision, and precision times value, of what each kept row says of the body, shape [row, zone]."""
    meant = meant_body(chart)[rows]
    there = np.isfinite(meant)
    weight = np.where(there, 1 / (KEPT * np.where(there, meant, 1)) ** 2, 0)
    return weight, weight * np.where(there, meant, 0)


def meant_body(chart: SizeChart) -> np.ndarray:
    """The body that each row is made for: the chart's, or the cloth less a usual ease [m], shape [row, zone]."""
    return np.where(np.isfinite(chart.body), chart.body, chart.garment / 1.07)


def population_of(chart: SizeChart, bodies: Mapping[str, Known]) -> Population:
    """Mean and covariance of the bodies that are known, held together by what the chart is made for."""
    meant = meant_body(chart)
    there = np.isfinite(meant)
    mean = np.where(there, meant, 0).sum(0) / np.maximum(there.sum(0), 1)
    prior = SPREAD**2 * np.outer(mean, mean) * (TOGETHER + (1 - TOGETHER) * np.eye(len(mean)))
    rows = np.array([[b[z][0] for z in chart.zones] for b in bodies.values() if all(z in b for z in chart.zones)])
    if not len(rows):
        return Population(mean, prior)
    own = rows.mean(0)
    centred = rows - own
    covariance = (centred.T @ centred + TRUST * prior) / (len(rows) + TRUST)
    return Population((len(rows) * own + TRUST * mean) / (len(rows) + TRUST), covariance)
