"""Sewing: pairs that a limb cuts off wait, and only the pairs that pull are pulled."""

import dataclasses
import itertools

import numpy as np
import pytest
import scenes
import trimesh

from engine.core.taichi_runtime import init
from sim.body_field import DistanceGrid, distance_grid
from sim.collision import upload
from sim.guard import intersections, seam_gaps
from sim.level import Level
from sim.sewing_order import behind_limb, lapped, sewn_pieces
from sim.solver import StepSettings


def skirt():
    return scenes.tube(girth=0.8, height=0.4, edge=0.04, gap=0.15, bottom=0.6)


def level_with_bar(radius: float, height: float = 0.8):
    """Two panels, and a level bar that passes between their sewn edges on one side."""
    init()
    bar = trimesh.creation.capsule(height=0.4, radius=radius, count=[24, 24])
    bar.apply_transform(trimesh.transformations.rotation_matrix(np.pi / 2, [0, 1, 0]))
    bar.apply_translation([0.2, height, 0.0])
    grid = distance_grid(np.asarray(bar.vertices, np.float32), np.asarray(bar.faces, np.int32))
    garment = skirt()
    x, y, _ = garment.positions[garment.seam_pairs[:, 0]].T
    order = np.lexsort((y, x > 0))
    ids = (x[order] > 0).astype(np.int32)
    garment = dataclasses.replace(garment, seam_pairs=garment.seam_pairs[order], seam_ids=ids)
    open_pairs = np.ones(len(garment.seam_pairs), bool)
    return grid, Level(garment, garment.positions, grid, open_pairs=open_pairs)


@pytest.mark.parametrize(("radius", "height", "waits"), [(0.045, 0.7, True), (0.035, 0.7, True), (0.045, 1.2, False)])
def test_pairs_that_a_limb_cuts_off_wait(radius, height, waits):
    """Those at the bar, and those below it, of which there are fewer than above."""
    grid, level = level_with_bar(radius, height)
    garment = level.garment
    waiting = behind_limb(grid, garment, level.vertices(), np.ones(len(garment.seam_pairs), bool))
    middle = garment.positions[garment.seam_pairs].mean(1)
    off = (middle[:, 0] > 0) & (middle[:, 1] < height + radius - 0.011)
    assert (waiting == off).all() if waits else not waiting.any()


def test_only_pairs_that_pull_close():
    grid, level = level_with_bar(0.01)
    pairs = level.cloth.pairs
    left = level.solver.positions()[pairs[:, 0], 0] < 0
    level.solver.pull(pairs[left])
    settings = StepSettings(gravity=0.0, drag=10.0, membrane_most=150.0, seam_stiffness=1000.0, seam_speed=0.6)
    for _ in range(30):
        level.solver.step(settings)
    gaps = seam_gaps(level.solver.positions(), pairs)
    assert gaps[left].max() < 0.15 and gaps[~left].min() > 0.25
    level.solver.pull(pairs)
    for _ in range(30):
        level.solver.step(settings)
    assert seam_gaps(level.solver.positions(), pairs)[~left].max() < 0.2


def test_the_grid_tells_distances():
    grid, _ = level_with_bar(0.045)
    points = np.array([[0.2, 0.8, 0.035], [0.2, 0.8, 0.06], [0.2, 0.87, 0.0]])
    assert grid.at(points) == pytest.approx([-0.010, 0.015, 0.025], abs=0.003)
    assert grid.at(np.array([[5.0, 0.0, 0.0]]))[0] > 0


def test_only_pieces_with_something_left_to_sew_move_while_sewing():
    init()
    nowhere = DistanceGrid(np.ones((2, 2, 2), np.float32), np.zeros(3, np.float32), 100.0)
    uv, faces, _ = scenes.rectangle(0.1, 0.1, 0.05)
    flat = [np.column_stack([uv[:, 0] + 0.2 * k, uv[:, 1], np.zeros(len(uv))]) for k in range(5)]
    right, left = (np.flatnonzero(uv[:, 0] == uv[:, 0].max()), np.flatnonzero(uv[:, 0] == uv[:, 0].min()))
    n = len(uv)
    pairs = zip(right, left, strict=True)
    seams = [((a, i), (b, j)) for (a, b), (i, j) in itertools.product(((0, 1), (2, 3)), pairs)]
    garment = scenes.assemble([(uv, faces, x) for x in flat], seams, scenes.cotton())
    level = Level(garment, garment.positions, nowhere, open_pairs=np.ones(len(garment.seam_pairs), bool))
    still = sewn_pieces(level.cloth, level.solver.positions(), 0.05)[level.particle].reshape(5, n)
    assert not still[:4].any() and still[4].all()
    sewn = Level(garment, garment.positions, nowhere, open_pairs=np.arange(len(garment.seam_pairs)) < len(right))
    still = sewn_pieces(sewn.cloth, sewn.solver.positions(), 0.05)[sewn.particle].reshape(5, n)
    assert not still[:2].any() and still[2:].all()


def strips_to_sew(gap: float):
    """Two level strips above each other, to be sewn together all along one edge, nowhere near a body."""
    init()
    uv, faces, (nx, ny) = scenes.rectangle(0.12, 0.08, 0.02)
    low = np.column_stack([uv[:, 0], np.zeros(len(uv)), uv[:, 1]])
    pairs = [((0, k), (1, k)) for k in range(nx)]
    garment = scenes.assemble([(uv, faces, low), (uv, faces, low + [0.006, gap, 0.006])], pairs, scenes.cotton())
    ball = trimesh.creation.icosphere(subdivisions=1, radius=0.02)
    grid = distance_grid(np.asarray(ball.vertices - [0, 1, 0], np.float32), np.asarray(ball.faces, np.int32))
    return Level(garment, garment.positions, grid, open_pairs=np.ones(len(pairs), bool))


def test_cloth_to_be_sewn_together_does_not_cross_on_the_way():
    """The upper strip is thrown at the lower one: it is stopped beside the seam as everywhere else."""
    level = strips_to_sew(0.006)
    solver, upper = level.solver, level.particle[level.garment.vertex_panel == 1]
    speed = np.zeros((len(level.cloth.mass), 3), np.float32)
    speed[upper, 1] = -3.0
    solver.vel.from_numpy(speed)
    for _ in range(12):
        solver.step(StepSettings(gravity=0.0, drag=0.0, dt=0.002))
    x = level.vertices()
    assert not len(intersections(x, level.garment.faces))
    a, b = level.garment.seam_pairs.T
    assert (x[b, 1] > x[a, 1] - 1e-3).all()


def test_sides_that_have_met_are_one_to_the_contact_search():
    """Pairs are free of each other once they are nearer than the gap at which they can be joined, and only those."""
    level = strips_to_sew(0.006)
    solver, pairs = level.solver, level.cloth.pairs
    assert not solver.met.any()
    x = solver.positions()
    x[pairs[0, 1]] = x[pairs[0, 0]] + [0, 0.0005, 0]
    solver.x.from_numpy(x)
    solver.meet()
    assert solver.met.tolist() == [True] + [False] * (len(pairs) - 1)
    reach = np.full(len(x), 0.005, np.float32)
    solver.collider.detect(solver.x, upload(reach), x.min(0) - 0.01, x.max(0) + 0.01)
    found = solver.collider.pairs()
    ends = [set(c[:k]) | set(-c[k:] - 1) for c, k in zip(found["corner"], found["kind"], strict=True)]
    touch = [any(a in e and -b - 1 in e or b in e and -a - 1 in e for e in ends) for a, b in pairs]
    assert not touch[0] and touch[2]


def test_seams_close_wholly():
    level = strips_to_sew(0.02)
    settings = StepSettings(gravity=0.0, drag=10.0, membrane_most=150.0, seam_stiffness=1000.0, seam_speed=0.6)
    for _ in range(40):
        level.solver.step(settings)
        level.solver.meet()
    assert seam_gaps(level.solver.positions(), level.cloth.pairs).max() < 5e-4


def test_what_is_stitched_on_top_waits_for_the_seam_below():
    """A line in one panel sewn onto the edge of another waits if a seam of their edges joins them, else not."""
    uv, faces, (nx, ny) = scenes.rectangle(0.12, 0.08, 0.02)
    flat = [np.column_stack([uv[:, 0] + 0.2 * k, uv[:, 1], np.zeros(len(uv))]) for k in range(2)]
    edge = [((0, r * nx + nx - 1), (1, r * nx)) for r in range(ny)]
    line = [((0, r * nx + 2), (1, r * nx + nx - 1)) for r in range(1, ny - 1)]
    panels = [(uv, faces, x) for x in flat]
    both = scenes.assemble(panels, edge + line, scenes.cotton())
    assert lapped(both).tolist() == [False] * len(edge) + [True] * len(line)
    assert not lapped(scenes.assemble(panels, line, scenes.cotton())).any()
    caught = dataclasses.replace(both, seam_angles=np.where(np.arange(len(edge + line)) == 0, np.nan, 0.0))
    assert lapped(caught)[0]
