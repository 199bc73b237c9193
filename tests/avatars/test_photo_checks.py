"""Photos from which no body can be measured are refused with what to do, and the sample pair is fitted."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from avatars.fit import fit_photos, write_overlays
from engine.core.errors import InputError

#: Tape readings of the synthetic woman in the sample photos [cm], and how far the fit may be off
SAMPLE = {"bust_girth": (94.1, 4.0), "waist_girth": (73.0, 3.5), "hip_girth": (101.9, 3.5), "thigh_girth": (59.8, 2.5)}
PHOTOS = Path(__file__).parents[2] / "examples" / "photos"
pytestmark = pytest.mark.skipif(not (PHOTOS / "front.jpg").exists(), reason="the sample photos are not here")


def refused(tmp_path, picture, *, view="front"):
    path = tmp_path / "case.jpg"
    cv2.imwrite(str(path), picture)
    with pytest.raises(InputError) as caught:
        fit_photos(path if view == "front" else None, path if view == "side" else None, height=1.7)
    error = caught.value
    assert "case.jpg" in error.message and error.hint and "\n" not in str(error)
    return error.code


def sample(view):
    return cv2.imread(str(PHOTOS / f"{view}.jpg"))


def body_rows(picture):
    """First and last row of the person, found as the fit finds it."""
    from avatars.mediapipe_landmarks import detect

    found = detect(picture[..., ::-1])
    rows = np.nonzero((found.mask > 0.5).any(1))[0]
    return rows[0], rows[-1], found


@pytest.mark.parametrize("share", [0.72, 0.94])
def test_feet_cut_off(tmp_path, share):
    picture = sample("front")
    top, bottom, _ = body_rows(picture)
    assert refused(tmp_path, picture[: top + int(share * (bottom - top))]) == "photo.feet_cut_off"


def test_head_cut_off(tmp_path):
    picture = sample("front")
    top, bottom, _ = body_rows(picture)
    assert refused(tmp_path, picture[top + int(0.06 * (bottom - top)) :]) == "photo.head_cut_off"


def test_two_people(tmp_path):
    picture = sample("front")
    _, _, found = body_rows(picture)
    columns = np.nonzero((found.mask > 0.5).any(0))[0]
    one = picture[:, max(columns[0] - 30, 0) : columns[-1] + 30]
    assert refused(tmp_path, np.hstack([one, one[:, ::-1]])) == "photo.two_people"


def test_nobody(tmp_path):
    rng = np.random.default_rng(0)
    assert refused(tmp_path, rng.integers(0, 255, (900, 700, 3)).astype(np.uint8)) == "photo.no_person"


def test_swapped_views(tmp_path):
    assert refused(tmp_path, sample("side")) == "photo.not_front"
    assert refused(tmp_path, sample("front"), view="side") == "photo.not_side"


def test_lying_and_blurred(tmp_path):
    picture = sample("front")
    top, bottom, _ = body_rows(picture)
    assert refused(tmp_path, cv2.GaussianBlur(picture, (0, 0), 0.008 * (bottom - top))) == "photo.blurred"
    assert refused(tmp_path, np.rot90(picture).copy()) in ("photo.not_standing", "photo.no_person")


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("empty_room", {"photo.no_person"}),
        ("feet_cut_off", {"photo.feet_cut_off"}),
        ("sitting", {"photo.not_standing"}),
        ("two_people", {"photo.two_people"}),
    ],
)
def test_shipped_unusable_photos(name, codes):
    path = PHOTOS / "unusable" / f"{name}.jpg"
    if not path.exists():
        pytest.skip(f"{path.name} is not here")
    with pytest.raises(InputError) as caught:
        fit_photos(path, None, height=1.7)
    assert caught.value.code in codes


def test_the_sample_pair(tmp_path, capfd):
    """The true job on the shipped photos; its figures are known because the person is synthetic."""
    facts = yaml.safe_load((PHOTOS / "sample.yaml").read_text())
    steps = []
    result = fit_photos(
        PHOTOS / "front.jpg", PHOTOS / "side.jpg", height=facts["height_cm"] / 100, sex=facts["sex"],
        progress=lambda f, text: steps.append(f),
    )  # fmt: skip
    assert steps == sorted(steps) and steps[-1] == 1.0
    found = result.body.measurements
    for name, (real, allowed) in SAMPLE.items():
        error = 100 * found[name].value - real
        assert abs(error) < allowed, name
        assert abs(error) < 300 * found[name].stderr, name
        assert 0.003 < found[name].stderr < 0.04
    assert found["stature"].value == pytest.approx(facts["height_cm"] / 100, abs=0.01)
    assert max(v.contour_rms for v in result.views) < 0.006
    assert [v.name for v in result.views] == ["front", "side"]
    paths = write_overlays(result, tmp_path)
    assert all(cv2.imread(str(p)).shape[0] > 300 for p in paths)
    # MediaPipe's and TensorFlow's chatter reaches neither stream
    out, err = capfd.readouterr()
    assert out == "" and err == ""
