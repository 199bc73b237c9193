"""The space of garments: patterns to points, points to designs, neighbours, and the ways that figures grow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from engine.core.pattern_types import Pattern
from engine.core.types import Fabric
from recsys.vae.design import Design, Value
from recsys.vae.figures import body_figures, fabric_figures, measured_figures
from recsys.vae.raster import rasterise
from recsys.vae.weights import Weights, load_weights

__all__ = ["Found", "GarmentSpace", "Point", "nearest"]

#: Weights in a garment's place: of a figure of its silhouette per standard deviation, of having such a figure at all,
#: and of a coordinate of the latent.
FIGURE, PRESENT, REST = 1.0, 1.0, 0.1


@dataclass(frozen=True)
class Point:
    """A garment in the space."""

    latent: np.ndarray  #: mean of its posterior, shape [32]
    spread: np.ndarray  #: standard deviation of its posterior, shape [32]
    body: np.ndarray  #: standardised figures of the body it was drafted for, 0 where not known, shape [6]


@dataclass(frozen=True)
class Found:
    """What a latent stands for."""

    design: Design
    probability: float  #: of the family
    fabric: np.ndarray  #: figures as of ``recsys.vae.figures.fabric_figures``, shape [8]
    coverage: np.ndarray  #: of the front and the back, shape [2, 32, 32]


class GarmentSpace:
    """A trained garment VAE for use. All calls are deterministic."""

    def __init__(self, weights: Weights) -> None:
        self.weights = weights
        self.library = weights.library

    @classmethod
    def load(cls, path: str | Path | None = None) -> GarmentSpace:
        """From a file of weights, by default the one that comes with Toile."""
        return cls(load_weights(path))

    def knows(self, family: str) -> bool:
        """Whether the model learnt from garments of a family."""
        return any(f.name == family for f in self.library.families)

    def points(self, garments: Sequence[tuple[Pattern, Fabric]]) -> list[Point]:
        """Patterns, each in a fabric, as points of the space."""
        if not garments:
            return []
        raster = np.stack([rasterise(p) for p, _ in garments])
        fabric = np.stack([fabric_figures(f) for _, f in garments])
        body = np.stack([body_figures(p) for p, _ in garments])
        return self.encode(raster, fabric, body)

    def encode(self, raster: np.ndarray, fabric: np.ndarray, body: np.ndarray) -> list[Point]:
        """Rasters in 0..1 with figures of fabric and body (NaN where not known) as points."""
        w = self.weights
        scaled = (fabric - w.fabric_scale[0]) / w.fabric_scale[1]
        at = np.nan_to_num((body - w.body_scale[0]) / w.body_scale[1]).astype(np.float32)
        planes = torch.from_numpy(np.ascontiguousarray(raster, np.float32)).flatten(1, 2)
        with torch.no_grad():
            mean, log_variance = w.model.encode(planes, torch.from_numpy(scaled).float(), torch.from_numpy(at))
        spread = np.exp(log_variance.numpy() / 2)
        return [Point(m, s, b) for m, s, b in zip(mean.numpy(), spread, at, strict=True)]

    def decode(self, latents: np.ndarray, body: np.ndarray, family: str | None = None) -> list[Found]:
        """What latents stand for, shape [n, 32], on a body, shape [6] (as ``Point.body``); of a family if one is named.

        Raises:
            KeyError: the model does not know the family.
        """
        w = self.weights
        z = torch.from_numpy(np.atleast_2d(latents).astype(np.float32))
        with torch.no_grad():
            out = w.model.decode(z, torch.from_numpy(np.tile(np.float32(body), (len(z), 1))))
        probability = torch.softmax(out.family, 1).numpy()
        shares, fabric = torch.sigmoid(out.shares).numpy(), out.fabric.numpy() * w.fabric_scale[1] + w.fabric_scale[0]
        raster = torch.sigmoid(out.raster).numpy().reshape(len(z), 2, -1, *out.raster.shape[2:])
        found = []
        for i in range(len(z)):
            k = int(probability[i].argmax()) if family is None else self.library.index(family)
            options = self.library.families[k].options(shares[i, self.library.columns(k)])
            name = self.library.families[k].name
            found.append(Found(Design(name, options), float(probability[i, k]), fabric[i], raster[i, :, 0]))
        return found

    def standard_body(self, measurements: Mapping[str, Any]) -> np.ndarray:
        """A body's measurements (``recsys.vae.figures.measured_figures``) as ``Point.body``, shape [6]."""
        scale = self.weights.body_scale
        return np.nan_to_num((measured_figures(measurements) - scale[0]) / scale[1]).astype(np.float32)

    def places(self, latents: np.ndarray) -> np.ndarray:
        """Where garments stand among others: the nearer, the more alike; shape [n, 32] to [n, 2 * figure + 32].

        What the model foretells of the silhouette's figures (as far as it expects the garment to have them), which
        of them it expects, and the latent, by the weights ``FIGURE``, ``PRESENT`` and ``REST``.
        """
        z = torch.from_numpy(np.atleast_2d(latents).astype(np.float32))
        with torch.no_grad():
            present = torch.sigmoid(self.weights.model.present(z)).numpy()
            figures = self.weights.model.figures(z).numpy()
        return np.hstack([FIGURE * present * figures, PRESENT * present, REST * z.numpy()])

    def anchor(self, family: str) -> dict[str, Value]:
        """Options of a usual garment of a family: the medians of those that the model learnt from, if it did."""
        if not self.knows(family):
            return {}
        k = self.library.index(family)
        return self.library.families[k].options(self.weights.anchors[self.library.columns(k)])

    def direction(self, family: str, figure: str) -> tuple[np.ndarray, float]:
        """The way that a figure of the silhouette grows: latent shift per unit [1/m or -], shape [32], and its spread.

        It is how the latents of a family change with the figure while its other figures stay (a regression on all of
        them). Zero where garments of the family do not have the figure.
        """
        k, column = self.library.index(family), self.weights.figures.index(figure)
        spread = float(self.weights.figure_spread[k, column])
        return self.weights.directions[k, column], spread if np.isfinite(spread) else 0.0

    def gallery_design(self, index: int) -> Design:
        """One of the designs that come with the model."""
        k = int(self.weights.gallery_family[index])
        family = self.library.families[k]
        return Design(family.name, family.options(self.weights.gallery_shares[index, self.library.columns(k)]))

    def gallery_fabric(self, index: int) -> np.ndarray:
        """Figures of the fabric of one of those designs, shape [8]."""
        return self.weights.gallery_fabric[index] * self.weights.fabric_scale[1] + self.weights.fabric_scale[0]


def nearest(place: np.ndarray, places: np.ndarray, count: int) -> list[tuple[int, float]]:
    """Rows of ``places``, shape [n, width], nearest to a place, and their distances, nearest first."""
    distance = np.linalg.norm(places - place, axis=1)
    order = np.argsort(distance, kind="stable")[:count]
    return [(int(i), float(distance[i])) for i in order]
