"""Bodies from typed measurements."""

import json

import numpy as np
import pytest

from avatars.typed import body_from_measurements, canonical_measurements, read_measurements
from engine.core.errors import InputError

CASES = {
    "small_woman": ({"height": 1.50, "bust": 0.80, "waist": 0.63, "hips": 0.87}, "female"),
    "tall_man": ({"height": 1.95, "chest": 1.05, "waist": 0.90, "hips": 1.05}, "male"),
    "heavy_woman": ({"height": 1.65, "weight": 109.0, "bust": 1.25, "waist": 1.15, "hips": 1.30}, "female"),
    "pregnant": ({"height": 1.66, "bust": 1.0, "waist": 1.08, "hips": 1.02}, "female"),
    "garmentcode": ({"height": 1.662, "bust": 0.974, "underbust": 0.807, "waist": 0.803, "hips": 1.041}, "female"),
}


@pytest.mark.parametrize("case", CASES)
def test_typed_values_are_met(case: str) -> None:
    values, sex = CASES[case]
    body = body_from_measurements(values, sex)
    for name, value in canonical_measurements(values).items():
        got = body.measurements[name]
        assert got.source == "typed"
        assert got.value == pytest.approx(value, abs=0.5 if name == "body_mass" else 0.005), name
    thigh = body.measurements["thigh_girth"]
    assert thigh.source == "fitted" and 0.002 < thigh.stderr < 0.06
    assert body.sex == sex and body.betas_std.max() > 0


def test_one_measurement_is_enough_and_the_rest_is_uncertain() -> None:
    body = body_from_measurements({"stature": 1.75})
    assert body.measurements["stature"].value == pytest.approx(1.75, abs=0.003)
    assert body.measurements["waist_girth"].stderr > 0.05


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"stature": 17.0}, "1700.0 cm is not possible"),
        ({"wiast": 0.8}, "'wiast' is not a measurement"),
        ({"bust": 0.9, "chest": 0.95}, "given twice"),
        ({"waist": float("nan")}, "not possible"),
        ({"waist": "wide"}, "not a number"),
        ({}, "no measurements"),
        ({"stature": 1.6, "waist": 1.9, "hips": 0.7, "body_mass": 45.0}, "no adult has these"),
    ],
)
def test_impossible_input_is_named(values, words) -> None:
    with pytest.raises(InputError, match=words) as caught:
        body_from_measurements(values)
    assert caught.value.hint
    if "wiast" in values:
        assert "waist" in caught.value.hint


def test_measurement_files(tmp_path) -> None:
    (tmp_path / "m.yaml").write_text("sex: female\nstature: 170\nwaist_cm: 72\nweight: 60\n")
    values, sex = read_measurements(tmp_path / "m.yaml")
    assert sex == "female" and values == pytest.approx({"stature": 1.70, "waist": 0.72, "weight": 60.0})
    (tmp_path / "m.json").write_text(json.dumps({"sex": "male", "measurements": {"shoulder_slope": 20}}))
    values, sex = read_measurements(tmp_path / "m.json")
    assert sex == "male" and values["shoulder_slope"] == pytest.approx(np.radians(20))
    (tmp_path / "bad.yaml").write_text("- 1\n- 2\n")
    with pytest.raises(InputError, match="bad.yaml"):
        read_measurements(tmp_path / "bad.yaml")
