"""Elastics, tapes and pressed folds: forces against energies and closed forms."""

import dataclasses

import numpy as np
import pytest
import scenes
from scipy.sparse import csr_matrix

from sim.body_field import DistanceGrid, distance_grid
from sim.cloth import CREASE
from sim.level import Level
from sim.lines import tape_energy, tape_tension
from sim.solver import StepSettings


def nowhere() -> DistanceGrid:
    """A body that is far away."""
    return DistanceGrid(np.full((2, 2, 2), 1.0, np.float32), np.zeros(3, np.float32), 1.0)


def taped(garment, edges, ratio, stiffness):
    """The garment with a tape along mesh edges."""
    rest = ratio * np.linalg.norm(garment.rest_uv[edges[:, 0]] - garment.rest_uv[edges[:, 1]], axis=1)
    return dataclasses.replace(
        garment, tape_edges=edges.astype(np.int32), tape_rest=rest.astype(np.float32),
        tape_stiffness=np.full(len(edges), stiffness, np.float32),
    )


def rest_length(garment):
    """Relaxed length of all tape [m]."""
    return float(garment.tape_rest.sum())


def ring(girth, height, edge, radius, fabric):
    """A tube of one panel around the y axis, its seam closed, and the vertices of its middle row."""
    uv, faces, (nx, ny) = scenes.rectangle(girth, height, edge)
    phi = 2 * np.pi * uv[:, 0] / girth
    x = np.stack([radius * np.sin(phi), uv[:, 1] - height / 2, radius * np.cos(phi)], 1)
    pairs = [((0, r * nx), (0, r * nx + nx - 1)) for r in range(ny)]
    garment = scenes.assemble([(uv, faces, x)], pairs, fabric)
    return garment, np.arange(nx) + nx * (ny // 2)


def test_a_tapes_force_is_its_energys_slope_and_its_matrix_the_forces():
    uv, faces, (nx, ny) = scenes.rectangle(0.1, 0.06, 0.02)
    garment = scenes.assemble([(uv, faces, np.column_stack([uv, np.zeros(len(uv))]))], [], scenes.cotton(damping=0.0))
    row = np.arange(nx) + nx
    garment = taped(garment, np.stack([row[:-1], row[1:]], 1), 0.8, 30.0)
    level = Level(garment, garment.positions, nowhere(), open_pairs=np.zeros(0, bool))
    rng = np.random.default_rng(3)
    x = level.solver.positions() + rng.normal(size=(len(uv), 3)) * 1e-3
    s = level.solver

    def forces(at):
        s.x.from_numpy(at.astype(np.float32))
        for a in (s.force, s.rhs, s.block):
            a.fill(0.0)
        s.tapes.add(s.x, 0.0, s.block, s.force, s.rhs)
        assert np.array_equal(s.force.to_numpy(), s.rhs.to_numpy())
        return s.force.to_numpy().astype(float)

    force = forces(x)
    way = rng.normal(size=x.shape)
    h = 1e-5
    slope = (tape_energy(garment, x + h * way) - tape_energy(garment, x - h * way)) / (2 * h)
    assert -(force * way).sum() == pytest.approx(slope, rel=1e-3)
    row_of = np.repeat(np.arange(len(x)), np.diff(s.lists["row"].to_numpy()))
    product = np.zeros_like(x)
    np.add.at(product, row_of, np.einsum("bij,bj->bi", s.block.to_numpy(), way[s.lists["col"].to_numpy()]))
    h = 2e-4
    fall = -(forces(x + h * way) - forces(x - h * way)) / (2 * h)
    assert fall == pytest.approx(product, abs=0.02 * abs(product).max())


def test_a_slack_tape_does_not_push():
    uv, faces, (nx, _) = scenes.rectangle(0.1, 0.04, 0.02)
    garment = scenes.assemble([(uv, faces, np.column_stack([uv, np.zeros(len(uv))]))], [], scenes.cotton())
    garment = taped(garment, np.stack([np.arange(nx - 1), np.arange(1, nx)], 1), 1.0, 30.0)
    assert tape_energy(garment, 0.9 * garment.positions) == 0.0
    assert tape_tension(garment, 1.1 * garment.positions) == pytest.approx(3.0, rel=1e-4)


def test_an_elastic_presses_a_cylinder_with_its_tension_over_the_radius():
    """Tension T around a radius R is a line pressure T / R: 2 pi T in all."""
    radius = 0.1
    cylinder = scenes.capsule(radius, -0.4, 0.4)
    grid = distance_grid(np.asarray(cylinder.vertices, np.float32), np.asarray(cylinder.faces, np.int32))
    soft = scenes.cotton(stretch_warp=20.0, stretch_weft=20.0, shear=5.0, friction_static=0.0, friction_dynamic=0.0)
    garment, middle = ring(2 * np.pi * (radius + 0.0022), 0.04, 0.01, radius + 0.004, soft)
    garment = taped(garment, np.stack([middle[:-1], middle[1:]], 1), 0.8, 10.0)
    level = Level(garment, garment.positions, grid, open_pairs=np.zeros(len(garment.seam_pairs), bool))
    for _ in range(80):
        level.solver.step(StepSettings(gravity=0.0, drag=20.0))
    tension = tape_tension(garment, level.vertices())
    assert tension == pytest.approx(10 * (2 * np.pi * radius / rest_length(garment) - 1), rel=0.08)
    assert level.solver.body_normal_force().sum() == pytest.approx(2 * np.pi * tension.mean(), rel=0.01)


def folded(angle, edge=0.01):
    """A strip with a pressed fold across its middle, hung nowhere; and its rows (below and above the fold)."""
    uv, faces, (nx, ny) = scenes.rectangle(0.04, 0.08, edge)
    x = np.column_stack([uv, np.zeros(len(uv))])
    x[:, 2] = -0.2 * np.abs(uv[:, 1] - 0.04) * np.sign(angle)
    row = np.arange(nx) + nx * (ny // 2)
    edges = np.stack([row[:-1], row[1:]], 1).astype(np.int32)
    garment = scenes.assemble([(uv, faces, x)], [], scenes.cotton(damping=0.0))
    garment = dataclasses.replace(garment, fold_edges=edges, fold_angles=np.full(len(edges), angle, np.float32))
    level = Level(garment, garment.positions, nowhere(), open_pairs=np.zeros(0, bool))
    for _ in range(150):
        level.solver.step(StepSettings(gravity=0.0, drag=8.0, tolerance=1e-4))
    return level, nx, ny


@pytest.mark.parametrize("angle", [1.2, -1.2, 2.2])
def test_a_pressed_fold_comes_to_its_angle(angle):
    level, nx, ny = folded(angle)
    x = level.vertices().reshape(ny, nx, 3).mean(1)
    low, high = x[ny // 2] - x[0], x[-1] - x[ny // 2]
    turned = np.arctan2(low[1] * high[2] - low[2] * high[1], low[1] * high[1] + low[2] * high[2])
    assert -turned == pytest.approx(angle, abs=0.03)


def test_a_fold_pressed_flat_closes_and_stays_on_its_side():
    level, nx, ny = folded(np.pi)
    x = level.vertices().reshape(ny, nx, 3)
    assert np.linalg.norm(x[0] - x[-1], axis=1).max() < 0.02
    assert x[0, :, 2].mean() < x[ny // 2, :, 2].mean()


def test_a_fold_gives_way_alike_on_coarse_and_fine_meshes():
    """Its compliance is that of the cloth beside it and of the crease itself, which does not depend on the mesh."""
    crease = []
    for edge in (0.01, 0.005):
        level, _, _ = folded(1.2, edge)
        c = level.cloth
        mine = c.hinge_rest > 1.0
        height = edge  # of the right triangles beside the fold
        count = len(mine)
        moments = csr_matrix((c.bending.value, c.bending.item, c.bending.start), shape=(count, count)) @ mine
        crease.append((0.04 / moments[mine].sum()) - height / 1e-5)
    assert crease[0] == pytest.approx(crease[1], rel=0.02)
    assert crease[0] == pytest.approx(CREASE * 0.0005 / 1e-5, rel=0.05)


def test_a_layer_caught_in_a_seam_holds_no_angle():
    """Three strips meet in one line: the two that a seam joins hinge there, the third does not."""
    uv, faces, (nx, ny) = scenes.rectangle(0.04, 0.04, 0.02)
    up = np.column_stack([uv, np.zeros(len(uv))])
    down = up * [1, -1, 1] * [-1, 1, 1]
    caught = down + [0, 0, -0.003]
    top = [(0, k) for k in range(nx)]
    pairs = [(t, (1, nx - 1 - k)) for k, t in enumerate(top)] + [(t, (2, nx - 1 - k)) for k, t in enumerate(top)]
    garment = scenes.assemble([(uv, faces, up), (uv, faces, down), (uv, faces, caught)], pairs, scenes.cotton())
    garment.seam_ids[nx:] = 1
    counts = []
    for angle in (0.0, np.nan):
        garment.seam_angles[nx:] = angle
        level = Level(garment, garment.positions, nowhere(), open_pairs=np.zeros(len(pairs), bool))
        counts.append(len(level.cloth.hinge))
    assert counts[0] - counts[1] == nx - 1


def test_bending_energy_counts_the_short_way_round():
    """A fold at 3.1 rad is 0.08 rad from one pressed to -3.1, not 6.2."""
    uv = np.array([[0, 0], [0.02, 0], [0.01, 0.015], [0.01, -0.015]])
    faces = np.array([[0, 1, 2], [1, 0, 3]])
    turn = 3.1
    x = np.column_stack([uv, np.zeros(4)])
    x[3] = [0.01, -0.015 * np.cos(turn), -0.015 * np.sin(turn)]
    garment = scenes.assemble([(uv, faces, x)], [], scenes.cotton())
    garment = dataclasses.replace(garment, fold_edges=np.array([[0, 1]], np.int32),
                                  fold_angles=np.array([-3.1], np.float32))
    level = Level(garment, garment.positions, nowhere(), open_pairs=np.zeros(0, bool))
    level.solver.energies(StepSettings())
    moment = level.solver.moment.to_numpy()[0] / level.cloth.bending.value[0]
    assert abs(moment) == pytest.approx(2 * np.pi - 6.2, abs=1e-3)
