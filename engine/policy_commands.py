"""`toile recsys recommend` and `judge`: what a user is shown, by which policy, and what another would have earned."""

from __future__ import annotations

import argparse
import time
from argparse import Namespace
from collections.abc import Callable
from typing import Any

from engine.core.errors import InputError
from engine.shop_files import load_shop_model, open_shop_log, say

__all__ = ["COMMANDS", "add_parsers", "add_recommend_flags"]

BANDITS = ("linucb", "thompson")
HOURS = 72.0


def add_parsers(add: Callable[[str, str], argparse.ArgumentParser]) -> None:
    """Adds the commands; ``add(name, text)`` makes a parser with a shop's common flags."""
    add_recommend_flags(add("recommend", "recommend items to a user, or items like a look, with reasons"))
    p = add("judge", "what other policies would have earned, from the log of the one that ran")
    p.add_argument("--policy", action="append", help="uniform, ranker, linucb, thompson (default: all); repeatable")
    p.add_argument("--settle-hours", type=float, default=HOURS,
                   help=f"decisions that nothing came of for so long earned nothing (default: {HOURS:g})")


def add_recommend_flags(p: argparse.ArgumentParser) -> None:
    """The flags of recommend."""
    p.add_argument("--user", help="user id, as in the interactions table; a new one is fine")
    p.add_argument("--like", help="a look's folder, a pattern file or a library garment: what the shop has like it")
    p.add_argument("--count", type=int, default=10, help="how many (default: 10)")
    p.add_argument("--diversity", type=float, default=0.1, help="0 best first, 1 as unlike as can be (default: 0.1)")
    p.add_argument("--bandit", choices=BANDITS, help="let a bandit rerank, and write down how likely its choice was")


def recommend(args: Namespace) -> dict[str, Any]:
    """toile recsys recommend"""
    from recsys.recommend import recommend as recommend_items

    if args.like:
        from engine.like_look import recommend_like

        return recommend_like(args)
    if not args.user:
        raise InputError("recsys.who", "name --user or --like", "e.g. --user anna, or --like out")
    model, log = load_shop_model(args), open_shop_log(args)
    history, _ = log.read(model.catalogue, user=args.user)
    history = history.where(history.item < len(model.catalogue))
    rows = recommend_items(model, history, count=args.count, diversity=args.diversity)
    value: dict[str, Any] = {"status": "done", "known_events": len(history)}
    if args.bandit and rows:
        from recsys.serving import serve

        served = serve(model, log, args.user, history, rows, kind=args.bandit)
        rows = served.items
        value |= {"decision": served.decision, "propensity": round(served.propensity, 6)}
    say(args, *(f"{place:>3}  {row.label}  ({row.item}): {row.reason}" for place, row in enumerate(rows, 1)))
    if args.bandit and rows:
        say(args, f"Decision {value['decision']}: the first was chosen with probability {value['propensity']:g}.",
            f"What came of it: toile recsys event --user {args.user} --item {rows[0].item} --event buy --decision ...")
    shown = [{"item": r.item, "label": r.label, "score": r.score, "reason": r.reason} for r in rows]
    return value | {"items": shown}


def judge(args: Namespace) -> dict[str, Any]:
    """toile recsys judge"""
    from recsys.off_policy import doubly_robust, empirical_likelihood, gain, ips, snips
    from recsys.serving import CONTEXT, EXPLORE, POLICIES, policy

    names = args.policy or list(POLICIES)
    unknown = [name for name in names if name not in POLICIES]
    if unknown:
        raise InputError("policy.name", f"--policy {unknown[0]}: is not known", f"one of {', '.join(POLICIES)}")
    if not 0 <= args.settle_hours <= 10_000:
        raise InputError("policy.hours", f"--settle-hours {args.settle_hours:g}: out of range", "0 to 10000")
    log = open_shop_log(args)
    log.settle(time.time() - 3600 * args.settle_hours)
    decisions = log.decisions(width=len(CONTEXT))
    if len(decisions) < 20:
        raise InputError("log.decisions", f"{len(decisions)} rewarded decisions are too few to judge by", "log 20")
    half = len(decisions) // 2
    earlier, judged = (decisions.where(part) for part in (slice(0, half), slice(half, None)))
    value: dict[str, Any] = {
        "status": "done", "decisions": len(judged), "items_offered": judged.contexts.shape[1],
        "logged": round(float(judged.reward.mean()), 5), "policies": {},
    }  # fmt: skip
    floor = min(EXPLORE / judged.contexts.shape[1], float(judged.propensity.min()))
    for name in names:
        p = policy(name, earlier, judged)
        estimates = {"ips": ips(judged, p), "snips": snips(judged, p), "dr": doubly_robust(judged, p),
                     "likelihood": empirical_likelihood(judged, p, floor=floor), "gain": gain(judged, p)}  # fmt: skip
        value["policies"][name] = {
            kind: {k: round(v, 5) for k, v in vars(e).items()} for kind, e in estimates.items()
        } | {"verdict": _verdict(estimates, value["logged"])}
    if not args.json:
        _print(value)
    return value


def _verdict(estimates: dict[str, Any], logged: float) -> str:
    """Better or worse only where the gain and the interval that holds without overlap both say so."""
    gained, honest = estimates["gain"], estimates["likelihood"]
    if gained.low > 0 and honest.low > logged:
        return "better"
    return "worse" if gained.high < 0 and honest.high < logged else "not to be told apart"


def _print(value: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table

    title = f"{value['decisions']:,} decisions; the policy that ran earned {value['logged']:.4f} each"
    table = Table("policy", "IPS", "SNIPS", "doubly robust", "likelihood", "gain over it", "", title=title,
                  caption="95 % intervals; bandits are taught by the earlier half of the log, judged by the later")

    def shown(e: dict[str, float]) -> str:
        return f"{e['value']:.3f} ({e['low']:.3f} to {e['high']:.3f})"

    for name, row in value["policies"].items():
        table.add_row(name, *(shown(row[k]) for k in ("ips", "snips", "dr", "likelihood", "gain")), row["verdict"])
    Console(width=160).print(table)


COMMANDS: dict[str, Callable[[Namespace], dict[str, Any]]] = {"recommend": recommend, "judge": judge}
