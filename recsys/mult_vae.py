"""Mult-VAE (Liang et al. 2018, "Variational autoencoders for collaborative filtering") over the active items.

Trained in torch; scoring needs NumPy only.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from scipy import sparse

from recsys.base import Data
from recsys.ease import active_items
from recsys.histories import Histories
from recsys.item_knn import LATEST

__all__ = ["MultVAE"]


@dataclass
class MultVAE:
    """Encoder and decoder of one hidden layer each, multinomial likelihood, annealed KL.

    Args:
        hidden, latent: Widths.
        steps: Optimiser steps of ``batch`` users.
        beta: Final weight of the KL term.
        recent: Entries of a user's history after which an older one weighs half, when scoring.
        max_items: Most active items.
    """

    hidden: int = 200
    latent: int = 64
    steps: int = 600
    batch: int = 256
    beta: float = 0.2
    recent: float = 64.0
    max_items: int = 10_000
    seed: int = 0
    name: ClassVar[str] = "mult_vae"
    grid: ClassVar[dict[str, list[Any]]] = {"recent": [64.0, 8.0]}
    query_options: ClassVar[tuple[str, ...]] = ("recent",)
    fitted: ClassVar[tuple[str, ...]] = ("active", "w_in", "b_in", "w_mean", "b_mean", "w_up", "b_up", "w_out", "b_out")
    active: np.ndarray = field(init=False, repr=False)

    def fit(self, data: Data) -> MultVAE:
        """Trains from a seeded start; the same on every machine with one thread."""
        import torch
        from torch.nn import functional

        h = data.histories.latest(LATEST)
        self.active = active_items(h, self.max_items)
        x = h.matrix()[:, self.active]
        x = x[np.asarray(x.sum(1)).ravel() > 0]
        rng, generator = np.random.default_rng(self.seed), torch.Generator().manual_seed(self.seed)
        sizes = (len(self.active), self.hidden), (self.hidden, 2 * self.latent), (self.latent, self.hidden)
        layers = [_layer(a, b, generator) for a, b in (*sizes, (self.hidden, len(self.active)))]
        optimiser = torch.optim.Adam([p for layer in layers for p in layer], lr=1e-3)
        for step in range(self.steps):
            rows = rng.integers(x.shape[0], size=min(self.batch, x.shape[0]))
            wanted = torch.from_numpy(x[rows].toarray())
            kept = _dropped(wanted, generator)
            (w_in, b_in), (w_mean, b_mean), (w_up, b_up), (w_out, b_out) = layers
            code = torch.tanh(kept @ w_in + b_in) @ w_mean + b_mean
            mean, log_variance = code[:, : self.latent], code[:, self.latent :].clamp(-8, 8)
            sample = mean + torch.randn(mean.shape, generator=generator) * torch.exp(log_variance / 2)
            logits = torch.tanh(sample @ w_up + b_up) @ w_out + b_out
            likelihood = (functional.log_softmax(logits, 1) * wanted).sum(1) / wanted.sum(1)
            divergence = 0.5 * (log_variance.exp() + mean**2 - 1 - log_variance).sum(1)
            beta = self.beta * min(1.0, 2 * step / self.steps) / wanted.sum(1).clamp(min=1)
            loss = (-likelihood + beta * divergence).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        names = [n for n in self.fitted if n != "active"]
        for name, value in zip(names, [p for layer in layers for p in layer], strict=True):
            setattr(self, name, value.detach().numpy())
        return self

    def score(self, histories: Histories) -> np.ndarray:
        """Log-likelihood of each item, shifted so that items out of reach have 0, shape [row, item]."""
        x = histories.profile(self.recent)[:, self.active]
        length = np.sqrt(np.asarray(x.multiply(x).sum(1)).ravel())
        x = sparse.diags(1 / np.maximum(length, 1e-6)) @ x
        code = np.tanh(x @ self.w_in + self.b_in) @ self.w_mean[:, : self.latent] + self.b_mean[: self.latent]
        logits = np.tanh(code @ self.w_up + self.b_up) @ self.w_out + self.b_out
        scores = np.zeros((len(histories), histories.n_items), np.float32)
        scores[:, self.active] = logits - logits.min(1, keepdims=True)
        return scores


def _layer(inputs: int, outputs: int, generator: Any) -> list[Any]:
    import torch

    scale = (2 / (inputs + outputs)) ** 0.5
    weight = (torch.randn((inputs, outputs), generator=generator) * scale).requires_grad_()
    return [weight, torch.zeros(outputs, requires_grad=True)]


def _dropped(wanted: Any, generator: Any) -> Any:
    """Rows of unit length with half of their entries left out."""
    import torch

    unit = torch.nn.functional.normalize(wanted)
    return unit * (torch.rand(unit.shape, generator=generator) < 0.5) * 2
