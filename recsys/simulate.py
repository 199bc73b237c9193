"""Simulated shops, to test recommenders where no public log may be shipped. **Nothing here is real shoppers' data.**

    python -m recsys.simulate REGIME FOLDER [--users N] [--items N] [--events N] [--seed N]

writes ``items.csv`` and ``interactions.csv``; every id starts with ``simulated-``. A regime sets how strongly
taste, fashion, novelty, habit and company of other items steer what simulated shoppers want.

Shoppers choose by a softmax over the items on sale: quality (heavy-tailed) + fit of a drifting taste to a style of
which attributes show only a part + the trend of the season + price, or buy again, or follow a hidden link from
their last item. Choices are sampled exactly by the Gumbel-max trick.
"""

from __future__ import annotations

import argparse
import csv
import io
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from engine.core.errors import InputError
from engine.core.safe_io import write_text
from recsys.schema import DAY, Catalogue, EventTable

__all__ = ["REGIMES", "Regime", "Shop", "simulate", "write_shop"]

TYPES = ("tee", "shirt", "blouse", "sweater", "dress", "skirt", "trousers", "jeans", "shorts", "jacket", "coat", "knit")
COLOURS = ("black", "white", "navy", "grey", "beige", "red", "green", "blue", "pink", "yellow", "brown", "lilac")
FABRICS = ("jersey", "poplin", "denim", "wool", "linen", "viscose", "satin", "twill", "fleece")
CUTS = ("slim", "straight", "loose", "flared", "cropped", "long")
PATTERNS = ("plain", "striped", "checked", "floral", "dotted", "graphic")
AXES = {"type": TYPES, "colour": COLOURS, "fabric": FABRICS, "cut": CUTS, "pattern": PATTERNS}
START = 1_735_689_600.0  # 2025-01-01
DAYS = 365.0
STYLE = 10
SLICES = 180


@dataclass(frozen=True)
class Regime:
    """What steers a simulated shop.

    Attributes:
        users, items, events: Sizes; events are purchases or ratings, views come on top.
        taste: Scale of the fit of taste to style.
        shown: Share of an item's style that its attributes show.
        quality: Spread of item quality (log scale).
        trend: Scale of the season's trend over styles.
        drift: How far a taste wanders in a year, relative to itself.
        new: Share of the items that come out during the year.
        life: Days after which an item's visibility is a third.
        again: Chance that an event is one of the user's own items again.
        company: Chance that an event follows a hidden link from the last item.
        activity: Spread of events per user (log scale).
        views: Views per purchase.
    """

    users: int = 3000
    items: int = 1500
    events: int = 35_000
    taste: float = 2.0
    shown: float = 0.7
    quality: float = 0.8
    trend: float = 0.5
    drift: float = 0.3
    new: float = 0.3
    life: float = 200.0
    again: float = 0.05
    company: float = 0.1
    activity: float = 1.0
    views: float = 0.0


REGIMES = {
    "fast_fashion": Regime(items=2000, quality=0.6, trend=0.8, new=0.85, life=45, drift=0.6, company=0.08,
                           activity=0.8),
    "boutique": Regime(users=2500, items=800, events=25_000, taste=3.5, shown=0.9, quality=0.4, trend=0.2, new=0.15,
                       life=2000, again=0.02, company=0.05),
    "basics": Regime(users=3000, items=600, events=35_000, again=0.35, trend=0.2, new=0.1, life=1500, taste=1.8,
                     drift=0.1),
    "hidden_taste": Regime(users=1500, items=1000, events=45_000, taste=3.5, shown=0.15, quality=1.0, trend=0.2,
                           new=0.1, life=3000, again=0.0),
    "long_tail": Regime(users=6000, items=4000, events=36_000, taste=2.5, quality=1.0, new=0.5, life=300,
                        company=0.2, activity=0.7),
    "mixed": Regime(users=2500, items=1200, events=25_000, trend=0.8, new=0.5, life=90, again=0.1, views=1.0,
                    taste=2.5),
}  # fmt: skip


@dataclass(frozen=True)
class Shop:
    """A simulated shop: what a shop's own tables would hold."""

    catalogue: Catalogue
    events: EventTable


def simulate(regime: Regime, seed: int = 0) -> Shop:
    """Draws a shop and a year of its events."""
    rng = np.random.default_rng(seed)
    columns, style, price = _items(regime, rng)
    quality = regime.quality * (rng.gumbel(size=regime.items) - 0.58)
    release = np.where(rng.random(regime.items) < regime.new, rng.uniform(0, DAYS, regime.items), -30.0)
    # Items of the opening range have been on sale for a while, so they fade as well.
    release = np.where(release < 0, -rng.uniform(0, min(regime.life, 120), regime.items), release)
    links = rng.permuted(np.tile(np.arange(regime.items), (3, 1)), axis=1).T
    user, day, item, viewed = _events(regime, rng, style, price, quality, release, links)
    order = np.argsort(day, kind="stable")
    day, user, item, viewed = day[order], user[order], item[order], viewed[order]
    ids = tuple(f"simulated-item-{k:05d}" for k in range(regime.items))
    words = [columns[axis] for axis in ("colour", "pattern", "fabric", "type")]
    names = tuple(" ".join(four) for four in zip(*words, strict=True))
    catalogue = Catalogue(
        ids, names, START + np.maximum(release, 0.0) * DAY,
        {name: [(value,) for value in values] for name, values in columns.items()}, {"price": np.round(price, 2)},
    )  # fmt: skip
    users = tuple(f"simulated-user-{k:05d}" for k in range(regime.users))
    kind = np.where(viewed, 0, 4).astype(np.int8)
    return Shop(catalogue, EventTable(
        users, user.astype(np.int32), item.astype(np.int32), np.round(START + day * DAY), kind,
        np.full(len(user), np.nan, np.float32),
    ))  # fmt: skip


def _items(regime: Regime, rng: np.random.Generator) -> tuple[dict[str, list[str]], np.ndarray, np.ndarray]:
    """Attribute columns; style, shape [item, STYLE]; price."""
    columns, shown = {}, np.zeros((regime.items, STYLE))
    for name, values in AXES.items():
        pick = rng.choice(len(values), regime.items, p=rng.dirichlet(np.full(len(values), 2.0)))
        shown += rng.standard_normal((len(values), STYLE))[pick]
        columns[name] = [values[k] for k in pick]
    shown /= np.sqrt(len(AXES))
    # What attributes do not show comes in looks shared by a few dozen items.
    looks = rng.standard_normal((max(regime.items // 30, 2), STYLE))
    look = looks[rng.integers(len(looks), size=regime.items)] + 0.3 * rng.standard_normal((regime.items, STYLE))
    style = np.sqrt(regime.shown) * shown + np.sqrt(1 - regime.shown) * look
    style /= np.linalg.norm(style, axis=1, keepdims=True)
    price = np.exp(rng.normal(3.4, 0.5, regime.items) + 0.3 * style[:, 0])
    return columns, style, price


def _events(
    regime: Regime, rng: np.random.Generator, style: np.ndarray, price: np.ndarray, quality: np.ndarray,
    release: np.ndarray, links: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:  # fmt: skip
    """User, day, item and whether it is a mere view, of every event."""
    taste = rng.standard_normal((regime.users, STYLE)) * rng.gamma(4, 0.25, (regime.users, 1)) / np.sqrt(STYLE) * 1.8
    wander = rng.standard_normal((regime.users, STYLE)) / np.sqrt(STYLE) * 1.8 * regime.drift
    budget = rng.normal(0, 0.6, regime.users)
    season = rng.standard_normal((2, STYLE))
    log_price = (np.log(price) - np.log(price).mean()) / np.log(price).std()
    user, day = _visits(regime, rng)
    history: list[list[int]] = [[] for _ in range(regime.users)]
    out: list[tuple[int, float, int, bool]] = []
    bounds = np.searchsorted(day, np.linspace(0, DAYS, SLICES + 1))
    for low, high in zip(bounds[:-1], bounds[1:], strict=True):
        if low == high:
            continue
        t, u = float(day[low]), user[low:high]
        angle = 2 * np.pi * t / DAYS
        trend = style @ (season[0] * np.cos(angle) + season[1] * np.sin(angle))
        age = t - release
        base = quality + regime.trend * trend - np.maximum(age, 0) / regime.life
        fit = (taste[u] + wander[u] * (t / DAYS)) @ style.T
        score = base + regime.taste * fit - 0.4 * (log_price - budget[u, None]) ** 2
        score = np.where(age >= 0, score, -np.inf) + rng.gumbel(size=score.shape).astype(np.float32)
        best = np.argpartition(-score, 12, axis=1)[:, :12]
        best = np.take_along_axis(best, np.argsort(-np.take_along_axis(score, best, 1), axis=1), 1)
        habit, company = rng.random(high - low), rng.random(high - low)
        for k in range(high - low):
            own = history[u[k]]
            if own and habit[k] < regime.again:
                item = own[-1 - int(rng.integers(min(len(own), 8)))]
            else:
                follow = int(links[own[-1]][rng.integers(3)]) if own and company[k] < regime.company else -1
                fresh = [int(i) for i in best[k] if int(i) not in own]
                ok = follow >= 0 and age[follow] >= 0 and follow not in own
                item = follow if ok else (fresh[0] if fresh else int(best[k, 0]))
                looked_at = fresh[1 : 1 + rng.poisson(regime.views)]
                out += [(int(u[k]), float(day[low + k]) - 0.01, i, True) for i in looked_at]
            own.append(item)
            out.append((int(u[k]), float(day[low + k]), item, False))
    columns = list(zip(*out, strict=True))
    return np.array(columns[0]), np.maximum(np.array(columns[1]), 0), np.array(columns[2]), np.array(columns[3])


def _visits(regime: Regime, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """User and day of each event, in order of time: heavy-tailed activity, visits of one to a few items."""
    activity = rng.lognormal(0, regime.activity, regime.users)
    joined = np.where(rng.random(regime.users) < 0.5, 0.0, rng.uniform(0, DAYS * 0.9, regime.users))
    visit_user = rng.choice(regime.users, regime.events, p=activity / activity.sum())
    size = 1 + rng.poisson(0.8, regime.events)
    visits = int(np.searchsorted(np.cumsum(size), regime.events)) + 1
    start = joined[visit_user[:visits]] + rng.random(visits) * (DAYS - joined[visit_user[:visits]])
    user = np.repeat(visit_user[:visits], size[:visits])[: regime.events]
    day = np.repeat(start, size[:visits])[: regime.events] + rng.random(regime.events) * 0.02
    order = np.argsort(day, kind="stable")
    return user[order], np.minimum(day[order], DAYS)


def write_shop(shop: Shop, folder: str | Path) -> tuple[Path, Path]:
    """Writes items.csv and interactions.csv; returns their paths."""
    from recsys.schema import EVENTS

    c, e, folder = shop.catalogue, shop.events, Path(folder)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["item_id", "name", "available_from", *c.categories, *c.numbers])
    for k in range(len(c)):
        cells = ["|".join(column[k]) for column in c.categories.values()] + [f"{v[k]:g}" for v in c.numbers.values()]
        writer.writerow([c.ids[k], c.names[k], int(c.available_from[k]), *cells])
    items = write_text(folder / "items.csv", text.getvalue())
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["user_id", "item_id", "timestamp", "event"])
    for u, i, t, k in zip(e.user, e.item, e.time, e.kind, strict=True):
        writer.writerow([e.users[u], c.ids[i], int(t), EVENTS[k]])
    return items, write_text(folder / "interactions.csv", text.getvalue())


def main() -> None:
    """The command line of this module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("regime", choices=sorted(REGIMES))
    parser.add_argument("folder")
    for name in ("users", "items", "events"):
        parser.add_argument(f"--{name}", type=int)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    sizes = {k: v for k in ("users", "items", "events") if (v := getattr(args, k))}
    if any(v < 20 for v in sizes.values()):
        raise InputError("simulate.size", "a simulated shop needs at least 20 users, items and events", "give more")
    print(*write_shop(simulate(replace(REGIMES[args.regime], **sizes), args.seed), args.folder), sep="\n")


if __name__ == "__main__":
    main()
