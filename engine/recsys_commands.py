"""`toile recsys ...`: a shop's tables in, recommendations with reasons out. ``--out`` is the shop's folder."""

from __future__ import annotations

import argparse
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine import demo_commands, outfit_commands, policy_commands, rank_commands, size_commands
from engine.core.errors import InputError
from engine.core.safe_io import write_json
from engine.shop_files import BODIES, MODEL, SIZES, load_shop_model, open_shop_log, progress, say

__all__ = ["add_parser", "run"]

Result = tuple[Any, int]


def add_parser(commands: Any) -> None:
    """Adds `recsys` and its own commands to the command line."""
    text = "recommend items from a shop's tables of items and interactions"
    parser = commands.add_parser("recsys", help=text, description=text)
    own = parser.add_subparsers(dest="recsys_command", required=True, metavar="command")

    def add(name: str, text: str) -> argparse.ArgumentParser:
        return _with_shop(own.add_parser(name, help=text, description=text))

    text = "recommend items to a user, or items like a look (the same as toile recsys recommend)"
    short = _with_shop(commands.add_parser("recommend", help=text, description=text))
    policy_commands.add_recommend_flags(short)
    short.set_defaults(recsys_command="recommend")
    p = add("train", "take in tables, learn from the event log, save the model")
    _tables(p, False)
    p.add_argument("--sizes", help="CSV or Parquet table of graded sizes: item_id, size, bust_cm, waist_cm, ...")
    p.add_argument("--repeats", action="store_true", help="also recommend what the user chose before")
    p.add_argument("--seed", type=int, default=0, help="seed of everything random")
    p = add("add", "add interactions to the event log")
    p.add_argument("--interactions", required=True, help="CSV or Parquet table")
    policy_commands.add_parsers(add)
    rank_commands.add_parsers(add)
    p = add("similar", "list the items most like one")
    p.add_argument("--item", required=True, help="item id")
    p.add_argument("--count", type=int, default=10, help="how many (default: 10)")
    p.add_argument("--where", action="append", default=[], help="only items of this value, e.g. colour=black")
    p = add("forget", "remove a user's events and learn anew without them")
    p.add_argument("--user", required=True, help="user id, as in the interactions table")
    p.add_argument("--seed", type=int, default=0, help="seed of everything random")
    size_commands.add_parsers(add)
    outfit_commands.add_parsers(add)
    demo_commands.add_parsers(add)
    p = own.add_parser("evaluate", help="hold the recommender against simpler ones on held-out events")
    _tables(p, True)
    p.add_argument("--split", default="temporal", help="temporal (default) or last_out")
    p.add_argument("--fraction", type=float, default=0.1, help="share of the events held out, temporal (default: 0.1)")
    p.add_argument("--repeats", action="store_true", help="lists may hold what a user chose before, and it counts if "
                   "chosen again (default: neither)")
    p.add_argument("--max-users", type=int, default=20_000, help="judge a random sample of at most so many users")
    p.add_argument("--components", help="comma-separated recommenders to blend (default: all)")
    p.add_argument("--seed", type=int, default=0, help="seed of everything random")
    p.add_argument("--out", help="folder for evaluation.json")
    p.add_argument("--json", action="store_true", help="print one JSON line on stdout and nothing else there")


def _with_shop(p: argparse.ArgumentParser) -> argparse.ArgumentParser:
    p.add_argument("--out", default="out/shop", help="the shop's folder (default: out/shop)")
    p.add_argument("--log", help="event log: a SQLite file or postgresql://... (default: shop.db in --out)")
    p.add_argument("--key-file", help="secret of the pseudonyms (default: beside the SQLite file)")
    p.add_argument("--json", action="store_true", help="print one JSON line on stdout and nothing else there")
    return p


def _tables(parser: argparse.ArgumentParser, required: bool) -> None:
    parser.add_argument("--items", help="CSV or Parquet table of items")
    parser.add_argument("--interactions", required=required, help="CSV or Parquet table of interactions")
    parser.add_argument("--embeddings", help=".npz with item_id and embedding, vectors of another model")


def run(args: Namespace, emit: Callable[[str], None]) -> Result:
    """Runs one of the commands. Returns (value for --json, exit code)."""
    return _COMMANDS[args.recsys_command](args), 0


def _catalogue(args: Namespace) -> Any:
    """The catalogue of --items and --embeddings, or that of the last training, or None."""
    from recsys.tables import read_embeddings, read_items

    if args.items:
        catalogue = read_items(args.items)
    elif (Path(args.out) / MODEL).exists():
        catalogue = load_shop_model(args).catalogue
    else:
        catalogue = None
    if args.embeddings:
        if catalogue is None:
            raise InputError("recsys.items", "--embeddings without --items", "give the items table too")
        catalogue = read_embeddings(args.embeddings, catalogue)
    return catalogue


def train(args: Namespace) -> dict[str, Any]:
    """toile recsys train"""
    from recsys.tables import read_interactions

    catalogue, warnings = _catalogue(args), []
    if args.interactions:
        events, full, warnings = read_interactions(args.interactions, catalogue)
    log = open_shop_log(args)
    if args.interactions:
        if log.count():
            hint = "add new ones by toile recsys add, or choose another --out"
            raise InputError("recsys.log", f"the event log already has {log.count():,} events", hint)
        log.add_table(events, full)
    events, catalogue = log.read(catalogue)
    if args.sizes:
        from recsys.size_chart import read_size_chart

        size_commands.fit_size_model(args, log, read_size_chart(args.sizes))
    else:
        _refit_sizes(args, log)
    return _train(args, events, catalogue, warnings, repeats=args.repeats)


def _refit_sizes(args: Namespace, log: Any) -> None:
    """Learns sizes anew from the log as it is now, where the shop has a size model."""
    from recsys.size_file import load_sizes

    path = Path(args.out) / SIZES
    if path.exists():
        size_commands.fit_size_model(args, log, load_sizes(path).chart)


def _train(args: Namespace, events: Any, catalogue: Any, warnings: list[str], *, repeats: bool) -> dict[str, Any]:
    from recsys.model_file import save_model
    from recsys.recommend import train as fit

    model = fit(events, catalogue, repeats=repeats, seed=args.seed, say=progress(args))
    path = save_model(Path(args.out) / MODEL, model)
    outfit_commands.fit_outfit_model(args, events, catalogue)
    say(args, *warnings, f"Learnt from {len(events):,} events of {len(events.users):,} users, "
         f"{len(catalogue):,} items. Saved: {path}")  # fmt: skip
    return {
        "status": "done", "events": len(events), "users": len(events.users), "items": len(catalogue),
        "model": str(path), "blend": model.hybrid.report["blend"], "warnings": warnings,
    }  # fmt: skip


def add(args: Namespace) -> dict[str, Any]:
    """toile recsys add"""
    from recsys.tables import read_interactions

    events, catalogue, _ = read_interactions(args.interactions)
    log = open_shop_log(args)
    added = log.add_table(events, catalogue)
    say(args, f"Added {added:,} events; the log has {log.count():,}. Learn from them: toile recsys train")
    return {"status": "done", "added": added, "events": log.count()}


def similar(args: Namespace) -> dict[str, Any]:
    """toile recsys similar"""
    from recsys.recommend import similar as similar_items

    where: dict[str, list[str]] = {}
    for part in args.where:
        name, _, value = part.partition("=")
        if not name or not value:
            raise InputError("recsys.where", f"--where {part}: is not name=value", "write e.g. --where colour=black")
        where.setdefault(name, []).append(value)
    model = load_shop_model(args)
    rows = similar_items(model, args.item, count=args.count, where=where or None)
    label = dict(zip(model.catalogue.ids, model.catalogue.names, strict=True))
    say(args, *(f"{cosine:.3f}  {label[item]}  ({item})" for item, cosine in rows))
    return {"status": "done", "items": [{"item": i, "label": label[i], "cosine": round(c, 4)} for i, c in rows]}


def forget(args: Namespace) -> dict[str, Any]:
    """toile recsys forget"""
    path, model, log = Path(args.out) / MODEL, None, open_shop_log(args)
    if path.exists():
        model = load_shop_model(args)
    gone = log.forget(args.user)
    bodies = Path(args.out) / BODIES
    if bodies.exists():
        from recsys.body_store import BodyStore

        gone += BodyStore(bodies, log.pseudonym).forget(args.user)
    if gone:
        _refit_sizes(args, log)
    value: dict[str, Any] = {"status": "done", "removed": gone, "refitted": False}
    if gone and model is not None:
        path.unlink()  # it was learnt from what is now forgotten, and must not outlive a refit that fails
        events, catalogue = log.read(model.catalogue)
        value |= {**_train(args, events, catalogue, [], repeats=model.hybrid.repeats), "refitted": True}
    say(args, f"Removed {gone} rows. The tables that were taken in are yours: remove the user there too.")
    return value


def evaluate(args: Namespace) -> dict[str, Any]:
    """toile recsys evaluate"""
    from recsys.evaluate import evaluate as evaluate_tables
    from recsys.tables import read_embeddings, read_interactions, read_items

    if not 0 < args.fraction < 1 or args.max_users < 1:
        raise InputError("recsys.range", "--fraction or --max-users is out of range", "0 to 1, and at least 1")
    catalogue = read_items(args.items) if args.items else None
    events, catalogue, warnings = read_interactions(args.interactions, catalogue)
    if args.embeddings:
        catalogue = read_embeddings(args.embeddings, catalogue)
    value = evaluate_tables(
        events, catalogue, split=args.split, fraction=args.fraction, repeats=args.repeats,
        catalogue_is_given=bool(args.items), max_users=args.max_users, seed=args.seed,
        names=args.components.split(",") if args.components else None, say=progress(args),
    )  # fmt: skip
    if args.out:
        write_json(Path(args.out) / "evaluation.json", value)
    if not args.json:
        _print_evaluation(value)
    return {"status": "done", **value, "warnings": warnings}


def _print_evaluation(value: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    s = value["split"]
    title = f"{s['kind']} split: {s['users']:,} users, {s['targets']:,} targets, {s['items']:,} items"
    columns = "Recall@10", "NDCG@10", "95 % interval", "hybrid minus it", "cold Recall@10", "coverage", "novelty"
    table = Table("", *columns, title=title)
    for name, row in value["models"].items():
        d = value["differences"].get(name, {}).get("ndcg@10")
        cold = row["cold_recall@10"]
        table.add_row(
            name, f"{row['recall@10']:.4f}", f"{row['ndcg@10']:.4f}",
            "{:.4f} to {:.4f}".format(*row["ndcg@10_interval95"]),
            f"{d['low']:+.4f} to {d['high']:+.4f}" if d else "", "-" if cold is None else f"{cold:.4f}",
            f"{row['coverage']:.3f}", f"{row['novelty_bits']:.1f} bit",
        )  # fmt: skip
    Console(width=120).print(table)


def serve_demo(args: Namespace) -> dict[str, Any]:
    """toile recsys serve-demo"""
    return demo_commands.serve_demo(args, train)


_COMMANDS: dict[str, Callable[[Namespace], dict[str, Any]]] = {
    "train": train, "add": add, "similar": similar, "forget": forget, "evaluate": evaluate,
    **size_commands.COMMANDS, **outfit_commands.COMMANDS, **policy_commands.COMMANDS,
    **rank_commands.COMMANDS,
    "serve-demo": serve_demo,
}  # fmt: skip
