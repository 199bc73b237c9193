"""Settings of a run: quality presets, device, seed; read from flags or a YAML file, checked field by field."""

from __future__ import annotations

import dataclasses
import difflib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.core.errors import InputError
from engine.core.safe_io import read_yaml

__all__ = ["Config", "QUALITY", "Quality", "read_config"]


@dataclass(frozen=True)
class Quality:
    """What a quality word stands for in the simulation; render.preview has the pictures' part under the same word."""

    levels: int  #: meshes from coarse to fine, each with half the edge length of the one before
    edge_length: float  #: finest edge length [m]


QUALITY = {
    "draft": Quality(levels=1, edge_length=0.020),
    "standard": Quality(levels=2, edge_length=0.010),
    "fine": Quality(levels=3, edge_length=0.005),
}
DEVICES = ("cpu", "gpu", "cuda", "vulkan", "metal")


@dataclass(frozen=True)
class Config:
    """Everything that changes a result besides its inputs."""

    quality: str = "standard"
    device: str = "cpu"
    threads: int = 0  #: CPU threads, 0 for as many as are of use; the result does not depend on it
    seed: int = 0
    turntable: bool = True
    cache: bool = True
    harmonise: bool = True  #: light on clothes in photos is refined by the network of render.refine

    def __post_init__(self) -> None:
        _choice("quality", self.quality, tuple(QUALITY))
        _choice("device", self.device, DEVICES)
        _integer("threads", self.threads, 0, 1024)
        _integer("seed", self.seed, 0, 2**31 - 1)
        for name in ("turntable", "cache", "harmonise"):
            if not isinstance(getattr(self, name), bool):
                raise InputError(
                    "config.type", f"{name}: {getattr(self, name)!r} is not true or false", "write true or false"
                )

    @property
    def preset(self) -> Quality:
        """The numbers behind ``quality``."""
        return QUALITY[self.quality]


def _choice(name: str, value: Any, allowed: tuple[str, ...]) -> None:
    if value not in allowed:
        near = difflib.get_close_matches(str(value), allowed, 1)
        hint = f"did you mean {near[0]}?" if near else f"one of {', '.join(allowed)}"
        raise InputError("config.choice", f"{name}: '{value}' is not known", hint)


def _integer(name: str, value: Any, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise InputError("config.range", f"{name}: {value!r} is not a whole number from {low} to {high}", "change it")


def read_config(path: str | Path | None, **overrides: Any) -> Config:
    """Config from a YAML file (or none), with non-None ``overrides`` on top.

    Raises:
        InputError: the file is broken, has an unknown field or a value out of range; names file and field.
    """
    values: dict[str, Any] = {}
    if path is not None:
        values = read_yaml(path, what="config file")
        if not isinstance(values, dict):
            raise InputError(
                "config.shape", f"{path}: is not a list of 'name: value' lines", "write e.g. 'quality: draft'"
            )
    known = [f.name for f in dataclasses.fields(Config)]
    for name in values:
        if name not in known:
            near = difflib.get_close_matches(str(name), known, 1)
            hint = f"did you mean {near[0]}?" if near else f"known fields: {', '.join(known)}"
            raise InputError("config.unknown", f"{path}: unknown field '{name}'", hint)
    values = {**values, **{k: v for k, v in overrides.items() if v is not None}}
    try:
        return Config(**values)
    except InputError as error:
        place = f"{path}: " if path is not None else ""
        raise InputError(error.code, f"{place}{error.message}", error.hint) from None
