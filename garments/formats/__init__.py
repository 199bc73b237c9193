"""Readers of sewing-pattern files."""

from __future__ import annotations

from pathlib import Path

from engine.core.errors import UnsupportedError
from engine.core.safe_io import read_bytes
from engine.core.types import Pattern
from garments.formats.garmentcode import read_garmentcode

__all__ = ["read_garmentcode", "read_pattern"]

_KNOWN = {
    ".dxf": "DXF", ".svg": "SVG", ".pdf": "PDF", ".zprj": "CLO", ".zpac": "CLO", ".plt": "HPGL", ".val": "Valentina",
    ".png": "a picture", ".jpg": "a picture", ".obj": "a 3D mesh", ".glb": "a 3D mesh",
}


def read_pattern(path: str | Path) -> Pattern:
    """Reads a pattern file, telling the format by its content.

    Raises:
        InputError: the file is missing or broken; names the place and the mend.
        UnsupportedError: the format is not one that Toile reads.
    """
    p = Path(path)
    head = read_bytes(p, what="pattern file")[:256].lstrip(b"\xef\xbb\xbf \t\r\n")
    if p.suffix.lower() == ".json" or head[:1] in (b"{", b"["):
        return read_garmentcode(p)
    kind = _KNOWN.get(p.suffix.lower())
    raise UnsupportedError(
        "pattern.format", f"{p}: " + (f"{kind} is not read as a pattern" if kind else "is not a pattern file"),
        "give a pattern in GarmentCode's JSON format",
    )
