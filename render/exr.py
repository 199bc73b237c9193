"""OpenEXR files: float pictures with named channels, as compositing and 3D programs read them.

Single-part scanline files with ZIP compression, by the published layout (openexr.com, "OpenEXR File Layout").
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from engine.core.errors import InputError
from engine.core.safe_io import write_bytes

__all__ = ["write_exr"]

ROWS = 16  #: scanlines to a block under ZIP compression
ZIP, FLOAT = 3, 2  #: codes of the compression and of the pixel type


def write_exr(path: str | Path, channels: Mapping[str, np.ndarray]) -> Path:
    """Writes float32 channels, each of shape [H, W], row 0 at the top.

    Args:
        channels: by name; layers by the usual prefix, as in ``normal.X``.

    Raises:
        InputError: they differ in shape, or there is none.
    """
    shapes = {np.shape(values) for values in channels.values()}
    if len(shapes) != 1 or len(next(iter(shapes))) != 2:
        raise InputError("exr.shape", f"{path}: channels of shapes {sorted(map(str, shapes))}", "give [H, W] each")
    height, width = shapes.pop()
    names = sorted(channels)  # the format wants them so
    planes = np.stack([np.ascontiguousarray(channels[n], "<f4") for n in names], axis=1)  # row, channel, column
    header = _header(names, width, height)
    blocks = []
    for top in range(0, height, ROWS):
        data = _packed(planes[top : top + ROWS].tobytes())
        blocks.append(struct.pack("<ii", top, len(data)) + data)
    start = len(header) + 8 * len(blocks)
    offsets = start + np.cumsum([0, *(len(b) for b in blocks[:-1])])
    return write_bytes(path, header + offsets.astype("<u8").tobytes() + b"".join(blocks))


def _header(names: list[str], width: int, height: int) -> bytes:
    listed = b"".join(n.encode() + b"\0" + struct.pack("<iBxxxii", FLOAT, 0, 1, 1) for n in names) + b"\0"
    box = struct.pack("<iiii", 0, 0, width - 1, height - 1)
    attributes = (
        ("channels", "chlist", listed),
        ("compression", "compression", bytes([ZIP])),
        ("dataWindow", "box2i", box),
        ("displayWindow", "box2i", box),
        ("lineOrder", "lineOrder", b"\0"),
        ("pixelAspectRatio", "float", struct.pack("<f", 1.0)),
        ("screenWindowCenter", "v2f", struct.pack("<ff", 0.0, 0.0)),
        ("screenWindowWidth", "float", struct.pack("<f", 1.0)),
    )
    fields = (n.encode() + b"\0" + kind.encode() + b"\0" + struct.pack("<i", len(v)) + v for n, kind, v in attributes)
    return struct.pack("<ii", 20000630, 2) + b"".join(fields) + b"\0"


def _packed(raw: bytes) -> bytes:
    """ZIP as OpenEXR does it: even bytes, then odd ones, each as its difference from the one before."""
    data = np.frombuffer(raw, np.uint8)
    parted = np.concatenate([data[0::2], data[1::2]])
    parted[1:] = parted[1:] - parted[:-1] + np.uint8(128)
    packed = zlib.compress(parted.tobytes(), 6)
    return packed if len(packed) < len(raw) else raw
