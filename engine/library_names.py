"""What a garment or fabric argument means: a name of the library or a file of the user's."""

from __future__ import annotations

from pathlib import Path

from engine.core.types import Body, Fabric, Pattern

__all__ = ["check_garment", "default_fabric", "load_fabric", "load_pattern"]


def check_garment(name_or_path: str) -> None:
    """Refuses an unknown library name or a broken pattern file before any long work starts."""
    from garments import library
    from garments.formats import read_pattern

    read_pattern(Path(name_or_path)) if _is_file(name_or_path) else library.canonical(name_or_path)


def default_fabric(garment: str) -> str:
    """The fabric a library garment is usually made of; cotton poplin for a pattern file, which names none."""
    from garments import library

    return "poplin" if _is_file(garment) else library.default_fabric(garment)


def load_pattern(name_or_path: str, body: Body) -> Pattern:
    """A pattern file, or a library garment drafted to the body's measurements."""
    from garments import library
    from garments.formats import read_pattern

    if _is_file(name_or_path):
        return read_pattern(Path(name_or_path))
    values = {name: m.value for name, m in body.measurements.items()}
    return library.draft(name_or_path, values, body.landmarks)


def load_fabric(name_or_path: str) -> Fabric:
    """A fabric file, or a fabric of the library."""
    from garments.fabrics import fabric, read_fabric

    return read_fabric(Path(name_or_path)) if _is_file(name_or_path) else fabric(name_or_path)


def _is_file(name_or_path: str) -> bool:
    path = Path(name_or_path)
    return bool(path.suffix) or path.is_file() or "/" in name_or_path
