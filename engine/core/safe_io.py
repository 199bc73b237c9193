"""Reading bounded, writing whole: files appear complete or not at all."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from engine.core.errors import InputError, JobError

__all__ = ["read_bytes", "read_json", "read_yaml", "write_bytes", "write_json", "write_text", "write_with", "load_npz"]

MAX_TEXT_BYTES = 32 << 20
MAX_NPZ_BYTES = 1 << 30
MAX_DEPTH = 40


def read_bytes(path: str | Path, *, limit: int = MAX_TEXT_BYTES, what: str = "file") -> bytes:
    """The content of a file of at most ``limit`` bytes; InputError if it is missing, unreadable or larger."""
    p = Path(path)
    try:
        size = p.stat().st_size
        if not p.is_file():
            raise InputError("file.not_a_file", f"{p}: is not a {what}", "give the path of a file, not of a folder")
        if size > limit:
            raise InputError(
                "file.too_large",
                f"{p}: {size / 1e6:.1f} MB is more than the {limit / 1e6:.0f} MB allowed for a {what}",
                "check that it is the right file",
            )
        if size == 0:
            raise InputError("file.empty", f"{p}: the {what} is empty", "export or copy it again")
        return p.read_bytes()
    except FileNotFoundError:
        raise InputError("file.missing", f"{p}: no such {what}", "check the path") from None
    except OSError as error:
        raise InputError("file.unreadable", f"{p}: cannot be read: {error.strerror}", "check its permissions") from None


def _check_depth(value: Any, path: Path, depth: int = 0) -> None:
    if depth > MAX_DEPTH:
        raise InputError(
            "file.nested", f"{path}: nested deeper than {MAX_DEPTH} levels", "check that it is the right file"
        )
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            _check_depth(item, path, depth + 1)


def read_json(path: str | Path, *, what: str = "JSON file") -> Any:
    """Parses a bounded JSON file (no NaN, no duplicate keys); InputError names line and column."""
    p = Path(path)
    raw = read_bytes(p, what=what)

    def no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        keys = [k for k, _ in pairs]
        if len(set(keys)) != len(keys):
            twice = next(k for k in keys if keys.count(k) > 1)
            raise InputError("json.duplicate_key", f"{p}: the key '{twice}' stands twice in one object", "remove one")
        return dict(pairs)

    def no_constant(name: str) -> None:
        raise InputError(
            "json.not_a_number", f"{p}: contains {name}, which is not a number in JSON", "replace it by a number"
        )

    try:
        value = json.loads(raw.decode("utf-8-sig"), object_pairs_hook=no_duplicates, parse_constant=no_constant)
    except UnicodeDecodeError as error:
        raise InputError("json.encoding", f"{p}: is not UTF-8 text (byte {error.start})", "save it as UTF-8") from None
    except json.JSONDecodeError as error:
        raise InputError(
            "json.syntax", f"{p}: line {error.lineno}, column {error.colno}: {error.msg}", "mend the JSON at that place"
        ) from None
    except RecursionError:
        raise InputError("file.nested", f"{p}: nested too deeply", "check that it is the right file") from None
    _check_depth(value, p)
    return value


def read_yaml(path: str | Path, *, what: str = "YAML file") -> Any:
    """Parses a bounded YAML file without aliases or object tags; InputError names line and column."""
    import yaml

    p = Path(path)
    raw = read_bytes(p, what=what, limit=1 << 20)
    try:
        text = raw.decode("utf-8-sig")
        try:
            value = _parsed_yaml(text, p, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        except yaml.YAMLError:  # whose place and reason the loader in Python tells better
            value = _parsed_yaml(text, p, yaml.SafeLoader)
    except UnicodeDecodeError as error:
        raise InputError("yaml.encoding", f"{p}: is not UTF-8 text (byte {error.start})", "save it as UTF-8") from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
        raise InputError("yaml.syntax", f"{p}: {place}{error.problem}", "mend the YAML at that place") from None
    except yaml.YAMLError as error:
        raise InputError("yaml.syntax", f"{p}: {str(error).splitlines()[0]}", "mend the YAML") from None
    except (RecursionError, ValueError):
        raise InputError("yaml.syntax", f"{p}: cannot be read as YAML", "check that it is the right file") from None
    _check_depth(value, p)
    return value


def _parsed_yaml(text: str, path: Path, loader: type) -> Any:
    import yaml

    if any(isinstance(token, yaml.AliasToken) for token in yaml.scan(text, Loader=loader)):
        raise InputError("yaml.alias", f"{path}: aliases (*name) are not supported", "write the value out")
    return yaml.load(text, Loader=loader)


def load_npz(path: str | Path, *, what: str = "result file", limit: int = MAX_NPZ_BYTES) -> dict[str, np.ndarray]:
    """Arrays of an .npz file, never unpickled; the unpacked size is checked before memory is taken."""
    import zipfile

    p = Path(path)
    if p.suffix == ".pkl":
        raise InputError(
            "file.pickle",
            f"{p}: pickle files run code when they are read and are refused",
            "convert it in isolation with: python -m avatars.convert_pickle in.pkl out.npz",
        )
    try:
        with zipfile.ZipFile(p) as archive:
            total = sum(info.file_size for info in archive.infolist())
        if total > limit:
            raise InputError(
                "file.too_large", f"{p}: unpacks to {total / 1e6:.0f} MB", "check that it is the right file"
            )
        with np.load(p, allow_pickle=False) as data:
            return {key: data[key] for key in data.files}
    except FileNotFoundError:
        raise InputError("file.missing", f"{p}: no such {what}", "check the path, or run the stage before") from None
    except InputError:
        raise
    except (zipfile.BadZipFile, ValueError, OSError, KeyError, EOFError) as error:
        raise InputError("file.damaged", f"{p}: is not a readable {what}: {error}", "make it again") from None


def write_with(path: str | Path, writer: Callable[[BinaryIO], None]) -> Path:
    """Lets ``writer`` fill a temporary file beside ``path``, then puts it in place at once."""
    p = Path(path)
    try:
        p.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=p.parent, prefix=f".{p.name}.", suffix=".tmp")
    except OSError as error:
        raise JobError("file.unwritable", f"{p}: cannot be written: {error.strerror}", "choose another --out") from None
    try:
        with os.fdopen(handle, "wb") as stream:
            writer(stream)
            stream.flush()
            os.fsync(stream.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, p)
    except OSError as error:
        Path(temporary).unlink(missing_ok=True)
        raise JobError("file.unwritable", f"{p}: cannot be written: {error.strerror}", "free some room") from None
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return p


def write_bytes(path: str | Path, data: bytes) -> Path:
    """Writes ``data`` whole or not at all."""
    return write_with(path, lambda stream: stream.write(data) and None)


def write_text(path: str | Path, text: str) -> Path:
    """Writes UTF-8 text whole or not at all."""
    return write_bytes(path, text.encode())


def write_json(path: str | Path, value: Any) -> Path:
    """Writes strict JSON (NaN is refused) whole or not at all."""
    return write_text(path, json.dumps(value, indent=2, allow_nan=False, ensure_ascii=False) + "\n")
