"""A shop's graded sizes: what each size of an item measures, and what its cloth gives.

Size table, CSV or Parquet, one row a size, an item's sizes in order from the smallest:
    ``item_id``, ``size``   required, text.
    ``<zone>_cm``           the garment's own measurement at a zone, e.g. ``bust_cm``, ``waist_cm``, ``hip_cm``,
                            ``sleeve_cm``, ``inseam_cm``; at least one. Girths all the way round.
    ``body_<zone>_cm``      optional: the body that the size is made for; with it the intended ease is known.
    ``stretch_percent``     optional: how far the cloth stretches across with comfort (0 plain weave, 20 jersey).
Zones go by the names of body measurements (ISO 8559-1) or what people call them (chest, inseam, ...).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.core.errors import InputError
from engine.core.measurements import ALIASES, MEASUREMENTS
from recsys.tables import table_rows

__all__ = ["SizeChart", "read_size_chart", "zone_label"]

MAX_ROWS = 5_000_000
RANGE_CM = (1.0, 400.0)
MAX_STRETCH = 200.0


@dataclass(frozen=True)
class SizeChart:
    """Sizes of items; row r is one size of one item, an item's rows stand together from the smallest to the largest.

    Attributes:
        items: Item ids, in index order; item k has rows ``start[k]:start[k + 1]``.
        start: int64, shape [item + 1].
        sizes: Name of each row's size.
        zones: Names of body measurements.
        garment: Measured on the cloth [m], NaN where unknown, shape [row, zone].
        body: The body that a size is made for [m], NaN where unknown, shape [row, zone].
        stretch: That the cloth gives with comfort [-], shape [row].
    """

    items: tuple[str, ...]
    start: np.ndarray
    sizes: tuple[str, ...]
    zones: tuple[str, ...]
    garment: np.ndarray
    body: np.ndarray
    stretch: np.ndarray

    def rows(self, item: str) -> range:
        """Rows of an item; InputError where the chart does not have it."""
        place = self.index.get(item)
        if place is None:
            raise InputError("size.item", f"item '{item}' is not in the size table", "add its sizes to the table")
        return range(int(self.start[place]), int(self.start[place + 1]))

    @property
    def index(self) -> dict[str, int]:
        """Item id to index."""
        return {name: k for k, name in enumerate(self.items)}

    @property
    def row_item(self) -> np.ndarray:
        """Item of each row, shape [row]."""
        return np.repeat(np.arange(len(self.items)), np.diff(self.start))


def zone_label(zone: str) -> str:
    """What people call a zone: waist, upper arm, arm length."""
    return zone.removesuffix("_girth").replace("crotch_height", "inside leg").replace("_", " ")


def read_size_chart(path: str | Path) -> SizeChart:
    """The size table in a CSV or Parquet file. InputError names file, row and column."""
    p = Path(path)
    header, rows = table_rows(p, ("item_id", "size"), "size table")
    columns = {name: zone for name in header if (zone := _zone(name)) is not None}
    zones = tuple(dict.fromkeys(zone for name, zone in columns.items() if not name.startswith("body_")))
    if not zones:
        raise InputError("size.columns", f"{p}: row 1: no column of measurements", "name one e.g. waist_cm")
    unknown = [n for n in header if n.endswith("_cm") and n not in columns]
    if unknown:
        hint = "name columns after body measurements, e.g. bust_cm, waist_cm, hip_cm, sleeve_cm, inseam_cm"
        raise InputError("size.columns", f"{p}: row 1: '{unknown[0]}' is not a zone that is known", hint)
    sizes: dict[str, dict[str, tuple[list[float], list[float], float]]] = {}
    for number, (line, cells) in enumerate(rows):
        if number >= MAX_ROWS:
            raise InputError("table.rows", f"{p}: more than {MAX_ROWS:,} sizes", "split the table")
        row = dict(zip(header, cells, strict=True))
        item, size = row["item_id"], row["size"]
        if not item or not size:
            raise InputError("table.cell", f"{p}: row {line}: item_id or size is empty", "fill both")
        if size in sizes.setdefault(item, {}):
            raise InputError("table.cell", f"{p}: row {line}: size '{size}' of '{item}' stands twice", "keep one row")
        given = {(n.startswith("body_"), z): _metres(row[n], p, line, n) for n, z in columns.items()}
        stretch = _number(row.get("stretch_percent") or "0", (0.0, MAX_STRETCH), p, line, "stretch_percent") / 100
        own, meant = ([given.get((kind, z), math.nan) for z in zones] for kind in (False, True))
        sizes[item][size] = (own, meant, stretch)
    if not sizes:
        raise InputError("table.empty", f"{p}: has a header but no sizes", "add one row for each size of an item")
    flat = [entry for of_item in sizes.values() for entry in of_item.values()]
    start = np.concatenate([[0], np.cumsum([len(of_item) for of_item in sizes.values()])])
    names = tuple(name for of_item in sizes.values() for name in of_item)
    own, meant, stretch = (np.array(part, float) for part in zip(*flat, strict=True))
    return SizeChart(tuple(sizes), start, names, zones, own, meant, stretch)


def _zone(column: str) -> str | None:
    if not column.endswith("_cm"):
        return None
    name = column.removesuffix("_cm").removeprefix("body_")
    name = ALIASES.get(name, name)
    return name if name in MEASUREMENTS else None


def _metres(cell: str, path: Path, line: int, column: str) -> float:
    return _number(cell, RANGE_CM, path, line, column) / 100 if cell else math.nan


def _number(cell: str, bounds: tuple[float, float], path: Path, line: int, column: str) -> float:
    try:
        value = float(cell)
    except ValueError:
        value = math.nan
    if not bounds[0] <= value <= bounds[1]:
        what = f"{path}: row {line}, column {column}: '{cell[:40]}' is not between {bounds[0]:g} and {bounds[1]:g}"
        raise InputError("table.cell", what, "give centimetres (percent for stretch)")
    return value
