"""Refines a drawn view: the network's change of light on garments and skin; face, sheer cloth and backdrop stay."""

from __future__ import annotations

import numpy as np
import torch

from render.refine.features import DARK, Features, planes
from render.refine.network import Refiner

__all__ = ["light_change", "refined"]


def light_change(model: Refiner, features: Features) -> np.ndarray:
    """Change of log radiance of each pixel, 0 where nothing is refined, shape [H, W, 3]."""
    with torch.inference_mode():
        change = model(torch.from_numpy(planes(features))[None])[0].numpy()
    return np.moveaxis(change, 0, -1) * features.weight[..., None]


def refined(model: Refiner, features: Features) -> np.ndarray:
    """Refined radiance of the subject, premultiplied, shape [H, W, 3]."""
    return np.maximum((features.rgb + DARK) * np.exp(light_change(model, features)) - DARK, 0)
