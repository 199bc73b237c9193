"""The garments that Toile drafts to a body's measurements.

``draft("tee", body.measurements, body.landmarks)`` gives a pattern ready for ``garments.placement.place``; options are
the fields of the block's dataclass (lengths and ease in metres), checked for name, type and range.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.core.errors import InputError
from engine.core.pattern_types import Pattern
from garments.blocks.jacket import JACKET_NEEDS, JacketOptions, jacket
from garments.blocks.options import options_of, read_options, typed_options
from garments.blocks.pleated import PleatedOptions, pleated_skirt
from garments.blocks.sheath import SHEATH_NEEDS, SheathOptions, sheath
from garments.blocks.shirt import SHIRT_NEEDS, ShirtOptions, shirt
from garments.blocks.skirts import SKIRT_NEEDS, ALineOptions, SkirtOptions, a_line_skirt, straight_skirt
from garments.blocks.tee import TEE_NEEDS, TeeOptions, tee
from garments.blocks.trousers import TROUSERS_NEEDS, TrousersOptions, trousers

__all__ = ["ALIASES", "Entry", "canonical", "default_fabric", "describe", "draft", "entry", "names", "read_typed"]


@dataclass(frozen=True)
class Entry:
    """A garment of the library."""

    label: str
    text: str
    kind: str
    fabric: str  #: default fabric
    block: Callable[..., Pattern]
    options: type
    needs: tuple[str, ...]  #: body measurements


_LIBRARY: dict[str, Entry] = {
    "tee": Entry("T-shirt", "set-in short sleeves, crew neck with a neckband", "top", "jersey", tee, TeeOptions,
                 TEE_NEEDS),
    "shirt": Entry("Shirt", "fitted, long sleeves with cuffs, collar with stand, buttoned placket, yoke", "shirt",
                   "poplin", shirt, ShirtOptions, SHIRT_NEEDS),
    "jacket": Entry("Jacket", "unlined box jacket to wear over a shirt, front opening, collar, long sleeves", "jacket",
                    "denim", jacket, JacketOptions, JACKET_NEEDS),
    "skirt_straight": Entry("Straight skirt", "knee length, darts, waistband", "skirt", "wool_suiting",
                            straight_skirt, SkirtOptions, SKIRT_NEEDS),
    "skirt_a_line": Entry("A-line skirt", "knee length, flared from the hip, darts, waistband", "skirt", "twill",
                          a_line_skirt, ALineOptions, SKIRT_NEEDS),
    "skirt_pleated": Entry("Pleated skirt", "knee length, knife, box or inverted pleats stitched down, waistband",
                           "skirt", "wool_suiting", pleated_skirt, PleatedOptions, SKIRT_NEEDS),
    "trousers": Entry("Trousers", "straight leg, darts, waistband", "trousers", "twill", trousers, TrousersOptions,
                      TROUSERS_NEEDS),
    "sheath": Entry("Sheath dress", "sleeveless, bust and waist darts, waist seam, knee length", "dress", "ponte",
                    sheath, SheathOptions, SHEATH_NEEDS),
}

#: Other names people use.
ALIASES: dict[str, str] = {
    "t_shirt": "tee", "tshirt": "tee", "t": "tee", "blouse": "shirt", "button_up": "shirt",
    "chore_jacket": "jacket", "box_jacket": "jacket", "overshirt": "jacket", "skirt": "skirt_straight",
    "straight_skirt": "skirt_straight", "pencil_skirt": "skirt_straight", "a_line": "skirt_a_line",
    "a_line_skirt": "skirt_a_line", "skirt_a": "skirt_a_line", "aline": "skirt_a_line",
    "pleated_skirt": "skirt_pleated", "pleated": "skirt_pleated", "kilt": "skirt_pleated", "pants": "trousers",
    "slacks": "trousers", "dress": "sheath", "sheath_dress": "sheath",
}


def names() -> tuple[str, ...]:
    """Names of the library's garments."""
    return tuple(_LIBRARY)


def canonical(name: str) -> str:
    """The library's own name of a garment given by name or alias; InputError with the closest names if unknown."""
    key = name.strip().lower().replace("-", "_").replace(" ", "_")
    key = ALIASES.get(key, key)
    if key in _LIBRARY:
        return key
    close = difflib.get_close_matches(key, [*_LIBRARY, *ALIASES], n=2, cutoff=0.5)
    hint = f"did you mean {' or '.join(close)}?" if close else f"the garments are: {', '.join(_LIBRARY)}"
    raise InputError("garment.unknown", f"there is no garment '{name}' in the library", hint)


def entry(name: str) -> Entry:
    """The library's entry of that name or alias."""
    return _LIBRARY[canonical(name)]


def default_fabric(name: str) -> str:
    """Name of the fabric that a garment is usually made of; a plain shirting for a pattern file."""
    return "poplin" if Path(name).suffix or "/" in name else entry(name).fabric


def describe() -> list[dict[str, Any]]:
    """Of each garment: name, label, description, kind, default fabric, options and the measurements needed.

    An option has its default, its range (low, high) and what it means (text); all plain values.
    """
    return [
        {"name": name, "label": e.label, "description": f"{e.label}: {e.text}", "kind": e.kind,
         "default_fabric": e.fabric, "options": options_of(e.options), "measurements": list(e.needs)}
        for name, e in _LIBRARY.items()
    ]


def read_typed(name: str, given: Mapping[str, str]) -> dict[str, Any]:
    """Options as people type them, lengths in centimetres, checked; as :func:`draft` takes them."""
    e = entry(name)
    values = typed_options(e.options, dict(given), e.label)
    read_options(e.options, values, e.label)
    return values


def draft(name: str, measurements: Mapping[str, Any], landmarks: Mapping[str, Any] | None = None,
          **options: Any) -> Pattern:
    """Drafts a garment for a body.

    Args:
        name: One of ``names()`` or an alias.
        measurements: ISO names to metres, or to ``engine.core.types.Measurement``.
        landmarks: The body's landmarks in the draping pose [m]; estimated from the measurements when left out.
        options: See ``describe()``; metres.

    Raises:
        InputError: unknown garment or option, a value out of range, or measurements missing (all are named).
    """
    e = entry(name)
    return e.block(measurements, landmarks, read_options(e.options, options, e.label))
