"""The drafts as a pattern cutter checks them: seams that match, right angles, widths at the level, on many bodies."""

from functools import cache

import numpy as np
import pytest
from size_table import BODIES

from engine.core.pattern_types import Panel, Pattern
from garments import library
from garments.blocks.draft import band
from garments.blocks.sleeve import fit_cap
from garments.panels import edge_curve, outline, panel_area, ref_points
from garments.seams import check_pattern, seam_lengths

ALL = [(g, b) for g in library.names() for b in BODIES]


@cache
def drafted(garment: str, body: str, **options) -> Pattern:
    return library.draft(garment, BODIES[body], **options)


def label(pattern: Pattern, ref) -> str:
    panel = pattern.panel(ref.panel)
    return (*panel.edges, *panel.lines)[ref.edge].label


def edge(panel: Panel, name: str):
    return edge_curve(panel, next(i for i, e in enumerate(panel.edges) if e.label == name))


def length(pattern: Pattern, panel: str, *labels: str) -> float:
    return sum(edge(pattern.panel(panel), name).length for name in labels)


def width_at(panel: Panel, y: float) -> float:
    """Total width of the cloth on a level of the flat panel [m]."""
    a = outline(panel, 0.002)
    b = np.roll(a, -1, axis=0)
    cut = (a[:, 1] - y) * (b[:, 1] - y) < 0
    x = a[cut, 0] + (y - a[cut, 1]) / (b[cut, 1] - a[cut, 1]) * (b[cut, 0] - a[cut, 0])
    x = np.sort(x)
    return float(np.sum(x[1::2] - x[::2]))


def world(pattern: Pattern, ref, fractions) -> np.ndarray:
    p = pattern.panel(ref.panel)
    flat = ref_points(p, ref, np.asarray(fractions))
    return flat @ p.placement.rotation[:, :2].T + p.placement.translation


@pytest.mark.parametrize(("garment", "body"), ALL)
def test_every_draft_is_sound(garment, body):
    pattern = drafted(garment, body)
    assert check_pattern(pattern) == ()
    assert pattern.drafted_for and pattern.intended_ease and pattern.source and pattern.kind
    for panel in pattern.panels:
        assert panel_area(panel) > 1e-4
        assert min(edge_curve(panel, i).length for i in range(len(panel.edges))) > 0.004, panel.name


@pytest.mark.parametrize(("garment", "body"), ALL)
def test_seams_match_but_for_stated_ease(garment, body):
    pattern = drafted(garment, body)
    for seam in pattern.seams:
        a, b = seam_lengths(pattern, seam)
        names = (seam.a.panel, label(pattern, seam.a), seam.b.panel, label(pattern, seam.b))
        if seam.kind == "dart":
            assert abs(a - b) < 1e-5, names
        elif seam.a.panel.startswith("neckband") and seam.b.panel in ("front", "back"):
            assert 0.85 < a / b < 0.87, names
        elif seam.a.panel.startswith("cuff") and seam.b.panel.startswith("sleeve"):
            assert 1.05 < b / a < 1.45, names
        elif label(pattern, seam.a) == "cap":
            assert -0.001 < a - b < 0.05 * b, names
        elif names[1].startswith("shoulder"):
            assert -0.001 < b - a < 0.012, names  # the back shoulder is eased
        else:
            assert abs(a - b) < 0.0035 + 0.012 * max(a, b), (names, a, b)


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("garment", ["tee", "shirt"])
def test_sleeve_cap_is_the_armhole_and_its_ease(garment, body):
    pattern = drafted(garment, body)
    cap = hole = 0.0
    for seam in pattern.seams:
        if label(pattern, seam.a) == "cap":
            a, b = seam_lengths(pattern, seam)
            cap, hole = cap + a, hole + b
    assert np.isclose(cap / hole, 1.01 if garment == "tee" else 1.015, atol=1e-4)
    assert pattern.intended_ease["upper_arm_girth"] > 0.03
    low = [s for s in pattern.seams if label(pattern, s.a) == "cap" and label(pattern, s.b).startswith("armhole_low")]
    for seam in low:  # no ease under the arm
        a, b = seam_lengths(pattern, seam)
        if seam.b.start * seam.b.end == 0 and abs(a - b) > 1e-4:
            assert a / b < 1.05


@pytest.mark.parametrize("body", BODIES)
def test_ease_is_in_the_panels(body):
    """Widths of the flat panels at bust and hip level add up to the body's girth and the intended ease."""
    m = BODIES[body]
    for garment, front, backs in (("tee", ["front"], ["back"]), ("shirt", ["front_l", "front_r", "placket"], ["back"]),
                                  ("sheath", ["bodice_front"], ["bodice_back_l", "bodice_back_r"])):
        pattern = drafted(garment, body)
        level = edge(pattern.panel(backs[0]), "side_up_l" if garment != "sheath" else "side_up")
        y = max(level.points(np.array([0.0, 1.0]))[:, 1]) - 0.003
        total = sum(width_at(pattern.panel(p), y) for p in front + backs)
        if garment == "shirt":  # what lies under the placket
            total -= width_at(pattern.panel("placket"), y)
        darts = 0.0
        for p in front + backs:
            for e in pattern.panel(p).edges:
                if e.label.startswith("dart") and "_a" in e.label and not e.label.startswith("dart9"):
                    ys = edge(pattern.panel(p), e.label).points(np.array([0.0, 1.0]))[:, 1]
                    darts += float(ys.min() < y < ys.max())
        if darts == 0:
            assert np.isclose(total, m["bust_girth"] + pattern.intended_ease["bust_girth"], atol=0.006), garment
    for garment in ("skirt_straight", "skirt_a_line"):
        pattern = drafted(garment, body)
        total = sum(width_at(pattern.panel(p), -m["waist_to_hip"] - 1e-4) for p in ("skirt_front", "skirt_back"))
        assert np.isclose(total, m["hip_girth"] + pattern.intended_ease["hip_girth"], atol=0.003)


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("garment", ["skirt_straight", "skirt_a_line", "trousers"])
def test_waistband_is_the_waist_and_its_ease(garment, body):
    pattern = drafted(garment, body)
    total = sum(length(pattern, f"waistband_{f}", "bottom_1", "bottom_2") for f in ("front", "back"))
    want = BODIES[body]["waist_girth"] + pattern.intended_ease["waist_girth"]
    assert np.isclose(total, want, rtol=0.01, atol=0.004)


@pytest.mark.parametrize("body", BODIES)
def test_collar_stand_is_the_neckline(body):
    pattern = drafted("shirt", body)
    neckline = length(pattern, "yoke", "neck_l", "neck_r") + 2 * length(pattern, "placket", "neck_inner")
    neckline += 2 * length(pattern, "front_l", "neck")
    stand = length(pattern, "collar_stand_back", "bottom_1", "bottom_2")
    top = length(pattern, "collar_stand_back", "top_1", "top_2")
    for s in "lr":
        stand += length(pattern, f"collar_stand_front_{s}", "bottom")
        top += length(pattern, f"collar_stand_front_{s}", "top")
    fall = length(pattern, "fall_back", "bottom_1", "bottom_2")
    fall += 2 * length(pattern, "fall_front_l", "sewn")
    assert np.isclose(stand, neckline, atol=1e-4)
    assert 0.94 < top / stand < 0.985
    assert np.isclose(fall, top, atol=0.012)  # the fall stops just short of the centre front


def corner(panel: Panel, first: str, second: str) -> float:
    """Inner angle between two edges that meet, the second following the first [degrees]."""
    a = edge(panel, first).points(np.array([0.999, 1.0]))
    b = edge(panel, second).points(np.array([0.0, 0.001]))
    assert np.linalg.norm(a[1] - b[0]) < 1e-6
    u, v = a[0] - a[1], b[1] - b[0]
    return float(np.degrees(np.arccos(np.clip(u @ v / np.linalg.norm(u) / np.linalg.norm(v), -1, 1))))


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("garment", ["tee", "shirt", "sheath"])
def test_right_angles_at_the_shoulder_and_underarm(garment, body):
    pattern = drafted(garment, body)
    fronts = {"tee": [("front", "_l")], "shirt": [("front_l", "")], "sheath": [("bodice_front", "_l")]}[garment]
    backs = {"tee": [("back", "_r")], "shirt": [], "sheath": [("bodice_back_r", "")]}[garment]
    for name, s in fronts + backs:
        panel = pattern.panel(name)
        assert abs(corner(panel, f"armhole_up{s}", f"shoulder{s}") - 90) < 4
        assert abs(corner(panel, f"shoulder{s}", f"neck{s}") - 90) < 4
        assert abs(corner(panel, f"side_top{s}", f"armhole_low{s}") - 90) < 8
        assert abs(corner(panel, f"armhole_low{s}", f"armhole_up{s}") - 180) < 3


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize(("garment", "front", "s"), [("shirt", "front_l", ""), ("sheath", "bodice_front", "_l")])
def test_side_seam_is_straight_over_the_sewn_bust_dart(garment, front, s, body):
    panel = drafted(garment, body).panel(front)
    if f"dart9_a{s}" not in [e.label for e in panel.edges]:
        return  # a figure that needs no bust dart

    def way(name: str, at: float) -> float:
        v = np.diff(edge(panel, name + s).points(np.array([at, at + 0.001])), axis=0)[0]
        return float(np.degrees(np.arctan2(v[1], v[0])))

    opened = way("dart9_b", 0.0) - (way("dart9_a", 0.0) - 180)  # the angle at the dart's tip
    kink = way("side_top", 0.0) - opened - way("side_up", 0.999)
    assert abs((kink + 180) % 360 - 180) < 1.0


@pytest.mark.parametrize("body", BODIES)
@pytest.mark.parametrize("garment", ["tee", "shirt"])
def test_armholes_are_deep_enough_for_the_arm(garment, body):
    """A hole too short for the arm leaves a cap without height, whose sleeve ties the arm to the body."""
    pattern, m = drafted(garment, body), BODIES[body]
    front = pattern.panel("sleeve_l_front")
    height = max(edge(front, "cap").points(np.array([0.0, 1.0]))[:, 1])
    assert height > 0.15 * m["upper_arm_girth"]
    widths = [np.ptp(edge(pattern.panel(f"sleeve_l_{f}"), "cap").points(np.array([0.0, 1.0]))[:, 0])
              for f in ("front", "back")]
    assert sum(widths) > m["upper_arm_girth"] + 0.03
    assert 0.65 < widths[0] / widths[1] < 1.6


@pytest.mark.parametrize("body", BODIES)
def test_waistline_runs_smoothly_over_sewn_darts(body):
    pattern = drafted("skirt_straight", body)
    for name, side in (("skirt_front", "l"), ("skirt_back", "r")):
        panel = pattern.panel(name)
        labels = [e.label for e in panel.edges]
        for i in range(1, 4):
            if f"dart{i}_a_{side}" not in labels:
                continue
            at = labels.index(f"dart{i}_a_{side}")
            angles = corner(panel, labels[at - 1], labels[at]), corner(panel, labels[at + 1], labels[at + 2])
            assert abs(sum(angles) - 180) < 2
        # darts are not deeper than a cutter would sew them
        darts = [s for s in pattern.seams if s.kind == "dart" and s.a.panel == name]
        for d in darts:
            mouth = world(pattern, d.a, [0.0]) - world(pattern, d.b, [0.0])
            tip = world(pattern, d.a, [1.0]) - world(pattern, d.b, [1.0])
            assert max(np.linalg.norm(mouth), np.linalg.norm(tip)) < 0.048


@pytest.mark.parametrize("body", BODIES)
def test_trousers_follow_the_crotch_and_clear_the_thigh(body):
    m, pattern = BODIES[body], drafted("trousers", body)
    crotch = sum(length(pattern, f"{f}_l", "centre", "crotch") for f in ("front", "back"))
    assert -0.05 < crotch - m["total_crotch_length"] < 0.07
    assert pattern.intended_ease["thigh_girth"] > 0.05
    hem = sum(length(pattern, f"{f}_l", "hem") for f in ("front", "back"))
    assert hem > m["ankle_girth"] + 0.03
    assert -m["waist_height"] < min(p.vertices[:, 1].min() for p in pattern.panels) < -0.8 * m["waist_height"] + 0.1


@pytest.mark.parametrize("body", ["mean_woman", "heavy_woman", "small_woman", "hourglass"])
def test_bust_dart_points_at_the_bust(body):
    m, pattern = BODIES[body], drafted("sheath", body)
    panel = pattern.panel("bodice_front")
    tip = edge(panel, "dart9_a_l").points(np.array([1.0]))[0]
    assert m["bust_point_distance"] / 2 < tip[0] < m["bust_point_distance"] / 2 + 0.04
    seam = next(s for s in pattern.seams if label(pattern, s.a).startswith("dart1_") and s.a.panel == "bodice_front")
    waist_tip = max(ref_points(panel, seam.a, np.array([0.0, 1.0])), key=lambda p: p[1])
    assert abs(abs(waist_tip[0]) - m["bust_point_distance"] / 2) < 0.03
    assert waist_tip[1] < tip[1]


@pytest.mark.parametrize("body", ["mean_woman", "pregnant", "tall_man"])
@pytest.mark.parametrize("garment", library.names())
def test_panels_start_around_the_body_the_right_way_out(garment, body):
    pattern = drafted(garment, body)
    for panel in pattern.panels:
        r = panel.placement.rotation
        assert np.allclose(r.T @ r, np.eye(3), atol=1e-9) and np.isclose(np.linalg.det(r), 1)
        assert panel.placement.region
        back = "back" in panel.name or panel.name == "yoke"
        outward = -1.0 if back else 1.0
        turned = -1 if "fall" in panel.name else 1  # the collar's fall hangs from its sewn edge, turned over
        assert r[2, 2] * outward * turned > 0.9 and r[1, 1] * turned > 0.45, panel.name
        centre = np.array([*outline(panel).mean(0), 0.0])
        place = r @ centre + panel.placement.translation
        assert (place[2] < 0) == back, panel.name
        for side, sign in (("_l", 1), ("_r", -1)):
            if panel.name.endswith(side) or f"{side}_" in panel.name:
                assert place[0] * sign > 0, panel.name
    for seam in (s for s in pattern.seams if s.kind != "pleat"):  # no seam is twisted; pleats turn their cloth over
        f = np.linspace(0, 1, 7)
        a, b = world(pattern, seam.a, f), world(pattern, seam.b, f)
        assert np.linalg.norm(a - b, axis=1).mean() <= np.linalg.norm(a - b[::-1], axis=1).mean() + 1e-9


def test_left_and_right_are_mirror_images():
    pattern = drafted("shirt", "mean_woman")
    for name in ("sleeve_{}_front", "sleeve_{}_back", "cuff_{}_back", "fall_front"):
        pair = [name.format(s) if "{}" in name else f"{name}_{s}" for s in "lr"]
        a, b = (outline(pattern.panel(p)) for p in pair)
        assert np.isclose(panel_area(pattern.panel(pair[0])), panel_area(pattern.panel(pair[1])))
        assert np.allclose(a.min(0), [-b[:, 0].max(), b[:, 1].min()], atol=2e-3)


@pytest.mark.parametrize(("over", "under"), [("right", "left"), ("left", "right")])
@pytest.mark.parametrize("opened", [0, 1, 3, 7])
def test_the_shirt_is_buttoned_at_points_one_front_over_the_other(over, under, opened):
    pattern = library.draft("shirt", BODIES["mean_woman"], over=over, open_buttons=opened, placket=0.04)
    check_pattern(pattern)
    upper, lower = pattern.panel(f"front_{over[0]}"), pattern.panel(f"front_{under[0]}")
    assert upper.layer > lower.layer and pattern.panel("placket").layer == upper.layer
    sign = 1 if under == "left" else -1
    assert (sign * lower.vertices[:, 0]).min() == pytest.approx(-0.02)  # as far past the centre as the placket
    assert (-sign * upper.vertices[:, 0]).min() == pytest.approx(0.02)
    buttons = [s for s in pattern.seams if s.kind == "button"]
    assert len(buttons) == 6 - max(opened - 1, 0)
    for seam in buttons:
        a, b = (world(pattern, r, [0.0])[0] for r in (seam.a, seam.b))
        assert abs(a[0]) < 1e-9 and abs(b[0]) < 1e-9 and a[1] == pytest.approx(b[1])
    closed = [s for s in pattern.seams if s.kind == "closure"]
    assert len(closed) == (1 if opened == 0 else 0)


def test_pregnant_and_heavy_fronts_have_no_negative_darts():
    for body in ("pregnant", "heavy_man"):
        pattern = drafted("skirt_straight", body)
        front = pattern.panel("skirt_front")
        assert not [e for e in front.edges if e.label.startswith("dart")]
        wide, narrow = width_at(front, -0.03), width_at(front, -BODIES[body]["waist_to_hip"])
        assert wide > narrow


def test_landmarks_move_the_panels_not_the_draft():
    from garments.blocks.frames import estimated_landmarks

    m = BODIES["mean_woman"]
    marks = {k: v + [0.1, 0.2, 0.3] for k, v in estimated_landmarks(m).items()}
    here, there = library.draft("skirt_straight", m), library.draft("skirt_straight", m, marks)
    for a, b in zip(here.panels, there.panels, strict=True):
        assert np.allclose(a.vertices, b.vertices)
        assert np.isclose(b.placement.translation[1] - a.placement.translation[1], 0.2)


def test_cap_solver_meets_length_and_width():
    cap = fit_cap(0.24, 0.25, biceps=0.36, max_height=0.18)
    assert np.isclose(cap.width, 0.36, atol=1e-4)
    wide = fit_cap(0.24, 0.25, biceps=0.20, max_height=0.15)  # a thin arm: height stops, width gives
    assert wide.height <= 0.15 and wide.width > 0.20


def test_band_is_as_long_as_asked():
    for inner, outer in ((0.2, 0.2), (0.2, 0.19), (0.2, 0.24)):
        strip = band(inner, outer, 0.03)
        lengths = dict(zip([s.label for s in strip.steps], strip.lengths(), strict=True))
        assert np.isclose(lengths["bottom_1"] + lengths["bottom_2"], inner, rtol=1e-5)
        assert np.isclose(lengths["top_1"] + lengths["top_2"], outer, rtol=1e-5)
        assert np.isclose(lengths["end_plus"], 0.03)


FASTENED = [(0.0, False), (0.005, False), (0.5, True), (0.995, True), (1.0, True)]


@pytest.mark.parametrize(("closed", "fastened"), FASTENED)
def test_a_jacket_is_fastened_as_far_as_asked(closed, fastened):
    pattern = drafted("jacket", next(iter(BODIES)), closed=closed)
    closures = [s for s in pattern.seams if s.kind == "closure"]
    assert len(closures) == fastened
    if fastened:
        whole = sum(length(pattern, "front_l", e.label) for e in pattern.panel("front_l").edges
                    if e.label in ("edge", "closure"))  # fmt: skip
        assert length(pattern, "front_l", "closure") == pytest.approx(closed * whole, abs=0.011)


@pytest.mark.parametrize("garment", ["trousers", "skirt_straight", "skirt_a_line", "skirt_pleated"])
def test_bands_are_cut_for_the_narrowest_place_below_the_waist(garment):
    natural, drop = BODIES["tall_man"], 0.05
    lower = {"waistband_girth": natural["waist_girth"] - 0.03, "waistband_height": natural["waist_height"] - drop,
             "back_waistband_width": natural["back_waist_width"] - 0.015}  # fmt: skip
    before, after = library.draft(garment, natural), library.draft(garment, natural | lower)
    names = ("waistband_front", "waistband_back")
    around = [sum(length(p, n, "bottom_1", "bottom_2") for n in names) for p in (before, after)]
    assert around[0] - around[1] == pytest.approx(0.03, abs=0.004)
    tops = [max(world_of(p, n)[:, 1].max() for n in names) for p in (before, after)]
    lows = [min(world_of(p, panel.name)[:, 1].min() for panel in p.panels) for p in (before, after)]
    assert tops[0] - tops[1] == pytest.approx(drop, abs=1e-6)
    assert lows[1] == pytest.approx(lows[0], abs=0.012)  # the hem stays where it was
    assert "waist_girth" in before.intended_ease and "waistband_girth" in after.intended_ease
    assert after.drafted_for["waist_girth"] == natural["waist_girth"]
    at_the_waist = library.draft(garment, natural | lower | {"waistband_height": natural["waist_height"]})
    assert at_the_waist.intended_ease == before.intended_ease


def world_of(pattern: Pattern, name: str) -> np.ndarray:
    panel = pattern.panel(name)
    return panel.vertices @ panel.placement.rotation[:, :2].T + panel.placement.translation
