"""Reads a shop's items and interactions from CSV or Parquet (the columns are described in recsys.schema)."""

from __future__ import annotations

import csv
import math
import re
from array import array
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import numpy as np

from engine.core.errors import InputError, UnsupportedError
from engine.core.safe_io import load_npz
from recsys.schema import EVENTS, FITS, Catalogue, EventTable, Labels

__all__ = ["read_items", "read_interactions", "read_embeddings", "parse_time", "table_rows"]

MAX_BYTES = 8 << 30
MAX_ITEMS = 5_000_000
MAX_EVENTS = 200_000_000
MAX_COLUMNS = 200
MAX_CELL = 10_000
_TIMES = (0.0, 4_102_444_800.0)  # 1970 to 2100
_CODE_COLUMN = re.compile(r"(^|_)(id|code|no|nr|key)$", re.IGNORECASE)
_KIND = {name: code for code, name in enumerate(EVENTS)}
_FIT = {name: code for code, name in enumerate(FITS)}

Row = tuple[int, list[str]]


def read_items(path: str | Path) -> Catalogue:
    """The catalogue in a CSV or Parquet file. InputError names file, row and column."""
    p = Path(path)
    header, rows = table_rows(p, ("item_id",), "items table")
    ids: dict[str, int] = {}
    columns: list[list[str]] = [[] for _ in header]
    key = header.index("item_id")
    for number, row in rows:
        name = row[key]
        if not name:
            raise _wrong(p, number, "item_id", "is empty", "give every item an id")
        if name in ids:
            raise _wrong(p, number, "item_id", f"'{name}' stands twice", "keep one row for each item")
        if len(ids) >= MAX_ITEMS:
            raise InputError("table.rows", f"{p}: more than {MAX_ITEMS:,} items", "split the catalogue")
        ids[name] = number
        for column, cell in zip(columns, row, strict=True):
            column.append(cell)
    if not ids:
        raise InputError("table.empty", f"{p}: has a header but no items", "add one row for each item")
    table = dict(zip(header, columns, strict=True))
    del table["item_id"]
    names = table.pop("name", [""] * len(ids))
    since = [
        parse_time(cell, p, number, "available_from") if cell else math.nan
        for cell, number in zip(table.pop("available_from", [""] * len(ids)), ids.values(), strict=True)
    ]
    categories, numbers = {}, {}
    for column, cells in table.items():
        values = None if _CODE_COLUMN.search(column) and not any("." in c for c in cells) else _as_numbers(cells)
        if values is not None:
            numbers[column] = values
        elif any(cells):
            categories[column] = [tuple(v for v in (part.strip() for part in c.split("|")) if v) for c in cells]
    return Catalogue(tuple(ids), tuple(names), np.array(since), categories, numbers)


def read_interactions(path: str | Path, catalogue: Catalogue | None = None) -> tuple[EventTable, Catalogue, list[str]]:
    """The events in a CSV or Parquet file, sorted by time.

    Returns:
        Events; the catalogue (extended by items that only the events name); warnings for people.
    """
    p = Path(path)
    header, rows = table_rows(p, ("user_id", "item_id", "timestamp"), "interactions table")
    place = {name: header.index(name) if name in header else -1 for name in ("event", "value", "zone", "size")}
    u, i, t = (header.index(name) for name in ("user_id", "item_id", "timestamp"))
    users: dict[str, int] = {}
    items: dict[str, int] = {name: k for k, name in enumerate(catalogue.ids)} if catalogue else {}
    known = len(items)
    user, item, time, kind, value = array("i"), array("i"), array("d"), array("b"), array("f")
    texts: dict[str, list[str]] = {name: [] for name in ("zone", "size") if place[name] >= 0}
    times: dict[str, float] = {}
    for number, row in rows:
        if not row[u] or not row[i]:
            raise _wrong(p, number, "user_id" if not row[u] else "item_id", "is empty", "fill it, or remove the row")
        if len(user) >= MAX_EVENTS:
            raise InputError("table.rows", f"{p}: more than {MAX_EVENTS:,} events", "keep the latest ones")
        text = row[t]
        moment = times.get(text)
        if moment is None:
            moment = parse_time(text, p, number, "timestamp")
            if len(times) < 1_000_000:
                times[text] = moment
        code = _KIND["buy"]
        if place["event"] >= 0 and row[place["event"]]:
            code = _KIND.get(row[place["event"]], -1)
            if code < 0:
                raise _wrong(p, number, "event", f"'{row[place['event']]}' is not known", f"one of {', '.join(EVENTS)}")
        user.append(users.setdefault(row[u], len(users)))
        item.append(items.setdefault(row[i], len(items)))
        time.append(moment)
        kind.append(code)
        value.append(_value(row[place["value"]] if place["value"] >= 0 else "", EVENTS[code], p, number))
        for name, cells in texts.items():
            cells.append(row[place[name]])
    if not user:
        raise InputError("table.empty", f"{p}: has a header but no events", "add one row for each event")
    new = list(items)[known:]
    warnings = [f"{len(new):,} items of {p.name} are not in the items table: they have no attributes"] if known else []
    catalogue = catalogue.extended(new) if catalogue else Catalogue.bare(new)
    columns = (user, "i4"), (item, "i4"), (time, "f8"), (kind, "i1"), (value, "f4")
    arrays = [np.frombuffer(column, dtype) for column, dtype in columns]
    order = np.argsort(arrays[2], kind="stable")
    labels = {name: Labels.of(cells[k] for k in order) for name, cells in texts.items()}
    return EventTable(tuple(users), *(a[order] for a in arrays), **labels), catalogue, warnings if new else []


def read_embeddings(path: str | Path, catalogue: Catalogue) -> Catalogue:
    """The catalogue with the vectors of an .npz file (``item_id``, ``embedding``) put to its items.

    Where the file has ``silhouette`` (shape [item, figure]) and ``silhouette_names``, these become number columns
    ``silhouette_<name>``.
    """
    p = Path(path)
    data = load_npz(p, what="embeddings file")
    if "item_id" not in data or "embedding" not in data:
        raise InputError("embedding.keys", f"{p}: lacks item_id or embedding", "save both arrays with numpy.savez")
    ids, vectors = data["item_id"].astype(str), data["embedding"]
    if vectors.ndim != 2 or ids.ndim != 1 or len(ids) != len(vectors) or not np.issubdtype(vectors.dtype, np.number):
        raise InputError(
            "embedding.shape", f"{p}: item_id {ids.shape} does not go with embedding {vectors.shape}",
            "give embedding the shape [item, dimension], one row for each item_id",
        )  # fmt: skip
    if not np.isfinite(vectors).all():
        bad = int(np.flatnonzero(~np.isfinite(vectors).all(1))[0])
        raise InputError("embedding.nan", f"{p}: row {bad} is not finite", "remove or mend that row")
    place = {name: k for k, name in enumerate(catalogue.ids)}
    rows = np.array([place.get(name, -1) for name in ids])
    if not (rows >= 0).any():
        raise InputError("embedding.ids", f"{p}: no item_id is in the catalogue", "use the ids of the items table")
    embedding = np.full((len(catalogue), vectors.shape[1]), np.nan, np.float32)
    embedding[rows[rows >= 0]] = vectors[rows >= 0]
    numbers = dict(catalogue.numbers)
    if "silhouette" in data and "silhouette_names" in data:
        figures, names = data["silhouette"], data["silhouette_names"].astype(str)
        if figures.shape != (len(ids), len(names)):
            raise InputError("embedding.shape", f"{p}: silhouette {figures.shape} does not go with its names",
                             "make the file by toile garments embed")  # fmt: skip
        for name, column in zip(names, figures.T, strict=True):
            values = np.full(len(catalogue), np.nan)
            values[rows[rows >= 0]] = column[rows >= 0]
            if np.isfinite(values).any():
                numbers[f"silhouette_{name}"] = values
    return replace(catalogue, embedding=embedding, numbers=numbers)


def parse_time(text: str, path: Path, number: int, column: str) -> float:
    """Seconds since 1970 of Unix seconds or ISO 8601 text."""
    try:
        moment = float(text)
    except ValueError:
        try:
            stamp = datetime.fromisoformat(text.replace("Z", "+00:00"))
        except ValueError:
            raise _wrong(
                path, number, column, f"'{text[:40]}' is not a time", "write Unix seconds or ISO 8601, e.g. 2026-03-01"
            ) from None
        moment = (stamp if stamp.tzinfo else stamp.replace(tzinfo=timezone.utc)).timestamp()
    if not _TIMES[0] <= moment <= _TIMES[1]:
        mend = "divide milliseconds by 1000" if moment > 1e11 else "write Unix seconds or ISO 8601"
        raise _wrong(path, number, column, f"'{text[:40]}' is not between 1970 and 2100", mend)
    return moment


def _value(text: str, event: str, path: Path, number: int) -> float:
    if event == "rating":
        try:
            stars = float(text)
        except ValueError:
            stars = math.nan
        if not 0 <= stars <= 5:
            raise _wrong(path, number, "value", f"'{text[:40]}' is not a rating", "give 1 to 5 stars")
        return stars
    if event == "fit":
        if text not in _FIT:
            raise _wrong(path, number, "value", f"'{text[:40]}' is not a fit", f"one of {', '.join(FITS)}")
        return float(_FIT[text])
    return math.nan


def _as_numbers(cells: list[str]) -> np.ndarray | None:
    """The column as float64 (NaN where empty), or None if some filled cell is not a finite number."""
    try:
        values = np.array([float(c) if c else math.nan for c in cells])
    except ValueError:
        return None
    filled = np.array([bool(c) for c in cells])
    return values if filled.any() and np.isfinite(values[filled]).all() else None


def _wrong(path: Path, row: int, column: str, what: str, mend: str) -> InputError:
    return InputError("table.cell", f"{path}: row {row}, column {column}: {what}", mend)


def table_rows(path: Path, required: tuple[str, ...], what: str) -> tuple[list[str], Iterator[Row]]:
    """Header and rows (number as a spreadsheet shows it, cells as stripped text) of a CSV or Parquet file."""
    try:
        size = path.stat().st_size
    except OSError:
        raise InputError("file.missing", f"{path}: no such {what}", "check the path") from None
    if not path.is_file() or size > MAX_BYTES:
        raise InputError("file.too_large", f"{path}: is a folder or over {MAX_BYTES >> 30} GB", "give a smaller file")
    if path.suffix.lower() not in (".csv", ".parquet"):
        raise UnsupportedError("table.format", f"{path}: is neither .csv nor .parquet", "export it as one of them")
    header, rows = (_parquet if path.suffix.lower() == ".parquet" else _csv)(path)
    if len(header) > MAX_COLUMNS or len(set(header)) != len(header):
        raise InputError(
            "table.header", f"{path}: row 1: over {MAX_COLUMNS} columns, or one name twice", "rename or remove some"
        )
    missing = [name for name in required if name not in header]
    if missing:
        raise InputError(
            "table.header", f"{path}: row 1: the {what} has no column {', '.join(missing)}",
            f"name its columns {', '.join(required)} ...",
        )  # fmt: skip
    return header, rows


def _csv(path: Path) -> tuple[list[str], Iterator[Row]]:
    csv.field_size_limit(MAX_CELL)
    stream = path.open(encoding="utf-8-sig", newline="")
    reader = csv.reader(stream, strict=True)

    def guarded() -> Iterator[list[str]]:
        with stream:
            try:
                yield from reader
            except UnicodeDecodeError:
                raise InputError(
                    "table.encoding", f"{path}: row {reader.line_num + 1}: is not UTF-8 text", "save it as UTF-8"
                ) from None
            except csv.Error as error:
                raise InputError(
                    "table.syntax", f"{path}: row {reader.line_num}: {error}", "save it as plain comma-separated CSV"
                ) from None

    lines = guarded()
    header = [cell.strip() for cell in next(lines, [])]

    def rows() -> Iterator[Row]:
        for number, cells in enumerate(lines, start=2):
            if not cells:
                continue
            if len(cells) != len(header):
                raise InputError(
                    "table.syntax", f"{path}: row {number}: has {len(cells)} cells, the header {len(header)}",
                    "quote cells that contain a comma",
                )  # fmt: skip
            yield number, [cell.strip() for cell in cells]

    return header, rows()


def _parquet(path: Path) -> tuple[list[str], Iterator[Row]]:
    try:
        import pyarrow.parquet as parquet
    except ImportError:
        raise UnsupportedError(
            "table.parquet", f"{path}: reading Parquet needs pyarrow", "pip install 'toile[shop]', or export CSV"
        ) from None
    try:
        file = parquet.ParquetFile(path)
    except Exception as error:  # pyarrow raises its own classes, OSError and ValueError
        what = f"{path}: is not a readable Parquet file: {error}"
        raise InputError("table.syntax", what, "export it again") from None

    def rows() -> Iterator[Row]:
        number = 1
        for batch in file.iter_batches(65_536):
            columns = [column.to_pylist() for column in batch.columns]
            for cells in zip(*columns, strict=True):
                number += 1
                yield number, [_text(cell) for cell in cells]

    return list(file.schema_arrow.names), rows()


def _text(cell: object) -> str:
    if cell is None:
        return ""
    if isinstance(cell, (list, tuple)):
        return "|".join(str(part) for part in cell)
    return cell.isoformat() if isinstance(cell, datetime) else str(cell).strip()[:MAX_CELL]
