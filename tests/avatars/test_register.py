"""A person whose body is known, found again in a photo."""

from pathlib import Path

import numpy as np
import pytest

from avatars.register import register_photo
from avatars.typed import body_from_measurements
from engine.core.errors import InputError

SAMPLE = Path(__file__).parents[2] / "examples" / "photos"


@pytest.fixture(scope="module")
def body():
    return body_from_measurements({"stature": 1.72, "bust_girth": 0.88, "waist_girth": 0.70, "hip_girth": 0.97},
                                  sex="female")  # fmt: skip


def test_the_bodys_outline_falls_on_the_person(body):
    view = register_photo(SAMPLE / "front.jpg", body)
    person = view.person > 127
    overlap = (person & (view.silhouette > 0)).sum() / (person | (view.silhouette > 0)).sum()
    assert overlap > 0.85 and view.landmark_rms < 0.05
    assert np.degrees(np.abs(view.body_pose)).max() < 90


def test_views_have_names(body):
    with pytest.raises(InputError, match="back"):
        register_photo(SAMPLE / "front.jpg", body, view="back")
