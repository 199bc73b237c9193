"""What a garment or fabric argument means: a name of the library or a file of the user's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.core.errors import InputError
from engine.core.pattern_types import Pattern
from engine.core.types import Body, Fabric

__all__ = ["check_garment", "default_fabric", "is_file", "load_fabric", "load_pattern", "read_options"]


def check_garment(name_or_path: str) -> None:
    """Refuses an unknown library name or a broken pattern file before any long work starts."""
    from garments import library
    from garments.formats import read_pattern

    read_pattern(Path(name_or_path)) if is_file(name_or_path) else library.canonical(name_or_path)


def default_fabric(garment: str) -> str:
    """The fabric a library garment is usually made of; cotton poplin for a pattern file, which names none."""
    from garments import library

    return "poplin" if is_file(garment) else library.default_fabric(garment)


def read_options(garments: Sequence[str], given: Sequence[str]) -> list[dict[str, Any]]:
    """Options of each garment [m] from what was typed: NAME=VALUE for the last one, or GARMENT.NAME=VALUE.

    Raises:
        InputError: no such garment among those given, no such option, or a value that cannot be.
    """
    from garments import library

    typed: list[dict[str, str]] = [{} for _ in garments]
    for text in given:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise InputError("cli.option", f"--option {text}: is not NAME=VALUE", "write it like --option length=60")
        owner, dot, option = name.rpartition(".")
        mine = [k for k, g in enumerate(garments) if g == owner or _same(g, owner)] if dot else [len(garments) - 1]
        if not mine:
            raise InputError("cli.option", f"--option {text}: no --garment is called '{owner}'",
                             f"the garments are: {', '.join(garments)}")
        typed[mine[-1]][option] = value
    for garment, options in zip(garments, typed, strict=True):
        if options and is_file(garment):
            raise InputError("cli.option", f"{garment}: a pattern file has no options",
                             "leave --option out, or name a garment of the library")
    return [library.read_typed(g, o) if o else {} for g, o in zip(garments, typed, strict=True)]


def _same(garment: str, name: str) -> bool:
    """Whether a library name or alias means the same garment as another."""
    from garments import library

    key = name.strip().lower().replace("-", "_").replace(" ", "_")
    known = key in library.names() or key in library.ALIASES
    return known and not is_file(garment) and library.canonical(garment) == library.canonical(name)


def load_pattern(name_or_path: str, body: Body, options: Mapping[str, Any] | None = None) -> Pattern:
    """A pattern file, or a library garment drafted to the body's measurements, with options [m]."""
    from garments import library
    from garments.formats import read_pattern

    if is_file(name_or_path):
        return read_pattern(Path(name_or_path))
    values = {name: m.value for name, m in body.measurements.items()}
    return library.draft(name_or_path, values, body.landmarks, **(options or {}))


def load_fabric(name_or_path: str) -> Fabric:
    """A fabric file, or a fabric of the library."""
    from garments.fabrics import fabric, read_fabric

    return read_fabric(Path(name_or_path)) if is_file(name_or_path) else fabric(name_or_path)


def is_file(name_or_path: str) -> bool:
    """Whether a garment or fabric argument means a file of the user's."""
    path = Path(name_or_path)
    return bool(path.suffix) or path.is_file() or "/" in name_or_path
