"""Keeps what was recorded of kernels (see :mod:`engine.core.taichi_record`) beside Taichi's cache of compiled ones.

A record holds for the very sources from which it was made: those of the kernel's package and of ``engine.core``, from
which alone a kernel can draw functions and constants. It is kept only if Taichi takes the kernel retold for the same.
"""

import functools
import hashlib
import json
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

from engine.core.errors import ToileError
from engine.core.safe_io import write_bytes
from engine.core.taichi_record import Recording, Unrecordable, describe, retell

__all__ = ["reuse_kernels"]

KNOWN = (1, 7)  #: version of Taichi whose private corners these are
KEPT = 8  #: versions of the sources whose records stay
ROOT = Path(__file__).resolve().parents[2]
#: Settings that change nothing in how a kernel is read.
ASIDE = ("offline_cache", "num_compile_threads", "cpu_max_num_threads", "random_seed", "kernel_profiler", "timeline",
         "print_", "verbose", "device_memory", "_pybind")  # fmt: skip


def reuse_kernels(ti: ModuleType, folder: Path, *, is_serial: bool = False) -> None:
    """From now on kernels of Toile's packages are read once and then taken from the records in ``folder``.

    To be called when Taichi has been initialised: its settings are part of what a record holds for, and so is whether
    loops are read as ones for a single thread.
    """
    if ti.__version__[:2] != KNOWN:
        return
    core, Kernel = ti._lib.core, ti.lang.kernel_impl.Kernel
    plain, none = Kernel.materialize, ti.lang.enums.AutodiffMode.NONE
    settings = [list(ti.__version__), is_serial, _settings(core, ti.lang.impl.current_cfg())]

    @functools.wraps(plain)
    def materialize(kernel: Any, key: tuple | None = None, args: tuple | None = None, arg_features: Any = None) -> None:
        kernel.runtime.materialize()
        if key in kernel.compiled_kernels:
            return
        file = None
        if key is not None and kernel.autodiff_mode == none and not kernel.classkernel:
            file = _file(core, folder, kernel.func, arg_features, settings)
        if file and (record := _read(file)):
            program, name = kernel.runtime.prog, f"{kernel.func.__name__}_c{kernel.kernel_counter}_{key[1]}"
            tell = functools.partial(retell, core, program, record)
            kernel.compiled_kernels[key] = program.create_kernel(tell, name, kernel.autodiff_mode)
        elif file:
            read = functools.partial(plain, kernel, key, args, arg_features)
            _read_and_keep(core, kernel, key, read, file)
        else:
            plain(kernel, key, args, arg_features)

    Kernel.materialize = materialize


def _read_and_keep(core: ModuleType, kernel: Any, key: tuple, read: Any, file: Path) -> None:
    """Lets Taichi read a kernel and keeps the record, if there can be one."""
    program, recording = kernel.runtime.prog, Recording(core)
    with recording:
        create = core.Program.create_kernel

        def recorded(program: Any, tell: Any, name: str, mode: Any) -> Any:
            def tell_and_note(made: Any) -> None:
                recording.begin(made)
                tell(made)

            return create(program, tell_and_note, name, mode)

        core.Program.create_kernel = recorded
        try:
            read()
        finally:
            core.Program.create_kernel = create
    try:
        record = json.loads(json.dumps(recording.end()))
    except Unrecordable:
        return
    if kernel.has_print:
        return
    twin = program.create_kernel(functools.partial(retell, core, program, record), file.stem, kernel.autodiff_mode)
    # Taichi finds a kernel's code by a hash of all that it was told
    code = [program.compile_kernel(program.config(), program.get_device_caps(), k)
            for k in (kernel.compiled_kernels[key], twin)]  # fmt: skip
    if code[0] is code[1]:
        _write(file, record)


def _settings(core: ModuleType, config: Any) -> list:
    """The compiler's settings as JSON."""
    names = [n for n in dir(config) if not n.startswith(("__", *ASIDE))]
    return [[n, describe(core, getattr(config, n))] for n in names]


def _file(core: ModuleType, folder: Path, function: Any, features: Any, settings: list) -> Path | None:
    """Where a kernel's record lies when it was made for arguments of these kinds; None if it cannot have one."""
    if "<locals>" in function.__qualname__ or not (sources := _sources(function.__code__.co_filename)):
        return None
    try:
        kinds = _features(core, features)
    except Unrecordable:
        return None
    plain = {k: v for k, v in function.__globals__.items() if isinstance(v, bool | int | float | str) and k[0] != "_"}
    said = json.dumps([settings, function.__module__, function.__qualname__, kinds, plain], sort_keys=True)
    digest = hashlib.sha256(said.encode()).hexdigest()[:16]
    return folder / sources / f"{function.__module__}.{function.__name__}.{digest}.json"


def _features(core: ModuleType, features: Any) -> Any:
    """The kinds of a kernel's arguments as JSON, the values themselves where they are part of its code."""
    if isinstance(features, tuple):
        return [_features(core, f) for f in features]
    return describe(core, features)


@functools.cache
def _sources(file: str) -> str:
    """Digest of all sources on which a kernel in this file can depend, '' if it is none of Toile's."""
    path = Path(file)
    if not path.is_relative_to(ROOT) or len(path.relative_to(ROOT).parts) < 2:
        return ""
    package = path.relative_to(ROOT).parts[0]
    if package not in ("sim", "render"):
        return ""
    digest = hashlib.sha256()
    for part in (ROOT / package, ROOT / "engine" / "core"):
        for source in sorted(part.rglob("*.py")):
            digest.update(source.relative_to(ROOT).as_posix().encode() + b"\0" + source.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def _read(file: Path) -> dict | None:
    try:
        digest, _, text = file.read_bytes().partition(b"\n")
    except OSError:
        return None
    return json.loads(text) if digest == hashlib.sha256(text).hexdigest().encode() else None


def _write(file: Path, record: dict) -> None:
    """Keeps a record; one that cannot be written is made again next time."""
    text = json.dumps(record, separators=(",", ":")).encode()
    is_new = not file.parent.exists()
    try:
        write_bytes(file, hashlib.sha256(text).hexdigest().encode() + b"\n" + text)
        if is_new:
            versions = sorted(file.parent.parent.iterdir(), key=lambda p: p.stat().st_mtime)
            for old in versions[:-KEPT]:
                shutil.rmtree(old, ignore_errors=True)
    except (ToileError, OSError):
        return
