"""Toile: photos, patterns and fabrics to dressed, measured 3D people."""

import os
from importlib import import_module

# idle threads of libraries would spin on the cores that the simulator and the renderer work on: those of OpenMP are to
# sleep, and BLAS, whose matrices are small here, needs none. To be said before NumPy and SciPy are loaded.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

__version__ = "0.1.0"
_LAZY = {"try_on": "engine.pipeline"}


def __getattr__(name: str):
    if name in _LAZY:
        return getattr(import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'engine' has no attribute {name!r}")
