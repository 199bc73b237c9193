"""Trains the garment VAE, on one CPU thread in minutes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from recsys.vae.design import Library
from recsys.vae.model import GarmentVae

__all__ = ["Settings", "TrainingSet", "train"]


@dataclass(frozen=True)
class Settings:
    """Of the training; the loss is a negative log likelihood in nats per garment.

    The raster's pixels say much the same as their neighbours, so that their likelihoods are not independent: they
    count by ``raster_weight``. The spreads are the standard deviations of the Gaussian likelihoods of a parameter (as
    share of its range) and of a standardised figure of the fabric and of the silhouette (infinite: not learnt).
    """

    steps: int = 2400
    batch: int = 64
    rate: float = 3e-3
    raster_weight: float = 1.0
    share_spread: float = 0.04
    fabric_spread: float = 0.6
    figure_spread: float = 0.12
    family_weight: float = 10.0
    kl: float = 1.0  #: weight of the KL term once it is wholly in
    anneal: float = 0.4  #: share of the steps over which it comes in
    seed: int = 0


@dataclass(frozen=True)
class TrainingSet:
    """Garments to learn from; NaN in ``shares``, ``body`` and ``figures`` is unknown."""

    raster: np.ndarray  #: uint8, shape [n, 2, 12, 32, 32]
    family: np.ndarray  #: shape [n]
    shares: np.ndarray  #: shape [n, parameter]
    fabric: np.ndarray  #: standardised, shape [n, 8]
    body: np.ndarray  #: standardised, shape [n, 3]
    figures: np.ndarray  #: of the silhouette, standardised, NaN where there is no such thing, shape [n, figure]


def train(data: TrainingSet, library: Library, settings: Settings | None = None, *,
          say: Callable[[str], None] = lambda line: None) -> GarmentVae:  # fmt: skip
    """Fits the model by Adam with a one-cycle rate and an annealed KL term (Bowman et al. 2016); seeded.

    Returns:
        The model, ready for use (``eval``).
    """
    s = settings or Settings()
    torch.manual_seed(s.seed)
    rng = np.random.default_rng(s.seed)
    model = GarmentVae(len(library), library.width, data.figures.shape[1])
    optimiser = torch.optim.AdamW(model.parameters(), lr=s.rate, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, s.rate, total_steps=s.steps, pct_start=0.15)
    order: list[np.ndarray] = []
    for step in range(s.steps):
        if sum(map(len, order)) < s.batch:
            order = [np.concatenate([*order, rng.permutation(len(data.raster))])]
        pick, order = order[0][: s.batch], [order[0][s.batch :]]
        weight = s.kl * min(1.0, step / max(1.0, s.anneal * s.steps))
        parts = _loss(model, data, pick, s)
        loss = sum(value * (weight if name == "kl" else 1.0) for name, value in parts.items())
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 200.0)
        optimiser.step()
        schedule.step()
        if step % 100 == 99 or step == s.steps - 1:
            say(f"step {step + 1}: " + ", ".join(f"{k} {v.item():.2f}" for k, v in parts.items()))
    return model.eval()


def _loss(model: GarmentVae, data: TrainingSet, pick: np.ndarray, s: Settings) -> dict[str, Tensor]:
    raster = torch.from_numpy(data.raster[pick]).flatten(1, 2).float() / 255
    fabric, body = (torch.from_numpy(np.nan_to_num(v[pick])).float() for v in (data.fabric, data.body))
    shares, figures = (torch.from_numpy(v[pick]).float() for v in (data.shares, data.figures))
    mean, log_variance = model.encode(raster, fabric, body)
    latent = mean + torch.exp(log_variance / 2) * torch.randn_like(mean)
    out = model.decode(latent, body)
    pixels = functional.binary_cross_entropy_with_logits(out.raster, raster, reduction="sum") / len(pick)
    family = functional.cross_entropy(out.family, torch.from_numpy(data.family[pick]).long())
    kl = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance)
    return {
        "raster": s.raster_weight * pixels,
        "shares": _misfit(torch.sigmoid(out.shares), shares, s.share_spread),
        "family": s.family_weight * family,
        "fabric": _misfit(out.fabric, fabric, s.fabric_spread),
        "figures": _misfit(out.figures, figures, s.figure_spread),
        "kl": kl.sum(1).mean(),
    }


def _misfit(found: Tensor, wanted: Tensor, spread: float) -> Tensor:
    """Squared errors of what is known over twice the variance, summed over columns, mean over garments."""
    off = torch.where(torch.isnan(wanted), 0.0, found - torch.nan_to_num(wanted))
    return (off**2).sum(1).mean() / (2 * spread**2)
