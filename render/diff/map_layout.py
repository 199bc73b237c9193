"""Puts the images of several textures into one, on shelves: the longest first, each next where it first fits."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

__all__ = ["Layout", "Place", "Rectangle", "pack_rectangles", "pack_unique_rectangles"]


class Rectangle(NamedTuple):
    """Sides in texels; equal identifiers mean the same content, which is placed once."""

    xsize: int
    ysize: int
    identifier: Hashable


class Place(NamedTuple):
    """Least corner; whether the sides are swapped; whether this is the first of those with its identifier."""

    x: int
    y: int
    flipped: bool
    is_first: bool


class Layout(NamedTuple):
    """Sides of the whole, and a place for each rectangle."""

    total_size: tuple[int, int]
    locations: list[Place]


def pack_rectangles(sizes: Sequence[tuple[int, int]]) -> Layout:
    """A place for each rectangle of sides (x, y), without overlap.

    Shelves lie along x and are as long as the longest side. A rectangle stands on the first shelf with room for it,
    long side along x if it can, and else opens a new one.
    """
    if len(sizes) == 1:
        return Layout(tuple(sizes[0]), [Place(0, 0, False, True)])
    length = max(max(size) for size in sizes)
    places: dict[int, Place] = {}
    rooms: list[tuple[int, int, int, int]] = []  # x, y, and sides of what is free behind the last on a shelf
    depth = 0
    by_size = sorted(range(len(sizes)), key=lambda i: (max(sizes[i]), min(sizes[i])))
    for i in reversed(by_size):
        short, long = sorted(sizes[i])
        for k, (x, y, room_x, room_y) in enumerate(rooms):
            side = next((s for s in ((long, short), (short, long)) if s[0] <= room_x and s[1] <= room_y), None)
            if side is not None:
                rooms[k] = x + side[0], y, room_x - side[0], room_y
                break
        else:
            x, y, side = 0, depth, (long, short)
            rooms.append((long, depth, length - long, short))
            depth += short
        places[i] = Place(x, y, side != tuple(sizes[i]), True)
    return Layout((length, depth), [places[i] for i in range(len(sizes))])


def pack_unique_rectangles(rectangles: Sequence[Rectangle]) -> Layout:
    """As :func:`pack_rectangles`, with rectangles of one identifier (and so of one size) in one place."""
    sizes = {r.identifier: (r.xsize, r.ysize) for r in rectangles}
    layout = pack_rectangles(list(sizes.values()))
    place_of = dict(zip(sizes, layout.locations, strict=True))
    places, seen = [], set()
    for rectangle in rectangles:
        first = rectangle.identifier not in seen
        places.append(place_of[rectangle.identifier]._replace(is_first=first))
        seen.add(rectangle.identifier)
    return Layout(layout.total_size, places)
