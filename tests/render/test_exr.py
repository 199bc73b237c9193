"""OpenEXR files, read back by hand from the published layout, and by OpenCV where it can."""

import os
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest

from engine.core.errors import InputError
from render.exr import write_exr


def channels() -> dict[str, np.ndarray]:
    random = np.random.default_rng(3)
    depth = np.where(random.random((37, 21)) < 0.5, np.inf, random.uniform(1, 4, (37, 21)))
    return {**{c: random.normal(size=(37, 21)).astype(np.float32) for c in "RGB"}, "Z": depth}


def unpacked(data: bytes, size: int) -> bytes:
    if len(data) == size:
        return data
    parted = np.frombuffer(zlib.decompress(data), np.uint8).astype(np.int64)
    parted[1:] -= 128
    whole = (np.cumsum(parted) % 256).astype(np.uint8)
    out = np.empty(size, np.uint8)
    out[0::2], out[1::2] = whole[: (size + 1) // 2], whole[(size + 1) // 2 :]
    return out.tobytes()


def test_every_value_comes_back(tmp_path):
    given = channels()
    raw = write_exr(tmp_path / "a.exr", given).read_bytes()
    assert raw[:8] == struct.pack("<ii", 20000630, 2)
    at = raw.index(b"screenWindowWidth\0float\0") + len(b"screenWindowWidth\0float\0") + 4 + 4 + 1
    offsets = np.frombuffer(raw[at : at + 8 * 3], "<u8")  # 37 rows in blocks of 16
    rows = []
    for k, offset in enumerate(int(o) for o in offsets):
        top, size = struct.unpack("<ii", raw[offset : offset + 8])
        assert top == 16 * k
        height = min(16, 37 - top)
        values = np.frombuffer(unpacked(raw[offset + 8 : offset + 8 + size], height * 4 * 21 * 4), "<f4")
        rows.append(values.reshape(height, 4, 21))
    found = np.concatenate(rows)
    for k, name in enumerate(sorted(given)):
        assert np.array_equal(found[:, k], given[name].astype(np.float32)), name


def test_opencv_reads_the_colours(tmp_path):
    given = channels()
    path = write_exr(tmp_path / "a.exr", {c: given[c] for c in "RGB"})
    script = "import sys, cv2, numpy as np; np.save(sys.argv[2], cv2.imread(sys.argv[1], cv2.IMREAD_UNCHANGED))"
    done = subprocess.run(
        [sys.executable, "-c", script, str(path), str(tmp_path / "a.npy")],
        env={**os.environ, "OPENCV_IO_ENABLE_OPENEXR": "1"},
        capture_output=True,
    )
    if done.returncode:
        pytest.skip("OpenCV here reads no OpenEXR")
    found = np.load(tmp_path / "a.npy")
    assert np.array_equal(found, np.stack([given[c] for c in "BGR"], -1))


def test_channels_of_different_sizes_are_refused(tmp_path):
    with pytest.raises(InputError, match="shapes"):
        write_exr(tmp_path / "a.exr", {"R": np.zeros((3, 4)), "G": np.zeros((4, 3))})
