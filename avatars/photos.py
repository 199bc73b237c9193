"""Reads a phone photo for the fit: bounded, upright, in sRGB, with what its EXIF block says about the lens.

Pixel centres are at half-integers (``core.types.Camera``), so that scaling a picture scales its coordinates.
"""

from __future__ import annotations

import io
import math
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from engine.core.errors import InputError, UnsupportedError
from engine.core.safe_io import read_bytes

__all__ = ["Photo", "FocalGuess", "read_photo", "guess_focal"]

MAX_BYTES = 80 << 20
MAX_PIXELS = 120_000_000
MIN_SHORT_SIDE = 300
MIN_LONG_SIDE = 480
WORK_LONG_SIDE = 1600
FULL_FRAME_DIAGONAL = math.hypot(36.0, 24.0)  #: [mm]
PHONE_EQUIVALENT = 26.0  #: usual main lens of a phone, 35 mm equivalent [mm]

_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "BMP")
_TAG_IFD = 0x8769
_TAG_FOCAL = 0x920A
_TAG_FOCAL_35 = 0xA405
_TAG_WIDTH, _TAG_HEIGHT = 0xA002, 0xA003
_KNOWN_ASPECTS = (4 / 3, 3 / 2, 16 / 9, 1.0)
_HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1", b"avif", b"avis")


@dataclass(frozen=True)
class FocalGuess:
    """Focal length in units of the picture's diagonal, with the standard error of its logarithm."""

    per_diagonal: float
    log_std: float
    source: str  #: exif_35mm, exif or prior


@dataclass(frozen=True)
class Photo:
    """An upright photo at working size."""

    path: str
    rgb: np.ndarray  #: sRGB uint8, shape [H, W, 3]
    focal: FocalGuess
    original_size: tuple[int, int]  #: (width, height) after turning upright [px]

    @property
    def size(self) -> tuple[int, int]:
        """(width, height) [px] at working size."""
        return self.rgb.shape[1], self.rgb.shape[0]

    @property
    def diagonal(self) -> float:
        """Diagonal of the working picture [px]."""
        return math.hypot(*self.size)


def read_photo(path: str | Path, *, long_side: int = WORK_LONG_SIDE) -> Photo:
    """Opens a photo of any size a phone makes and returns it upright with at most ``long_side`` pixels.

    Raises:
        InputError: the file is missing, empty, damaged, too large, too small or not a photo.
        UnsupportedError: the file is HEIC/AVIF.
    """
    p = Path(path)
    raw = read_bytes(p, limit=MAX_BYTES, what="photo")
    _refuse_other_types(p, raw)
    try:
        with warnings.catch_warnings():
            # Pillow warns of large pictures and of odd EXIF blocks; both are handled here
            warnings.simplefilter("ignore")
            image, exif = _decode(p, raw, long_side)
    except UnidentifiedImageError:
        raise InputError(
            "photo.type", f"{p}: is not a photo that can be read", "give a JPEG, PNG or WebP picture"
        ) from None
    except Image.DecompressionBombError:
        raise _too_many(p, "") from None
    except (OSError, SyntaxError, ValueError, EOFError, MemoryError) as error:
        raise InputError(
            "photo.damaged", f"{p}: the photo is damaged ({str(error) or type(error).__name__})",
            "copy it from the phone again",
        ) from None
    upright, size = image
    return Photo(str(p), upright, guess_focal(exif, size), size)


def _refuse_other_types(p: Path, raw: bytes) -> None:
    if raw[4:8] == b"ftyp":
        if raw[8:12] in _HEIF_BRANDS:
            raise UnsupportedError(
                "photo.heic", f"{p}: HEIC/AVIF photos are not read",
                "export it as JPEG (iPhone: Settings > Camera > Formats > Most Compatible)",
            )
        raise InputError("photo.type", f"{p}: is a video, not a photo", "give a JPEG, PNG or WebP picture")
    if raw[:4] in (b"II*\0", b"MM\0*") and p.suffix.lower() in (".dng", ".nef", ".cr2", ".arw"):
        raise UnsupportedError("photo.raw", f"{p}: raw camera files are not read", "export it as JPEG")


def _too_many(p: Path, size: str) -> InputError:
    return InputError(
        "photo.too_many_pixels", f"{p}: the picture has more pixels{size} than a phone photo",
        "scale it down to 12 megapixels or less",
    )


def _decode(p: Path, raw: bytes, long_side: int) -> tuple[tuple[np.ndarray, tuple[int, int]], dict[int, object]]:
    with Image.open(io.BytesIO(raw), formats=_FORMATS) as image:
        width, height = image.size
        if width * height > MAX_PIXELS:
            raise _too_many(p, f" ({width} x {height})")
        if min(width, height) < MIN_SHORT_SIDE or max(width, height) < MIN_LONG_SIDE:
            raise InputError(
                "photo.too_small", f"{p}: {width} x {height} pixels are too few to measure a body",
                f"use the original photo, at least {MIN_SHORT_SIDE} x {MIN_LONG_SIDE} pixels",
            )
        exif = _lens_tags(image)
        if image.format == "JPEG":
            image.draft(None, (2 * long_side, 2 * long_side))
        image.load()
        turned = ImageOps.exif_transpose(image)
        original = (height, width) if (turned.size[0] > turned.size[1]) != (width > height) else (width, height)
        rgb = _to_rgb(turned)
        scale = long_side / max(rgb.size)
        if scale < 1:
            # exact area average: no aliasing, and the borders keep their place
            rgb = rgb.resize((max(round(rgb.size[0] * scale), 1), max(round(rgb.size[1] * scale), 1)), Image.BOX)
        return (np.ascontiguousarray(np.asarray(rgb, np.uint8)), original), exif


def _lens_tags(image: Image.Image) -> dict[int, object]:
    try:
        block = image.getexif()
        return {**dict(block), **dict(block.get_ifd(_TAG_IFD))}
    except (ValueError, OSError, SyntaxError, KeyError, TypeError, IndexError, EOFError):
        return {}  # a damaged EXIF block says nothing, the picture may still be whole


def _to_rgb(image: Image.Image) -> Image.Image:
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        values = np.asarray(image, np.float64)
        top = 65535.0 if image.mode.startswith("I") and values.max() > 255 else max(float(values.max()), 1.0)
        return Image.fromarray((np.clip(values / top, 0, 1) * 255).astype(np.uint8)).convert("RGB")
    if image.mode == "P":
        image = image.convert("RGBA")
    if image.mode in ("RGBA", "LA", "PA"):
        flat = Image.new("RGBA", image.size, (255, 255, 255, 255))
        return Image.alpha_composite(flat, image.convert("RGBA")).convert("RGB")
    return image.convert("RGB")


def _number(value: object) -> float:
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError, ZeroDivisionError):
        return 0.0
    return number if math.isfinite(number) else 0.0


def guess_focal(exif: dict[int, object], size: tuple[int, int]) -> FocalGuess:
    """Focal length from EXIF tags, else that of a usual phone.

    Args:
        exif: tag number -> value; may be empty.
        size: (width, height) of the whole picture [px].
    """
    equivalent = _number(exif.get(_TAG_FOCAL_35))
    focal = _number(exif.get(_TAG_FOCAL))
    if 8.0 <= equivalent <= 600.0:
        guess, std, source = equivalent, 0.03, "exif_35mm"
    elif 1.0 <= focal < 12.0:
        # phone sensors: 1/3" to 1/1.3"; whatever the sensor, the main lens is made to see like 24 to 28 mm
        guess, std, source = PHONE_EQUIVALENT, 0.10, "exif"
    elif 12.0 <= focal <= 400.0:
        guess, std, source = 1.3 * focal, 0.25, "exif"  # between full frame (1.0) and APS-C (1.6)
    else:
        guess, std, source = PHONE_EQUIVALENT, 0.12, "prior"
    aspect = max(size) / min(size)
    cropped = min(abs(aspect - known) for known in _KNOWN_ASPECTS) > 0.04
    declared = (_number(exif.get(_TAG_WIDTH)), _number(exif.get(_TAG_HEIGHT)))
    if min(declared) > 0:
        cropped |= abs(max(declared) / min(declared) / aspect - 1) > 0.03
    if cropped and source != "prior":
        std = max(std, 0.12)  # the lens saw more than this picture shows
    return FocalGuess(guess / FULL_FRAME_DIAGONAL, std, source)
