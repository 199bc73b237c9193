"""The fabrics' data file and the reader for fabrics that users bring."""

import dataclasses

import numpy as np
import pytest

from engine.core.errors import InputError
from engine.core.types import Fabric
from garments.fabrics import RANGES, fabric, load_fabrics, read_fabric

GOOD = """
areal_density: 0.2
thickness: 0.0005
stretch_warp: 3000
stretch_weft: 2000
shear: 40
bend_warp: 2e-5
bend_weft: {value: 1.0e-5, source: my own KES sheet}
friction_static: 0.4
"""


def test_ten_fabrics_each_figure_with_a_source():
    fabrics = load_fabrics()
    assert len(fabrics) >= 10
    numeric = [f.name for f in dataclasses.fields(Fabric) if f.name in RANGES]
    for name, cloth in fabrics.items():
        assert cloth.name == name and cloth.label
        for field in numeric:
            low, high, _ = RANGES[field]
            assert low <= getattr(cloth, field) <= high, (name, field)
            assert len(cloth.sources.get(field, "")) > 8 or (field, getattr(cloth, field)) == ("seam_slippage", 0)
        assert cloth.friction_dynamic <= cloth.friction_static


def test_figures_are_those_of_real_cloth():
    """Bending lengths of apparel cloths lie between about 1 and 4 cm (Peirce 1930; FAST manual)."""
    for name, cloth in load_fabrics().items():
        for bend in (cloth.bend_warp, cloth.bend_weft):
            length = (bend / (cloth.areal_density * 9.81)) ** (1 / 3)
            assert 0.009 < length < 0.04, (name, length)
        assert cloth.stretch_bias < max(cloth.stretch_warp, cloth.stretch_weft), name
        assert 50 < cloth.areal_density / cloth.thickness < 800, name  # kg/m3, mostly air


def test_derived_bias_figures_agree_with_their_formulas():
    for name, cloth in load_fabrics().items():
        bias = 4 / (1 / cloth.stretch_warp + 1 / cloth.stretch_weft + 1 / cloth.shear)
        assert np.isclose(cloth.stretch_bias, bias, rtol=0.01), name
        if cloth.sources["bend_bias"].startswith("derived"):
            root = 2 / (cloth.bend_warp**-0.5 + cloth.bend_weft**-0.5)
            assert np.isclose(cloth.bend_bias, root**2, rtol=0.01), name


def test_order_of_stiffness_is_what_a_hand_feels():
    f = load_fabrics()
    assert f["silk_chiffon"].bend_warp < f["silk_charmeuse"].bend_warp < f["poplin"].bend_warp < f["denim"].bend_warp
    assert f["jersey"].stretch_weft < 0.05 * f["poplin"].stretch_weft
    assert f["silk_chiffon"].opacity < 0.6 and f["denim"].opacity == 1


def test_names_and_suggestions():
    assert fabric("Chiffon").name == "silk_chiffon" and fabric("wool suiting").name == "wool_suiting"
    with pytest.raises(InputError) as caught:
        fabric("denimm")
    assert "denim" in caught.value.hint


def test_user_file_is_read_and_completed(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD)
    cloth = read_fabric(path)
    assert cloth.name == "mine" and cloth.bend_warp == 2e-5
    assert cloth.sources["bend_weft"] == "my own KES sheet" and cloth.sources["stretch_bias"].startswith("derived")
    path.write_text("canvas:\n" + "\n".join("  " + line for line in GOOD.strip().splitlines()))
    assert read_fabric(path).name == "canvas"


@pytest.mark.parametrize(
    ("change", "code", "word"),
    [
        (("areal_density: 0.2", "areal_density: 200"), "fabric.range", "g/m2"),
        (("thickness: 0.0005", "thickness: 0.5"), "fabric.range", "mm"),
        (("shear: 40\n", ""), "fabric.missing_field", "SI"),
        (("shear: 40", "shaer: 40"), "fabric.unknown_field", "'shear'"),
        (("shear: 40", "shear: stiff"), "fabric.not_a_number", "number"),
        (("shear: 40", "shear: .nan"), "fabric.range", "N/m"),
        (("shear: 40", "shear: 40\nweave: hessian"), "fabric.weave", "plain"),
        (("shear: 40", "shear: 40\nbase_color: [300, 0, 0]"), "fabric.color", "RGB"),
        (("shear: 40", "shear: 40\nstretch_curves: {warp: [[0, 0], [0.1, -1]]}"), "fabric.curve", "rising"),
        (("shear: 40", "shear: 40\nfriction_dynamic: 0.9"), "fabric.friction", "at most"),
        (("shear: 40", "shear: [40"), "yaml.syntax", "YAML"),
    ],
)
def test_bad_user_files_say_what_to_do(tmp_path, change, code, word):
    path = tmp_path / "bad.yaml"
    path.write_text(GOOD.replace(*change))
    with pytest.raises(InputError) as caught:
        read_fabric(path)
    assert caught.value.code == code and str(path) in caught.value.message
    assert word in str(caught.value)


def test_library_file_itself_is_refused_as_one_fabric():
    from garments.fabrics import LIBRARY_FILE

    with pytest.raises(InputError) as caught:
        read_fabric(LIBRARY_FILE)
    assert caught.value.code == "fabric.several"
