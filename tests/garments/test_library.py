"""The library by name: what it lists, what it drafts, and what it says to wrong names, options and measurements."""

import json

import pytest
from size_table import BODIES

from engine.core.errors import InputError
from engine.core.measurements import MEASUREMENTS
from engine.core.types import Measurement
from garments import library
from garments.fabrics import fabric
from garments.panels import edge_length


def test_lists_six_garments_in_plain_values():
    rows = library.describe()
    assert [r["name"] for r in rows] == list(library.names()) and len(rows) >= 6
    json.dumps(rows)
    for row in rows:
        assert row["description"] and fabric(row["default_fabric"])
        assert set(row["measurements"]) <= set(MEASUREMENTS)
        for option in row["options"].values():
            assert option["text"]
            assert len(option["values"]) > 1 if option["unit"] == "word" else option["low"] < option["high"]


@pytest.mark.parametrize(("typed", "name"), [
    ("T-shirt", "tee"), ("pants", "trousers"), ("Pencil Skirt", "skirt_straight"), ("a-line", "skirt_a_line"),
    ("dress", "sheath"), ("blouse", "shirt"),
])
def test_aliases(typed, name):
    assert library.canonical(typed) == name
    assert library.draft(typed, BODIES["mean_woman"]).name == name


def test_unknown_garment_suggests_the_closest():
    with pytest.raises(InputError) as caught:
        library.draft("trosers", BODIES["mean_woman"])
    assert caught.value.code == "garment.unknown" and "trousers" in caught.value.hint


def test_default_fabric_of_garments_and_files():
    assert library.default_fabric("tee") == "jersey" and library.default_fabric("mine/pattern.json") == "poplin"


def test_measurements_may_carry_their_errors():
    m = {k: Measurement(v, 0.01) for k, v in BODIES["mean_woman"].items()}
    assert library.draft("tee", m).drafted_for["bust_girth"] == BODIES["mean_woman"]["bust_girth"]


def test_all_missing_measurements_are_named():
    m = {k: v for k, v in BODIES["mean_woman"].items() if k not in ("hip_girth", "knee_height")}
    with pytest.raises(InputError) as caught:
        library.draft("skirt_straight", m)
    assert caught.value.code == "garment.missing_measurement"
    assert "hip_girth" in caught.value.message and "knee_height" in caught.value.message


@pytest.mark.parametrize("value", [97.0, -0.5, float("nan")])
def test_measurements_in_other_units_are_refused(value):
    with pytest.raises(InputError) as caught:
        library.draft("tee", {**BODIES["mean_woman"], "bust_girth": value})
    assert caught.value.code == "garment.measurement_range" and "metres" in caught.value.hint


def test_options_change_the_draft():
    m = BODIES["mean_woman"]
    short, long = (library.draft("skirt_straight", m, length=x).panel("skirt_front") for x in (0.5, 0.9))
    assert abs((short.vertices[:, 1].min() - long.vertices[:, 1].min()) - 0.4) < 1e-9
    wide = library.draft("tee", m, ease=0.20)
    assert wide.intended_ease["bust_girth"] == 0.20
    sleeve = library.draft("tee", m, sleeve_length=0.5).panel("sleeve_l_front")
    assert edge_length(sleeve, next(i for i, e in enumerate(sleeve.edges) if e.label == "centre")) == pytest.approx(0.5)


@pytest.mark.parametrize(("options", "code", "word"), [
    ({"lenght": 0.5}, "garment.unknown_option", "'length'"),
    ({"length": 50}, "garment.option_range", "hem"),
    ({"length": "long"}, "garment.option_type", "metres"),
    ({"ease_hip": float("nan")}, "garment.option_type", "metres"),
    ({"colour": 1}, "garment.unknown_option", "its options are"),
])
def test_bad_options_say_what_to_do(options, code, word):
    with pytest.raises(InputError) as caught:
        library.draft("skirt_straight", BODIES["mean_woman"], **options)
    assert caught.value.code == code and word in str(caught.value)


def test_landmarks_must_be_points():
    with pytest.raises(InputError) as caught:
        library.draft("tee", BODIES["mean_woman"], {"waist_front": [0.0, 1.0]})
    assert caught.value.code == "garment.landmark"


@pytest.mark.parametrize("garment", library.names())
def test_extremes_of_every_option_draft_or_are_refused(garment):
    """Whatever the options' ends do to a draft, the outcome is a sound pattern or one plain error."""
    from garments.seams import check_pattern

    row = next(r for r in library.describe() if r["name"] == garment)
    for name, option in row["options"].items():
        for end in option["values"] if "values" in option else (option["low"], option["high"]):
            try:
                check_pattern(library.draft(garment, BODIES["mean_woman"], **{name: end}))
            except InputError as error:
                assert error.hint


def test_options_are_typed_in_centimetres():
    assert library.read_typed("skirt_pleated", {"length": "60", "kind": "box", "pleats": "12"}) == {
        "length": 0.6, "kind": "box", "pleats": 12}
    assert library.read_typed("shirt", {"cap_ease": "0.02"}) == {"cap_ease": 0.02}  # a ratio, no length
    wrong = ({"length": "long"}, "centimetres"), ({"pleats": "7.5"}, "whole"), ({"kind": "round"}, "knife")
    for given, hint in wrong:
        with pytest.raises(InputError) as caught:
            library.read_typed("skirt_pleated", given)
        assert hint in caught.value.hint
