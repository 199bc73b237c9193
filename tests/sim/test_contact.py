"""Contacts against brute force, and the bound that lets nothing pass."""

import numpy as np
import scenes
from test_elastic import nowhere

from sim.collision import Collider, upload
from sim.guard import intersections
from sim.level import Level
from sim.solver import StepSettings


def two_sheets(gap, edge=0.02):
    """Two sheets above each other, the upper one turned so that no vertices coincide."""
    uv, faces, _ = scenes.rectangle(0.16, 0.16, edge)
    low = np.column_stack([uv[:, 0], np.zeros(len(uv)), uv[:, 1]])
    c, s = np.cos(0.3), np.sin(0.3)
    high = np.column_stack([uv[:, 0] * c - (uv[:, 1] - 0.1) * s, np.full(len(uv), gap),
                            uv[:, 0] * s + (uv[:, 1] - 0.1) * c + 0.1])
    garment = scenes.assemble([(uv, faces, low), (uv, faces, high)], [], scenes.cotton())
    return Level(garment, garment.positions, nowhere(), open_pairs=np.zeros(0, bool))


def closest(p, a, b, c):
    """Distance of a point to a triangle, by dense sampling refined at the plane's foot."""
    n = np.cross(b - a, c - a)
    n /= np.linalg.norm(n)
    foot = p - n * (p - a).dot(n)
    bary = np.linalg.lstsq(np.stack([b - a, c - a], 1), foot - a, rcond=None)[0]
    if bary.min() >= 0 and bary.sum() <= 1:
        return abs((p - a).dot(n))
    best = np.inf
    for u, v in ((a, b), (b, c), (c, a)):
        t = np.clip((p - u).dot(v - u) / (v - u).dot(v - u), 0, 1)
        best = min(best, np.linalg.norm(p - u - t * (v - u)))
    return best


def test_vertex_triangle_pairs_as_brute_force():
    rng = np.random.default_rng(3)
    level = two_sheets(0.004, 0.04)
    x = (level.solver.positions() + rng.normal(size=(len(level.cloth.mass), 3)) * 1e-3).astype(np.float32)
    collider = Collider(level.cloth)
    reach = 0.006
    collider.detect(upload(x), upload(np.full(len(x), reach / 2, np.float32)), x.min(0) - reach, x.max(0) + reach)
    got = collider.pairs()
    vt = {(int(c[0]), *map(int, c[1:])): g for c, g, k in zip(got["corner"], got["gap"], got["kind"], strict=True)
          if k == 1}
    expected = {}
    for v, p in enumerate(x.astype(float)):
        for tri in level.cloth.faces:
            if v not in tri:
                d = closest(p, *x[tri].astype(float))
                if d < reach:
                    expected[(v, *map(int, tri))] = d
    assert len(expected) > 10
    assert set(vt) == set(expected)
    assert all(abs(vt[k] - expected[k]) < 1e-6 for k in vt)
    assert (got["kind"] == 2).sum() > 10


def test_many_contacts_grow_the_buffers():
    level = two_sheets(0.002, 0.02)
    x = level.solver.positions()
    x[:, 1] = np.where(x[:, 1] > 0.001, 0.0005, 0.0)
    collider = Collider(level.cloth)
    collider.detect(upload(x), upload(np.full(len(x), 0.015, np.float32)), x.min(0) - 0.03, x.max(0) + 0.03)
    assert collider.vt.shape[1] > 8 and collider.count > 4 * len(x)
    assert len(collider.pairs()["gap"]) == collider.count


def test_sheets_shot_at_each_other_do_not_pass():
    level = two_sheets(0.01)
    solver = level.solver
    upper = solver.positions()[:, 1] > 0.005
    velocity = np.zeros((len(upper), 3), np.float32)
    velocity[upper, 1], velocity[~upper, 1] = -5.0, 2.0
    solver.vel.from_numpy(velocity)
    for _ in range(25):
        report = solver.step(StepSettings(gravity=0.0, drag=0.0))
        assert report.finite
    x = solver.positions()
    assert len(intersections(x, level.cloth.faces)) == 0
    assert x[upper, 1].mean() > x[~upper, 1].mean()


def test_a_crumpled_fall_stays_clean():
    """A soft sheet dropped edge first onto a pin bed of its own making: everything touches everything."""
    fabric = scenes.cotton(bend_warp=1e-7, bend_weft=1e-7, bend_bias=1e-7)
    uv, faces, (nx, ny) = scenes.rectangle(0.16, 0.36, 0.02)
    x = np.column_stack([uv, 0.01 * np.sin(uv[:, 1] * 20)])
    garment = scenes.assemble([(uv, faces, x)], [], fabric)
    level = Level(garment, garment.positions, nowhere(), open_pairs=np.zeros(0, bool))
    level.solver.pin(np.arange(nx))
    seen = 0
    for k in range(80):
        report = level.solver.step(StepSettings(drag=1.0))
        seen = max(seen, level.solver.collider.active_count)
        if k % 40 == 39:
            assert len(intersections(level.solver.positions(), level.cloth.faces)) == 0
    assert report.finite and seen > 20


def test_a_gap_of_microns_keeps_its_side():
    """Where two sheets almost touch, the normal must not come from the rounding of positions."""
    level = two_sheets(2e-6)
    x = (level.solver.positions() + np.float32([0.5, 1.2, -0.3])).astype(np.float32)
    upper = x[:, 1] > np.float32(1.2) + 1e-6
    collider = Collider(level.cloth)
    reach = upload(np.full(len(x), 0.002, np.float32))
    collider.detect(upload(x), reach, x.min(0) - 0.002, x.max(0) + 0.002)
    got = collider.pairs()
    first = upper[got["corner"][:, 0]]
    assert first.any() and not first.all()
    up = np.where(first, got["normal"][:, 1], -got["normal"][:, 1])
    inside = (np.abs(got["weight"]) > 1e-3).all(1)
    assert inside.sum() > 50
    assert up[inside].min() > 0.999


def test_sheets_pressed_together_keep_a_gap():
    level = two_sheets(0.002)
    solver = level.solver
    upper = solver.positions()[:, 1] > 0.001
    for _ in range(30):  # by then they have not yet slipped past each other around their borders
        velocity = np.zeros((len(upper), 3), np.float32)
        velocity[upper, 1], velocity[~upper, 1] = -3.0, 3.0
        solver.vel.from_numpy(velocity)
        solver.step(StepSettings(gravity=0.0, drag=0.0, self_stiffness=10.0))
    assert len(intersections(solver.positions(), level.cloth.faces)) == 0
    collider = Collider(level.cloth)
    x = solver.positions()
    reach = upload(np.full(len(x), 0.002, np.float32))
    collider.detect(upload(x), reach, x.min(0) - 0.002, x.max(0) + 0.002)
    assert collider.pairs()["gap"].min() > 1.5e-5


def test_what_is_held_still_stays_in_the_way_of_the_rest():
    level = two_sheets(0.01)
    solver, start = level.solver, level.solver.positions()
    upper = start[:, 1] > 0.005
    solver.hold(~upper)
    for _ in range(60):
        report = solver.step(StepSettings(drag=5.0))
        got = solver.collider.pairs()
        assert upper[got["corner"]].any(1).all()  # none between what does not move
    x = solver.positions()
    assert report.finite and (x[~upper] == start[~upper]).all()
    over = upper & (np.abs(start[:, [0, 2]] - [0.0, 0.08]).max(1) < 0.05)
    assert over.any() and 0.0 < x[over, 1].min() and x[over, 1].max() < 0.008
    assert len(intersections(x, level.cloth.faces)) == 0
    solver.hold(np.zeros(len(x), bool))
    solver.step(StepSettings())
    assert (solver.positions()[~upper, 1] < start[~upper, 1]).all()


def test_leaving_what_is_held_out_of_the_system_changes_nothing():
    """Bit for bit the step that gathers and multiplies its rows too."""
    found = []
    for everything in (False, True):
        solver = two_sheets(0.003).solver
        height = solver.positions()[:, 1]
        solver.hold(height == height[0])
        assert solver.moving.particle > 0 and solver.moving.triangle > 0 and solver.moving.hinge > 0
        if everything:
            solver.moving = type(solver.moving)()
        for _ in range(5):
            solver.step(StepSettings(drag=5.0))
        found.append(solver.positions())
    assert np.array_equal(*found) and (found[0] != two_sheets(0.003).solver.positions()).any()
