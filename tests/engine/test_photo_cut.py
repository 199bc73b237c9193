"""Figures of garments' outlines, and options found by them."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from engine.core.errors import InputError
from engine.photo import recut
from engine.photo.cut import FEATURES, Cut, cut_of, family_of
from engine.photo.light import project
from render.camera import look_at

CAMERA = look_at(np.array([0.0, 1.0, 3.0]), np.array([0.0, 0.9, 0.0]), fov_y=0.75, size=(300, 400))


def person() -> SimpleNamespace:
    """Joints and landmarks of somebody with arms held away."""
    joints = np.zeros((55, 3))
    joints[0] = (0, 0.95, 0)
    for side, (shoulder, elbow, wrist) in ((1, (16, 18, 20)), (-1, (17, 19, 21))):
        joints[shoulder], joints[elbow] = (0.17 * side, 1.42, 0), (0.35 * side, 1.22, 0)
        joints[wrist] = (0.52 * side, 1.02, 0)
    marks = {name: np.array([0, y, 0.1]) for name, y in
             (("bust_front", 1.25), ("waist_front", 1.08), ("hip_front", 0.88))}  # fmt: skip
    return SimpleNamespace(joints=joints, landmarks=marks)


def drawn(*polygons) -> np.ndarray:
    """Mask of polygons in the plane z = 0 [m]."""
    mask = np.zeros((400, 300), np.uint8)
    for points in polygons:
        at = project(CAMERA, np.column_stack([points, np.zeros(len(points))]))[0]
        cv2.fillPoly(mask, [np.round((at - 0.5) * 16).astype(np.int32)], 1, cv2.LINE_8, 4)
    return mask > 0


def sleeve(side: int, length: float) -> np.ndarray:
    a, way = np.array([0.17, 1.42]), np.array([0.18, -0.20]) / np.hypot(0.18, 0.20)
    across = 0.07 * np.array([-way[1], way[0]])
    return np.array([a + across, a + length * way + across, a + length * way - across, a - across]) * [side, 1]


def shirt(hem: float = 0.80, width: float = 0.44, sleeves: float = 0.2) -> np.ndarray:
    trunk = np.array([[-0.2, 1.45], [0.2, 1.45], [width / 2, hem], [-width / 2, hem]])
    return drawn(trunk, sleeve(1, sleeves), sleeve(-1, sleeves))


def figures(mask: np.ndarray) -> dict[str, float]:
    return dict(zip(FEATURES, cut_of(mask, person(), CAMERA).figures, strict=True))


def test_figures_are_lengths_at_the_body():
    short, long = figures(shirt()), figures(shirt(hem=0.70, width=0.50, sleeves=0.26))
    assert short["hem"] == pytest.approx(0.15, abs=0.015)
    assert long["hem"] - short["hem"] == pytest.approx(0.10, abs=0.012)
    assert long["sleeve"] - short["sleeve"] == pytest.approx(0.06, abs=0.012)
    assert short["hem_width"] == pytest.approx(0.44, abs=0.03)
    assert np.isfinite([short["bust"], short["waist"], short["hip"]]).all()


def test_families_by_their_outlines():
    assert family_of(cut_of(shirt(), person(), CAMERA)) == "tee"
    assert family_of(cut_of(shirt(sleeves=0.5), person(), CAMERA)) == "shirt"
    assert family_of(cut_of(shirt(hem=0.5), person(), CAMERA)) == "sheath"
    skirt = drawn(np.array([[-0.15, 1.06], [0.15, 1.06], [0.34, 0.5], [-0.34, 0.5]]))
    assert family_of(cut_of(skirt, person(), CAMERA)) == "skirt_a_line"
    legs = [np.array([[-0.17, 1.06], [0.17, 1.06], [0.17, 0.85], [-0.17, 0.85]])]
    legs += [np.array([[0.17, 0.86], [0.02, 0.86], [0.08, 0.1], [0.2, 0.1]]) * [s, 1] for s in (1, -1)]
    assert family_of(cut_of(drawn(*legs), person(), CAMERA)) == "trousers"


def test_nothing_has_no_figures():
    assert np.isnan(cut_of(np.zeros((400, 300), bool), person(), CAMERA).figures).all()


def test_options_come_out_of_outlines(monkeypatch):
    """The search alone: drapes whose figures answer to options otherwise than at first supposed."""
    true = {"length": 0.33, "ease": 0.15, "ease_hip": 0.12, "sleeve_length": 0.30}
    start = {"length": 0.2, "ease": 0.08, "ease_hip": 0.06, "sleeve_length": 0.2}
    slopes = {"hem": 0.9, "bust": 0.42, "hem_width": 0.25, "sleeve": 1.05}
    wearing = {}

    def outline(options) -> Cut:
        out = np.full(len(FEATURES), np.nan)
        for option, (figure, _) in recut.ANSWERS["tee"].items():
            out[FEATURES.index(figure)] = slopes[figure] * options[option]
        return Cut(out, True, False)

    tried = []
    mask = np.ones((4, 4), bool)

    def drape(garment, options):
        wearing.update(options)
        tried.append(dict(options))
        return SimpleNamespace()

    states = iter([true])
    monkeypatch.setattr(recut, "_seen", lambda *a: ("tee", mask))
    monkeypatch.setattr(recut, "body_in_photo", lambda body, moving: body)
    monkeypatch.setattr(recut, "photo_camera", lambda view, pelvis: None)
    monkeypatch.setattr(recut, "_standing", lambda posed, body: posed)
    monkeypatch.setattr(recut, "mask_of", lambda *a: mask)
    monkeypatch.setattr(recut, "cut_of", lambda *a: outline(next(states, None) or wearing))
    monkeypatch.setattr(recut, "_overlap", lambda a, b: float(len(tried)))
    ranges = {name: (value, -0.1, 0.9) for name, value in start.items()}
    moving = SimpleNamespace(joints=np.zeros((1, 55, 3)))
    found = recut.garment_from_photo(None, None, moving, drape, lambda g: ranges, garment="tee", rounds=3)
    assert len(tried) == 4 and tried[0] == start
    for name, value in true.items():
        assert found.options[name] == pytest.approx(value, abs=0.004), name
    assert max(abs(e) for e in found.errors.values()) < 0.003


def test_unknown_garments_are_named():
    with pytest.raises(InputError, match="jacket"):
        recut._seen(None, None, None, "jacket")


def test_cloth_is_carried_by_the_skin():
    turn = np.linspace(0, 2 * np.pi, 25)[:-1]
    tube = np.array([[0.15 * np.sin(t), y, 0.15 * np.cos(t)] for y in np.linspace(0, 1, 20) for t in turn])
    i = (np.arange(19)[:, None] * 24 + np.arange(24)).ravel()
    j = (np.arange(19)[:, None] * 24 + (np.arange(24) + 1) % 24).ravel()
    faces = np.concatenate([np.stack([i, j, i + 24], 1), np.stack([j, j + 24, i + 24], 1)])
    rotation = Rotation.from_euler("xyz", [10, 20, 30], degrees=True).as_matrix()
    moving = SimpleNamespace(contact_vertices=np.stack([tube, tube @ rotation.T + [0.1, 0.2, 0.3]]))
    body = SimpleNamespace(contact_faces=faces)
    cloth = tube[::7] * [1.1, 1, 1.1]
    assert recut.carried(cloth, body, moving) == pytest.approx(cloth @ rotation.T + [0.1, 0.2, 0.3], abs=1e-6)


def test_option_ranges_hold_their_defaults():
    from avatars.typed import body_from_measurements
    from engine.photo.recut_stage import option_ranges

    body = body_from_measurements({"stature": 1.70}, sex="female")
    for garment, answers in recut.ANSWERS.items():
        ranges = option_ranges(garment, body)
        for name in answers:
            default, low, high = ranges[name]
            assert low <= default <= high, (garment, name)
