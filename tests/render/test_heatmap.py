import numpy as np
import pytest

from render.heatmap import MAP_STYLES, color_table, colors, draw_legend, legend_ticks, shown_range


def _lightness(table):
    return (table / 255.0) ** 2.2 @ [0.2126, 0.7152, 0.0722]


def test_pressure_darkens_evenly_and_strain_is_lightest_at_rest():
    assert (np.diff(_lightness(color_table("pressure"))[::8]) < 0).all()
    strain = _lightness(color_table("strain"))
    assert 110 < strain.argmax() < 146
    low, middle, high = color_table("strain")[[0, 128, 255]].astype(int)
    assert low[2] > low[0] and high[0] > high[2] and np.ptp(middle) < 20


def test_values_look_up_the_table_and_odd_ones_do_no_harm():
    shown = colors("strain", np.array([0.0, 0.5, 1.0, 2.0, -1.0, np.nan]))
    table = color_table("strain") / 255
    assert shown[[0, 2, 3, 4]] == pytest.approx(table[[0, 255, 255, 0]], abs=1e-6)
    assert np.isfinite(shown).all()


def test_legend_reads_in_the_units_people_use(body, cloth):
    assert [t for _, t in legend_ticks("strain", (-0.1, 0.1))] == ["-10", "-5", "0", "+5", "+10"]
    assert [t for _, t in legend_ticks("pressure", (0.0, 2000.0))] == ["0", "0.5", "1", "1.5", "2"]
    assert shown_range([body, cloth], "pressure") == (0.0, 2000.0)
    assert shown_range([body], "pressure") == MAP_STYLES["pressure"].default_range


def test_legend_shows_the_whole_bar():
    picture = draw_legend(np.full((400, 300, 3), 200, np.uint8), "pressure", (0.0, 2000.0))
    bar = picture[:, 18]
    for end in (color_table("pressure")[0], color_table("pressure")[255]):
        assert (np.abs(bar.astype(int) - end).max(1) < 6).any()
