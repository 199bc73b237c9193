"""Moves a draped garment with its body: frame by frame, never through the skin and never through itself.

Between two frames the body's surface moves straight, in steps that are short enough for the cloth to make way. A step
after which any particle would be inside is taken back and halved.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from engine.core.errors import InputError, SolverDiverged
from engine.core.mesh import green_strain, weld_map
from engine.core.outfit import levels_of
from engine.core.taichi_runtime import init
from engine.core.types import Body, BodyMotion, Drape, Garment
from sim.body_field import DistanceGrid
from sim.cloth import rest_corners
from sim.guard import body_depth, intersections
from sim.level import Level
from sim.moving_body import MovingBody
from sim.phases import RUNAWAY, TRAVEL
from sim.solver import StepSettings
from sim.welding import open_pairs

__all__ = ["MotionConfig", "animate", "carried"]

STEPS_LEAST = 3  #: steps a frame
SHRINK_LEAST = 1 / 16  #: of a step's planned length; shorter ones are not tried
LEAST_GAP = 1e-4  #: of any particle to the skin, below which a step is taken back [m]
YIELD_STEPS = 3  #: steps in which cloth may still get out of a body that waits for it
YIELD_TIME = 0.002  #: length of such a step [s]
Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class MotionConfig:
    """How a garment is moved."""

    device: str = "cpu"
    threads: int = 0  #: 0 for all
    gravity: float = 9.81  #: [m/s2]
    drag: float = 2.0  #: of the still air, as a share of the velocity [1/s]
    body_gap: float = 0.002  #: air between cloth and skin, besides half the thickness [m]
    layer_gap: float = 0.002  #: least distance of two layers' middles [m]
    body_floor: float = 0.0008  #: gap to the skin that is never passed [m]
    seam_tolerance: float = 0.0005  #: a seam is closed below this gap [m]
    body_way: float = 0.008  #: that the skin near cloth moves in a step at most [m]
    friction_most: float = 10.0  #: bounds the fabric's friction on the body [-]
    seam_stiffness: float = 0.0  #: of every pair that is not sewn yet [N/m]


def animate(
    garment: Garment, drape: Drape, body: Body, motion: BodyMotion, *, config: MotionConfig | None = None,
    progress: Progress | None = None,
) -> Drape:
    """Takes a garment along with a body in motion.

    Args:
        garment, drape: at rest on the body.
        body: in the motion's first frame.
        progress: called with (share done, what is being done).

    Returns:
        A drape with one entry per frame: positions [F, N, 3], strain [F, T, 3], pressure [F, N]; status ``done``, or
        ``failed`` where a frame has cloth in the body or new crossings of cloth; its history has figures by frame.

    Raises:
        InputError: drape, body and motion do not belong together.
        SolverDiverged: the cloth ran away even with the smallest steps.
    """
    config = config or MotionConfig()
    started = time.perf_counter(), time.process_time()
    _check_input(garment, drape, body, motion)
    init(device=config.device, threads=config.threads)
    run = _Run(garment, drape.positions, body.contact_faces, motion.contact_vertices[0], motion.fps, config)
    frames = [drape.positions.astype(np.float32)]
    pressure = [np.asarray(drape.pressure, np.float32)]
    for f in range(1, len(motion.contact_vertices)):
        if progress:
            progress(f / len(motion.contact_vertices), f"frame {f}, {run.steps} steps")
        run.frame(motion.contact_vertices[f - 1], motion.contact_vertices[f])
        frames.append(run.level.vertices().astype(np.float32))
        pressure.append(run.level.pressure().astype(np.float32))
    return _result(garment, body, motion, run, np.array(frames), np.array(pressure), started)


def carried(
    garment: Garment, positions: np.ndarray, faces: np.ndarray, before: np.ndarray, after: np.ndarray, *,
    held: np.ndarray | None = None, config: MotionConfig | None = None, progress: Progress | None = None,
) -> np.ndarray:
    """Takes draped cloth along while a body's surface goes straight from one shape to another.

    Args:
        garment: The garment draped (its own positions do not matter).
        positions: Of its vertices on the body before [m], shape [N, 3].
        faces: Of the surface, shape [D, 3].
        before, after: Its vertices [m], shape [C, 3].
        held: Vertices that stay where they are, shape [N] bool; none by default.

    Returns:
        Positions on the body after [m], shape [N, 3].

    Raises:
        SolverDiverged: the cloth found no way out of the body's.
    """
    config = config or MotionConfig()
    init(device=config.device, threads=config.threads)
    run = _Run(garment, positions, faces, before, 30.0, config)
    if held is not None and held.any():
        still = np.zeros(len(run.level.cloth.mass), bool)
        still[run.level.particle[held]] = True
        run.solver.hold(still)
    frames = int(np.ceil(np.linalg.norm(after - before, axis=1).max() / config.body_way)) + 1
    for f in range(frames):
        if progress:
            progress(f / frames, f"following the body, {run.steps} steps")
        run.frame(*(before + (after - before) * (share / frames) for share in (f, f + 1)))
    return run.level.vertices()


def _check_input(garment: Garment, drape: Drape, body: Body, motion: BodyMotion) -> None:
    if drape.positions.shape != garment.positions.shape:
        what = f"the drape of {garment.name!r} has shape {drape.positions.shape}, it {garment.positions.shape}"
        raise InputError("motion.drape", what, "drape it again")
    if motion.contact_vertices.shape[1:] != body.contact_vertices.shape:
        raise InputError("motion.body", "the motion is of another body", "make it from the body that was dressed")
    if drape.status == "failed":
        raise InputError("motion.failed_drape", "the drape that should be moved has failed", "drape the garment again")


class _Run:
    """The state of a garment in motion."""

    def __init__(
        self, garment: Garment, positions: np.ndarray, faces: np.ndarray, skin: np.ndarray, fps: float,
        config: MotionConfig,
    ) -> None:
        self.config, self.frame_time = config, 1.0 / fps
        self.level = _levels(garment, positions, config)
        self.solver = self.level.solver
        edge = self.solver.edge_length
        self.way_most = min(config.body_way, TRAVEL * edge)
        self.body = self.solver.body = MovingBody(
            faces, len(skin), way_most=self.way_most, reach=edge
        )
        start = skin.astype(np.float64)
        self._place(start, start)
        # a moving body does work: a gain of energy is no sign of too long a step
        self.settings = StepSettings(
            gravity=config.gravity, drag=config.drag, body_floor=config.body_floor, halvings=0,
            friction_most=config.friction_most, seam_stiffness=config.seam_stiffness,
        )
        self.steps = self.retries = self.crushed = 0
        self.time, self.shrink = 0.0, 1.0

    def frame(self, before: np.ndarray, after: np.ndarray) -> None:
        """Moves body and cloth from one frame to the next; skin's vertices [m], shape [C, 3]."""
        before, after = before.astype(np.float64), after.astype(np.float64)
        way = np.linalg.norm(after - before, axis=1)
        done, now = 0.0, before
        while done < 1.0:
            near = self.body.near_cloth(now)
            fastest = float(way[near].max()) if near.any() else 0.0
            speed = max(self.solver.top_speed, 1e-3) * self.frame_time
            travel = TRAVEL * self.solver.edge_length / speed
            share = self.shrink * min(1.0 / STEPS_LEAST, self.way_most / max(fastest, 1e-6), travel)
            # equal steps to the frame's end
            share = (1.0 - done) / np.ceil((1.0 - done) / share - 1e-6)
            goal = before + (after - before) * (done + share)
            if not self._step(now, goal, share * self.frame_time):
                self.retries += 1
                self.shrink *= 0.5
                continue
            done, now = (done + share if done + share < 1 - 1e-9 else 1.0), goal
            self.time += share * self.frame_time
            self.shrink = min(1.0, 2 * self.shrink)

    def _step(self, before: np.ndarray, after: np.ndarray, dt: float) -> bool:
        """One step; False if it was taken back because the cloth could not make way."""
        solver, last = self.solver, self.shrink <= SHRINK_LEAST
        state, speed = solver.state(), solver.top_speed
        self._place(before, after)
        report = solver.step(replace(self.settings, dt=dt))
        self.steps += 1
        good = report.finite and report.max_speed < RUNAWAY
        if good and (self.body.least_gap(solver.x) >= LEAST_GAP or self._yield()):
            return True
        if good and last:
            self.crushed += 1
            return True
        if last:
            raise SolverDiverged("sim.diverged", f"the cloth ran away {self.time:.2f} s into the motion",
                                 "try a slower motion or another quality")  # fmt: skip
        solver.restore(state)
        solver.vel.from_numpy(state[1])
        solver.top_speed = speed
        return False

    def _yield(self) -> bool:
        """Lets the cloth get out of the body, which waits; velocities stay. False if it does not get out."""
        solver = self.solver
        velocity, speed = solver.vel.to_numpy(), solver.top_speed
        solver.carry.fill(0.0)
        for _ in range(YIELD_STEPS):
            report = solver.step(replace(self.settings, dt=YIELD_TIME))
            self.steps += 1
            if not report.finite:
                return False
            if self.body.least_gap(solver.x) >= LEAST_GAP:
                solver.vel.from_numpy(velocity)
                solver.top_speed = speed
                return True
        return False

    def _place(self, before: np.ndarray, now: np.ndarray) -> None:
        solver = self.solver
        self.body.place(before, now, solver.x, solver.low, solver.high, solver.carry)


def _levels(garment: Garment, draped: np.ndarray, config: MotionConfig) -> Level:
    """The garment's finest level with its solver, as it was draped."""
    nowhere = DistanceGrid(np.ones((2, 2, 2), np.float32), np.zeros(3, np.float32), 1.0)
    level = None
    for part in levels_of(garment):
        positions = draped[: len(part.positions)].astype(np.float64)
        is_open = open_pairs(part, positions, 2 * config.seam_tolerance)
        level = Level(
            part, positions, nowhere, open_pairs=is_open, coarser=level, body_gap=config.body_gap,
            layer_gap=config.layer_gap,
        )  # fmt: skip
    return level


def _result(
    garment: Garment, body: Body, motion: BodyMotion, run: _Run, frames: np.ndarray, pressure: np.ndarray,
    started: tuple[float, float],
) -> Drape:  # fmt: skip
    """Checks every frame exactly and gathers the figures."""
    simulated = time.perf_counter() - started[0], time.process_time() - started[1]
    sewn, rest = weld_map(len(garment.positions), garment.seam_pairs), rest_corners(garment)
    crossings, depth, inside, strain = [], [], [], []
    for x, skin in zip(frames, motion.contact_vertices, strict=True):
        crossings.append(len(intersections(x, garment.faces, sewn)))
        deep = body_depth(x, skin, body.contact_faces)
        depth.append(float(deep.max()))
        inside.append(int((deep > 0).sum()))
        strain.append(green_strain(x, garment.faces, rest))
    strain = np.array(strain)
    count = max(len(frames) - 1, 1)
    metrics = {
        "frames": len(frames), "lead_in_frames": motion.lead_in, "fps": motion.fps,
        "self_intersections": max(crossings), "self_intersections_start": crossings[0],
        "body_penetration_max_mm": max(max(depth), 0.0) * 1e3, "body_penetrating_vertices": max(inside),
        "min_gap_mm": -max(depth) * 1e3,
        "strain_p99": float(max(np.percentile(s[:, :2].max(1), 99) for s in strain)),
        "steps": run.steps, "steps_taken_back": run.retries, "steps_crushed": run.crushed,
        "cpu_ms_per_frame": 1e3 * simulated[1] / count, "wall_ms_per_frame": 1e3 * simulated[0] / count,
        "wall_s": time.perf_counter() - started[0], "cpu_s": time.process_time() - started[1],
    }  # fmt: skip
    bad = [f for f in range(len(frames)) if crossings[f] > crossings[0] or inside[f]]
    warnings = list(motion.warnings)
    if bad:
        warnings.append(f"{len(bad)} of {len(frames)} frames are not clean, the first is {bad[0]}: "
                        f"up to {max(crossings)} crossings, {metrics['body_penetration_max_mm']:.2f} mm in the body")
    history = {
        "self_intersections": np.array(crossings), "body_penetration_mm": 1e3 * np.maximum(depth, 0.0),
        "body_penetrating_vertices": np.array(inside),
    }  # fmt: skip
    return Drape(
        positions=frames, strain=strain, pressure=pressure, status="failed" if bad else "done", metrics=metrics,
        history=history, warnings=tuple(warnings),
    )  # fmt: skip
