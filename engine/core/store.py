"""Content-addressed results of stages: the same inputs give the same key, and a stage runs once."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.core import codec

__all__ = ["Store", "stage_key"]


def stage_key(stage: str, code_version: str, config: Any, inputs: Any, seed: int) -> str:
    """Key of a stage's result: a hash of the stage, the code's version, its config, its inputs and the seed."""
    return codec.content_hash([stage, code_version, config, inputs, seed])


class Store:
    """A folder of results. ``Store(None)`` keeps nothing."""

    def __init__(self, root: str | Path | None) -> None:
        self.root = Path(root) if root else None

    @classmethod
    def default(cls) -> Store:
        """TOILE_RESULTS, else a folder in TOILE_CACHE or the user's cache folder."""
        if os.environ.get("TOILE_RESULTS"):
            return cls(os.environ["TOILE_RESULTS"])
        base = os.environ.get("TOILE_CACHE") or os.path.join(
            os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "toile"
        )
        return cls(Path(base) / "results")

    def fetch(self, key: str, kind: type, make: Callable[[], Any]) -> tuple[Any, bool]:
        """The stored result of ``key``, or ``make()``, stored. Returns (result, was it stored before)."""
        from engine.core.errors import ToileError

        if self.root is None:
            return make(), False
        path = self.root / key[:2] / f"{key}.npz"
        if path.exists():
            try:
                return codec.load(path, kind), True
            except ToileError:
                path.unlink(missing_ok=True)
        value = make()
        codec.save(value, path)
        return value, False
