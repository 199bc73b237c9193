"""Colour and print are read off pictures of a skirt whose colour and print are known."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from small_scene import capsule_body, folded_skirt
from test_photo_stage import view_of

from engine.core.errors import JobError
from engine.photo.cloth import cloth_colours
from render.camera import look_at
from render.photo_light import LightEstimate, PhotoStudio
from render.studio import fibonacci_sphere


def light() -> LightEstimate:
    ways = fibonacci_sphere(160)
    near = np.maximum(ways @ np.array([-0.6, 0.5, 0.62]) - np.cos(0.5), 0)[:, None]
    return LightEstimate(ways, 0.5 + 25 * near / near.sum() * np.ones(3), np.ones((1, 3)), 0.0, 0.0)


def read_back(colour=(1.0, 1.0, 1.0), texture=None):
    """Draws the skirt in a colour or print and reads both off the picture."""
    from render.preview import Preview

    camera = look_at(np.array([0.0, 1.0, 3.0]), np.array([0.0, 0.85, 0.0]), fov_y=0.6, size=(300, 400))
    body, skirt = capsule_body(), folded_skirt()
    flat = replace(skirt.material, base_color=(*colour, 1.0), texture=texture, weave="", sheen=0.0)
    skirt = replace(skirt, material=flat, maps={}, map_ranges={})
    try:
        with Preview([body, skirt], quality="draft", backdrop="none", studio=PhotoStudio.of(light(), camera)) as drawn:
            seen = drawn.view(camera)
    except JobError as error:
        pytest.skip(str(error))
    linear = np.clip(seen.rgb * seen.alpha[..., None], 0, 1)
    srgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    person = (seen.alpha > 0.5).astype(np.uint8)
    view = view_of(np.round(255 * srgb).astype(np.uint8), camera, person)
    return cloth_colours(SimpleNamespace(body=body), skirt, view, camera, light(), pixels=256)


def test_a_plain_colour():
    found = read_back((0.30, 0.06, 0.10))
    assert found.plain and 0.2 < found.seen < 0.6
    assert found.base == pytest.approx([0.30, 0.06, 0.10], rel=0.15)


def test_a_print_comes_back_where_it_was():
    n = 256
    x = np.arange(n)
    columns = (x // 16) % 2 == 0
    texture = np.where(columns[None, :, None], (180, 40, 40), (40, 60, 170)) * np.ones((n, 1, 1))
    found = read_back(texture=texture.astype(np.uint8))
    assert not found.plain
    red = found.print[..., 0].astype(int) > found.print[..., 2]
    # the front is at u = 0; the skirt ends at v = 0.48
    rows, front = slice(30, 90), [c for c in range(0, 32) if c % 16 not in (0, 1, 14, 15)]
    assert (red[rows][:, front] == columns[front]).mean() > 0.95
