"""How a look's cloth is coloured and printed, whatever fabric it is: ``--colour`` and ``--print``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.errors import InputError
from engine.core.types import SceneMesh

__all__ = ["Finish", "add_arguments", "linear_of_hex", "hex_of_linear", "read_finish"]

MOST_PIXELS = 4096  #: along a side of a print; larger ones are scaled down


@dataclass(frozen=True)
class Finish:
    """Colour and print of a garment."""

    colour: tuple[float, float, float] | None = None  #: linear RGB in place of the fabric's
    print: np.ndarray | None = None  #: sRGB uint8 over the panels' texture coordinates, shape [H, W, 3]

    def on(self, meshes: Sequence[SceneMesh]) -> list[SceneMesh]:
        """The meshes of a look with the outermost garment, the last one, in this finish."""
        cloth = max((i for i, m in enumerate(meshes) if m.material.double_sided), default=None)
        return [self._finished(m) if i == cloth else m for i, m in enumerate(meshes)]

    def _finished(self, mesh: SceneMesh) -> SceneMesh:
        material = mesh.material
        base = self.colour or (material.base_color[:3] if self.print is None else (1.0, 1.0, 1.0))
        texture = material.texture if self.print is None else self.print
        return replace(mesh, material=replace(material, base_color=(*base, material.base_color[3]), texture=texture))


def add_arguments(parser: Any) -> None:
    """Adds --colour and --print to a command's parser."""
    parser.add_argument("--colour", metavar="#RRGGBB", help="colour of the (outermost) garment instead of its fabric's")
    parser.add_argument("--print", dest="print_file", metavar="FILE",
                        help="picture over the garment's panels, laid out as its texture in look.glb "
                        "(toile photo fabric writes one)")  # fmt: skip


def read_finish(colour: str | None, print_file: str | None) -> Finish | None:
    """What the flags say; None if they say nothing.

    Raises:
        InputError: no such colour, or a file that is no picture.
    """
    if colour is None and print_file is None:
        return None
    return Finish(linear_of_hex(colour) if colour else None, _picture(Path(print_file)) if print_file else None)


def linear_of_hex(text: str) -> tuple[float, float, float]:
    """Linear RGB of an sRGB colour as it is written on the web."""
    found = re.fullmatch(r"#?([0-9a-fA-F]{6})", text.strip())
    if not found:
        raise InputError("cli.colour", f"--colour {text}: is not a colour", "write it like --colour '#8a2f3b'")
    srgb = np.array([int(found[1][i : i + 2], 16) for i in (0, 2, 4)]) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    return tuple(float(v) for v in linear)


def hex_of_linear(colour: np.ndarray) -> str:
    """The nearest sRGB colour as it is written on the web."""
    from render.develop import srgb_from_linear

    return "#" + "".join(f"{int(v):02x}" for v in np.round(255 * srgb_from_linear(np.asarray(colour))))


def _picture(path: Path) -> np.ndarray:
    from avatars.photos import read_photo

    return read_photo(path, long_side=MOST_PIXELS).rgb
