"""Toile: photos, patterns and fabrics to dressed, measured 3D people."""

from importlib import import_module

__version__ = "0.1.0"
_LAZY = {"try_on": "engine.pipeline"}


def __getattr__(name: str):
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'engine' has no attribute {name!r}")
