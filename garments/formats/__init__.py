"""Readers of sewing-pattern files, and a writer of Toile's own."""

from __future__ import annotations

from pathlib import Path

from engine.core.errors import UnsupportedError
from engine.core.pattern_types import Pattern
from engine.core.safe_io import read_bytes, read_json
from garments.formats.garmentcode import read_garmentcode
from garments.formats.toile_json import FORMAT, read_design, read_toile, write_toile

__all__ = ["read_design", "read_garmentcode", "read_pattern", "read_toile", "write_toile"]

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
        root = read_json(p, what="pattern file")
        own = isinstance(root, dict) and root.get("format") == FORMAT
        return read_toile(p) if own else read_garmentcode(p)
    kind = _KNOWN.get(p.suffix.lower())
    raise UnsupportedError(
        "pattern.format", f"{p}: " + (f"{kind} is not read as a pattern" if kind else "is not a pattern file"),
        "give a pattern in Toile's or GarmentCode's JSON format",
    )
