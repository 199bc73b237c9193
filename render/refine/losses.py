"""What the refining network is trained by: log radiance, multi-scale structural similarity, and the hinge of a GAN."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

__all__ = ["judge_loss", "ms_ssim_loss", "smooth_l1", "shown"]

#: Weights of the scales, fine to coarse (Wang, Simoncelli and Bovik 2003), of as many as small squares allow.
SCALES = (0.0448, 0.2856, 0.3001)
C1, C2 = 0.01**2, 0.03**2


def smooth_l1(made: Tensor, wanted: Tensor, weight: Tensor, knee: float) -> Tensor:
    """Mean absolute error over what is refined, squared below ``knee``; [B, 3, H, W] and weight [B, 1, H, W].

    Small errors are mostly what no one can know, such as a thread's glint; they are not to outvote the large ones.
    """
    error = functional.smooth_l1_loss(made, wanted, reduction="none", beta=knee)
    return (error * weight).sum() / (3 * weight.sum()).clamp(min=1.0)


def shown(rgb: Tensor) -> Tensor:
    """Linear radiance as bright as it looks: a smooth shoulder and a gamma, 0..1, for losses only."""
    rgb = rgb.clamp(min=0)
    return (rgb / (1 + rgb / 3) + 1e-3) ** (1 / 2.2)


def ms_ssim_loss(a: Tensor, b: Tensor) -> Tensor:
    """1 minus the multi-scale structural similarity of pictures 0..1, shape [B, 3, H, W]."""
    window = _window(a)
    product = torch.ones(len(a), device=a.device)
    for i, power in enumerate(SCALES):
        if i:
            a, b = functional.avg_pool2d(a, 2), functional.avg_pool2d(b, 2)
        luminance, structure = _ssim(a, b, window)
        last = i == len(SCALES) - 1
        product = product * (luminance * structure if last else structure).clamp(min=1e-4) ** (power / sum(SCALES))
    return 1 - product.mean()


def _ssim(a: Tensor, b: Tensor, window: Tensor) -> tuple[Tensor, Tensor]:
    """Luminance term and contrast-structure term, means over the picture, shape [B] each."""

    def blur(x: Tensor) -> Tensor:
        x = functional.conv2d(x, window, groups=x.shape[1])
        return functional.conv2d(x, window.transpose(2, 3), groups=x.shape[1])

    mean_a, mean_b = blur(a), blur(b)
    var_a, var_b, both = blur(a * a) - mean_a**2, blur(b * b) - mean_b**2, blur(a * b) - mean_a * mean_b
    luminance = (2 * mean_a * mean_b + C1) / (mean_a**2 + mean_b**2 + C1)
    structure = (2 * both + C2) / (var_a + var_b + C2)
    return luminance.mean((1, 2, 3)), structure.mean((1, 2, 3))


def _window(like: Tensor) -> Tensor:
    x = torch.arange(11, device=like.device, dtype=like.dtype) - 5
    g = torch.exp(-(x**2) / (2 * 1.5**2))
    return (g / g.sum()).reshape(1, 1, 1, -1).repeat(like.shape[1], 1, 1, 1)


def judge_loss(real: Tensor, made: Tensor) -> Tensor:
    """The discriminator's hinge loss on its verdicts."""
    return functional.relu(1 - real).mean() + functional.relu(1 + made).mean()
