import pytest

from engine.core.errors import InputError
from engine.measurement_file import read_measurements


def test_units_and_aliases(tmp_path):
    path = tmp_path / "m.yaml"
    path.write_text("sex: female\nheight: 172\nBust: 92.5\nweight_kg: 65\nhips_cm: 99\nshoulder_slope: 20\n")
    values, sex = read_measurements(path)
    assert sex == "female"
    assert values["stature"] == 1.72 and values["bust_girth"] == 0.925 and values["body_mass"] == 65
    assert values["hip_girth"] == 0.99 and abs(values["shoulder_slope"] - 0.349066) < 1e-6


@pytest.mark.parametrize(
    "text",
    ["stature: tall", "stature: -5", "sex: f", "[]", "stature: 172\nheight: 172", "stature: .nan", "stature: yes"],
)
def test_broken_files(tmp_path, text):
    path = tmp_path / "m.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match="m.yaml"):
        read_measurements(path)
