"""Patterns to search among: a folder of pattern files, or a CSV table that names them."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from engine.core.errors import InputError
from engine.core.pattern_types import Pattern
from engine.core.safe_io import read_bytes
from engine.core.types import Fabric
from engine.library_names import default_fabric, load_fabric
from garments.formats import read_pattern

__all__ = ["Item", "read_items"]

MAX_ITEMS = 20_000


@dataclass(frozen=True)
class Item:
    """A pattern to be found."""

    name: str
    path: Path
    pattern: Pattern
    fabric: Fabric


def read_items(path: str | Path) -> tuple[list[Item], list[str]]:
    """The items of a folder (every .json that is a pattern) or of a CSV table.

    The table has the columns ``pattern`` (a file in the table's folder or below it) and, if wanted, ``item_id`` and
    ``fabric`` (a library name, or a fabric file in that folder).

    Returns:
        The items, and a warning for each that cannot be read.

    Raises:
        InputError: there are none, or the table is not one.
    """
    path = Path(path)
    if path.is_dir():
        files = sorted(p for p in path.glob("*.json") if p.name != "index.json")
        rows = [(p.stem, p, "") for p in files]
    else:
        rows = _table(path)
    if len(rows) > MAX_ITEMS:
        raise InputError("items.many", f"{path}: has more than {MAX_ITEMS:,} patterns", "search among fewer")
    items, warnings = [], []
    for name, file, fabric in rows:
        try:
            pattern = read_pattern(file)
            items.append(Item(name, file, pattern, load_fabric(fabric or default_fabric(str(file)))))
        except InputError as error:
            warnings.append(f"left out: {error.message}")
    if not items:
        why = "".join(f"; {line}" for line in warnings[:1])
        raise InputError("items.none", f"{path}: has no pattern that can be read{why}",
                         "give a folder of pattern files (JSON), or a CSV table with a column 'pattern'")
    return items, warnings


def _table(path: Path) -> list[tuple[str, Path, str]]:
    try:
        text = read_bytes(path, what="table of patterns").decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InputError("items.encoding", f"{path}: is not UTF-8 text (byte {error.start})", "save it so") from None
    reader = csv.DictReader(io.StringIO(text))
    if not reader.fieldnames or "pattern" not in reader.fieldnames:
        raise InputError("items.columns", f"{path}: has no column 'pattern'", "its columns: item_id, pattern, fabric")
    folder = path.parent.resolve()
    rows = []
    for line, row in enumerate(reader, 2):
        file, fabric = _inside(folder, row["pattern"], path, line), (row.get("fabric") or "").strip()
        if "/" in fabric or Path(fabric).suffix:
            fabric = str(_inside(folder, fabric, path, line))
        rows.append((row.get("item_id") or file.stem, file, fabric))
    return rows


def _inside(folder: Path, name: str | None, table: Path, line: int) -> Path:
    """A file that a table names, which must lie in the table's folder."""
    file = (folder / (name or "").strip()).resolve()
    if not file.is_relative_to(folder) or file == folder:
        raise InputError("items.path", f"{table}: line {line}: '{(name or '')[:60]}' is no file in the table's folder",
                         "keep the files beside the table")
    return file
