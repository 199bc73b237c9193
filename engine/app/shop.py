"""``toile recsys serve-demo``: a small shop in the browser, from this machine alone, to see the recommender at work.

What the visitor does goes to the event log and teaches the bandit; recommendations follow at once, since they are made
from the history as it stands. Measurements are kept only when the visitor asks for it, apart from the log.
"""

from __future__ import annotations

import math
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from engine.app.local_server import LocalServer, static_pages
from engine.core.errors import InputError
from engine.shop_files import BODIES, OUTFITS, SIZES, load_shop_model, open_shop_log

__all__ = ["Shop", "shop_server"]

POLICY = "; ".join([
    "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data:", "connect-src 'self'",
    "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
])  # fmt: skip
PAGES = {"/": ("shop.html", "text/html"), "/shop.css": ("shop.css", "text/css"),
         "/shop.js": ("shop.js", "text/javascript"), "/flats.js": ("flats.js", "text/javascript")}  # fmt: skip
SHOWN, ALIKE, OUTFITS_SHOWN = 12, 6, 2
MAX_ID = 80
#: Measurements that a visitor may type, with their range [cm] and what is left unsure [m].
TYPED = {"bust_girth": (60, 190), "waist_girth": (45, 190), "hip_girth": (60, 190), "stature": (120, 220)}
TYPED_STDERR = 0.012
EVENTS = ("view", "like", "buy", "return", "fit")


class Shop:
    """A shop's folder, opened for visitors.

    Args:
        args: With out, log and key_file, as for other commands.
        kind: Of the bandit, linucb or thompson.
        visitors: Ids to choose from, beside new ones.
    """

    def __init__(self, args: Namespace, *, kind: str, visitors: list[str], simulated: bool) -> None:
        from recsys.outfit import load_outfits
        from recsys.outfit_facts import outfit_facts
        from recsys.recommend import item_index
        from recsys.size_file import load_sizes

        self._args, self._kind, self._visitors, self._simulated = args, kind, visitors, simulated
        self.model = load_shop_model(args)
        self.catalogue = self.model.catalogue
        self._place = {name: k for k, name in enumerate(self.catalogue.ids)}
        self._index = item_index(self.model)
        self._facts = outfit_facts(self.catalogue)
        out = Path(args.out)
        self._outfits = load_outfits(out / OUTFITS) if (out / OUTFITS).exists() else None
        self._sizes = load_sizes(out / SIZES) if (out / SIZES).exists() else None

    def about(self, query: dict[str, Any]) -> dict[str, Any]:
        """The shop itself."""
        return {"simulated": self._simulated, "items": len(self.catalogue), "visitors": self._visitors,
                "sizes": self._sizes is not None}  # fmt: skip

    def home(self, query: dict[str, Any]) -> dict[str, Any]:
        """What the visitor is shown first, and why."""
        from recsys.recommend import recommend
        from recsys.serving import serve

        user, log, history = self._visit(query)
        rows = recommend(self.model, history, count=SHOWN)
        served = serve(self.model, log, user, history, rows, kind=self._kind) if rows else None
        log.close()
        wanted = len(np.unique(history.item))
        items = [self._card(r.place) | {"reason": r.reason} for r in (served.items if served else [])]
        return {"items": items, "decision": served.decision if served else None, "known_items": wanted,
                "first_chance": round(served.propensity, 3) if served else None}  # fmt: skip

    def item(self, query: dict[str, Any]) -> dict[str, Any]:
        """One item: its sizes for this visitor, what it is worn with, and what is like it."""
        user, log, history = self._visit(query)
        place = self._item(query)
        value = self._card(place) | {
            "facts": {name: ", ".join(cells[place]) for name, cells in self.catalogue.categories.items()},
            "alike": self._alike(place), "outfits": self._completed(place, history), "size": None, "known_body": False,
        }  # fmt: skip
        if self._sizes is not None and self.catalogue.ids[place] in self._sizes.chart.index:
            value |= self._size(user, log, self.catalogue.ids[place])
        log.close()
        return value

    def event(self, sent: dict[str, Any]) -> dict[str, Any]:
        """Writes down what the visitor did, and the reward of the decision that it came of."""
        from recsys.event_log import Event
        from recsys.serving import REWARDS

        user, kind = self._user(sent), sent.get("event")
        item = self.catalogue.ids[self._item(sent)]
        if kind not in EVENTS:
            raise InputError("shop.event", f"'{kind}' cannot be done here", f"one of {', '.join(EVENTS)}")
        value, zone, size = (sent.get(name) or None for name in ("value", "zone", "size"))
        log = open_shop_log(self._args)
        log.add([Event(user, item, kind, value=value if kind == "fit" else None, zone=zone, size=size)])
        if sent.get("decision") and kind in REWARDS:
            log.add_reward(str(sent["decision"]), REWARDS[kind], lower=kind == "return")
        count = log.count()
        log.close()
        return {"events": count}

    def body(self, sent: dict[str, Any]) -> dict[str, Any]:
        """Keeps a visitor's measurements [cm], at their wish."""
        from recsys.body_store import BodyStore

        known = {}
        for name, (low, high) in TYPED.items():
            value = sent.get(name)
            if value in (None, ""):
                continue
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
                raise InputError("shop.body", f"{name} is not a number", "give centimetres")
            if not low <= value <= high:
                raise InputError("shop.body", f"{name} {value:g} cm is not between {low} and {high}", "in centimetres")
            known[name] = (value / 100, TYPED_STDERR)
        if not known:
            raise InputError("shop.body", "no measurement was given", "give at least one, in centimetres")
        log = open_shop_log(self._args)
        store = BodyStore(Path(self._args.out) / BODIES, log.pseudonym)
        kept = store.put(self._user(sent), known)
        store.close()
        log.close()
        return {"kept": kept}

    def forget(self, sent: dict[str, Any]) -> dict[str, Any]:
        """Removes all that is kept of a visitor; what was learnt of them goes with the next training."""
        from recsys.body_store import BodyStore

        user, log = self._user(sent), open_shop_log(self._args)
        gone = log.forget(user)
        store = BodyStore(Path(self._args.out) / BODIES, log.pseudonym)
        gone += store.forget(user)
        store.close()
        log.close()
        return {"removed": gone}

    def learnt(self, query: dict[str, Any]) -> dict[str, Any]:
        """What the bandit knows by now."""
        from recsys.serving import CONTEXT, bandit_from

        log = open_shop_log(self._args)
        shown, reward = log.lessons(len(CONTEXT))
        log.close()
        weights = bandit_from(shown, reward, self._kind, seed=0).weights
        return {"policy": self._kind, "decisions": len(reward),
                "mean_reward": round(float(reward.mean()), 4) if len(reward) else None,
                "weights": {n: round(float(w), 4) for n, w in zip(CONTEXT, weights, strict=True)}}  # fmt: skip

    def _user(self, sent: dict[str, Any]) -> str:
        user = sent.get("user")
        if not isinstance(user, str) or not 0 < len(user.strip()) <= MAX_ID:
            raise InputError("shop.user", "nobody is named", f"give 1 to {MAX_ID} characters")
        return user.strip()

    def _item(self, sent: dict[str, Any]) -> int:
        place = self._place.get(str(sent.get("item")))
        if place is None:
            raise InputError("recsys.item", f"item '{sent.get('item')}' is not in the shop", "choose another")
        return place

    def _visit(self, query: dict[str, Any]) -> tuple[str, Any, Any]:
        user, log = self._user(query), open_shop_log(self._args)
        history, _ = log.read(self.catalogue, user=user)
        return user, log, history.where(history.item < len(self.catalogue))

    def _card(self, place: int) -> dict[str, Any]:
        """What a picture of an item needs."""
        c = self.catalogue
        word = {name: c.categories[name][place][0] if c.categories.get(name) and c.categories[name][place] else ""
                for name in ("type", "cut", "pattern", "fabric")}  # fmt: skip
        price = c.numbers.get("price")
        lab = self._facts.lab[place]
        return {
            "item": c.ids[place], "label": c.label(place), **word, "colour": self._facts.colour[place],
            "rgb": _hex(lab) if np.isfinite(lab).all() else "#b9b4ab", "new": bool(self.model.hybrid.facts.new[place]),
            "price": round(float(price[place]), 2) if price is not None and np.isfinite(price[place]) else None,
        }  # fmt: skip

    def _alike(self, place: int) -> list[dict[str, Any]]:
        if not self.model.features.known[place]:
            return []
        ids, _ = self._index.search(self.model.features.vectors[place], ALIKE + 1, None)
        return [self._card(int(i)) for i in ids if i != place][:ALIKE]

    def _completed(self, place: int, history: Any) -> list[dict[str, Any]]:
        from engine.outfit_commands import user_taste
        from recsys.outfit import complete

        if self._outfits is None or self._facts.slot[place] < 0:
            return []
        taste = user_taste(self.model, history)
        try:
            found = complete(self._outfits, self._facts, self.catalogue, [place], count=OUTFITS_SHOWN, taste=taste,
                             among=self.model.hybrid.open)  # fmt: skip
        except InputError:  # nothing completes it
            return []
        return [{"items": [self._card(i) for i in o.items], "reasons": list(o.reasons)} for o in found]

    def _size(self, user: str, log: Any, item: str) -> dict[str, Any]:
        from engine.size_commands import size_for

        sizes, known, advice = size_for(self._args, log, self._sizes, item, user)
        best = max(sizes, key=lambda s: s.overall[1])
        rows = [{"size": s.size, "tight": round(float(s.overall[0]), 3), "right": round(float(s.overall[1]), 3),
                 "loose": round(float(s.overall[2]), 3), "best": s is best} for s in sizes]  # fmt: skip
        zones = [{"zone": z, "odds": [round(float(v), 3) for v in p], "ease_cm": round(100 * ease, 1)}
                 for z, (p, ease) in best.zones.items()]  # fmt: skip
        return {"size": {"best": best.size, "advice": advice, "sizes": rows, "zones": zones}, "known_body": known}


def shop_server(shop: Shop, *, port: int = 0) -> LocalServer:
    """The shop's web server."""
    pages = static_pages(PAGES)
    get: dict[str, Callable[[dict[str, Any]], Any]] = {
        "/api/about": shop.about, "/api/home": shop.home, "/api/item": shop.item, "/api/learnt": shop.learnt,
    }  # fmt: skip
    post = {"/api/event": shop.event, "/api/body": shop.body, "/api/forget": shop.forget}
    return LocalServer(pages, get, post, policy=POLICY, port=port)


def _hex(lab: np.ndarray) -> str:
    from recsys.colour import rgb_of

    return "#" + "".join(f"{round(255 * v):02x}" for v in rgb_of(lab))
