"""From the fragments of a pixel to its colour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch

from render.raster.blend import sigmoid_alpha

__all__ = ["BlendParams", "hard_rgb_blend", "sigmoid_alpha_blend", "softmax_rgb_blend"]


class BlendParams(NamedTuple):
    """
    Attributes:
        sigma: squared distance over which a face's edge fades.
        gamma: how sharply nearer faces hide farther ones.
        background_color: RGB.
    """

    sigma: float = 1e-4
    gamma: float = 1e-4
    background_color: torch.Tensor | Sequence[float] = (1.0, 1.0, 1.0)


def _background(params: BlendParams, like: torch.Tensor) -> torch.Tensor:
    return torch.as_tensor(params.background_color, dtype=torch.float32, device=like.device)


def hard_rgb_blend(colors: torch.Tensor, fragments, blend_params: BlendParams) -> torch.Tensor:
    """The nearest fragment's colour, or the background; colors [n, y, x, k, 3], result [n, y, x, 4]."""
    used = (fragments.pix_to_face[..., :1] >= 0).to(colors.dtype)
    background = _background(blend_params, colors)
    return torch.cat((used * colors[..., 0, :] + (1 - used) * background, used), -1)


def sigmoid_alpha_blend(colors: torch.Tensor, fragments, blend_params: BlendParams) -> torch.Tensor:
    """The nearest fragment's colour and the soft coverage; colors [n, y, x, k, 3], result [n, y, x, 4]."""
    alpha = sigmoid_alpha(fragments.dists, fragments.pix_to_face, blend_params.sigma)
    return torch.cat((colors[..., 0, :], alpha[..., None]), -1)


def softmax_rgb_blend(
    colors: torch.Tensor, fragments, blend_params: BlendParams, znear=1.0, zfar=100.0
) -> torch.Tensor:
    """Colours weighted by soft coverage and depth (Liu et al., Soft Rasterizer, 2019).

    Args:
        colors: [n, y, x, k, 3].
        znear, zfar: depths between which fragments are compared; numbers or [n].

    Returns:
        RGBA, [n, y, x, 4].
    """
    eps = 1e-10
    near, far = (z.view(-1, 1, 1, 1) if torch.is_tensor(z) else z for z in (znear, zfar))
    used = fragments.pix_to_face >= 0
    covered = torch.sigmoid(-fragments.dists / blend_params.sigma) * used
    closeness = (far - fragments.zbuf) / (far - near) * used
    top = closeness.amax(-1, keepdim=True).clamp(min=eps)
    weight = covered * torch.exp((closeness - top) / blend_params.gamma)
    behind = torch.exp((eps - top) / blend_params.gamma).clamp(min=eps)
    mixed = (weight[..., None] * colors).sum(-2) + behind * _background(blend_params, colors)
    rgb = mixed / (weight.sum(-1, keepdim=True) + behind)
    return torch.cat((rgb, 1.0 - torch.prod(1.0 - covered, -1)[..., None]), -1)
