"""Cutting a figure out of a picture, with a drawn person whose outline is known."""

import cv2
import numpy as np
import pytest

from avatars.camera_guess import faces_right, first_view
from avatars.fit_model import CENTRE, FOCAL
from avatars.mediapipe_landmarks import LANDMARK_NAMES, Detection
from avatars.photos import FocalGuess, Photo
from avatars.segment import cut_out, cut_out_along, person_box, person_height, skeleton_mask

SIZE = (500, 800)
PLACES = {
    "nose": (250, 110), "shoulder_l": (300, 190), "shoulder_r": (200, 190), "elbow_l": (350, 290),
    "elbow_r": (150, 290), "wrist_l": (390, 380), "wrist_r": (110, 380), "hip_l": (280, 390), "hip_r": (220, 390),
    "knee_l": (295, 540), "knee_r": (205, 540), "ankle_l": (305, 680), "ankle_r": (195, 680), "ear_l": (270, 105),
    "ear_r": (230, 105), "heel_l": (305, 695), "heel_r": (195, 695), "foot_index_l": (312, 710),
    "foot_index_r": (188, 710),
}  # fmt: skip


def drawn():
    """A figure of capsules: true mask, picture, and a detection whose mask fills both armpits."""
    true = np.zeros(SIZE[::-1], np.uint8)
    p = PLACES

    def limb(a, b, width):
        cv2.line(true, p[a], p[b], 1, width)

    for s in "lr":
        limb(f"shoulder_{s}", f"elbow_{s}", 34)
        limb(f"elbow_{s}", f"wrist_{s}", 26)
        limb(f"hip_{s}", f"knee_{s}", 56)
        limb(f"knee_{s}", f"ankle_{s}", 36)
        limb(f"ankle_{s}", f"foot_index_{s}", 30)
    cv2.fillConvexPoly(true, np.array([p["shoulder_r"], p["shoulder_l"], (310, 400), (190, 400)]), 1)
    cv2.ellipse(true, (250, 105), (38, 50), 0, 0, 360, 1, -1)
    cv2.line(true, (250, 150), (250, 190), 1, 34)
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 6, (*SIZE[::-1], 1))
    picture = np.where(true[..., None] > 0, (60, 70, 110), (190, 180, 165)) + noise
    coarse = cv2.GaussianBlur(cv2.morphologyEx(true, cv2.MORPH_CLOSE, np.ones((61, 61))).astype(np.float32), (0, 0), 5)
    points = np.array([PLACES.get(n, (250, 110)) for n in LANDMARK_NAMES], float)
    for i, name in enumerate(LANDMARK_NAMES):
        if name.split("_")[0] in ("pinky", "index", "thumb"):
            points[i] = PLACES["wrist_" + name[-1]]
    found = Detection(points, np.ones(33), np.zeros((33, 3)), coarse)
    return true, np.clip(picture, 0, 255).astype(np.uint8), found


@pytest.fixture(scope="module")
def scene():
    return drawn()


def overlap(a, b):
    return (a & b).sum() / (a | b).sum()


def test_filled_armpits_are_opened_again(scene):
    true, picture, found = scene
    gap = (found.mask > 0.5) & (true == 0)
    assert gap.sum() > 3000  # the coarse mask is wrong there
    mask = cut_out(picture, found) > 0.5
    assert overlap(mask, true > 0) > 0.97
    assert mask[gap].mean() < 0.1


def test_the_second_cut_mends_a_silhouette_that_is_a_little_off(scene):
    true, picture, found = scene
    shifted = np.roll(true, 4, axis=1)
    mask = cut_out_along(picture, shifted, found) > 0.5
    assert overlap(mask, true > 0) > 0.97 > overlap(shifted > 0, true > 0)


def test_the_cut_is_deterministic(scene):
    _, picture, found = scene
    assert np.array_equal(cut_out(picture, found, seed=3), cut_out(picture, found, seed=3))


def test_skeleton_lies_inside_the_person(scene):
    true, _, found = scene
    inner = skeleton_mask(found, true.shape)
    assert inner.sum() > 5000
    assert true[inner].mean() > 0.99
    x0, y0, x1, y1 = person_box(found, SIZE)
    assert x0 < 100 and y0 < 60 and x1 > 400 and y1 > 700
    assert 600 < person_height(found) < 720


def test_the_first_view_puts_the_body_at_its_distance(scene):
    _, picture, found = scene
    photo = Photo("a.jpg", picture, FocalGuess(0.6, 0.03, "exif_35mm"), SIZE)
    view = first_view("front", photo, found, 1.7)
    assert view.q[CENTRE][2] == pytest.approx(view.focal * 1.7 / person_height(found))
    assert view.prior_std[FOCAL] == 0.03
    # a person looking to the right edge has the front along the camera's x
    for step, sign in ((30, 1.0), (-30, -1.0)):
        points = found.points.copy()
        points[LANDMARK_NAMES.index("nose")] += (step, 0)
        turned = Detection(points, found.visibility, found.world, found.mask)
        assert faces_right(turned) == (sign > 0)
        assert first_view("side", photo, turned, 1.7).base[0, 2] == pytest.approx(sign)
