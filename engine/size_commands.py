"""`toile recsys size` and `event`: which size fits, and what people said of it.

Bodies are kept only where the customer asks for it (`--remember`), in ``bodies.db``, apart from the event log.
"""

from __future__ import annotations

import argparse
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.errors import InputError
from engine.core.types import Body
from engine.look import load_body
from engine.shop_files import BODIES, SIZES, open_shop_log, say

__all__ = ["COMMANDS", "add_parsers", "fit_size_model", "size_for"]

TRIED = 1
UNSURE = 0.06  #: probabilities closer than this are as good as the same


def add_parsers(add: Callable[[str, str], argparse.ArgumentParser]) -> None:
    """Adds the commands; ``add(name, text)`` makes a parser with a shop's common flags."""
    p = add("size", "which size of an item fits: the probability of tight, right and loose, zone by zone")
    p.add_argument("--item", help="item of the shop's size table")
    p.add_argument("--garment", help="or a library garment, or a pattern file drafted from one: graded by drafting")
    p.add_argument("--option", action="append", metavar="NAME=VALUE", help="option of --garment, lengths in cm")
    p.add_argument("--fabric", help="fabric of --garment (default: the garment's own)")
    p.add_argument("--user", help="user id: their verdicts, their sizes kept and, if remembered, their body count")
    p.add_argument("--body", help="body.npz, or the folder of a run that has one")
    p.add_argument("--measurements", help="YAML file of body measurements in cm")
    p.add_argument("--remember", action="store_true", help="keep the body for --user, apart from the event log")
    p.add_argument("--no-drape", action="store_true", help="go by measurements alone, try nothing on")
    p.add_argument("--drape", type=int, default=TRIED, help=f"how many sizes of --garment to drape (default: {TRIED})")
    p.add_argument("--quality", help="of the drape: draft (default), standard or fine")
    p.add_argument("--threads", type=int, help="CPU threads, 0 for all")
    p = add("event", "write down one thing that a user did: view, try_on, like, buy, return, rating, fit")
    p.add_argument("--user", required=True, help="user id")
    p.add_argument("--item", required=True, help="item id")
    p.add_argument("--event", required=True, help="what they did")
    p.add_argument("--value", help="stars of a rating; tight, right or loose for a fit")
    p.add_argument("--zone", help="where it was tight, right or loose, e.g. waist (default: overall)")
    p.add_argument("--size", help="the size, as the size table writes it")
    p.add_argument("--decision", help="id that toile recsys recommend --bandit gave: this is what came of it")


def fit_size_model(args: Namespace, log: Any, chart: Any) -> Any:
    """Learns sizes from the log's verdicts and the bodies kept; saves and returns the model."""
    from recsys.body_store import BodyStore
    from recsys.size_file import save_sizes
    from recsys.size_fit import feedback_of, fit_sizes, kept_rows

    events, catalogue = log.read()
    store = BodyStore(Path(args.out) / BODIES, log.pseudonym)
    feedback = feedback_of(events, catalogue.ids, chart)
    model = fit_sizes(chart, feedback, store.all(), kept_rows(events, catalogue.ids, chart))
    store.close()
    save_sizes(Path(args.out) / SIZES, model)
    return model


def event(args: Namespace) -> dict[str, Any]:
    """toile recsys event"""
    from recsys.event_log import Event

    value: Any = args.value
    if args.event == "rating":
        try:
            value = float(args.value)
        except (TypeError, ValueError):
            raise InputError("log.event", f"--value {args.value}: is not a rating", "give 1 to 5 stars") from None
    log = open_shop_log(args)
    log.add([Event(args.user, args.item, args.event, value=value, zone=args.zone, size=args.size)])
    if args.decision:
        from recsys.serving import REWARDS

        if args.event not in REWARDS:
            raise InputError("log.reward", f"--event {args.event}: rewards no decision", f"one of {', '.join(REWARDS)}")
        log.add_reward(args.decision, REWARDS[args.event], lower=args.event == "return")
    say(args, f"Written down; the log has {log.count():,} events.")
    return {"status": "done", "events": log.count()}


def size(args: Namespace) -> dict[str, Any]:
    """toile recsys size"""
    if (args.item is None) == (args.garment is None):
        raise InputError("size.what", "name one of --item and --garment", "e.g. --garment shirt --body out")
    if args.remember and not args.user:
        raise InputError("size.remember", "--remember without --user", "say whose body it is")
    body = _given_body(args)
    if args.item:
        return _size_of_item(args, body)
    if body is None:
        raise InputError("size.body", "--garment without a body", "give --body or --measurements")
    return _size_of_garment(args, body)


def _given_body(args: Namespace) -> Body | None:
    from engine.measurement_file import read_measurements

    if args.measurements:
        from avatars.typed import body_from_measurements

        values, sex = read_measurements(args.measurements)
        return body_from_measurements(values, sex=sex)
    if args.body:
        return load_body(args.body)
    return None


def _measured(body: Body) -> dict[str, tuple[float, float]]:
    return {name: (m.value, m.stderr) for name, m in body.measurements.items()}


def size_for(
    args: Namespace, log: Any, model: Any, item: str, user: str, known: dict[str, tuple[float, float]] | None = None
) -> tuple[list[Any], bool, str]:
    """Sizes of an item for a user: by a body given or kept, by the sizes that they kept, and by their own verdicts.

    Returns:
        The sizes; whether the body is known; the advice in words.
    """
    from recsys.body_store import BodyStore
    from recsys.size_fit import feedback_of, kept_rows, person_effect, predict_sizes

    if not known:
        store = BodyStore(Path(args.out) / BODIES, log.pseudonym)
        known = store.get(user)
        store.close()
    events, catalogue = log.read(user=user)
    kept = kept_rows(events, catalogue.ids, model.chart)[1]
    estimate = model.population.estimate(model.chart, known, None if known else kept)
    effect = person_effect(model, feedback_of(events, catalogue.ids, model.chart), estimate)
    sizes = predict_sizes(model, item, estimate, person=effect)
    best = max(sizes, key=lambda s: s.overall[1])
    ground = "" if known else " By the sizes kept before." if len(kept) else " For the shop's mean customer."
    return sizes, bool(known), _advice(best, sizes) + ground


def _size_of_item(args: Namespace, body: Body | None) -> dict[str, Any]:
    from recsys.body_store import BodyStore
    from recsys.size_file import load_sizes
    from recsys.size_fit import predict_sizes

    model = load_sizes(Path(args.out) / SIZES)
    known = _measured(body) if body else {}
    if not args.user:
        sizes = predict_sizes(model, args.item, model.population.estimate(model.chart, known))
        notes = [] if known else ["no body: for the shop's mean customer"]
        return _answer(args, sizes, notes) | {"verdicts_learnt_from": model.verdicts}
    log = open_shop_log(args)
    if args.remember and body:
        store = BodyStore(Path(args.out) / BODIES, log.pseudonym)
        store.put(args.user, known)
        store.close()
    sizes, _, advice = size_for(args, log, model, args.item, args.user, known)
    return _answer(args, sizes, [], advice) | {"verdicts_learnt_from": model.verdicts}


def _size_of_garment(args: Namespace, body: Body) -> dict[str, Any]:
    from engine.config import read_config
    from engine.library_names import default_fabric, load_fabric, read_options
    from engine.runtime import Run
    from engine.size_grading import grade, tried_on
    from recsys.schema import EventTable
    from recsys.size_file import load_sizes
    from recsys.size_fit import feedback_of, fit_sizes, predict_sizes

    name, options = _design(args.garment) or (args.garment, read_options([args.garment], args.option or [])[0])
    fabric = args.fabric or default_fabric(name)
    graded = grade(name, options, load_fabric(fabric), body)
    path = Path(args.out) / SIZES
    if path.exists():
        learnt = load_sizes(path)
    else:
        none = EventTable((), *(np.empty(0, int) for _ in range(5)))
        learnt = fit_sizes(graded.chart, feedback_of(none, (), graded.chart), {})

    def predicted(drape: dict[int, np.ndarray] | None) -> list[Any]:
        model = learnt.for_chart(graded.chart)
        return predict_sizes(model, name, model.population.estimate(graded.chart, _measured(body)), drape=drape)

    sizes, words, said, drapes = predicted(None), [], {}, []
    for _ in range(0 if args.no_drape else max(args.drape, 0)):
        waiting = [s for s in sizes if s.row not in said]
        if not waiting:
            break
        best = max(waiting, key=lambda s: s.overall[1])
        config = read_config(None, quality=args.quality or "draft", threads=args.threads)
        run = Run(Path(args.out) / "tried_on" / f"{name}_{best.size}", config, quiet=args.json)
        graded, said[best.row], report = tried_on(run, body, graded, best.size, fabric)
        sizes = predicted(said)
        words.append(f"Size {best.size} on the body: {report.summary}")
        words += [f"  {z.advice}" for z in report.zones if z.advice]
        drapes.append({"size": best.size, "summary": report.summary, "zones": {
            z.zone: {"ease_cm": round(100 * z.ease, 1), "strain_p95": round(z.strain_p95, 4),
                     "pressure_p95_pa": round(z.pressure_p95), "verdict": z.verdict}
            for z in report.zones
        }})  # fmt: skip
    return _answer(args, sizes, words) | {"draped": drapes, "fabric": fabric, "verdicts_learnt_from": learnt.verdicts}


def _design(garment: str) -> tuple[str, dict[str, Any]] | None:
    """What a pattern file was drafted from; None for a library name."""
    from engine.library_names import is_file
    from garments.formats import read_design

    if not is_file(garment):
        return None
    design = read_design(Path(garment))
    if design is None:
        hint = "give a library garment, or a pattern that Toile drafted"
        raise InputError("size.pattern", f"{garment}: does not say what it was drafted from, so it has one size", hint)
    return design[0], {k: v for k, v in design[1].items() if v is not None}


def _answer(args: Namespace, sizes: list[Any], words: list[str], advice: str | None = None) -> dict[str, Any]:
    """Prints the sizes as a table with the best one's zones in words; the same for --json."""
    best = max(sizes, key=lambda s: s.overall[1])
    advice = advice or _advice(best, sizes)
    if not args.json:
        _print(sizes, best)
        say(args, advice, *words)
    return {
        "status": "done", "best": best.size, "advice": advice, "notes": words,
        "sizes": [{"size": s.size, **_odds(s.overall), "zones": {
            z: {**_odds(p), "ease_cm": round(100 * ease, 1)} for z, (p, ease) in s.zones.items()}} for s in sizes],
    }  # fmt: skip


def _odds(p: np.ndarray) -> dict[str, float]:
    return {name: round(float(v), 3) for name, v in zip(("tight", "right", "loose"), p, strict=True)}


def _advice(best: Any, sizes: list[Any]) -> str:
    from recsys.size_chart import zone_label

    def where(verdict: int) -> list[str]:
        order = sorted(best.zones.items(), key=lambda z: -z[1][0][verdict])
        return [zone_label(z) for z, (p, _) in order if p[verdict] > p[1]][:2]

    text = f"Size {best.size}: {best.overall[1]:.0%} right, {best.overall[0]:.0%} tight, {best.overall[2]:.0%} loose"
    notes = [f"{word} at the {' and '.join(at)}" for word, at in (("tight", where(0)), ("loose", where(2))) if at]
    rivals = [s for s in sizes if s is not best and best.overall[1] - s.overall[1] < UNSURE]
    text += f"; rather {', '.join(notes)}" if notes else ""
    return text + (f"; {rivals[0].size} is as good" if rivals else "") + "."


def _print(sizes: list[Any], best: Any) -> None:
    from rich.console import Console
    from rich.table import Table

    from recsys.size_chart import zone_label

    table = Table("size", "tight", "right", "loose", *(zone_label(z) for z in best.zones),
                  caption="zones: ease in cm, and the likeliest verdict")
    for s in sizes:
        zones = [f"{100 * ease:+.1f} {('tight', 'right', 'loose')[int(p.argmax())]}" for p, ease in s.zones.values()]
        mark = "bold" if s is best else ""
        table.add_row(s.size, *(f"{v:.0%}" for v in s.overall), *zones, style=mark)
    Console(width=120).print(table)


COMMANDS: dict[str, Callable[[Namespace], dict[str, Any]]] = {"size": size, "event": event}
