"""The refining network: a residual U-Net that predicts a bounded change of the light on each pixel.

Ronneberger et al., U-Net (2015); residual blocks after He et al. (2016); up-sampling by resizing and convolving, which
leaves no checkerboard (Odena et al. 2016). The output is a change of log radiance on the demodulated picture: one of
luminance, and a far smaller one per colour, such as light that bounced off coloured cloth has. The albedo goes back on
unchanged, so that whatever the weights are, a garment keeps its colour.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from render.refine.features import PLANES

__all__ = ["CHROMA", "LUMINANCE", "Discriminator", "Refiner", "parameter_count"]

LUMINANCE = 1.0  #: greatest change of log luminance, either way
CHROMA = 0.01  #: of the log of each colour beside it: at the very worst 1.1 of CIEDE2000, on mid grey
WIDTHS = (16, 32, 64, 112, 152)
LEAST = 2 ** (len(WIDTHS) - 1)  #: sides of pictures are filled up to multiples of this


class _Block(nn.Module):
    """Two convolutions beside the identity; the second starts at zero."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.first, self.second = (nn.Conv2d(width, width, 3, padding=1) for _ in range(2))
        nn.init.kaiming_normal_(self.first.weight, nonlinearity="relu")
        nn.init.zeros_(self.second.weight)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.second(functional.silu(self.first(functional.silu(x))))


class Refiner(nn.Module):
    """Planes of a view, shape [B, len(PLANES), H, W], to changes of its log radiance, shape [B, 3, H, W]."""

    def __init__(self) -> None:
        super().__init__()
        deep = WIDTHS[1:]
        self.stem = nn.Conv2d(len(PLANES), WIDTHS[0], 3, padding=1)
        self.down = nn.ModuleList(
            nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in zip(WIDTHS, deep, strict=False)
        )
        self.inner = nn.ModuleList(_Block(w) for w in deep)
        self.bottom = _Block(deep[-1])
        self.up = nn.ModuleList(nn.Conv2d(b, a, 3, padding=1) for a, b in zip(WIDTHS, deep, strict=False))
        self.outer = nn.ModuleList(_Block(w) for w in WIDTHS[:-1])
        self.head = nn.Conv2d(WIDTHS[0], 4, 3, padding=1)
        # as much signal from the deep levels as from the shallow: torch's own start dampens it in every layer
        for conv in (self.stem, *self.down, *self.up):
            nn.init.kaiming_normal_(conv.weight, nonlinearity="linear")
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, planes: Tensor) -> Tensor:
        height, width = planes.shape[-2:]
        fill = (0, -width % LEAST, 0, -height % LEAST)
        x = self.stem(functional.pad(planes, fill))
        kept = []
        for down, inner in zip(self.down, self.inner, strict=True):
            kept.append(x)
            x = inner(down(x))
        x = self.bottom(x)
        for up, outer, skip in zip(reversed(self.up), reversed(self.outer), reversed(kept), strict=True):
            x = outer(skip + up(functional.interpolate(x, scale_factor=2, mode="nearest")))
        out = torch.tanh(self.head(x)[..., :height, :width])
        return LUMINANCE * out[:, :1] + CHROMA * (out[:, 1:] - out[:, 1:].mean(1, keepdim=True))


class Discriminator(nn.Module):
    """Judges patches of log light beside albedo and normals, for the hinge loss (Lim and Ye 2017); shape [B, 1, h, w].

    Spectral normalisation after Miyato et al. (2018).
    """

    def __init__(self, width: int = 32) -> None:
        super().__init__()
        sizes = (9, width, 2 * width, 4 * width)
        layers: list[nn.Module] = []
        for a, b in zip(sizes, sizes[1:], strict=False):
            layers += [nn.utils.spectral_norm(nn.Conv2d(a, b, 4, stride=2, padding=1)), nn.LeakyReLU(0.2)]
        self.layers = nn.Sequential(*layers, nn.utils.spectral_norm(nn.Conv2d(sizes[-1], 1, 3, padding=1)))

    def forward(self, light: Tensor, planes: Tensor) -> Tensor:
        """``light`` is the log light to judge, shape [B, 3, H, W]; ``planes`` the network's input beside it."""
        return self.layers(torch.cat([light, planes[:, 3:9]], dim=1))


def parameter_count(model: nn.Module) -> int:
    """How many numbers a model has learnt."""
    return sum(p.numel() for p in model.parameters())
