"""The synthetic photos: cameras and EXIF, cut clothes, clean outlines, and truth that matches the picture."""

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("cv2")
from PIL import Image  # noqa: E402

from tools.sample_photos.camera import DIAGONAL_35MM, PhoneCamera, save_jpeg  # noqa: E402
from tools.sample_photos.clothes import cut_patch, lifted  # noqa: E402
from tools.sample_photos.develop import denoise, develop  # noqa: E402

EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "photos"


def test_camera_looks_where_it_should():
    camera = PhoneCamera((900, 1200), 26.0, distance=2.5, height=1.3)
    np.testing.assert_allclose(camera.project(np.array([[0.0, 1.3, 0.0]])), [[450.0, 600.0]], atol=1e-9)
    left_and_up = camera.project(np.array([[-0.5, 1.8, 0.0]]))[0]
    assert left_and_up[0] < 450 and left_and_up[1] < 600
    down = PhoneCamera((900, 1200), 26.0, distance=2.5, height=1.3, pitch=0.1)
    assert down.project(np.array([[0.0, 1.3, 0.0]]))[0, 1] < 600, "pitching down moves the scene up"
    rotation = PhoneCamera((9, 12), pitch=0.1, pan=0.2, roll=0.3).world_to_camera[:3, :3]
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1.0)


def test_exif_tells_the_focal_length(tmp_path):
    camera = PhoneCamera((300, 400), 27.0)
    save_jpeg(tmp_path / "p.jpg", np.full((400, 300, 3), 128, np.uint8), camera)
    with Image.open(tmp_path / "p.jpg") as picture:
        exif = picture.getexif()
        details = exif.get_ifd(0x8769)
        assert picture.size == (300, 400)
    assert (exif[0x010F], exif[0x0110]) == ("Toile", "Synthetic")
    assert details[0xA405] == 27 and float(details[0x920A]) == pytest.approx(27.0 * 7.07 / DIAGONAL_35MM, abs=1e-3)
    assert details[0xA405] * np.hypot(300, 400) / DIAGONAL_35MM == pytest.approx(camera.focal_px)


def test_hems_are_cut_on_the_line():
    x, y = np.meshgrid(np.arange(6.0), np.arange(5.0))
    vertices = np.stack([x.ravel(), y.ravel(), np.zeros(30)], 1)
    cell = (np.arange(4)[:, None] * 6 + np.arange(5)).ravel()
    faces = np.concatenate([np.stack([cell, cell + 1, cell + 7], 1), np.stack([cell, cell + 7, cell + 6], 1)])
    field = 2.3 - vertices[:, 1] - 0.2 * vertices[:, 0]
    patch, between, weight = cut_patch(faces, field)
    points = vertices[between[:, 0]] * (1 - weight[:, None]) + vertices[between[:, 1]] * weight[:, None]
    a, b, c = (points[patch[:, i]] for i in range(3))
    area = 0.5 * np.cross(b - a, c - a)[:, 2]
    assert (area > 0).all(), "the winding is kept"
    assert area.sum() == pytest.approx(5 * (2.3 + 1.3) / 2)
    line = 2.3 - points[:, 1] - 0.2 * points[:, 0]
    assert line.min() > -1e-12 and (np.abs(line) < 1e-12).sum() >= 6


def test_cloth_never_sinks_into_the_skin():
    x, y = np.meshgrid(np.arange(9.0), np.arange(9.0))
    dent = -0.5 * np.exp(-((x - 4) ** 2 + (y - 4) ** 2) / 2)
    vertices = np.stack([x.ravel(), y.ravel(), dent.ravel()], 1)
    cell = (np.arange(8)[:, None] * 9 + np.arange(8)).ravel()
    faces = np.concatenate([np.stack([cell, cell + 1, cell + 10], 1), np.stack([cell, cell + 10, cell + 9], 1)])
    up = np.tile([0.0, 0.0, 1.0], (81, 1))
    cloth = lifted(vertices, up, faces, offset=0.01, steps=10)
    height = cloth[:, 2] - vertices[:, 2]
    assert height.min() >= 0.01 - 1e-12 and height[40] > 0.1, "lifted everywhere, and bridging the dent"


def test_outline_follows_coverage():
    h, w = 60, 40
    coverage = np.clip(np.arange(w)[None] - 19.7, 0, 1).astype(np.float32) * np.ones((h, 1), np.float32)
    albedo = np.where(coverage[..., None] > 0.5, [0.6, 0.4, 0.3], [0.2, 0.3, 0.5]).astype(np.float32)
    noise = np.random.default_rng(0).gamma(4.0, 0.25, (h, w, 1)).astype(np.float32)
    buffers = {"rgb": albedo * noise, "albedo": albedo, "normal": np.tile(np.float32([0, 0, 1]), (h, w, 1)),
               "depth": np.where(coverage > 0.5, 2.0, 3.0).astype(np.float32)}  # fmt: skip
    clean = denoise(buffers, coverage)
    assert np.abs(clean[10:-10, 5:15] / albedo[10:-10, 5:15] - 1).mean() < 0.15 < np.abs(noise - 1).mean()
    expected = 0.3 * clean[:, 25].mean(0) + 0.7 * clean[:, 15].mean(0)
    np.testing.assert_allclose(clean[10:-10, 20].mean(0), expected, atol=0.06)
    picture = develop(clean, seed=1)
    assert picture.dtype == np.uint8 and picture.std() > 5


def test_shipped_sample_is_complete():
    yaml = pytest.importorskip("yaml")
    sample = yaml.safe_load((EXAMPLES / "sample.yaml").read_text())
    assert sample["sex"] == "female" and 165 < sample["height_cm"] < 180 and 50 < sample["weight_kg"] < 80
    for view in ("front", "side"):
        with Image.open(EXAMPLES / sample[view]) as picture:
            w, h = picture.size
            assert h * 3 == w * 4 and w >= 800
            assert picture.getexif()[0x0110] == "Synthetic"
            assert picture.getexif().get_ifd(0x8769)[0xA405] == 26
    assert sum(f.stat().st_size for f in EXAMPLES.glob("*.jpg")) < 1_500_000
    for name in ("sitting", "two_people", "empty_room", "feet_cut_off"):
        assert (EXAMPLES / "unusable" / f"{name}.jpg").stat().st_size < 80_000


@pytest.mark.slow
def test_truth_lies_in_the_picture():
    pytest.importorskip("anny", reason="bodies need the dev extra (anny)")
    pytest.importorskip("mitsuba", reason="path tracing needs the dev extra (mitsuba)")
    from tools.sample_photos.body import body_model
    from tools.sample_photos.people import photo_poses, random_person
    from tools.sample_photos.room import Room
    from tools.sample_photos.scene import use_variant
    from tools.sample_photos.studio import photograph

    use_variant()
    person = random_person(6, 7)
    assert person.shape == random_person(6, 7).shape, "the same seed draws the same person"
    stature, mass = body_model().stature_and_mass(person.shape)
    assert 1.45 < stature < 1.62 and 18 < mass / stature**2 < 26
    _, side = photo_poses(np.random.default_rng(0))
    camera = PhoneCamera((150, 200), 26.0, 2.4, 1.2, pitch=0.15, roll=0.02)
    shot = photograph(person, side, Room(seed=1), camera, spp=4, depth=3, texture_size=256)
    assert shot["image"].shape == (200, 150, 3) and shot["image"].std() > 20
    assert shot["vertices"][:, 1].min() == pytest.approx(0.0, abs=1e-9)
    inside = [shot["mask_no_hair"][int(y), int(x)] for x, y in camera.project(np.stack(list(shot["joints"].values())))]
    assert min(inside) > 0.3, "toes and wrists can lie on an edge pixel at this size"
    rows, columns = np.nonzero(shot["mask_no_hair"] > 0.02)
    pixels = camera.project(shot["vertices"])
    box = [columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]
    np.testing.assert_allclose(box, [*pixels.min(0), *pixels.max(0)], atol=1.0)
    assert (shot["mask"] >= shot["mask_no_hair"] - 0.1).all() and shot["mask"].sum() > shot["mask_no_hair"].sum()
