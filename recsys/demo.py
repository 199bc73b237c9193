"""A **simulated** shop to try everything on: items, purchases, size table, verdicts on sizes and bodies.

Nothing in it is real: every id starts with ``simulated-``.
"""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path

import numpy as np

from engine.core.safe_io import write_text
from recsys.schema import EVENTS, FITS
from recsys.simulate import REGIMES, Shop, simulate
from recsys.size_bodies import Known
from recsys.size_features import OVERALL
from recsys.size_simulate import SIZES, SizeShop, simulate_sizes

__all__ = ["DemoTables", "write_demo"]

_KIND_OF = {"dress": "dress", "skirt": "skirt", "trousers": "trousers", "jeans": "trousers", "shorts": "trousers"}
USERS, ITEMS, PURCHASES, TRIED = 300, 220, 4500, 2500


class DemoTables:
    """Where the tables are: ``items``, ``interactions``, ``sizes``; ``bodies`` by user id."""

    def __init__(self, items: Path, interactions: Path, sizes: Path, bodies: dict[str, Known]) -> None:
        self.items, self.interactions, self.sizes, self.bodies = items, interactions, sizes, bodies


def write_demo(folder: str | Path, *, seed: int = 0) -> DemoTables:
    """Writes items.csv, interactions.csv and sizes.csv of a simulated shop."""
    shop = simulate(replace(REGIMES["mixed"], users=USERS, items=ITEMS, events=PURCHASES, views=0.5, company=0.2), seed)
    kinds = [_KIND_OF.get(cells[0], "top") for cells in shop.catalogue.categories["type"]]
    sizes = simulate_sizes(people=USERS, verdicts=TRIED, kinds=kinds, seed=seed)
    folder = Path(folder)
    bodies = {shop.events.users[k]: sizes.bodies[name] for k, name in enumerate(sizes.feedback.people)
              if name in sizes.bodies}  # fmt: skip
    return DemoTables(
        write_text(folder / "items.csv", _items(shop)),
        write_text(folder / "interactions.csv", _interactions(shop, sizes)),
        write_text(folder / "sizes.csv", _sizes(sizes)), bodies,
    )  # fmt: skip


def _text(rows: list[list[object]]) -> str:
    stream = io.StringIO()
    csv.writer(stream, lineterminator="\n").writerows(rows)
    return stream.getvalue()


def _items(shop: Shop) -> str:
    c = shop.catalogue
    rows: list[list[object]] = [["item_id", "name", "available_from", *c.categories, *c.numbers]]
    for k in range(len(c)):
        words = {name: column[k][0] for name, column in c.categories.items()}
        pattern = "" if words["pattern"] == "plain" else f"{words['pattern']} "
        name = f"{words['colour']} {pattern}{words['fabric']} {words['type']}".capitalize()
        rows.append([c.ids[k], name, int(c.available_from[k]), *words.values(), *(v[k] for v in c.numbers.values())])
    return _text(rows)


def _interactions(shop: Shop, sizes: SizeShop) -> str:
    """Purchases with the size that is usual for whom bought it, and the verdicts on sizes tried on, in between."""
    e, f, ids = shop.events, sizes.feedback, shop.catalogue.ids
    rows: list[tuple[float, list[object]]] = []
    for u, i, t, k in zip(e.user.tolist(), e.item.tolist(), e.time.tolist(), e.kind.tolist(), strict=True):
        size = SIZES[sizes.usual[u]] if EVENTS[k] == "buy" else ""
        rows.append((t, [e.users[u], ids[i], int(t), EVENTS[k], "", "", size]))
    moments = np.linspace(e.time[0], e.time[-1], len(f))
    for p, r, z, v, t in zip(f.person, f.row, f.zone, f.verdict, moments, strict=True):
        zone = "" if z == OVERALL else sizes.chart.zones[z]
        item = ids[r // len(SIZES)]
        rows.append((float(t), [e.users[p], item, int(t), "fit", FITS[v], zone, SIZES[r % len(SIZES)]]))
    rows.sort(key=lambda row: row[0])
    header: list[object] = ["user_id", "item_id", "timestamp", "event", "value", "zone", "size"]
    return _text([header, *(row for _, row in rows)])


def _sizes(sizes: SizeShop) -> str:
    c = sizes.chart
    zones = [z.removesuffix("_girth") for z in c.zones]
    rows: list[list[object]] = [
        ["item_id", "size", *(f"{z}_cm" for z in zones), *(f"body_{z}_cm" for z in zones), "stretch_percent"]
    ]

    def cell(value: float) -> str:
        return f"{100 * value:.1f}" if np.isfinite(value) else ""

    for r, item in enumerate(c.row_item):
        cells = [cell(v) for v in (*c.garment[r], *c.body[r])]
        rows.append([c.items[item], c.sizes[r], *cells, f"{100 * c.stretch[r]:g}"])
    return _text(rows)
