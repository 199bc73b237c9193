"""Fits a blend's weights: a listwise softmax over each user's candidates, linear first, then a small network on top.

The loss is that of a conditional logit (McFadden 1973), or ListNet's top-one loss (Cao et al. 2007), over all
candidates: a sample of them would show fewer new items than there are, and overrate those.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from recsys.blend import Blend, Examples

__all__ = ["fit_linear", "fit_network"]

ITERATIONS = 40
HIDDEN, BATCH, RATE, DECAY = 16, 64, 5e-3, 0.1


def fit_linear(start: Blend, learn: Examples, ridges: tuple[float, ...]) -> list[Blend]:
    """The blend at each strength of the ridge to where it starts, the strongest first, each from the one before."""
    import torch

    users = np.flatnonzero(learn.hit.any(1))
    if not len(users):
        return [start] * len(ridges)
    z = torch.from_numpy(start.standardised(learn.features[users]))
    length = z[..., start.length_feature]
    missing = torch.from_numpy(~learn.valid[users])
    wanted = torch.from_numpy(learn.hit[users].astype(np.float32))
    wanted /= wanted.sum(1, keepdim=True)
    anchor = torch.from_numpy(np.stack([start.linear, start.by_length], 1))
    weights = anchor.clone().requires_grad_()
    fitted = []
    for ridge in ridges:
        optimiser = torch.optim.LBFGS([weights], max_iter=ITERATIONS, line_search_fn="strong_wolfe")

        def loss(ridge: float = ridge, optimiser: torch.optim.LBFGS = optimiser) -> torch.Tensor:
            optimiser.zero_grad()
            part = z @ weights
            score = (part[..., 0] + length * part[..., 1]).masked_fill(missing, -1e9)
            value = -(torch.log_softmax(score, 1) * wanted).sum(1).mean() + ridge * (weights - anchor).square().sum()
            value.backward()
            return value

        optimiser.step(loss)
        linear, by_length = weights.detach().numpy().T.copy()
        fitted.append(replace(start, linear=linear, by_length=by_length))
    return fitted


def fit_network(start: Blend, learn: Examples, epochs: tuple[int, ...], *, seed: int = 0) -> list[Blend]:
    """The blend with a network on top that learns what it leaves, after each number of epochs (rising).

    Starts from no correction at all; AdamW (Loshchilov and Hutter 2019), so that stopping early is what holds it.
    """
    import torch

    users = np.flatnonzero(learn.hit.any(1))
    if not len(users) or not epochs:
        return [start] * len(epochs)
    z, missing, wanted, base = (torch.from_numpy(part) for part in _parts(start, learn.rows(users)))
    generator = torch.Generator().manual_seed(seed)
    inner = torch.randn((z.shape[2], HIDDEN), generator=generator) / z.shape[2] ** 0.5
    shift, outer = torch.zeros(HIDDEN), torch.zeros(HIDDEN)
    weights = [w.requires_grad_() for w in (inner, shift, outer)]
    optimiser = torch.optim.AdamW(weights, lr=RATE, weight_decay=DECAY)
    fitted = []
    for epoch in range(1, max(epochs) + 1):
        for rows in torch.randperm(len(z), generator=generator).split(BATCH):
            score = base[rows] + torch.tanh(z[rows] @ inner + shift) @ outer
            loss = -(torch.log_softmax(score.masked_fill(missing[rows], -1e9), 1) * wanted[rows]).sum(1).mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        if epoch in epochs:
            now = {n: w.detach().numpy().copy() for n, w in zip(("inner", "shift", "outer"), weights, strict=True)}
            fitted.append(replace(start, **now))
    return fitted


def _parts(start: Blend, learn: Examples) -> tuple[Any, ...]:
    """Standardised figures, what is missing, shares of what was wanted, and the score so far."""
    wanted = learn.hit.astype(np.float32)
    wanted /= wanted.sum(1, keepdims=True)
    return start.standardised(learn.features), ~learn.valid, wanted, start.score(learn.features).astype(np.float32)
