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
