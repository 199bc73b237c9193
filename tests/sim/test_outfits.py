"""Garments over one another: sewn around what is worn, never through it, each with its own cloth's contact."""

from dataclasses import replace

import numpy as np
import pytest
import scenes
from test_drape import hips
from test_elastic import nowhere

from engine.core.mesh import weld_map
from engine.core.open3d_runtime import surface_scene, tensor
from engine.core.outfit import levels_of, put_over, split
from sim import drape as simulator
from sim.contact_matrix import ActingContacts, acting_contacts
from sim.drape import DrapeConfig, drape, wear
from sim.guard import intersections
from sim.level import Level
from sim.motion import MotionConfig, carried
from sim.solver import StepSettings


def skirt(girth: float, gap: float, name: str, bottom: float = 0.72, fabric=None):
    """Two levels of a tube that hangs on the hips."""
    coarse = scenes.tube(girth=girth, height=0.24, edge=0.05, gap=gap, bottom=bottom, fabric=fabric)
    return scenes.refined(replace(coarse, name=name))


@pytest.fixture(scope="module")
def worn():
    return wear(skirt(0.8, 0.19, "slip"), hips())


@pytest.fixture(scope="module")
def outfit(worn):
    return put_over(worn, skirt(0.9, 0.23, "skirt", bottom=0.7, fabric=scenes.cotton(thickness=0.003)))


@pytest.fixture(scope="module")
def draped(outfit):
    return drape(outfit, hips())


def test_what_is_worn_is_sewn_on_all_levels(worn):
    for level in levels_of(worn):
        a, b = (level.positions[level.seam_pairs[:, k]] for k in range(2))
        assert np.array_equal(a, b)
    sewn = weld_map(len(worn.positions), worn.seam_pairs)
    assert len(intersections(worn.positions, worn.faces, sewn)) == 0
    girth = np.linalg.norm(worn.positions[:, [0, 2]], axis=1)
    assert girth.max() < 0.19  # round the hips now


def test_what_is_worn_may_be_held_while_the_rest_follows_the_body(outfit, draped):
    body, inner = hips(), outfit.vertex_panel < len(outfit.panel_names) - outfit.parts[-1].panels
    skin = body.contact_vertices.astype(np.float64)
    start = draped.positions.astype(np.float64)
    carry = {"config": MotionConfig(), "held": inner}
    after = carried(outfit, start, body.contact_faces, skin, skin * [0.99, 1.0, 0.99], **carry)
    way = np.linalg.norm(after - start, axis=1)
    assert way[inner].max() < 1e-6 and way[~inner].max() > 1e-3


def test_what_is_worn_is_held_unless_the_body_needs_its_place(outfit, draped, worn):
    inner = simulator._inner(outfit, draped.positions, hips())
    assert (inner == (outfit.vertex_panel < len(worn.panel_names))).all()
    assert not simulator._inner(outfit, draped.positions * np.float32([0.5, 1.0, 0.5]), hips()).any()
    assert not simulator._inner(worn, worn.positions, hips()).any()


def test_an_outfit_is_closed_clean_and_at_rest(outfit, draped):
    m = draped.metrics
    assert draped.status == "converged", draped.warnings
    assert m["self_intersections_start"] == 0 and m["self_intersections"] == 0
    assert m["seam_gap_max_mm"] < 1.0 and m["body_penetration_max_mm"] == 0.0
    assert draped.positions.shape == outfit.positions.shape


def test_the_outer_garment_stays_outside(outfit, draped):
    """Seen from the axis, the inner garment comes first wherever a ray meets both."""
    (slip, inner), (skirt_over, outer) = split(outfit, draped)
    low = max(d.positions[:, 1].min() for d in (inner, outer)) + 0.02
    high = min(d.positions[:, 1].max() for d in (inner, outer)) - 0.02
    assert high - low > 0.05
    turn, level = np.meshgrid(np.linspace(0, 2 * np.pi, 40), np.linspace(low, high, 6))
    rays = np.stack([0 * turn, level, 0 * turn, np.cos(turn), 0 * turn, np.sin(turn)], -1).reshape(-1, 6)
    first = [
        surface_scene(d.positions, g.faces).cast_rays(tensor(rays))["t_hit"].numpy()
        for g, d in ((slip, inner), (skirt_over, outer))
    ]
    both = np.isfinite(first[0]) & np.isfinite(first[1])
    assert both.sum() > 150 and (first[1] > first[0])[both].all()


def sheets(gap: float, lower, upper) -> Level:
    """Two sheets of different cloths, ``gap`` apart."""
    uv, faces, _ = scenes.rectangle(0.16, 0.16, 0.02)
    flat = [np.column_stack([uv[:, 0] + 0.003 * k, np.full(len(uv), gap * k), uv[:, 1]]) for k in range(2)]
    garment = replace(scenes.assemble([(uv, faces, x) for x in flat], [], lower), fabrics=(lower, upper))
    return Level(garment, garment.positions, nowhere(), open_pairs=np.zeros(0, bool))


@pytest.mark.parametrize(("gap", "touch"), [(0.0038, True), (0.0042, False)])
def test_two_cloths_touch_at_the_mean_of_their_thickness(gap, touch):
    level = sheets(gap, scenes.cotton(thickness=0.003), scenes.cotton(thickness=0.005))
    level.solver.step(StepSettings(gravity=0.0))
    assert (level.solver.collider.active_count > 0) == touch


def test_two_cloths_rub_with_the_mean_of_their_friction():
    level = sheets(0.0015, scenes.cotton(friction_dynamic=0.2), scenes.cotton(friction_dynamic=0.6))
    velocity = np.zeros_like(level.solver.positions())
    velocity[level.solver.positions()[:, 1] > 0.0005, 0] = 1.0
    level.solver.vel.from_numpy(velocity)
    level.solver.step(StepSettings(gravity=0.0, dt=0.001))
    count = level.solver.collider.active_count
    _, _, _, push, _, drag = (a.to_numpy()[:count] for a in level.solver.collider.active)
    assert count > 50
    assert np.median(drag[push > 0] * 0.001 / push[push > 0]) == pytest.approx(0.4, rel=0.02)


def test_the_contacts_matrix_is_that_of_their_springs():
    """Its products on coarser unknowns against the plain sum over the contacts."""
    level = sheets(0.0015, scenes.cotton(), scenes.cotton())
    level.solver.step(StepSettings())
    touch: ActingContacts = acting_contacts(level.solver.collider)
    coarse = level.interpolations[0].matrix
    rows = touch.rows(coarse.shape[0]) @ coarse
    got = touch.dense(rows)
    want = np.zeros_like(got, np.float64)
    for k, (n, stiff, drag) in enumerate(zip(touch.normal, touch.stiff, touch.drag, strict=True)):
        own = (stiff - drag) * np.outer(n, n) + drag * np.eye(3)
        w = rows[k].toarray()[0]
        want += np.kron(np.outer(w, w), own)
    assert np.abs(got - want).max() < 1e-4 * np.abs(want).max()
    blocks = np.stack([want[3 * i:3 * i + 3, 3 * i:3 * i + 3] for i in range(coarse.shape[1])])
    assert np.abs(touch.diagonal(rows) - blocks).max() < 1e-4 * np.abs(want).max()


def test_a_runaway_outfit_is_dumped(outfit, tmp_path, monkeypatch):
    import sim.phases
    from engine.core.errors import SolverDiverged

    monkeypatch.setattr(sim.phases, "RUNAWAY", 1e-6)
    with pytest.raises(SolverDiverged, match="dump"):
        wear(outfit, hips(), config=DrapeConfig(dump=str(tmp_path / "dump"), sew_time=0.05))
    assert (tmp_path / "dump" / "garment.npz").exists()
