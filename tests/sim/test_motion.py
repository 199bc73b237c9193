"""Cloth that goes along with a moving body, which never passes it."""

import dataclasses

import numpy as np
import pytest
import scenes
import trimesh

from engine.core.errors import InputError
from engine.core.taichi_runtime import ti
from engine.core.types import BodyMotion, Drape
from sim.collision import upload
from sim.exact_distance import signed_distance
from sim.motion import MotionConfig, animate
from sim.moving_body import MovingBody


def board(turn: float = 0.0, shift=(0.0, 0.0, 0.0)) -> trimesh.Trimesh:
    """A thick board, its upper face level and at y = 0."""
    mesh = trimesh.creation.box((0.6, 0.1, 0.6))
    for _ in range(3):
        mesh = mesh.subdivide()
    mesh.apply_translation([0, -0.05, 0])
    mesh.apply_transform(trimesh.transformations.rotation_matrix(turn, [0, 0, 1]))
    mesh.apply_translation(shift)
    return mesh


def motion_of(frames: list[trimesh.Trimesh]) -> BodyMotion:
    """A motion of which only the contact surface matters."""
    surface = np.array([m.vertices for m in frames], np.float32)
    none = np.zeros((len(frames), 55, 3), np.float32)
    return BodyMotion("test", surface[0], none[0], np.tile(np.eye(3, dtype=np.float32), (len(frames), 55, 1, 1)), none,
                      surface, surface)  # fmt: skip


def resting(edge: float = 0.03, size: float = 0.3, gap: float = 0.0022, **fabric):
    """A square of cloth that lies on the board, and its drape."""
    uv, faces, _ = scenes.rectangle(size, size, edge)
    positions = np.column_stack([uv[:, 0], np.full(len(uv), gap), size / 2 - uv[:, 1]])
    garment = scenes.assemble([(uv, faces, positions)], [], scenes.cotton(**fabric))
    still = Drape(garment.positions, np.zeros((len(faces), 3), np.float32), np.zeros(len(uv), np.float32), "converged")
    return garment, still


def smooth(t):
    return t * t * (3 - 2 * t)


def test_distances_to_the_moving_surface_are_exact():
    ball = trimesh.creation.icosphere(subdivisions=3, radius=0.2)
    points = np.random.default_rng(1).normal(size=(400, 3))
    points *= (0.2 + np.linspace(-0.006, 0.006, 400) / 1.0)[:, None] / np.linalg.norm(points, axis=1, keepdims=True)
    points += [0.003, 0, 0]
    x = upload(points.astype(np.float32))
    body = MovingBody(np.asarray(ball.faces), len(ball.vertices), way_most=0.008, reach=0.02)
    carry = ti.Vector.ndarray(3, ti.f32, len(points))
    before = np.asarray(ball.vertices, np.float64)
    body.place(before, before + [0.003, 0, 0], x, points.min(0), points.max(0), carry)
    gap, normal = ti.ndarray(ti.f32, len(points)), ti.Vector.ndarray(3, ti.f32, len(points))
    body.measure(x, gap, normal)
    exact = signed_distance(before + [0.003, 0, 0], ball.faces, points)
    assert np.abs(gap.to_numpy() - exact).max() < 1e-6
    assert body.least_gap(x) == pytest.approx(exact.min(), abs=1e-6)
    outward = (points - [0.003, 0, 0]) / np.linalg.norm(points - [0.003, 0, 0], axis=1, keepdims=True)
    assert (normal.to_numpy() * outward).sum(1).min() > 0.95
    assert np.abs(carry.to_numpy() - [0.003, 0, 0]).max() < 1e-6
    body.keep_outside(x, x, 0.001)
    assert body.least_gap(x) > 0.001 - 1e-5


def test_friction_carries_cloth_along_and_a_jerk_leaves_it_behind():
    garment, still = resting(friction_static=0.5, friction_dynamic=0.45)
    way = 0.12 * smooth(np.linspace(0, 1, 31))  # over one second: at most 0.7 m/s2
    slow = motion_of([board(shift=(s, 0, 0)) for s in way])
    done = animate(garment, still, scenes.body_from(board()), slow)
    assert done.status == "done" and done.positions.shape == (31, *garment.positions.shape)
    moved = (done.positions[-1] - done.positions[0])[:, 0]
    assert np.abs(moved - 0.12).max() < 0.002
    slippery, still = resting(friction_static=0.02, friction_dynamic=0.02)
    quick = motion_of([board(shift=(s, 0, 0)) for s in 0.12 * smooth(np.linspace(0, 1, 8))])
    moved = animate(slippery, still, scenes.body_from(board()), quick).positions[-1] - still.positions
    assert moved[:, 0].mean() < 0.04


def test_a_rising_and_turning_board_never_passes():
    garment, still = resting()
    t = smooth(np.linspace(0, 1, 16))
    frames = [board(turn=0.5 * s, shift=(0, 0.35 * s, 0)) for s in t]
    done = animate(garment, still, scenes.body_from(board()), motion_of(frames))
    assert done.status == "done"
    assert done.metrics["self_intersections"] == 0 and done.metrics["body_penetrating_vertices"] == 0
    assert done.metrics["min_gap_mm"] > 0
    assert done.positions[-1, :, 1].mean() > 0.3  # it was lifted
    assert done.metrics["strain_p99"] < 0.02  # and not torn about
    assert set(done.history) >= {"self_intersections", "body_penetration_mm"}


def test_a_fist_through_the_board_is_kept_out_too():
    """A ball that shoots up under the cloth at 3 m/s, far more in a frame than a step may be."""
    garment, still = resting(edge=0.02, gap=0.0022)
    ball = trimesh.creation.icosphere(subdivisions=3, radius=0.06)
    shapes = []
    for s in np.linspace(0, 1, 5):
        ball_now = ball.copy()
        ball_now.apply_translation([0, -0.0645 + 0.4 * s, 0])
        shapes.append(ball_now)
    body = scenes.body_from(shapes[0])
    done = animate(garment, still, body, motion_of(shapes))
    assert done.metrics["body_penetrating_vertices"] == 0 and done.metrics["self_intersections"] == 0
    assert done.metrics["steps"] > 4 * 3
    assert done.positions[-1, :, 1].max() > 0.35


def test_the_same_motion_gives_the_same_frames():
    garment, still = resting()
    frames = motion_of([board(shift=(s, 0.5 * s, 0)) for s in 0.05 * smooth(np.linspace(0, 1, 6))])
    first, second = (animate(garment, still, scenes.body_from(board()), frames).positions for _ in range(2))
    assert np.array_equal(first, second)


def test_what_does_not_belong_together_is_named():
    garment, still = resting()
    frames = motion_of([board(), board()])
    other = dataclasses.replace(still, positions=still.positions[:-1])
    with pytest.raises(InputError, match="drape"):
        animate(garment, other, scenes.body_from(board()), frames)
    with pytest.raises(InputError, match="another body"):
        animate(garment, still, scenes.body_from(trimesh.creation.box()), frames)
    with pytest.raises(InputError, match="failed"):
        animate(garment, dataclasses.replace(still, status="failed"), scenes.body_from(board()), frames,
                config=MotionConfig())
