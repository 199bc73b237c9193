import numpy as np
import pytest

from render.photo_composite import Layer, composite, grain_of, snapped_to_edges, spread_colours


def photo(noise: float = 0.02) -> np.ndarray:
    random = np.random.default_rng(0)
    grey = 0.45 + noise * random.standard_normal((120, 160, 1)) + np.zeros(3)
    return np.round(255 * np.clip(grey, 0, 1)).astype(np.uint8)


def layer(alpha: np.ndarray, colour=(0.3, 0.05, 0.05), shadow=1.0) -> Layer:
    return Layer(np.broadcast_to(np.array(colour, np.float32), (*alpha.shape, 3)).copy(), alpha.astype(np.float32),
                 np.full((*alpha.shape, 3), shadow, np.float32))  # fmt: skip


def square() -> np.ndarray:
    alpha = np.zeros((120, 160))
    alpha[40:80, 50:110] = 1
    return alpha


def test_what_is_not_covered_stays_to_the_bit():
    picture = photo()
    out = composite(picture, layer(square()), blur=0.9, grain=grain_of(picture))
    outside = np.ones((120, 160), bool)
    outside[34:86, 44:116] = False
    assert np.array_equal(out[outside], picture[outside])
    inside = out[45:75, 55:105].reshape(-1, 3).mean(0)
    assert inside == pytest.approx([148.7, 63.2, 63.2], abs=2)  # sRGB of 0.3 and 0.05


def test_grain_is_measured_and_matched():
    picture = photo(0.02)
    luma, chroma = grain_of(picture)
    assert luma == pytest.approx(0.02, rel=0.15) and chroma < 0.003
    out = composite(picture, layer(square()), blur=0.5, grain=(luma, chroma)).astype(float)
    assert out[45:75, 55:105].std((0, 1)).mean() / 255 == pytest.approx(0.02, rel=0.2)


def test_shadow_darkens_in_linear_light_and_only_so_far():
    picture = np.full((60, 60, 3), 188, np.uint8)  # 0.5 linear
    half = composite(picture, layer(np.zeros((60, 60)), shadow=0.5), blur=0.5, grain=(0, 0))
    assert half == pytest.approx(np.full((60, 60, 3), 137), abs=1)
    black = composite(picture, layer(np.zeros((60, 60)), shadow=0.0), blur=0.5, grain=(0, 0))
    assert (black > 60).all()


def test_highlights_end_at_white_and_keep_their_order():
    shades = [composite(photo(0), layer(np.ones((120, 160)), (v, v, 0.5 * v)), blur=0.5, grain=(0, 0))[60, 80]
              for v in (0.5, 0.9, 1.5, 4.0)]  # fmt: skip
    assert all((b >= a).all() and b.max() <= 255 for a, b in zip(shades, shades[1:], strict=False))
    assert shades[2][0] < 255 and shades[2][2] < shades[2][0]


def test_edges_take_the_layers_colour_only():
    colour = np.zeros((40, 40, 3), np.float32)
    colour[:, :20], colour[:, 20:] = (0.4, 0.1, 0.1), (0.0, 0.0, 0.9)
    pure = np.zeros((40, 40), bool)
    pure[:, :18] = True
    assert spread_colours(colour, pure)[20, 30] == pytest.approx([0.4, 0.1, 0.1])


def test_masks_move_to_the_photos_edge():
    picture = np.full((60, 80, 3), 40, np.uint8)
    picture[:, 40:] = 210
    mask = np.zeros((60, 80), np.float32)
    mask[:, 37:] = 1  # three pixels off
    moved = snapped_to_edges(mask, picture)[30]
    assert moved[38:40].max() < 0.5 and moved[41] > 0.95
    assert moved[20] == 0 and moved[60] == 1 and np.ptp(mask[30, 37:40]) == 0
