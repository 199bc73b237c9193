"""The pleated skirt: its measures, its folds, and how it starts on the body."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from engine.core.errors import InputError
from engine.core.pattern_types import PanelLine
from garments import library
from garments.meshing import mesh_pattern
from garments.panels import edge_curve
from garments.placement import CLOTH_GAP
from garments.placement_folds import APART, LIFT, LIFT_SHARE, folded
from garments.seams import check_pattern
from garments.trims import fold_edges
from tests.garments.size_table import BODIES

WOMAN = BODIES["mean_woman"]


def draft(**options):
    return library.draft("skirt_pleated", WOMAN, **options)


def faces(panel):
    return [edge_curve(panel, i).length for i, e in enumerate(panel.edges) if e.label.startswith("face_")]


@pytest.mark.parametrize("kind", ["knife", "box", "inverted"])
@pytest.mark.parametrize("pleats", [8, 13, 24])
def test_the_visible_waist_is_the_bodys_and_the_band_as_long(kind, pleats):
    pattern = draft(kind=kind, pleats=pleats, ease_waist=0.02)
    check_pattern(pattern)
    waist = sum(sum(faces(pattern.panel(f"skirt_{f}"))) for f in ("front", "back"))
    assert waist == pytest.approx(WOMAN["waist_girth"] + 0.02, abs=1e-6)
    count = len(faces(pattern.panel("skirt_front")))
    assert count % 2 == {"box": 1, "inverted": 0}.get(kind, count % 2)


@pytest.mark.parametrize("kind", ["knife", "box", "inverted"])
def test_mountains_and_valleys_take_turns_so_that_all_lies_flat(kind):
    """Folded at the hips, the faces lie side by side and the rest behind them: the hips plus ease are covered."""
    pattern = draft(kind=kind, pleats=12, ease_hip=0.06)
    covered = 0.0
    for name in ("skirt_front", "skirt_back"):
        panel = pattern.panel(name)
        left, right = panel.vertices[:, 0].min(), panel.vertices[:, 0].max()
        level = -0.9 * float(-panel.vertices[:, 1].min())
        lines = [x for x in panel.lines if x.angle]
        at = sorted((float(np.interp(level, x.points[::-1, 1], x.points[::-1, 0])), x.angle) for x in lines)
        cuts = [left, *(x for x, _ in at), right]
        way = 1.0
        place = [0.0]
        for a, b in zip(cuts[:-1], cuts[1:], strict=True):
            place.append(place[-1] + way * (b - a))
            way = -way
        covered += place[-1]
        if kind == "knife":
            assert {a for _, a in at} == {np.pi, -np.pi}
    assert abs(covered) == pytest.approx(WOMAN["hip_girth"] + 0.06, rel=0.03)


def test_pleats_that_do_not_fit_are_refused():
    with pytest.raises(InputError, match="do not fit under"):
        draft(depth=0.12, pleats=30)
    with pytest.raises(InputError, match="take fewer pleats|pleats leave"):
        draft(pleats=80)
    with pytest.raises(InputError, match="kind is 'round'"):
        draft(kind="round")
    with pytest.raises(InputError, match="whole number") as caught:
        draft(pleats=7.5)
    assert caught.value.code == "garment.option_type"


def test_every_fold_is_on_the_mesh():
    pattern = draft(pleats=12)
    mesh = mesh_pattern(pattern, 0.02)
    edges, angles = fold_edges(pattern, mesh)
    length = np.linalg.norm(mesh.uv[edges[:, 0]] - mesh.uv[edges[:, 1]], axis=1)
    lines = [x.points for p in pattern.panels for x in p.lines if x.angle]
    assert length.sum() == pytest.approx(sum(np.linalg.norm(np.diff(x, axis=0), axis=1).sum() for x in lines), rel=1e-6)
    assert np.abs(angles) == pytest.approx(np.full(len(angles), np.pi), rel=1e-5)


def test_a_pleat_is_laid_without_stretch():
    """A face, a mountain, a strip behind it, a valley, and the next face over it."""
    x, y = np.meshgrid(np.linspace(0, 0.26, 105), np.linspace(-0.5, 0.0, 6))
    s, v = x.ravel(), y.ravel()
    lines = [(PanelLine(p, a), p) for p, a in (
        (np.array([(0.1, 0.0), (0.1, -0.5)]), np.pi), (np.array([(0.13, 0.0), (0.13, -0.5)]), -np.pi))]
    new, lift = folded(s, v, lines)
    for row in range(6):
        here = v == y[row, 0]
        step = np.hypot(np.diff(new[here]), np.diff(lift[here]))
        assert step.sum() == pytest.approx(0.26, abs=2 * APART + 2e-4)
    at = {round(float(a), 4): (float(b), float(c)) for a, b, c in zip(s[:105], new[:105], lift[:105], strict=True)}
    assert at[0.1][0] > at[0.13][0]
    assert at[0.1][1] == pytest.approx(max(LIFT, LIFT_SHARE * 0.03)) and at[0.13][1] == pytest.approx(0.0)
    assert folded(s, v, []) is None
    assert folded(s, v, [(PanelLine(lines[0][1], 1.0), lines[0][1])]) is None


@pytest.mark.parametrize(("face", "deep"), [(0.045, 0.03), (0.075, 0.052), (0.11, 0.08)])
def test_deep_pleats_keep_the_gap_between_layers(face, deep):
    """Points that are no neighbours along the cloth start apart by more than layers must, next to every fold."""
    folds = np.cumsum([face + deep, deep] * 3)
    s = np.arange(0.0, folds[-1] + face, 0.00125)
    v = np.linspace(-0.5, 0.0, len(s))
    lines = [np.array([(x, 0.0), (x, -0.5)]) for x in folds]
    angles = np.resize([np.pi, -np.pi], len(folds))
    new, lift = folded(s, v, [(PanelLine(p, a), p) for p, a in zip(lines, angles, strict=True)])
    place = np.stack([new, lift], 1)
    near = np.array(sorted(cKDTree(place).query_pairs(CLOTH_GAP)))
    assert (s[near[:, 1]] - s[near[:, 0]] < 0.02).all()
