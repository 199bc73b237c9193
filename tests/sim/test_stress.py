"""Stress and seam loads against closed forms, and against the solver's own forces."""

import numpy as np
import pytest
import scenes

from engine.core.taichi_runtime import ti
from sim.body_field import DistanceGrid
from sim.kernels import elastic
from sim.level import Level
from sim.solver import StepSettings
from sim.stress import corner_forces, membrane_stress, principal_tension, seam_load


def nowhere() -> DistanceGrid:
    """A body that is far away."""
    return DistanceGrid(np.full((2, 2, 2), 1.0, np.float32), np.zeros(3, np.float32), 1.0)


def sewn_strip(width, height, edge, fabric):
    """Two panels hung one under the other and sewn: the seam in the middle is level."""
    uv, faces, (nx, ny) = scenes.rectangle(width, height, edge)
    above = np.column_stack([uv[:, 0], uv[:, 1], np.zeros(len(uv))])
    below = above - [0, height, 0]
    pairs = [((0, k), (1, nx * (ny - 1) + k)) for k in range(nx)]
    garment = scenes.assemble([(uv, faces, above), (uv, faces, below)], pairs, fabric)
    level = Level(garment, garment.positions, nowhere(), open_pairs=np.zeros(nx, bool))
    level.solver.pin(level.particle[np.arange(nx) + nx * (ny - 1)])
    return garment, level, nx


def state(garment, level, settings):
    x = level.solver.positions()
    stress = membrane_stress(x, level.cloth, settings.compression)
    return stress, seam_load(garment, level.vertices(), corner_forces(x, level.cloth, stress))


def test_a_seam_carries_what_hangs_below_it():
    """A strip of weight W below a level seam of length L loads it by W / L, evenly, also at its ends."""
    fabric = scenes.cotton(areal_density=2.0, poisson=0.0)
    garment, level, nx = sewn_strip(0.1, 0.2, 0.02, fabric)
    settings = StepSettings(drag=8.0, tolerance=1e-4, iterations=200)
    for _ in range(150):
        level.solver.step(settings)
    stress, load = state(garment, level, settings)
    # half of the seam's own row of triangles hangs below it on its vertices
    expected = 2.0 * 9.81 * 0.2
    row = 2.0 * 9.81 * 0.02
    assert load.mean() == pytest.approx(expected, abs=0.5 * row)
    assert load == pytest.approx(np.full(nx, load.mean()), rel=0.15)
    centre = garment.positions[garment.faces].mean(1)[:, 1]
    up = principal_tension(stress)
    assert np.polyfit(centre, up, 1)[0] == pytest.approx(2.0 * 9.81, rel=0.05)


def test_a_seam_without_load_carries_nothing():
    garment, level, _ = sewn_strip(0.1, 0.1, 0.02, scenes.cotton())
    _, load = state(garment, level, StepSettings())
    assert load == pytest.approx(np.zeros(len(load)), abs=1e-3)


def test_pieces_of_one_seam_load_as_the_whole():
    """A seam written down in two pieces has one vertex in both; it must not count twice."""
    fabric = scenes.cotton(poisson=0.0)
    garment, level, nx = sewn_strip(0.1, 0.1, 0.02, fabric)
    x = level.solver.positions() * [1, 1.05, 1]
    stress = membrane_stress(x, level.cloth, 0.1)
    force = corner_forces(x, level.cloth, stress)
    whole = seam_load(garment, x[level.particle], force)
    assert whole == pytest.approx(np.full(nx, 0.05 * fabric.stretch_warp), rel=1e-4)
    doubled = np.concatenate([garment.seam_pairs[:3], garment.seam_pairs[2:]])
    cut = type(garment)(**{**garment.__dict__, "seam_pairs": doubled, "seam_ids": np.repeat([0, 1], [3, nx - 2]),
                           "seam_angles": np.zeros(nx + 1, np.float32)})
    assert seam_load(cut, x[level.particle], force) == pytest.approx(np.full(nx + 1, whole.mean()), rel=1e-4)


@pytest.mark.parametrize("poisson", [0.0, 0.3])
def test_stress_is_the_solvers(poisson):
    """Corner forces from the stress are the kernel's, taut, slack and along a measured curve."""
    curve = {"warp": ((0.0, 0.0), (0.05, 20.0), (0.2, 200.0))}
    fabric = scenes.cotton(poisson=poisson, stretch_curves=curve)
    uv, faces, _ = scenes.rectangle(0.08, 0.08, 0.02)
    garment = scenes.assemble([(uv, faces, np.column_stack([uv, np.zeros(len(uv))]))], [], fabric)
    garment.grain[:] += 0.4
    level = Level(garment, garment.positions, nowhere(), open_pairs=np.zeros(0, bool))
    rng = np.random.default_rng(5)
    x = (level.solver.positions() * [1.06, 0.98, 1] + rng.normal(size=(len(uv), 3)) * 6e-4).astype(np.float32)
    s, t = level.solver, len(faces)
    s.x.from_numpy(x)
    force, hess = ti.Vector.ndarray(3, ti.f32, 3 * t), ti.Matrix.ndarray(3, 3, ti.f32, 6 * t)
    elastic.membrane(s.x, s.tri, s.dm_inv, s.area, s.membrane, s.buckling, s.curve, s.curves, 0.1, 1e9, s.damping, 0.0,
                     0, force, hess)
    expected = force.to_numpy().reshape(t, 3, 3)
    stress = membrane_stress(x, level.cloth, 0.1)
    assert (stress[:, :2] < 0).any() and (stress[:, :2] > 5).any()
    assert corner_forces(x, level.cloth, stress) == pytest.approx(expected, abs=2e-3 * abs(expected).max())


@pytest.mark.parametrize("across", [0.99, 1.0, 1.02])
def test_pushed_cloth_holds_until_waves_as_long_as_a_triangle_buckle(across):
    """Full stiffness up to the clamped strut's load B (2 pi / h)^2, and after it P = P_c (1 + shortening / 2)."""
    edge, rigidity = 0.02, 1e-4
    fabric = scenes.cotton(poisson=0.0, bend_warp=rigidity, bend_weft=rigidity, bend_bias=rigidity)
    uv, faces, _ = scenes.rectangle(0.04, 0.04, edge)
    garment = scenes.assemble([(uv, faces, np.column_stack([uv, np.zeros(len(uv))]))], [], fabric)
    level = Level(garment, garment.positions, nowhere(), open_pairs=np.zeros(0, bool))
    load, k = rigidity * (2 * np.pi / edge) ** 2, fabric.stretch_warp
    for push in (0.5 * load / k, 20 * load / k):
        x = level.solver.positions() * [across, 1 - push, 1]
        warp = membrane_stress(x, level.cloth, 0.0)[:, 0] * (1 - push)
        expected = -k * push if push < load / k else -load * (1 + 0.5 * (push - load / k))
        assert warp == pytest.approx(np.full(len(faces), expected), rel=5e-3)
