"""The files of a shop's folder, and how its commands open them and speak.

``shop.db`` (pseudonymous event log), ``shop.db.key`` (secret of the pseudonyms), ``model.npz`` (recommender),
``sizes.npz`` (size model), ``outfits.npz`` (what goes together), ``bodies.db`` (measurements that customers let the
shop keep, apart from the log).
"""

from __future__ import annotations

import sys
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["BODIES", "LOG", "MODEL", "OUTFITS", "SIZES", "load_shop_model", "open_shop_log", "progress", "say"]

MODEL, LOG, SIZES, OUTFITS, BODIES = "model.npz", "shop.db", "sizes.npz", "outfits.npz", "bodies.db"


def say(args: Namespace, *lines: str) -> None:
    """Prints for people, not beside --json."""
    if not args.json:
        print("\n".join(lines))


def progress(args: Namespace) -> Callable[[str], None]:
    """Tells of progress on stderr, not beside --json."""
    return (lambda line: None) if args.json else (lambda line: print(line, file=sys.stderr))


def open_shop_log(args: Namespace) -> Any:
    """The event log of --log, or of the folder."""
    from recsys.event_log import open_log

    return open_log(args.log or Path(args.out) / LOG, args.key_file)


def load_shop_model(args: Namespace) -> Any:
    """The folder's recommender."""
    from recsys.model_file import load_model

    return load_model(Path(args.out) / MODEL)
