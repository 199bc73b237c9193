"""Refines a drawn view: the network's change of light on garments and skin; face, sheer cloth and backdrop stay."""

from __future__ import annotations

import numpy as np
import torch

from render.refine.features import Features, planes, relit
from render.refine.network import Refiner

__all__ = ["light_change", "refined"]


def light_change(model: Refiner, features: Features) -> np.ndarray:
    """Change of log radiance of each pixel, 0 where nothing is refined, shape [H, W, 3].

    On one thread: sums of convolutions split between several differ in their last bits.
    """
    seen = torch.from_numpy(planes(features))[None].contiguous(memory_format=torch.channels_last)
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with torch.inference_mode():
            change = model(seen)[0].numpy()
    finally:
        torch.set_num_threads(threads)
    return np.moveaxis(change, 0, -1) * features.weight[..., None]


def refined(model: Refiner, features: Features) -> np.ndarray:
    """Refined radiance of the subject, premultiplied, shape [H, W, 3]."""
    return relit(features.rgb, light_change(model, features), features.white)
