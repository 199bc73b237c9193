"""Pictures that show how a fit sits in its photos: the contour found and the fitted body's outline."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from engine.core.errors import JobError
from engine.core.safe_io import write_bytes

__all__ = ["overlay", "write_overlays"]

_FOUND, _FITTED, _TINT = (60, 220, 90), (255, 70, 60), (80, 150, 255)  #: sRGB
_SHIFT = 4
_MARGIN = 0.08  #: of the body's height


def overlay(view) -> np.ndarray:
    """The photo cropped to the person, the fitted body tinted, its outline red, the photo's contour green.

    Args:
        view: a ``engine.core.types.PhotoView``.

    Returns:
        sRGB uint8, shape [H, W, 3], about twice the working size.
    """
    body = view.silhouette > 0
    tinted = view.picture.astype(np.float32)
    tinted[body] = 0.75 * tinted[body] + 0.25 * np.asarray(_TINT, np.float32)
    ys, xs = np.nonzero(body)
    pad = int(_MARGIN * (np.ptp(ys) + 1)) if len(ys) else 0
    height, width = body.shape
    x0, x1, y0, y1 = 0, width, 0, height
    if len(ys):
        x0, x1 = max(xs.min() - pad, 0), min(xs.max() + pad, width)
        y0, y1 = max(ys.min() - pad, 0), min(ys.max() + pad, height)
    factor = 2 if y1 - y0 < 900 else 1
    picture = cv2.resize(
        np.clip(tinted[y0:y1, x0:x1], 0, 255).astype(np.uint8), None, fx=factor, fy=factor,
        interpolation=cv2.INTER_CUBIC if factor > 1 else cv2.INTER_AREA,
    )  # fmt: skip
    mask = cv2.resize(view.silhouette[y0:y1, x0:x1], None, fx=factor, fy=factor, interpolation=cv2.INTER_NEAREST)
    outlines, _ = cv2.findContours(mask, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(picture, outlines, -1, _FITTED, 1, cv2.LINE_AA)
    # drawing coordinates have their origin in a pixel's centre
    dots = ((view.contour - [x0, y0]) * factor - 0.5) * (1 << _SHIFT)
    for x, y in np.round(dots).astype(int):
        cv2.circle(picture, (int(x), int(y)), 12, _FOUND, -1, cv2.LINE_AA, _SHIFT)
    return picture


def write_overlays(result, folder: str | Path) -> list[Path]:
    """Writes ``fit_front.jpg`` and ``fit_side.jpg``, as far as the fit had them; returns their paths."""
    written = []
    for view in result.views:
        ok, data = cv2.imencode(".jpg", overlay(view)[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 90])
        if not ok:
            raise JobError("fit.overlay", f"the overlay of the {view.name} photo could not be encoded", "")
        written.append(write_bytes(Path(folder) / f"fit_{view.name}.jpg", data.tobytes()))
    return written
