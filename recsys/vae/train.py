"""Trains the garment VAE, on one CPU thread in minutes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from recsys.vae.compose import Joints, joined
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

    steps: int = 1200
    batch: int = 64
    rate: float = 3e-3
    raster_weight: float = 0.5
    drawn: float = 0.5  #: share of a batch whose rasters are drawn again: they cost most of a step
    share_spread: float = 0.04
    fabric_spread: float = 0.6
    figure_spread: float = 0.08
    family_weight: float = 10.0
    present_weight: float = 4.0  #: of which figures a garment has
    joined: float = 0.4  #: share of lower garments that get another's upper part
    forgotten: float = 0.5  #: share of garments of which only is known what their patterns say of the body
    kl: float = 1.0  #: weight of the KL term once it is wholly in
    anneal: float = 0.4  #: share of the steps over which it comes in
    seed: int = 0


@dataclass(frozen=True)
class TrainingSet:
    """Garments to learn from; NaN in ``shares`` and ``figures`` is unknown."""

    raster: np.ndarray  #: uint8, shape [n, 2, 12, 32, 32]
    family: np.ndarray  #: -1 for parts of garments, shape [n]
    shares: np.ndarray  #: shape [n, parameter]
    fabric: np.ndarray  #: standardised, shape [n, 8]
    body: np.ndarray  #: standardised, shape [n, 6]
    told: np.ndarray  #: what of the body is known from the pattern, bool, shape [n, 6]
    figures: np.ndarray  #: of the silhouette, standardised, NaN where there is no such thing, shape [n, figure]
    joints: Joints

    def batch(self, pick: np.ndarray, share: float, forgotten: float, rng: np.random.Generator) -> dict[str, Tensor]:
        """Garments by their rows, some joined to others' upper parts, as the model's inputs and outputs.

        Args:
            share: Of the lower garments, those to be joined.
            forgotten: Share of garments of which only is known what their patterns say of the body; of the others all.
        """
        out = {name: getattr(self, name)[pick].copy() for name in ("raster", "family", "shares", "figures", "told")}
        lower, tops = self.joints.partners(self.figures)
        for i in np.flatnonzero(lower[pick] & (rng.random(len(pick)) < share)):
            fitting = tops.get(int(self.joints.stand[pick[i]]), ())
            if not len(fitting):
                continue
            top = int(rng.choice(fitting))
            out["raster"][i] = joined(out["raster"][i], self.raster[top], self.joints.waist[pick[i]])
            out["family"][i], out["shares"][i] = -1, np.nan
            out["figures"][i, self.joints.upper] = self.figures[top, self.joints.upper]
            out["told"][i] |= self.told[top]
        told = out.pop("told") | (rng.random((len(pick), 1)) > forgotten)
        tensors = {name: torch.from_numpy(v) for name, v in out.items()}
        return tensors | {
            "raster": tensors["raster"].flatten(1, 2).float() / 255, "family": tensors["family"].long(),
            "fabric": torch.from_numpy(self.fabric[pick]).float(),
            "body": torch.from_numpy(np.where(told, self.body[pick], 0.0)).float(),
        }  # fmt: skip


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
        parts = _loss(model, data.batch(pick, s.joined, s.forgotten, rng), s)
        loss = sum(value * (weight if name == "kl" else 1.0) for name, value in parts.items())
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 200.0)
        optimiser.step()
        schedule.step()
        if step % 100 == 99 or step == s.steps - 1:
            say(f"step {step + 1}: " + ", ".join(f"{k} {v.item():.2f}" for k, v in parts.items()))
    return model.eval()


def _loss(model: GarmentVae, batch: dict[str, Tensor], s: Settings) -> dict[str, Tensor]:
    """The loss's terms for a batch of ``TrainingSet.batch``."""
    raster, family, figures = batch["raster"], batch["family"], batch["figures"].float()
    mean, log_variance = model.encode(raster, batch["fabric"], batch["body"])
    latent = mean + torch.exp(log_variance / 2) * torch.randn_like(mean)
    drawn = max(1, round(s.drawn * len(raster)))
    out = model.decode(latent, batch["body"], drawn)
    pixels = functional.binary_cross_entropy_with_logits(out.raster, raster[:drawn], reduction="sum")
    named = functional.cross_entropy(out.family, family, ignore_index=-1, reduction="sum")
    present = functional.binary_cross_entropy_with_logits(
        out.present, torch.isfinite(figures).float(), reduction="sum"
    )  # fmt: skip
    kl = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance)
    return {
        "raster": s.raster_weight * pixels / drawn,
        "shares": _misfit(torch.sigmoid(out.shares), batch["shares"].float(), s.share_spread),
        "family": s.family_weight * named / len(raster),
        "fabric": _misfit(out.fabric, batch["fabric"], s.fabric_spread),
        "figures": _misfit(out.figures, figures, s.figure_spread),
        "present": s.present_weight * present / len(raster),
        "kl": kl.sum(1).mean(),
    }


def _misfit(found: Tensor, wanted: Tensor, spread: float) -> Tensor:
    """Squared errors of what is known over twice the variance, summed over columns, mean over garments."""
    off = torch.where(torch.isnan(wanted), 0.0, found - torch.nan_to_num(wanted))
    return (off**2).sum(1).mean() / (2 * spread**2)
