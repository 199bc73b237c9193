"""`toile recsys serve-demo`: the demo shop in the browser; without a shop of your own, a simulated one is made."""

from __future__ import annotations

import argparse
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.core.safe_io import read_json, write_json
from engine.shop_files import BODIES, MODEL, open_shop_log, progress, say

__all__ = ["add_parsers", "make_demo", "serve_demo"]

DEMO = "demo.json"
VISITORS = 12


def add_parsers(add: Callable[[str, str], argparse.ArgumentParser]) -> None:
    """Adds the command; ``add(name, text)`` makes a parser with a shop's common flags."""
    p = add("serve-demo", "a small local shop in the browser: recommendations, sizes, outfits; it learns as you click")
    p.add_argument("--port", type=int, default=0, help="port on 127.0.0.1 (default: any free one)")
    p.add_argument("--no-browser", action="store_true", help="do not open a browser")
    p.add_argument("--bandit", choices=("linucb", "thompson"), default="linucb", help="what reranks (default: linucb)")
    p.add_argument("--seed", type=int, default=0, help="seed of the simulated shop")


def make_demo(args: Namespace, train: Callable[[Namespace], Any]) -> None:
    """Fills the folder with a **simulated** shop and teaches it, if it has no model yet."""
    from recsys.body_store import BodyStore
    from recsys.demo import write_demo

    out = Path(args.out)
    if (out / MODEL).exists():
        return
    progress(args)(f"{out} has no shop: making a simulated one, which takes a minute")
    tables = write_demo(out / "tables", seed=args.seed)
    log = open_shop_log(args)
    store = BodyStore(out / BODIES, log.pseudonym)
    for user, known in tables.bodies.items():
        store.put(user, known)
    store.close()
    fresh = not log.count()
    log.close()
    train(Namespace(**{
        **vars(args), "items": str(tables.items), "interactions": str(tables.interactions) if fresh else None,
        "embeddings": None, "sizes": str(tables.sizes), "repeats": False,
    }))  # fmt: skip
    write_json(out / DEMO, {"simulated": True, "visitors": list(tables.bodies)[:VISITORS]})


def serve_demo(args: Namespace, train: Callable[[Namespace], Any]) -> dict[str, Any]:
    """toile recsys serve-demo"""
    from engine.app.local_server import show_until_stopped
    from engine.app.shop import Shop, shop_server

    make_demo(args, train)
    about = Path(args.out) / DEMO
    demo = read_json(about, what="demo shop") if about.exists() else {"simulated": False, "visitors": []}
    shop = Shop(args, kind=args.bandit, visitors=demo["visitors"], simulated=demo["simulated"])
    server = shop_server(shop, port=args.port)
    say(args, f"Shop: {server.url}   (Ctrl-C to stop)")
    show_until_stopped(server, open_browser=not args.no_browser, on_ready=lambda url: progress(args)(url))
    return {"status": "done", "url": server.url}
