"""Forces against energies, and cloth against closed forms."""

import numpy as np
import pytest
import scenes
from scipy.interpolate import PchipInterpolator

from engine.core.taichi_runtime import ti
from sim.body_field import DistanceGrid
from sim.cloth import build_cloth, monotone_cubic, rest_corners
from sim.collision import upload
from sim.kernels import elastic
from sim.level import Level
from sim.solver import StepSettings


def nowhere() -> DistanceGrid:
    """A body that is far away."""
    return DistanceGrid(np.full((2, 2, 2), 1.0, np.float32), np.zeros(3, np.float32), 1.0)


def sheet(width, height, edge, fabric=None, turn=0.0):
    """A hanging rectangle as a level; ``turn`` turns its grain [rad]."""
    uv, faces, shape = scenes.rectangle(width, height, edge)
    positions = np.column_stack([uv, np.zeros(len(uv))])
    garment = scenes.assemble([(uv, faces, positions)], [], fabric or scenes.cotton())
    garment.grain[:] += turn
    return Level(garment, garment.positions, nowhere(), open_pairs=np.zeros(0, bool)), shape


def membrane_force(level, x, slack):
    """The solver's membrane force on every particle [N]."""
    c, s = level.cloth, level.solver
    t = len(c.faces)
    force, hess = ti.Vector.ndarray(3, ti.f32, 3 * t), ti.Matrix.ndarray(3, 3, ti.f32, 6 * t)
    elastic.membrane(upload(x.astype(np.float32)), s.tri, s.dm_inv, s.area, s.membrane, s.buckling, s.curve,
                     s.curves, slack, 1e9, s.damping, 0.0, 0, force, hess)
    total = np.zeros((len(x), 3))
    np.add.at(total, c.faces.ravel(), force.to_numpy())
    return total


def membrane_energy(x, cloth):
    """NumPy twin of the membrane's energy where all is taut [J]."""
    dm_inv = cloth.dm_inv.astype(float)
    sides = np.stack([x[cloth.faces[:, 1]] - x[cloth.faces[:, 0]], x[cloth.faces[:, 2]] - x[cloth.faces[:, 0]]], -1)
    f = sides @ dm_inv
    e = np.linalg.norm(f, axis=1) - 1
    g = (f[:, :, 0] * f[:, :, 1]).sum(1)
    warp, weft, c, s = cloth.membrane.astype(float).T
    density = 0.5 * (warp * e[:, 0] ** 2 + weft * e[:, 1] ** 2 + 2 * c * e[:, 0] * e[:, 1] + s * g**2)
    return float((density * cloth.area).sum())


@pytest.mark.parametrize("slack", [1.0, 0.1])
def test_membrane_force_is_the_energys_slope(slack):
    level, _ = sheet(0.04, 0.04, 0.02, scenes.cotton(poisson=0.3))
    rng = np.random.default_rng(1)
    stretch = 1.05 if slack < 1 else 0.97  # the relaxed energy equals the plain one where all is taut
    x = level.solver.positions() * stretch + rng.normal(size=(len(level.cloth.mass), 3)) * 1e-4
    total = membrane_force(level, x, slack)
    for i, a in ((0, 0), (4, 1), (4, 2), (8, 0)):
        step = np.zeros_like(x)
        step[i, a] = 1e-5
        slope = -(membrane_energy(x + step, level.cloth) - membrane_energy(x - step, level.cloth)) / 2e-5
        assert total[i, a] == pytest.approx(slope, rel=0.02, abs=2e-2)


@pytest.mark.parametrize("curves", [{}, {"warp": ((0.0, 0.0), (0.02, 10.0), (0.06, 98.0))}])
def test_the_energy_kernel_is_what_the_forces_come_from(curves):
    """Also where the cloth is slack, and on measured curves: the work of a motion is the change of energy."""
    level, _ = sheet(0.04, 0.04, 0.02, scenes.cotton(poisson=0.2, stretch_curves=curves))
    rng = np.random.default_rng(4)
    start = level.solver.positions().astype(float) * [0.98, 1.05, 1.0]
    motion = rng.normal(size=start.shape) * 1e-3
    energy = []
    for t in (0.0, 1.0):
        level.solver.x.from_numpy((start + motion * t).astype(np.float32))
        energy.append(level.solver.energies(StepSettings())["membrane"])
    steps, slack = (np.arange(64) + 0.5) / 64, StepSettings.compression
    work = -np.mean([(membrane_force(level, start + motion * t, slack) * motion).sum() for t in steps])
    assert energy[1] - energy[0] == pytest.approx(work, rel=0.01)


def hinge_of(x):
    """Gradient and moment of one hinge with unit stiffness and no rest angle, at four positions [m]."""
    grad, (bend, moment, tangent) = ti.Vector.ndarray(3, ti.f32, 4), (ti.ndarray(ti.f32, 1) for _ in range(3))
    none, one = upload(np.zeros(1, np.float32)), upload(np.ones(1, np.float32))
    start, item = upload(np.array([0, 1], np.int32)), upload(np.zeros(1, np.int32))
    corners = upload(np.array([[0, 1, 2, 3]], np.int32))
    elastic.hinges(
        upload(x.astype(np.float32)), corners, none, start, item, one, one, none, 0.0, 0, grad, bend, moment, tangent
    )
    return grad.to_numpy(), float(moment.to_numpy()[0])


def test_hinge_gradient_is_the_angles_slope():
    rng = np.random.default_rng(2)
    x = np.array([[0, 0, 0], [1, 0, 0], [0.3, 0.8, 0.2], [0.6, -0.7, 0.3]]) * 0.02
    x = x + rng.normal(size=x.shape) * 1e-3
    analytic, base = hinge_of(x)
    assert abs(base) > 0.1
    for i in range(4):
        for a in range(3):
            step = np.zeros_like(x)
            step[i, a] = 2e-5
            slope = (hinge_of(x + step)[1] - hinge_of(x - step)[1]) / 4e-5
            assert analytic[i, a] == pytest.approx(slope, rel=0.03, abs=0.3)


def test_tips_behind_the_edge_are_a_positive_angle():
    x = np.array([[0, 0, 0], [1, 0, 0], [0.5, 1, -0.5], [0.5, -1, -0.5]])
    assert hinge_of(x)[1] == pytest.approx(2 * np.arctan(0.5), rel=1e-4)


def settle(level, steps=150, **changes):
    settings = StepSettings(**({"drag": 20.0, "tolerance": 1e-4, "iterations": 300} | changes))
    for _ in range(steps):
        report = level.solver.step(settings)
    return report


def test_hanging_cloth_pulls_with_its_weight_and_stretches_as_it_should():
    """The strain at the top of a hanging strip is its weight over its stiffness, and the pins carry the weight."""
    fabric = scenes.cotton(areal_density=0.5, stretch_warp=100.0, stretch_weft=100.0, poisson=0.0)
    level, (nx, ny) = sheet(0.1, 0.4, 0.02, fabric)
    level.solver.pin(np.arange(nx) + nx * (ny - 1))
    settle(level)
    weight = float(level.cloth.mass.sum()) * 9.81
    assert level.solver.pin_forces()[:, 1].sum() == pytest.approx(weight, rel=0.005)
    y = level.solver.positions()[:, 1].reshape(ny, nx).mean(1)
    expected = 0.5 * 9.81 * (np.arange(ny - 1) + 0.5) * 0.02 / 100.0
    assert np.diff(y) / 0.02 - 1 == pytest.approx(expected, rel=0.02, abs=3e-4)


def test_warp_and_weft_are_told_apart():
    fabric = scenes.cotton(areal_density=0.5, stretch_warp=1000.0, stretch_weft=100.0)
    drop = []
    for turn in (0.0, np.pi / 2):
        level, (nx, ny) = sheet(0.06, 0.2, 0.02, fabric, turn)
        level.solver.pin(np.arange(nx) + nx * (ny - 1))
        settle(level, 80)
        drop.append(-float(level.solver.positions()[:nx, 1].mean()))
    assert drop[1] == pytest.approx(10 * drop[0], rel=0.1)


def test_rest_corners_follow_the_grain():
    level, _ = sheet(0.04, 0.04, 0.02)
    garment = level.garment
    straight = rest_corners(garment)
    garment.grain[:] = 0.0
    turned = rest_corners(garment)
    assert np.allclose(straight[..., 0], garment.rest_uv[garment.faces][..., 1])
    assert np.allclose(turned[..., 0], garment.rest_uv[garment.faces][..., 0])


def test_slivers_keep_little_of_their_stiffness_and_others_all():
    uv, faces, _ = scenes.rectangle(0.2, 0.2, 0.02)
    flat = np.column_stack([uv, np.zeros(len(uv))])
    whole = build_cloth(scenes.assemble([(uv, faces, flat)], [], scenes.cotton()), np.arange(len(uv)),
                        np.arange(len(uv)), np.zeros((0, 2)), layer_gap=0.002)
    corner = np.flatnonzero((faces == 0).any(1))
    squeezed = uv.copy()
    squeezed[0] = uv[faces[corner[0]]][1:].mean(0) + (uv[0] - uv[faces[corner[0]]][1:].mean(0)) * 0.01
    thin = build_cloth(scenes.assemble([(squeezed, faces, flat)], [], scenes.cotton()), np.arange(len(uv)),
                       np.arange(len(uv)), np.zeros((0, 2)), layer_gap=0.002)
    share = thin.membrane[:, 0] / whole.membrane[:, 0]
    assert share.min() < 0.1
    assert (share > 0.999).sum() >= len(faces) - len(corner)


@pytest.mark.parametrize("count", [2, 3, 9])
def test_a_monotone_cubic_is_that_of_scipy(count):
    random = np.random.default_rng(count)
    for _ in range(20):
        x, y = np.cumsum(random.random(count) + 0.01), np.round(random.normal(size=count), 1)
        at = np.linspace(x[0], x[-1], 50)
        assert np.allclose(monotone_cubic(x, y, at), PchipInterpolator(x, y)(at), rtol=1e-9, atol=1e-9)
