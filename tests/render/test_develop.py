import numpy as np
import pytest
from PIL import Image

from engine.core.types import ImageBuffers
from render.develop import develop, srgb_from_linear, tone_map, write_png


def test_tone_mapping_keeps_mid_colours_and_never_clips():
    mid = np.array([0.5, 0.3, 0.2])
    assert tone_map(mid) == pytest.approx(mid - 0.04, abs=1e-6)  # Khronos PBR Neutral takes only the 4 % reflection off
    ramp = tone_map(np.linspace(0, 20, 200)[:, None] * np.ones(3))
    assert (np.diff(ramp[:, 0]) >= 0).all() and ramp.max() < 1
    assert srgb_from_linear(np.array([0.0, 0.214, 1.0])) == pytest.approx([0, 0.5, 1], abs=2e-3)


def test_png_keeps_the_developed_picture(tmp_path):
    rgb = np.random.default_rng(1).uniform(0, 1, (8, 6, 3)).astype(np.float32)
    empty = np.zeros((0, 0), np.float32)
    buffers = ImageBuffers(rgb, np.full((8, 6), 0.5, np.float32), empty, empty, empty, empty)
    path = write_png(tmp_path / "a.png", buffers)
    assert np.array_equal(np.asarray(Image.open(path)), develop(buffers))
    path = write_png(tmp_path / "b.png", develop(buffers, transparent=True))
    assert np.asarray(Image.open(path))[0, 0, 3] == 128
