"""python -m avatars.convert_pickle in.pkl out.npz: takes the arrays out of a pickled body model, safely.

A pickle can run any code when it is read. This one is read in a process of its own, by an unpickler that knows only
array classes, and only plain numeric arrays leave it.
"""

from __future__ import annotations

import io
import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np

from engine.core.errors import InputError, ToileError
from engine.core.safe_io import read_bytes, write_bytes

__all__ = ["main"]

_LIMIT = 1 << 30  #: bytes
_SECONDS = 300
_ARRAYS = {"_reconstruct", "ndarray", "dtype", "scalar"}
_SPARSE = {"csc_matrix", "csr_matrix", "coo_matrix"}


class _Holder:
    """Stands in for chumpy's arrays: keeps the state that holds their numbers."""

    def __init__(self, *_: object) -> None:
        self.state: object = None

    def __setstate__(self, state: object) -> None:
        self.state = state


class _ArrayUnpickler(pickle.Unpickler):
    """Knows arrays and nothing else."""

    def find_class(self, module: str, name: str) -> object:
        root = module.split(".")[0]
        if root == "numpy" and name in _ARRAYS:
            owner = np.core.multiarray if name in ("_reconstruct", "scalar") else np
            return getattr(owner, name)
        if root == "scipy" and name in _SPARSE:
            import scipy.sparse

            return getattr(scipy.sparse, name)
        if root == "chumpy":
            return _Holder
        if (module, name) in (("_codecs", "encode"), ("collections", "OrderedDict")):
            import collections

            return collections.OrderedDict if name == "OrderedDict" else _latin1
        raise pickle.UnpicklingError(f"it wants '{module}.{name}', which is no array")


def _latin1(text: str, encoding: str = "latin1") -> bytes:
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"it wants the text encoding '{encoding}'")
    return text.encode("latin1")


def _plain(value: object) -> np.ndarray | None:
    """A numeric array from what the pickle held under one key, or None."""
    if isinstance(value, _Holder):
        state = value.state if isinstance(value.state, dict) else {}
        value = state.get("x")
    if hasattr(value, "toarray"):
        value = value.toarray()
    if isinstance(value, (int, float, list, tuple, np.ndarray, np.generic)):
        try:
            array = np.asarray(value)
        except ValueError:
            return None
        return array if array.dtype.kind in "fiub" else None
    return None


def _child() -> int:
    """Reads a pickle from stdin and writes an .npz to stdout."""
    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (8 * _LIMIT, 8 * _LIMIT))
    except (ImportError, ValueError, OSError):
        pass  # no such limits on this system; the unpickler's own stay
    try:
        content = _ArrayUnpickler(io.BytesIO(sys.stdin.buffer.read()), encoding="latin1").load()
        if not isinstance(content, dict):
            raise pickle.UnpicklingError("it holds no table of arrays")
        arrays = {str(k): a for k, v in content.items() if (a := _plain(v)) is not None}
        stream = io.BytesIO()
        np.savez_compressed(stream, **arrays)
    except Exception as error:  # whatever a hostile file provokes is reported in one line
        print(str(error).splitlines()[0] if str(error) else type(error).__name__, file=sys.stderr)
        return 1
    sys.stdout.buffer.write(stream.getvalue())
    return 0


def convert(source: Path, target: Path) -> Path:
    """Writes the arrays of a pickled model to an .npz file; InputError if the pickle holds anything else."""
    raw = read_bytes(source, limit=_LIMIT, what="pickled body model")
    command = [sys.executable, "-m", "avatars.convert_pickle", "--child"]
    try:
        done = subprocess.run(command, input=raw, capture_output=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise InputError("model.pickle", f"{source}: took longer than {_SECONDS} s to read", "check the file") from None
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        reason = lines[-1] if lines else "the reader stopped"
        raise InputError(
            "model.pickle", f"{source}: cannot be converted: {reason}", "use the .npz file of the same model"
        )
    return write_bytes(target, done.stdout)


def main(arguments: list[str] | None = None) -> int:
    """Command line; returns the exit code."""
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments == ["--child"]:
        return _child()
    if len(arguments) != 2:
        print("usage: python -m avatars.convert_pickle in.pkl out.npz", file=sys.stderr)
        return 2
    try:
        print(convert(Path(arguments[0]), Path(arguments[1])))
    except ToileError as error:
        print(error, file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main())
