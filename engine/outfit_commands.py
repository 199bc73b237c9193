"""`toile recsys outfit`: what goes with an item, and why."""

from __future__ import annotations

import argparse
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.errors import InputError
from engine.shop_files import OUTFITS, load_shop_model, open_shop_log, say

__all__ = ["COMMANDS", "add_parsers", "fit_outfit_model", "user_taste"]

MOST = 20


def add_parsers(add: Callable[[str, str], argparse.ArgumentParser]) -> None:
    """Adds the command; ``add(name, text)`` makes a parser with a shop's common flags."""
    p = add("outfit", "complete an outfit around one or two items, with reasons")
    p.add_argument("--item", action="append", required=True, help="item id; a second one to keep both")
    p.add_argument("--user", help="user id: among what goes together, what they would like")
    p.add_argument("--count", type=int, default=3, help="how many outfits (default: 3)")


def fit_outfit_model(args: Namespace, events: Any, catalogue: Any) -> None:
    """Learns from what was bought together, and saves it beside the recommender."""
    from recsys.outfit import fit_outfits, save_outfits
    from recsys.outfit_facts import outfit_facts

    save_outfits(Path(args.out) / OUTFITS, fit_outfits(outfit_facts(catalogue), events))


def user_taste(model: Any, history: Any) -> np.ndarray:
    """How high the recommender ranks items for the user of a history, -inf for what it would not show, [item]."""
    from recsys.recommend import ranked

    taste = np.full(len(model.catalogue), -np.inf)
    items, scores = ranked(model, history, len(model.catalogue))
    taste[items] = scores
    # what it does not rank is not wrong, only no candidate
    taste[~np.isfinite(taste) & model.hybrid.open] = scores.min(initial=0.0)
    return taste


def outfit(args: Namespace) -> dict[str, Any]:
    """toile recsys outfit"""
    from recsys.outfit import complete, load_outfits
    from recsys.outfit_facts import SLOTS, outfit_facts

    if not 1 <= args.count <= MOST:
        raise InputError("outfit.count", f"--count {args.count}: is not between 1 and {MOST}", "ask for fewer")
    model = load_shop_model(args)
    catalogue = model.catalogue
    unknown = [i for i in args.item if i not in catalogue.ids]
    if unknown:
        raise InputError("recsys.item", f"item '{unknown[0]}' is not in the catalogue", "use an id of the items table")
    taste = None
    if args.user:
        history, _ = open_shop_log(args).read(catalogue, user=args.user)
        taste = user_taste(model, history.where(history.item < len(catalogue)))
    facts, outfits = outfit_facts(catalogue), load_outfits(Path(args.out) / OUTFITS)
    given = [catalogue.ids.index(i) for i in args.item]
    found = complete(outfits, facts, catalogue, given, count=args.count, taste=taste, among=model.hybrid.open)
    for number, one in enumerate(found, 1):
        names = " + ".join(f"{catalogue.label(i)} ({catalogue.ids[i]})" for i in one.items)
        say(args, f"{number}  {names}", *(f"     {reason}" for reason in one.reasons))
    return {
        "status": "done", "learnt_from_pairs": outfits.pairs,
        "outfits": [{
            "items": [{"item": catalogue.ids[i], "label": catalogue.label(i), "slot": SLOTS[facts.slot[i]]}
                      for i in one.items],
            "score": one.score, "reasons": list(one.reasons),
        } for one in found],
    }  # fmt: skip


COMMANDS: dict[str, Callable[[Namespace], dict[str, Any]]] = {"outfit": outfit}
