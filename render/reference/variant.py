"""Which of Mitsuba's variants works here: compiled by LLVM 19 or newer where there is one, else plain C++.

Older LLVMs abort the process on some processors, so they are never loaded unless ``DRJIT_LIBLLVM_PATH`` asks for it.
"""

from __future__ import annotations

import glob
import importlib.util
import os
import re
import sys

from engine.core.errors import UnsupportedError

__all__ = ["PLAIN", "llvm_library", "require", "start"]

PLAIN = "scalar_rgb"
COMPILED = "llvm_ad_rgb"
LEAST_LLVM = 19
PLACES = (
    "/usr/lib/*/libLLVM.so.*", "/usr/lib/*/libLLVM-*.so*", "/usr/lib/llvm-*/lib/libLLVM*.so*",
    "/usr/lib64/libLLVM*.so*", "/opt/homebrew/opt/llvm*/lib/libLLVM*.dylib", "/usr/local/opt/llvm*/lib/libLLVM*.dylib",
)  # fmt: skip
INSTALL = "pip install 'toile[reference]'"


def require(module: str, what: str) -> None:
    """Raises UnsupportedError where an optional package is missing, with what to install."""
    if importlib.util.find_spec(module) is None:
        raise UnsupportedError("reference.missing", f"{what}: the package '{module}' is not installed", INSTALL)


def llvm_library() -> str | None:
    """Path of the newest LLVM library that is new enough, or what the environment asks for; None if there is none."""
    if asked := os.environ.get("DRJIT_LIBLLVM_PATH"):
        return asked
    if sys.platform == "win32":
        return None
    found = [(int(m[1]), path) for pattern in PLACES for path in glob.glob(pattern)
             if (m := re.search(r"libLLVM(?:-|\.so\.|\.)(\d+)", path.rsplit("/", 1)[-1]))]  # fmt: skip
    found = [f for f in found if f[0] >= LEAST_LLVM]
    return max(found)[1] if found else None


def start(*, compiled: bool, threads: int = 0) -> str:
    """Chooses the variant for this process; returns its name.

    Args:
        compiled: take the compiled variant if there is an LLVM for it.
        threads: CPU threads, 0 for all.
    """
    library = llvm_library() if compiled else None
    if library:
        os.environ["DRJIT_LIBLLVM_PATH"] = library
    import drjit as dr
    import mitsuba as mi

    name = COMPILED if library and COMPILED in mi.variants() else PLAIN
    mi.set_variant(name)
    if name == COMPILED:
        dr.eval(mi.Float([1.0]) + 1)  # the library is loaded on first use
        dr.set_thread_count(threads or os.cpu_count() or 1)
    else:
        mi.Thread.thread().logger().set_log_level(mi.LogLevel.Error)
    return name
