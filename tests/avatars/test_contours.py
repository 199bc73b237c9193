"""Outlines are where they should be: a bias of one pixel would cost a centimetre of girth."""

import numpy as np
import pytest

from avatars.contours import linear_light, refine, trace

CENTRE, RADII = np.array([100.3, 140.7]), np.array([46.2, 81.9])


def ellipse_coverage(shape=(280, 200), samples=8):
    """Exact-enough share of each pixel inside an ellipse, pixel centres at half-integers."""
    h, w = shape
    y, x = (np.mgrid[0 : h * samples, 0 : w * samples] + 0.5) / samples
    inside = ((x - CENTRE[0]) / RADII[0]) ** 2 + ((y - CENTRE[1]) / RADII[1]) ** 2 < 1
    return inside.reshape(h, samples, w, samples).mean((1, 3)).astype(np.float32)


def signed_distance(points):
    """Distance outside the ellipse [px], first order."""
    p = (points - CENTRE) / RADII
    level = (p**2).sum(1)
    return (level - 1) / (2 * np.linalg.norm(p / RADII, axis=1))


def encode(light):
    s = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    return (s * 255 + 0.5).astype(np.uint8)


def test_traced_outline_has_no_bias():
    contour = trace(ellipse_coverage())
    error = signed_distance(contour.points)
    assert abs(error.mean()) < 0.03
    assert np.abs(error).max() < 0.15
    # normals point out of the body
    outward = (contour.points - CENTRE) / RADII**2
    outward /= np.linalg.norm(outward, axis=1, keepdims=True)
    assert (contour.normals * outward).sum(1).min() > 0.99


def test_a_hole_is_an_outline_of_its_own_with_normals_into_it():
    mask = ellipse_coverage()
    mask[120:160, 90:110] = 0
    contour = trace(mask)
    assert len(np.unique(contour.loop)) == 2
    hole = np.linalg.norm(contour.points - [100, 140], axis=1) < 30
    assert ((contour.points[hole] - [100, 140]) * contour.normals[hole]).sum(1).max() < 0


@pytest.mark.parametrize(
    ("body", "ground"), [((0.05, 0.06, 0.1), (0.7, 0.65, 0.6)), ((0.6, 0.4, 0.3), (0.1, 0.1, 0.1))]
)
@pytest.mark.parametrize("shift", [-1.5, 0.0, 1.5])
def test_refined_outline_finds_the_true_edge(body, ground, shift):
    """Dark on bright and bright on dark, from a mask that is off by more than a pixel."""
    coverage = ellipse_coverage()[..., None]
    rng = np.random.default_rng(0)
    light = coverage * np.array(body) + (1 - coverage) * np.array(ground)
    rgb = encode(np.clip(light + rng.normal(0, 0.004, light.shape), 0, 1))
    start = trace(ellipse_coverage())
    moved = type(start)(start.points + shift * start.normals, start.normals, start.loop, start.std, start.width)
    error = signed_distance(refine(rgb, moved).points)
    assert abs(np.mean(error)) < 0.06
    assert np.abs(error).max() < 0.6


def test_an_edge_without_contrast_stays_and_says_so():
    rgb = np.full((280, 200, 3), 120, np.uint8)
    start = trace(ellipse_coverage())
    out = refine(rgb, start)
    assert np.allclose(out.points, start.points, atol=1e-6)
    assert out.std.min() >= 1.5
    assert np.isnan(out.width).all()


def test_linear_light():
    assert linear_light(np.array([0, 255], np.uint8)).tolist() == [0.0, 1.0]
    assert linear_light(np.array([188], np.uint8))[0] == pytest.approx(0.5, abs=0.01)


def test_empty_mask():
    contour = trace(np.zeros((50, 50), np.float32))
    assert len(contour.points) == 0
    assert len(refine(np.zeros((50, 50, 3), np.uint8), contour).points) == 0
