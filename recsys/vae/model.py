"""The garment VAE: rasters and figures to a latent of 32 numbers, and back to raster, fabric and a design to draft.

A convolutional variational autoencoder (Kingma and Welling 2014), conditioned on the body that the pattern was drafted
for (Sohn et al. 2015), so that the latent holds the garment and not its size. Beside the raster it decodes the family
and, for every family, its typed design parameters: these, and not the raster, are what is drafted and sewn. Linear
heads foretell the silhouette's measured figures, which mean the same for every family, and which of them a garment has
at all. A garment's *place*, by which garments are alike, is what these heads say and, less, the rest of the latent:
so garments that are worn alike lie near each other, also those of families that the model never saw.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from recsys.vae.figures import BODY, FABRIC
from recsys.vae.raster import CELLS, CHANNELS

__all__ = ["LATENT", "Decoded", "GarmentVae"]

LATENT = 32
_PLANES = 2 * len(CHANNELS)
_SMALL = CELLS // 8


@dataclass
class Decoded:
    """What a batch of latents stands for."""

    raster: Tensor  #: logits of the raster, shape [drawn, 24, 32, 32]
    family: Tensor  #: logits, shape [n, family]
    shares: Tensor  #: logits of all families' parameters as shares of their ranges, shape [n, parameter]
    fabric: Tensor  #: standardised figures of the fabric, shape [n, 8]
    figures: Tensor  #: standardised figures of the silhouette, shape [n, figure]
    present: Tensor  #: logits of whether the garment has each of them, shape [n, figure]


class GarmentVae(nn.Module):
    """See the module's text.

    Args:
        families: Number of families.
        parameters: Columns of the design parameters of all families together.
        figures: Number of figures of the silhouette.
    """

    def __init__(self, families: int, parameters: int, figures: int, *, width: int = 32, hidden: int = 160) -> None:
        super().__init__()
        body = len(BODY)
        flat = 3 * width * _SMALL * _SMALL

        def down(inputs: int, outputs: int) -> nn.Sequential:
            return nn.Sequential(nn.Conv2d(inputs, outputs, 3, 2, 1), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.1))

        def up(inputs: int, outputs: int) -> nn.Sequential:
            layers = nn.ConvTranspose2d(inputs, outputs, 4, 2, 1), nn.BatchNorm2d(outputs), nn.LeakyReLU(0.1)
            return nn.Sequential(*layers)

        self.look = nn.Sequential(
            down(_PLANES, width), down(width, 2 * width), down(2 * width, 3 * width), nn.Flatten()
        )
        self.join = nn.Sequential(nn.Linear(flat + _PLANES * CELLS + len(FABRIC) + body, hidden), nn.LeakyReLU(0.1))
        self.posterior = nn.Linear(hidden, 2 * LATENT)
        self.spread = nn.Sequential(nn.Linear(LATENT + body, flat), nn.LeakyReLU(0.1))
        self.draw = nn.Sequential(
            up(3 * width, 2 * width), up(2 * width, width), nn.ConvTranspose2d(width, _PLANES, 4, 2, 1)
        )
        self.design = nn.Sequential(
            nn.Linear(LATENT + body, hidden), nn.LeakyReLU(0.1), nn.Linear(hidden, hidden), nn.LeakyReLU(0.1)
        )
        self.family = nn.Linear(hidden, families)
        self.shares = nn.Linear(hidden, parameters)
        self.fabric = nn.Linear(LATENT, len(FABRIC))
        self.figures = nn.Linear(LATENT, figures)
        self.present = nn.Linear(LATENT, figures)

    def encode(self, raster: Tensor, fabric: Tensor, body: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and log variance of the latent, shape [n, 32] each.

        Args:
            raster: shape [n, 24, 32, 32].
            fabric, body: standardised figures, shape [n, 8] and [n, 6]; 0 where not known.
        """
        girths = raster.sum(3).flatten(1) / 4  # what a level has of each channel: widths of cloth are girths
        seen = torch.cat([self.look(raster), girths, fabric, body], 1)
        mean, log_variance = self.posterior(self.join(seen)).chunk(2, 1)
        return mean, log_variance.clamp(-8.0, 4.0)

    def decode(self, latent: Tensor, body: Tensor, drawn: int | None = None) -> Decoded:
        """What latents stand for on a body; shapes [n, 32] and [n, 6]. Rasters, which cost most, of the first ones."""
        both = torch.cat([latent, body], 1)
        wide = self.spread(both[:drawn])
        raster = self.draw(wide.view(len(wide), -1, _SMALL, _SMALL))
        design = self.design(both)
        return Decoded(
            raster, self.family(design), self.shares(design), self.fabric(latent), self.figures(latent),
            self.present(latent),
        )  # fmt: skip
