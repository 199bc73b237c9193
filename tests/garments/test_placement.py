from dataclasses import replace

import numpy as np
import pytest

from avatars.open_body import load_open_body, make_body
from engine.core.errors import InputError, PlacementError
from engine.core.mesh import face_normals_areas, green_strain, subdivide
from engine.core.pattern_types import EdgeRef, Pattern, Placement, Seam
from engine.core.types import Fabric
from garments.formats import read_pattern
from garments.meshing import garment_stats
from garments.placement import place
from garments.placement_check import BodyProbe, ClothProbe, crossing_pairs, self_crossings
from garments.placement_cone import fit_sector
from garments.placement_regions import panel_regions
from garments.placement_wrap import Frame, Hull, roll
from tests.garments.shapes import polygon, rectangle

CLOTH = Fabric("plain", "Plain", 0.15, 4e-4, 500, 500, 200, 50, 1e-5, 1e-5, 1e-5, 0.4, 0.3, 0.1)


@pytest.fixture(scope="module")
def body():
    model = load_open_body()
    return make_body(model, np.zeros(model.n_betas), pose="a_pose")


def tube(gap=0.25, width=0.6, height=0.4, same_direction=False):
    """A front and a back, sewn at both sides."""
    front = replace(rectangle("front", width, height), placement=Placement(np.eye(3), np.array([-width / 2, 0.7, gap])))
    turn = np.diag([-1.0, 1.0, -1.0])
    back = replace(rectangle("back", width, height), placement=Placement(turn, np.array([width / 2, 0.7, -gap])))
    b = EdgeRef("back", 3) if same_direction else EdgeRef("back", 3, 1.0, 0.0)
    return Pattern(
        "tube", (front, back), (Seam(EdgeRef("front", 1), b), Seam(EdgeRef("front", 3), EdgeRef("back", 1, 1.0, 0.0)))
    )


def check_placed(garment, body):
    """Nothing in the body, nothing crossing, and no panel stretched."""
    probe = BodyProbe(body)
    assert probe.distance(garment.positions).min() > 0.002
    assert len(probe.cuts(garment.positions, garment.faces)) == 0
    assert len(self_crossings(garment.positions, garment.faces)) == 0
    strain = green_strain(garment.positions, garment.faces, garment.rest_uv[garment.faces])
    assert np.abs(strain).max() < 0.06 and np.abs(strain).mean() < 0.01
    assert np.isfinite(garment.positions).all()


@pytest.mark.parametrize("name", ["tshirt", "pants", "dress_fitted", "turtleneck", "skirt_circle", "shirt_long_fitted"])
def test_real_patterns_start_free_of_intersections(shared_data, body, name):
    pattern = read_pattern(shared_data / "garmentcode_patterns" / f"{name}_specification.json")
    garment = place(pattern, body, CLOTH, edge_length=0.025, levels=1)
    check_placed(garment, body)
    assert garment.warnings == ()
    a, b = (garment.positions[garment.seam_pairs[:, i]] for i in range(2))
    assert np.linalg.norm(a - b, axis=1).mean() < (0.4 if name == "skirt_circle" else 0.2)
    normals, _ = face_normals_areas(garment.positions, garment.faces)
    for k, region in enumerate(panel_regions(pattern)):
        if region.part in ("torso", "skirt", "waistband"):
            facing = normals[garment.panel_id == k].mean(0)[2]
            assert facing > 0 if region.face == "front" else facing < 0


def test_levels_are_one_surface(body):
    garment = place(tube(), body, CLOTH, edge_length=0.01)
    check_placed(garment, body)
    coarse = garment.coarser
    assert coarse is not None and coarse.coarser is None
    n = len(coarse.positions)
    assert (garment.positions[:n] == coarse.positions).all()
    faces, edges = subdivide(coarse.faces, n)
    assert (garment.faces == faces).all()
    middle = 0.5 * (coarse.positions[edges[:, 0]] + coarse.positions[edges[:, 1]])
    assert garment.positions[n:] == pytest.approx(middle, abs=1e-6)
    assert (garment.panel_id == np.repeat(coarse.panel_id, 4)).all()
    assert (garment.seam_ids < 2).all() and len(garment.seam_angles) == len(garment.seam_pairs)
    stats = garment_stats(garment)
    assert stats["levels"] == 2 and stats["triangles"] == 4 * len(coarse.faces)
    assert stats["area_m2"] == pytest.approx(0.48, rel=1e-6)


def test_a_wrong_seam_direction_is_told(body):
    garment = place(tube(same_direction=True), body, CLOTH, edge_length=0.02)
    assert any("seam 0" in w and "twisted" in w for w in garment.warnings)


def test_a_panel_that_fits_nowhere_is_named(body):
    """A board of unknown purpose in the middle of the body, pushed along the body's axis, never comes free."""
    board = replace(
        rectangle("board", 0.5, 0.5), placement=Placement(
            np.array([[1.0, 0, 0], [0, 0, 1.0], [0, -1.0, 0]]), np.array([-0.25, 0.3, 0.25])
        ),
    )
    pattern = replace(tube(), panels=(*tube().panels, board))
    with pytest.raises(PlacementError, match="'board'"):
        place(pattern, body, CLOTH, edge_length=0.03, levels=1)


def test_a_garment_goes_around_what_is_worn(body):
    """A tube as wide as the worn one, which stands off the body by up to 7 cm: outside it, and clear of it."""
    worn = place(tube(), body, CLOTH, edge_length=0.03, levels=1, clearance=0.07)
    for levels in (1, 2):
        garment = place(tube(), body, CLOTH, edge_length=0.03, levels=levels, worn=worn)
        check_placed(garment, body)
        cloth = ClothProbe(worn)
        assert cloth.distance(garment.positions).min() > 0.001
        assert len(cloth.cuts(garment.positions, garment.faces)) == 0
        front, back = (garment.positions[garment.vertex_panel == k][:, 2] for k in range(2))
        assert front.max() > worn.positions[:, 2].max() and back.min() < worn.positions[:, 2].min()


def test_no_place_over_what_is_worn_names_garment_and_panel(body):
    """Level sheets through all of the room: nothing upright fits between them."""
    worn = place(tube(), body, CLOTH, edge_length=0.03, levels=1)
    levels = np.arange(0.2, 1.9, 0.02)
    corners = np.array([(-6, 0, -6), (6, 0, -6), (6, 0, 6), (-6, 0, 6)], float)
    sheets = (corners[None] + levels[:, None, None] * [0, 1, 0]).reshape(-1, 3)
    faces = np.array([[0, 1, 2], [0, 2, 3]]) + 4 * np.arange(len(levels))[:, None, None]
    worn = replace(worn, positions=sheets.astype(np.float32), faces=faces.reshape(-1, 3).astype(np.int32), name="cage")
    with pytest.raises(PlacementError, match="tube: .*'front'.* over cage"):
        place(tube(), body, CLOTH, edge_length=0.05, levels=1, worn=worn)


def test_unknown_fabrics_are_refused(body):
    pattern = tube()
    lined = replace(pattern, panels=(replace(pattern.panels[0], fabric="silk"), pattern.panels[1]))
    with pytest.raises(InputError, match="panel 'front' wants the fabric 'silk'"):
        place(lined, body, CLOTH)
    silk = replace(CLOTH, name="silk")
    garment = place(lined, body, CLOTH, fabrics={"silk": silk}, edge_length=0.03, levels=1)
    assert [f.name for f in garment.fabrics] == ["silk", "plain"]


def test_rolling_keeps_lengths_and_stays_outside():
    rng = np.random.default_rng(1)
    section = rng.normal(size=(200, 2)) * [0.15, 0.1]
    hull = Hull(section)
    curve = hull.curve(hull.offset_for_length(0.01, 2.8))
    closed = np.linalg.norm(curve - np.roll(curve, -1, axis=0), axis=1).sum()
    assert closed == pytest.approx(2.8, rel=0.01)
    s = np.linspace(-0.35, 0.35, 701)
    for openness in (0.0, 0.4, 1.0):
        points = roll(curve, s, openness=(openness, openness))
        steps = np.linalg.norm(np.diff(points, axis=0), axis=1)
        assert steps == pytest.approx(0.001, rel=0.02)
        assert not _inside(points, section).any()
    flat = roll(curve, s, openness=(1.0, 1.0))
    assert np.ptp(flat[:, 1]) < 1e-9


def _inside(points, section):
    from scipy.spatial import ConvexHull

    return (ConvexHull(section).equations[:, :2] @ points.T + ConvexHull(section).equations[:, 2:] < 0).all(0)


def test_frames_are_right_handed_round_trips():
    up = np.array([0.6, 0.8, 0.0])
    out = np.array([0.0, 0.0, 1.0])
    frame = Frame(np.array([0.1, 0.2, 0.3]), np.cross(up, out), up, out)
    points = np.random.default_rng(0).normal(size=(5, 3))
    assert frame.world(frame.section(points), frame.height(points)) == pytest.approx(points)


def test_crossing_triangles_are_found_exactly():
    one = np.array([(0, 0, 0), (1, 0, 0), (0, 1, 0)], float)
    through = np.array([(0.2, 0.2, -1), (0.2, 0.2, 1), (2, 2, 0.5)], float)
    beside = through + [0, 0, 1.001]
    f = np.array([[0, 1, 2]])
    assert len(crossing_pairs(one, f, through, f)) == 1
    assert len(crossing_pairs(one, f, beside, f)) == 0
    both = np.concatenate([one, through])
    assert len(self_crossings(both, np.array([[0, 1, 2], [3, 4, 5]]))) == 1
    sharing = np.array([[0, 1, 2], [0, 3, 4]])
    assert len(self_crossings(both, sharing)) == 0


def gored(count=6):
    """A skirt of gores that stand around the body, each drawn about its own middle."""
    panels, seams = [], []
    for k in range(count):
        b = 2 * np.pi * k / count
        turn = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
        where = Placement(turn, np.array([0.3 * np.sin(b), 0.5, 0.3 * np.cos(b)]), 0.0, "skirt")
        panels.append(polygon(f"gore_{k}", [(-0.14, 0), (0.14, 0), (0.08, 0.5), (-0.08, 0.5)], where))
        seams.append(Seam(EdgeRef(f"gore_{k}", 1), EdgeRef(f"gore_{(k + 1) % count}", 3, 1.0, 0.0)))
    return Pattern("gored", tuple(panels), tuple(seams))


def test_panels_that_stand_around_the_body_stay_in_order(body):
    garment = place(gored(), body, CLOTH, edge_length=0.03, levels=1)
    check_placed(garment, body)
    assert garment.warnings == ()
    gaps = np.linalg.norm(
        garment.positions[garment.seam_pairs[:, 0]] - garment.positions[garment.seam_pairs[:, 1]], axis=1
    )
    assert gaps.max() < 0.2 and gaps.mean() < 0.1  # neighbours lie beside each other


def test_a_flared_skirt_starts_as_a_cone(body):
    panel = polygon("skirt_front", [(-0.45, 0), (0.45, 0), (0.22, 0.5), (-0.22, 0.5)])
    front = replace(panel, placement=Placement(np.eye(3), np.array([0, 0.5, 0.3]), 0.0, "skirt_front"))
    back = replace(panel, name="skirt_back", placement=Placement(
        np.diag([-1.0, 1.0, -1.0]), np.array([0, 0.5, -0.3]), 0.0, "skirt_back"
    ))
    seams = (
        Seam(EdgeRef("skirt_front", 1), EdgeRef("skirt_back", 3, 1.0, 0.0)),
        Seam(EdgeRef("skirt_front", 3), EdgeRef("skirt_back", 1, 1.0, 0.0)),
    )
    garment = place(Pattern("flared", (front, back), seams), body, CLOTH, edge_length=0.03, levels=1)
    check_placed(garment, body)
    low, high = (np.abs(garment.positions[np.abs(garment.rest_uv[:, 1] - y) < 0.02][:, 0]).max() for y in (0.0, 0.5))
    assert low > 1.2 * high


def test_sector_of_a_ring_is_recognised():
    turn = np.linspace(-0.6, 0.6, 40)
    ring = np.concatenate([
        np.stack([r * np.sin(t), -r * np.cos(t)], 1) for r, t in ((0.7, turn), (0.2, turn[::-1]))
    ])
    between = np.linspace(0.25, 0.65, 12)[:, None]
    sides = [between * [np.sin(0.6), -np.cos(0.6)], between * [-np.sin(0.6), -np.cos(0.6)]]
    rim = np.concatenate([ring[:40], sides[0][::-1], ring[40:], sides[1]])
    sector = fit_sector(rim)
    assert sector is not None
    assert sector.angle == pytest.approx(1.2, abs=0.06) and sector.radius == pytest.approx(0.2, abs=0.02)
    assert fit_sector(np.array([(x, y) for x, y in _box(0.6, 0.5)])) is None


def _box(width, height):
    n = 20
    f = np.arange(n) / n
    return [*((width * t, 0) for t in f), *((width, height * t) for t in f), *((width * (1 - t), height) for t in f),
            *((0, height * (1 - t)) for t in f)]


def test_a_pattern_drafted_for_another_body_comes_to_the_waist(body):
    lifted = tuple(
        replace(p, placement=replace(p.placement, translation=p.placement.translation + [0, 0.6, 0]))
        for p in gored().panels
    )
    pattern = replace(gored(), panels=lifted, source="garmentcode")
    garment = place(pattern, body, CLOTH, edge_length=0.04, levels=1)
    assert abs(garment.positions[:, 1].max() - body.landmarks["waist_front"][1]) < 0.1


def test_regions_are_told_by_region_then_name_then_place():
    def region(name, where="", z=1.0, x=0.0, y=1.2):
        rotation = np.diag([1.0, 1.0, 1.0]) if z > 0 else np.diag([-1.0, 1.0, -1.0])
        panel = replace(
            rectangle(name, 0.2, 0.2), placement=Placement(rotation, np.array([x - 0.1 * z, y, 0.2 * z]), 0.0, where)
        )
        found = panel_regions(Pattern("p", (panel,), ()))[0]
        return found.part, found.side, found.face

    assert region("left_ftorso", "body") == ("torso", "", "front")
    assert region("sl_left_cuff_b", "arm", z=-1) == ("cuff", "l", "back")
    assert region("pant_b_r", "leg", z=-1) == ("leg", "r", "back")
    assert region("pant_r_cuff_f", "leg") == ("leg", "r", "front")
    assert region("skirt_front", "leg") == ("skirt", "", "front")
    assert region("wb_back", "body", z=-1) == ("waistband", "", "back")
    assert region("panel 7", "collar")[0] == "collar"
    assert region("panel 7", y=1.2) == ("torso", "", "front")
    assert region("panel 7", y=0.3)[0] == "skirt"
    assert region("panel 7", x=0.6)[0] == "other"
