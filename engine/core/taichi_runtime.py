"""The one place where Taichi is imported and initialised.

Kernel modules write ``from engine.core.taichi_runtime import ti``. A process calls :func:`init` once, before the
first kernel runs; a second ``ti.init`` would destroy the fields of the first, so later calls only check.
"""

import contextlib
import io
import os
from pathlib import Path

os.environ.setdefault("TI_ENABLE_VERSION_CHECK", "0")
os.environ.setdefault("ENABLE_TAICHI_HEADER_PRINT", "0")

from engine.core.taichi_shortcuts import (  # noqa: E402
    free_arrays,
    one_after_the_other,
    shorten_copies,
    shorten_import,
    shorten_launches,
    shorten_loading,
)

with shorten_import():
    import taichi as ti

from engine.core.errors import JobError  # noqa: E402
from engine.core.taichi_reuse import reuse_kernels  # noqa: E402

__all__ = ["ti", "init", "backend", "one_thread"]


free_arrays(ti)
shorten_loading(ti)
shorten_launches(ti)

_state = {"backend": ""}


def cache_dir() -> Path:
    """Where compiled kernels are kept: TOILE_CACHE, else the user's cache folder."""
    root = os.environ.get("TOILE_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "toile"
    )
    return Path(root) / "taichi"


def init(*, device: str = "cpu", threads: int = 0) -> str:
    """Starts Taichi once per process and returns the backend in use.

    Args:
        device: ``cpu``, ``cuda``, ``vulkan``, ``metal`` or ``gpu`` (the first that works, else cpu).
        threads: CPU threads; 0 for all.

    Raises:
        JobError: another device was initialised before, or the one asked for is not there.
    """
    if _state["backend"]:
        if device not in ("gpu", _state["backend"]):
            raise JobError(
                "taichi.device",
                f"Taichi already runs on {_state['backend']}, not {device}",
                "use one device per process",
            )
        return _state["backend"]
    arch = {"cpu": ti.cpu, "cuda": ti.cuda, "vulkan": ti.vulkan, "metal": ti.metal, "gpu": ti.gpu}[device]
    options = {
        "offline_cache": True,
        "offline_cache_file_path": str(cache_dir()),
        "random_seed": 0,
        "default_fp": ti.f32,
        "default_ip": ti.i32,
        "fast_math": False,
        "log_level": ti.ERROR,
    }
    if threads:
        options["cpu_max_num_threads"] = threads
    with contextlib.redirect_stdout(io.StringIO()):  # its greeting would break a command's JSON line
        ti.init(arch=arch, **options)
    got = ti.lang.impl.current_cfg().arch
    name = "cpu" if got in (ti.x64, ti.arm64) else str(got).split(".")[-1]
    if device not in ("gpu", name):
        raise JobError("taichi.device", f"Taichi cannot run on {device} here", "use --device cpu")
    if name == "cpu":
        shorten_copies(ti)
    _state["backend"] = name
    if one_thread():
        one_after_the_other(ti)
    reuse_kernels(ti, cache_dir() / "records", is_serial=one_thread())
    return name


def backend() -> str:
    """The backend in use, '' before :func:`init`."""
    return _state["backend"]


def one_thread() -> bool:
    """Whether kernels run on a single CPU thread."""
    return _state["backend"] == "cpu" and ti.lang.impl.current_cfg().cpu_max_num_threads == 1
