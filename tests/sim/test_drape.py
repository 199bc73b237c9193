"""Whole drapes of small garments: closed, outside, clean, at rest, balanced, and the same every time."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import scenes
import trimesh

from engine.core.errors import InputError, SolverDiverged
from engine.core.mesh import subdivide
from sim.body_field import distance_grid
from sim.drape import DrapeConfig, _overstretched, drape, replay
from sim.exact_distance import signed_distance
from sim.level import Level, refine
from sim.solver import StepSettings

ROOT = Path(__file__).parents[2]


def hips():
    """A body like an egg on end."""
    ball = trimesh.creation.icosphere(subdivisions=4)
    return scenes.body_from(trimesh.Trimesh(ball.vertices * [0.16, 0.5, 0.14] + [0, 0.5, 0], ball.faces))


def skirt(girth=0.8, edge=0.03, bottom=0.72):
    return scenes.tube(girth=girth, height=0.24, edge=edge, gap=0.19, bottom=bottom)


@pytest.fixture(scope="module")
def draped():
    garment = scenes.refined(skirt(edge=0.05))
    shares = []
    result = drape(garment, hips(), progress=lambda share, what: shares.append(share))
    return garment, result, shares


def test_it_is_closed_outside_clean_and_at_rest(draped):
    garment, result, _ = draped
    m = result.metrics
    assert result.status == "converged", result.warnings
    assert m["seam_gap_max_mm"] < 1.0
    assert m["body_penetration_max_mm"] == 0.0 and m["min_gap_mm"] > 0.5
    assert m["self_intersections"] == 0 and m["self_intersections_start"] == 0
    assert np.isfinite(result.positions).all() and result.positions.shape == garment.positions.shape
    assert m["rms_speed"] < 0.01
    assert len(result.history["time"]) == m["frames"]


def test_progress_never_goes_back(draped):
    _, _, shares = draped
    assert shares == sorted(shares) and 0.0 <= shares[0] and shares[-1] <= 1.0


def test_pressure_is_where_it_touches(draped):
    _, result, _ = draped
    assert (result.pressure >= 0).all() and result.pressure.max() > 5.0
    assert (result.pressure[result.positions[:, 1] < 0.7] == 0).all()


def test_the_body_carries_the_cloths_weight():
    """On a ball, pressure and friction together are the weight; the pressure alone nearly so."""
    uv, faces, _ = scenes.rectangle(0.24, 0.24, 0.02)
    x = np.column_stack([uv[:, 0], np.full(len(uv), 0.204), 0.12 - uv[:, 1]])
    garment = scenes.assemble([(uv, faces, x)], [], scenes.cotton())
    ball = trimesh.creation.icosphere(subdivisions=4, radius=0.2)
    grid = distance_grid(np.asarray(ball.vertices, np.float32), np.asarray(ball.faces, np.int32))
    level = Level(garment, garment.positions, grid, open_pairs=np.zeros(0, bool))
    for _ in range(100):
        level.solver.step(StepSettings(drag=15.0))
    solver = level.solver
    centre = solver.positions()[level.cloth.faces].mean(1)
    up = centre[:, 1] / np.linalg.norm(centre, axis=1)
    carried = solver.body_force.to_numpy()[:, 1].sum() + (solver.tri_push.to_numpy() * up).sum()
    weight = level.cloth.mass.sum() * 9.81
    assert carried == pytest.approx(weight, rel=0.02)
    assert solver.body_normal_force().sum() == pytest.approx(weight, rel=0.25)


def test_refining_leaves_the_surface_where_it_was():
    coarse = skirt(edge=0.06)
    fine = scenes.refined(coarse)
    x = coarse.positions.astype(np.float32)
    y = refine(coarse, x)
    faces, edges = subdivide(coarse.faces, len(x))
    assert np.array_equal(faces, fine.faces)
    assert np.allclose(y[len(x):], x[edges].mean(1)) and np.array_equal(y[: len(x)], x)


def test_a_skirt_too_small_is_draped_as_far_as_it_goes():
    """Girth 62 cm on a column of 94 cm, which it cannot slip off: it ends stretched or open, and nothing blows up."""
    column = scenes.body_from(scenes.capsule(0.15, -0.5, 1.5))
    garment = skirt(girth=0.62, edge=0.04, bottom=0.4)
    result = drape(garment, column, config=DrapeConfig(settle_time=0.5, sew_time=1.0))
    assert np.isfinite(result.positions).all()
    assert result.metrics["body_penetration_max_mm"] <= 1.0
    assert result.metrics["self_intersections"] == 0
    assert result.metrics["strain_max"] > 0.05 or result.metrics["seam_gap_max_mm"] > 10


@pytest.mark.parametrize(("degrees", "slides"), [(14.0, False), (22.0, True)])
def test_friction_holds_to_its_angle(degrees, slides):
    """Friction 0.32 holds cloth up to a slope of 17.7 degrees."""
    box = trimesh.creation.box([0.8, 0.2, 0.4])
    turn = trimesh.transformations.rotation_matrix(-np.radians(degrees), [0, 0, 1])
    box.apply_transform(turn)
    uv, faces, _ = scenes.rectangle(0.1, 0.1, 0.02)
    flat = np.column_stack([uv[:, 0] - 0.2, np.full(len(uv), 0.1025), uv[:, 1] - 0.05])
    x = flat @ turn[:3, :3].T
    fabric = scenes.cotton(friction_static=0.32, friction_dynamic=0.32)
    garment = scenes.assemble([(uv, faces, x)], [], fabric)
    grid = distance_grid(np.asarray(box.vertices, np.float32), np.asarray(box.faces, np.int32))
    level = Level(garment, garment.positions, grid, open_pairs=np.zeros(0, bool))
    settings = StepSettings(drag=0.5)
    for _ in range(20):
        level.solver.step(settings)
    start = level.solver.positions().mean(0)
    for _ in range(40):
        level.solver.step(settings)
    travel = np.linalg.norm(level.solver.positions().mean(0) - start)
    assert (travel > 0.01) if slides else (travel < 0.001)


def test_the_distance_grid_agrees_with_the_mesh():
    body = hips()
    grid = distance_grid(body.contact_vertices, body.contact_faces)
    index = np.argwhere(np.abs(grid.values) < 0.008)[::97]
    exact = signed_distance(body.contact_vertices, body.contact_faces, grid.origin + grid.cell * index)
    assert np.abs(grid.values[tuple(index.T)] - exact).max() < 1e-5
    far = np.argwhere(np.abs(grid.values) >= 0.008)[::997]
    got = grid.values[tuple(far.T)]
    exact = signed_distance(body.contact_vertices, body.contact_faces, grid.origin + grid.cell * far)
    assert (np.sign(got) == np.sign(exact)).all()
    assert np.abs(got - exact).max() < 0.03
    assert grid.values[tuple(np.array(grid.values.shape) // 2)] < -0.1


def test_the_grid_promises_no_room_inside_fingers():
    finger = trimesh.creation.capsule(height=0.06, radius=0.0055, count=[24, 24])
    finger.apply_transform(trimesh.transformations.rotation_matrix(0.7, [1, 2, 3]))
    vertices, faces = np.asarray(finger.vertices, np.float32), np.asarray(finger.faces, np.int32)
    grid = distance_grid(vertices, faces)
    rng = np.random.default_rng(3)
    points = (vertices[rng.integers(len(vertices), size=20000)] + rng.normal(scale=0.002, size=(20000, 3))).astype("f4")
    error = grid.at(points) - signed_distance(vertices, faces, points)
    assert error.max() < 7e-4
    assert np.percentile(error, 1) > -4e-3


def test_wrong_input_is_named():
    garment = skirt(edge=0.06)
    nothing = dataclasses.replace(garment, faces=np.zeros((0, 3), np.int32))
    with pytest.raises(InputError, match="no triangles"):
        drape(nothing, hips())
    broken = dataclasses.replace(garment, positions=garment.positions * np.nan)
    with pytest.raises(InputError, match="not numbers"):
        drape(broken, hips())


def test_a_runaway_leaves_a_dump_that_replays(tmp_path, monkeypatch):
    import sim.phases

    monkeypatch.setattr(sim.phases, "RUNAWAY", 1e-6)
    config = DrapeConfig(dump=str(tmp_path / "dump"), sew_time=0.05, settle_time=0.05)
    with pytest.raises(SolverDiverged, match="dump"):
        drape(skirt(edge=0.06), hips(), config=config)
    monkeypatch.setattr(sim.phases, "RUNAWAY", 50.0)
    assert replay(tmp_path / "dump", config=config).metrics["frames"] > 0


def test_the_same_drape_for_any_number_of_threads():
    script = (
        "import sys, json, hashlib; sys.path.insert(0, sys.argv[2])\n"
        "import test_drape as t, sim.solver\n"
        "from scenes import refined\n"
        "sim.solver.SERIAL_BELOW = 0\n"  # one thread solves in one launch, several iteration by iteration
        "from sim.drape import drape, DrapeConfig\n"
        "c = DrapeConfig(threads=int(sys.argv[1]), sew_time=0.2, settle_time=0.2, polish_time=0.1)\n"
        "d = drape(refined(refined(t.skirt(edge=0.06))), t.hips(), config=c)\n"
        "print(json.dumps(hashlib.sha256(d.positions.tobytes()).hexdigest()))\n"
    )
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    hashes = [
        json.loads(subprocess.run(
            [sys.executable, "-c", script, str(threads), str(Path(__file__).parent)],
            capture_output=True, text=True, check=True, env=env, cwd=ROOT,
        ).stdout)
        for threads in (1, 2)
    ]
    assert hashes[0] == hashes[1]


def test_panels_stretched_beyond_what_cloth_bears_are_named():
    garment = scenes.tube(girth=0.8, height=0.3, edge=0.1, gap=0.2, bottom=0.5)
    strain = np.zeros((len(garment.faces), 3), np.float32)
    assert _overstretched(garment, strain) == []
    strain[garment.panel_id == 1, 1] = 0.4
    (warning,) = _overstretched(garment, strain)
    assert garment.panel_names[1] in warning and "34 %" in warning
