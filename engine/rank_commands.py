"""`toile recsys rank`: ranked items of many users at once, as a table that any other tool can judge."""

from __future__ import annotations

import argparse
import csv
import io
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.core.errors import InputError
from engine.core.safe_io import write_text
from engine.shop_files import load_shop_model, open_shop_log, say

__all__ = ["COMMANDS", "add_parsers"]

MAX_COUNT = 1000


def add_parsers(add: Callable[[str, str], argparse.ArgumentParser]) -> None:
    """Adds the command; ``add(name, text)`` makes a parser with a shop's common flags."""
    p = add("rank", "write the ranked items of many users to a table, as the ranker has them: no diversity, no reasons")
    p.add_argument("--users", required=True, help="CSV or Parquet table with a column user_id; new users are fine")
    p.add_argument("--count", type=int, default=10, help="items for each user (default: 10)")
    p.add_argument("--to", default="ranked.csv", help="CSV of user_id, item_id, rank, score (default: ranked.csv)")


def rank(args: Namespace) -> dict[str, Any]:
    """toile recsys rank"""
    from recsys.recommend import ranked_for_all
    from recsys.tables import table_rows

    if not 1 <= args.count <= MAX_COUNT:
        raise InputError("recsys.count", f"--count {args.count}: out of range", f"1 to {MAX_COUNT}")
    header, rows = table_rows(Path(args.users), ("user_id",), "users table")
    place = header.index("user_id")
    users = list(dict.fromkeys(row[place] for _, row in rows if row[place]))
    if not users:
        raise InputError("table.empty", f"{args.users}: names no user", "add one row for each user")
    model, log = load_shop_model(args), open_shop_log(args)
    events, _ = log.read(model.catalogue)
    pseudonyms = [log.pseudonym(user) for user in users]
    items, scores = ranked_for_all(model, events, pseudonyms, args.count)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["user_id", "item_id", "rank", "score"])
    for user, own, score in zip(users, items.tolist(), scores.tolist(), strict=True):
        kept = [(item, value) for item, value in zip(own, score, strict=True) if item >= 0]
        writer.writerows((user, model.catalogue.ids[i], k, f"{v:.5f}") for k, (i, v) in enumerate(kept, start=1))
    path = write_text(args.to, text.getvalue())
    say(args, f"Ranked {args.count} items for {len(users):,} users: {path}")
    known = len(set(pseudonyms) & set(events.users))
    return {"status": "done", "users": len(users), "known_users": known, "table": str(path)}


COMMANDS: dict[str, Callable[[Namespace], dict[str, Any]]] = {"rank": rank}
