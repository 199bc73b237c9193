"""Silhouettes measured on drawn patterns answer to what was asked of the draft."""

import numpy as np
import pytest
from size_table import BODIES

from garments import library
from garments.silhouette import FIGURES, silhouette

BODY = BODIES["mean_woman"]


def figures(name, **options):
    return silhouette(library.draft(name, BODY, **options), BODY)


def test_what_a_garment_lacks_is_not_a_number():
    tee, skirt, trousers = (figures(n) for n in ("tee", "skirt_straight", "trousers"))
    assert set(tee) == set(FIGURES)
    assert np.isnan(tee["leg_flare"]) and np.isnan(skirt["sleeve_length"]) and np.isnan(skirt["ease_bust"])
    assert np.isnan(trousers["hem_to_waist"]) and np.isnan(trousers["neck_depth"])


@pytest.mark.parametrize(("name", "option", "figure", "low", "high", "gain"), [
    ("tee", "length", "length", 0.1, 0.4, 1.0), ("tee", "ease", "ease_bust", 0.0, 0.2, 1.0),
    ("tee", "sleeve_length", "sleeve_length", 0.2, 0.5, 1 / BODY["arm_length"]),
    ("tee", "neck_drop", "neck_depth", 0.0, 0.1, 1.0), ("shirt", "ease", "ease_bust", 0.05, 0.3, 1.0),
    ("skirt_straight", "length", "length", 0.4, 0.9, 1.0), ("skirt_straight", "ease_hip", "ease_hip", 0.02, 0.2, 1.0),
    ("skirt_straight", "ease_waist", "ease_waist", 0.0, 0.1, 1.0), ("trousers", "length", "length", 0.6, 1.0, 1.0),
])  # fmt: skip
def test_a_figure_grows_as_much_as_its_option(name, option, figure, low, high, gain):
    before, after = (figures(name, **{option: v})[figure] for v in (low, high))
    assert after - before == pytest.approx(gain * (high - low), rel=0.15, abs=0.004)


def test_flare_and_legs():
    assert figures("skirt_a_line", flare=0.25)["hem_to_waist"] > figures("skirt_a_line")["hem_to_waist"] + 0.5
    assert figures("trousers")["leg_flare"] == pytest.approx(1.0, abs=0.15)
    assert figures("tee")["ease_bust"] == pytest.approx(0.08, abs=0.01)


@pytest.mark.parametrize("who", ["mean_woman", "small_woman"])
def test_darts_that_turn_the_cloth_take_nothing_from_the_ease(who):
    body = BODIES[who]
    sheath = silhouette(library.draft("sheath", body, ease=0.06, ease_waist=0.04, ease_hip=0.05), body)
    assert [sheath[k] for k in ("ease_bust", "ease_waist", "ease_hip")] == pytest.approx([0.06, 0.04, 0.05], abs=0.012)
    skirt = silhouette(library.draft("skirt_straight", body), body)
    assert sheath["length"] == pytest.approx(skirt["length"], abs=0.02)  # both end at the knee


def test_an_opening_is_no_hem_and_a_collar_no_shoulder():
    shirt, jacket = figures("shirt"), figures("jacket")
    assert 0.9 < shirt["hem_to_waist"] < 1.4 and 0.9 < jacket["hem_to_waist"] < 1.2
    assert shirt["ease_bust"] == pytest.approx(0.13, abs=0.01)  # with the width of the placket
    wide, narrow = (figures("shirt", fall=fall)["ease_waist"] for fall in (0.08, 0.03))
    assert wide == pytest.approx(narrow, abs=2e-3)


def test_nobody_can_tell_what_is_worn_of_a_pleated_skirt():
    assert np.isnan(figures("skirt_pleated")["ease_hip"])
