import importlib.util
from dataclasses import replace

import numpy as np
import pytest

from engine.core.errors import InputError, UnsupportedError
from engine.core.types import Material, SceneMesh
from render.camera import look_at, standard_cameras
from render.preview import Preview, PreviewQuality, Sampling
from render.reference import trace, variant
from render.reference.geometry import traceable
from render.reference.lights import environment_map, map_directions
from render.studio import Studio

SMALL = PreviewQuality((60, 80), (60, 80), 4, Sampling(2, 4, 6, 256), Sampling(2, 1, 4, 256), 32)


@pytest.fixture
def mitsuba():
    pytest.importorskip("mitsuba", reason="the extra 'reference' is not installed")


def _irradiance(studio, normal):
    """What a surface under the studio's map receives, by adding up its pixels."""
    radiance, directions = environment_map(studio, 256), map_directions(256)
    area = np.sin((np.arange(256) + 0.5) / 256 * np.pi)[:, None] * (np.pi / 256) ** 2
    cosine = np.maximum(directions @ normal, 0)
    return (radiance * (cosine * area)[..., None]).sum((0, 1))


def test_lights_give_a_white_card_what_the_preview_gives_it():
    studio = Studio()
    dark = replace(studio, softboxes=(), wall=(0, 0, 0), floor=(0, 0, 0))
    for name, other in (("key", "rim"), ("rim", "key")):
        alone = replace(dark, **{f"{other}_radiance": (0.0, 0.0, 0.0)})
        card = _irradiance(alone, studio.direction(name, 0.0)) / np.pi
        assert card == pytest.approx(getattr(studio, f"{name}_radiance"), rel=0.01)


def test_an_old_llvm_is_never_loaded(monkeypatch):
    monkeypatch.delenv("DRJIT_LIBLLVM_PATH", raising=False)
    found = ["/usr/lib/x/libLLVM-15.so.1", "/usr/lib/x/libLLVM-16.so"]
    monkeypatch.setattr(variant.glob, "glob", lambda pattern: found)
    assert variant.llvm_library() is None
    found.append("/usr/lib/x/libLLVM.so.19.1")
    assert variant.llvm_library() == "/usr/lib/x/libLLVM.so.19.1"
    monkeypatch.setenv("DRJIT_LIBLLVM_PATH", "/my/libLLVM-16.so")
    assert variant.llvm_library() == "/my/libLLVM-16.so"


def test_without_mitsuba_it_says_what_to_install(monkeypatch, body):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(UnsupportedError, match="mitsuba") as error:
        trace([body], [look_at([0, 1, 3], [0, 1, 0], fov_y=0.5, size=(8, 8))])
    assert "toile[reference]" in error.value.hint


def test_samples_have_to_be_a_number_of_paths(mitsuba, body):
    with pytest.raises(InputError, match="0 samples"):
        trace([body], [look_at([0, 1, 3], [0, 1, 0], fov_y=0.5, size=(8, 8))], samples=0)


def test_skin_is_drawn_in_under_cloth_and_nowhere_else(body, cloth):
    tight = replace(cloth, vertices=cloth.vertices * [0.62, 1, 0.62], normals=None)
    skin = traceable([body, tight])[0]
    moved = np.linalg.norm(skin.vertices - body.vertices, axis=1)
    low, high = tight.vertices[:, 1].min(), tight.vertices[:, 1].max()
    assert moved.max() <= 0.0041
    assert not moved[(body.vertices[:, 1] < low - 0.03) | (body.vertices[:, 1] > high + 0.03)].any()


def test_traced_views_lie_where_drawn_ones_do_and_are_as_bright(mitsuba, opengl, body, cloth):
    cameras = list(standard_cameras([body, cloth], size=(60, 80)).values())[1:]
    cameras[0].K[0, 2] += 7  # a cut-out: the principal point off the middle
    cameras[0].K[1, 2] -= 5
    traced = trace([body, cloth], cameras, samples=16, threads=1)
    with Preview([body, cloth], quality=SMALL, backdrop="none") as preview:
        drawn = [preview.view(camera) for camera in cameras]
    for t, d in zip(traced, drawn, strict=True):
        assert np.abs(t.alpha - d.alpha).mean() < 0.01
        inside = (t.alpha > 0.99) & (d.alpha > 0.99)
        assert t.rgb[inside].mean() == pytest.approx(d.rgb[inside].mean(), rel=0.2)
        assert t.rgb[t.alpha == 0].max() == 0
        cloth_here = inside & (d.material_id == 1)
        assert (t.normal * d.normal).sum(-1)[cloth_here].mean() > 0.9


def _card(side: int) -> tuple[SceneMesh, np.ndarray]:
    """A small card on one side that faces that side, a little up and the camera; and its normal."""
    normal = np.array([side * 0.7, 0.3, 0.65]) / np.linalg.norm([0.7, 0.3, 0.65])
    across = np.cross([0, 1, 0], normal) / np.linalg.norm(np.cross([0, 1, 0], normal))
    up = np.cross(normal, across)
    corners = np.array([-across - up, across - up, across + up, -across + up]) * 0.2 + [side, 0, 0]
    faces = np.array([[0, 1, 2], [0, 2, 3]], np.int32)
    material = Material("card", (0.5, 0.5, 0.5, 1.0), 1.0, double_sided=True)
    normals = np.tile(normal, (4, 1)).astype(np.float32)
    return SceneMesh("card", corners.astype(np.float32), faces, material, normals), normal


def test_equal_seeds_give_equal_pictures_and_light_comes_from_where_it_stands(mitsuba):
    """A card facing the key light is brighter than its mirror image, in the proportion of what they receive."""
    cards, normals = zip(*(_card(side) for side in (-1, 1)), strict=True)
    camera = look_at([0, 0, 8], [0, 0, 0], fov_y=0.08, size=(60, 12))
    one, two = (trace(cards, [camera], samples=256, threads=1)[0] for _ in range(2))
    assert np.array_equal(one.rgb, two.rgb)
    halves = [one.rgb[:, half][one.alpha[:, half] > 0.99].mean(0) for half in (np.s_[:30], np.s_[30:])]
    received = [_irradiance(Studio(), n) for n in normals]
    assert halves[0] / halves[1] == pytest.approx(received[0] / received[1], rel=0.12)
    assert halves[0] == pytest.approx(0.5 * received[0] / np.pi, rel=0.15)
