"""Front over back length of tops, on figures whose lengths are worked out by hand."""

from types import SimpleNamespace

import numpy as np
import pytest

from garments.blocks.balance import DROP_SHARE, front_hem, hang_balance, hem_drop, swing_angle
from garments.blocks.draft import Outline

MEASURES = {"neck_to_bust_point": 0.27, "back_neck_to_bust_line": 0.22, "waist_to_hip": 0.2, "upper_arm_girth": 0.3,
            "bust_point_distance": 0.2}
FORM = SimpleNamespace(rise=0.015)


def stand(belly: float = 0.10, bust: float = 0.12, seat: float = 0.12) -> SimpleNamespace:
    """A figure with its waist at 1.05 m, hips at 0.85 m; depths before and behind the middle [m]."""
    at = {"bust_point_l": (0.1, 1.22, bust), "bust_point_r": (-0.1, 1.22, bust), "bust_front": (0, 1.22, bust),
          "underbust_front": (0, 1.15, 0.10), "waist_front": (0, 1.05, belly), "hip_front": (0, 0.85, 0.10),
          "bust_back": (0, 1.22, -0.10), "waist_back": (0, 1.05, -0.07), "hip_back": (0, 0.85, -seat)}
    at = {k: np.array(v, float) for k, v in at.items()}
    return SimpleNamespace(at=at, level=lambda *names: float(np.mean([at[n][1] for n in names])))


def test_cloth_hangs_from_the_bust_and_runs_over_the_seat():
    # front: 27 cm and straight down from the bust to 0.83; back: over the seat, then 2 cm straight down
    back = 0.015 + 0.22 + np.hypot(0.37, 0.02) + 0.02
    assert hang_balance(stand(), MEASURES, FORM, 0.22) == pytest.approx(0.27 + 0.39 - back, abs=1e-9)


def test_a_belly_asks_for_length_and_a_short_top_for_none():
    flat, full = (hang_balance(stand(belly=b), MEASURES, FORM, 0.22) for b in (0.10, 0.24))
    over = np.hypot(0.17, 0.12) - 0.17  # from the bust out to the waist
    assert over < full - flat < over + 0.01  # the belly stands out a little farther below the waist
    short = [hang_balance(stand(belly=b), MEASURES, FORM, -0.10) for b in (0.10, 0.24)]
    assert short[0] == pytest.approx(short[1])


def test_the_hem_drops_by_what_shoulder_and_side_did_not_take():
    front, back = (SimpleNamespace(side_neck=np.array([0.08, y])) for y in (0.40, 0.39))
    assert hem_drop(0.05, front, back) == pytest.approx(DROP_SHARE * 0.04)
    assert hem_drop(0.005, front, back) == 0.0


def test_sides_swing_out_under_an_overhang_and_where_the_armhole_gapes():
    half = {"bust_y": 0.14, "bust_x": 0.26, "pitch": np.array([0.18, 0.25])}
    narrow = SimpleNamespace(**half, underarm=np.array([0.26, 0.2]))
    flat, full = (swing_angle(stand(bust=b), MEASURES, narrow) for b in (0.10, 0.18))
    assert flat == 0.0 and 0.03 < full < 0.14
    gaping = SimpleNamespace(**half, underarm=np.array([0.30, 0.2]))
    assert swing_angle(stand(bust=0.10), MEASURES, gaping) > 0.1


def test_a_lowered_hem_is_square_to_the_centre_and_to_the_side():
    path = Outline((0.0, -0.25))
    front_hem(path, np.array([0.28, -0.2]))
    first, last = path.steps[-1].controls
    assert first[1] == -0.25 and last[1] == -0.2 and path.at[0] == 0.28
    front_hem(level := Outline((0.0, -0.2)), np.array([0.28, -0.2]))
    assert level.steps[-1].controls == ()
