"""From a design to a pattern that can be sewn: where a block refuses its options, the nearest ones that it takes.

A design that a network decodes, or that lies between two others, may ask for what cannot be drafted (a cap that does
not fit its armhole) or meshed. Then its options are moved, all in proportion, towards a usual garment of the family as
little as makes it sewable (bisection), and after that each option by itself as far back as it stays sewable: only those
that were in the way remain moved.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from engine.core.errors import InputError
from engine.core.pattern_types import Pattern
from engine.core.types import Body
from garments import library
from garments.meshing import mesh_pattern
from garments.seams import check_pattern
from recsys.vae.design import Design, Value

__all__ = ["REFUSALS", "Sewn", "drafted", "sewable_pattern", "sewn", "within_ranges"]

#: What a block raises at options that it cannot draft: its own word, or where extreme ones make it stumble.
REFUSALS = (InputError, ArithmeticError, LookupError, ValueError)

#: Mesh size at which a pattern must be meshable [m], that of draft quality, and the one at which options are sought: a
#: coarse mesh takes a third of the time and stumbles over the same corners.
EDGE_LENGTH, COARSE = 0.02, 0.04
HALVINGS = 5


@dataclass(frozen=True)
class Sewn:
    """A pattern that can be sewn, and what it was drafted from."""

    pattern: Pattern
    design: Design
    moved: dict[str, tuple[Value, Value]] = field(default_factory=dict)  #: options asked for and taken, where moved


def sewable_pattern(design: Design, body: Body, edge_length: float | None = EDGE_LENGTH) -> Pattern:
    """The design drafted for a body, checked and meshed once, at an edge length [m]; None: not meshed.

    Raises:
        InputError: the block refuses the options, or the pattern cannot be sewn or meshed.
    """
    pattern = library.draft(design.family, body.measurements, body.landmarks, **design.options)
    check_pattern(pattern)
    if edge_length is not None:
        mesh_pattern(pattern, edge_length)
    return pattern


def drafted(design: Design, body: Body, anchor: Mapping[str, Value]) -> Sewn:
    """As ``sewn``, but a design that can be drafted is not meshed: for a search whose end is to be sewn."""
    wanted = within_ranges(design)
    pattern = _attempt(wanted, body, None)
    return sewn(design, body, anchor) if pattern is None else Sewn(pattern, wanted, _moved(design, wanted))


def sewn(design: Design, body: Body, anchor: Mapping[str, Value], *, edge_length: float = EDGE_LENGTH) -> Sewn:
    """The design itself, or the nearest one that can be sewn for a body (see the module's text).

    Args:
        anchor: Options of a usual garment of the family.
        edge_length: At which the pattern is meshed [m].

    Raises:
        InputError: not even the family's default can be drafted for the body; says why.
    """
    wanted = within_ranges(design)
    pattern = _attempt(wanted, body, edge_length)
    if pattern is not None:
        return Sewn(pattern, wanted, _moved(design, wanted))
    usual = within_ranges(Design(design.family, dict(anchor)))
    for sought in (max(COARSE, edge_length), edge_length):
        best = _nearest(wanted, usual, body, sought)
        if best is not None and (pattern := _attempt(best, body, edge_length)) is not None:
            return Sewn(pattern, best, _moved(design, best))
    default = Design(design.family, {})
    return Sewn(sewable_pattern(default, body, edge_length), default, _moved(design, default))


def _nearest(wanted: Design, usual: Design, body: Body, edge_length: float) -> Design | None:
    """The design nearest to one that is refused; None where the usual one is refused too."""
    if _attempt(usual, body, edge_length) is None:
        return None
    low, high = 0.0, 1.0  # shares of the way: the first is refused, the second is not
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        taken = _attempt(_between(wanted, usual, middle), body, edge_length) is not None
        low, high = (low, middle) if taken else (middle, high)
    best = _between(wanted, usual, high)
    for name in sorted(wanted.options, key=lambda name: wanted.options[name] == best.options[name]):
        if wanted.options[name] != best.options[name]:
            back = Design(best.family, best.options | {name: wanted.options[name]})
            best = back if _attempt(back, body, edge_length) is not None else best
    return best


def within_ranges(design: Design) -> Design:
    """The design with every option that its block knows, numbers clipped to their ranges.

    Raises:
        InputError: the library has no such garment.
    """
    options: dict[str, Value] = {}
    for name, about in _options(design.family).items():
        value = design.options.get(name, about["default"])
        if "values" in about:
            options[name] = value if value in about["values"] else about["default"]
        elif value is None:
            options[name] = about["default"]
        else:
            options[name] = type(value)(min(max(value, about["low"]), about["high"]))
    return Design(design.family, options)


def _options(family: str) -> dict[str, dict[str, Any]]:
    name = library.canonical(family)
    return next(row["options"] for row in library.describe() if row["name"] == name)


def _attempt(design: Design, body: Body, edge_length: float | None) -> Pattern | None:
    try:
        return sewable_pattern(design, body, edge_length)
    except REFUSALS:
        return None


def _between(a: Design, b: Design, share: float) -> Design:
    """Numbers in proportion; words and what is left to the block change half-way."""
    options: dict[str, Value] = {}
    for name, value in a.options.items():
        other = b.options[name]
        if isinstance(value, float) and isinstance(other, int | float):
            options[name] = round(value + share * (other - value), 4)
        elif isinstance(value, int) and isinstance(other, int):
            options[name] = round(value + share * (other - value))
        else:
            options[name] = value if share < 0.5 else other
    return Design(a.family, options)


def _moved(asked: Design, taken: Design) -> dict[str, tuple[Value, Value]]:
    pairs = {name: (value, taken.options.get(name)) for name, value in asked.options.items()}
    return {name: (a, b) for name, (a, b) in pairs.items() if a != b}
