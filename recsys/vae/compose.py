"""Garments that the library has no block for, to learn from: the upper part of one on the lower part of another.

An encoder that has only seen tops with sleeves and skirts with waistbands takes a sleeveless dress for a skirt. In a
raster the two are one picture: rows above the body's waist of a garment without sleeves, the other's rows on them (an
augmentation in the manner of CutMix, Yun et al. 2019, but along the line where a tailor joins). Its figures are known
from both; what block would draw it is not.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

__all__ = ["Joints", "joined"]


@dataclass(frozen=True)
class Joints:
    """What of a training set can be put upon what.

    Attributes:
        upper: Columns of the figures that are the upper part's; a garment that has the first of them (the bust's) and
            not the last (the sleeves') can be an upper part, one that has none of them a lower.
        stand: The body of each garment; only parts for the same body are put together, shape [n].
        waist: The row of the raster at which the body's waist lies, shape [n].
    """

    upper: np.ndarray
    stand: np.ndarray
    waist: np.ndarray

    def partners(self, figures: np.ndarray) -> tuple[np.ndarray, dict[int, np.ndarray]]:
        """Rows that are lower parts, bool, shape [n], and for each body the rows that are upper parts for it."""
        has = np.isfinite(figures[:, self.upper])
        tops = np.flatnonzero(has[:, 0] & ~has[:, -1])
        return ~has.any(1), {int(b): tops[self.stand[tops] == b] for b in np.unique(self.stand[tops])}


def joined(raster: np.ndarray, top: np.ndarray, waist: float) -> np.ndarray:
    """The upper garment's rows above the waist upon the lower one's raster.

    Args:
        raster, top: uint8, shape [2, 12, 32, 32], row 0 the lowest.
        waist: Row of the waist; the row that it lies in is the lower garment's where that has cloth.
    """
    above = np.arange(raster.shape[2])[:, None] >= np.floor(waist)
    return np.maximum(raster, np.where(above, top, 0))
