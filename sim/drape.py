"""Drapes a garment on a body: sews the panels at the coarsest level, lets them settle, refines, and proves the result."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from engine.core.errors import SolverDiverged
from engine.core.mesh import green_strain, unique_edges, weld_map
from engine.core.taichi_runtime import init
from engine.core.types import Body, Drape, Garment
from sim.body_field import DistanceGrid, distance_grid
from sim.cloth import Cloth, build_cloth, rest_corners
from sim.guard import body_depth, intersections, seam_gaps
from sim.multilevel import from_coarser, spread_points
from sim.solver import Solver, StepSettings

__all__ = ["DrapeConfig", "drape"]

Progress = Callable[[float, str], None]


@dataclass(frozen=True)
class DrapeConfig:
    """How a garment is draped."""

    device: str = "cpu"
    threads: int = 0  #: 0 for all
    seed: int = 0  #: kept for the record: the solver draws no random numbers
    gravity: float = 9.81  #: [m/s2]
    body_gap: float = 0.002  #: air between cloth and skin, besides half the thickness [m]
    layer_gap: float = 0.002  #: least distance of two layers' middles [m]
    sew_time: float = 2.5  #: most time to close the seams [s]
    settle_time: float = 4.0  #: most time to come to rest, at each level [s]
    rest_speed: float = 0.01  #: at rest when no particle moves faster [m/s]
    seam_tolerance: float = 0.0005  #: [m]
    body_cell: float = 0.005  #: of the distance grid [m]
    verify: bool = True


class Level:
    """One level of detail of a garment in a solver."""

    def __init__(self, garment: Garment, positions: np.ndarray, grid: DistanceGrid, config: DrapeConfig,
                 open_pairs: np.ndarray | None = None, coarser: "Level | None" = None) -> None:
        """``open_pairs`` marks the seam pairs that are not joined yet, shape [S] bool."""
        self.garment = garment
        n = len(garment.positions)
        if open_pairs is None:
            open_pairs = np.zeros(len(garment.seam_pairs), bool)
        self.particle = weld_map(n, garment.seam_pairs[~open_pairs])
        sewn = weld_map(n, garment.seam_pairs)
        count = int(self.particle.max()) + 1
        group = np.zeros(count, np.int64)
        group[self.particle] = sewn
        pairs = np.unique(np.sort(self.particle[garment.seam_pairs[open_pairs]], axis=1), axis=0)
        pairs = pairs[pairs[:, 0] != pairs[:, 1]]
        thickness = max(f.thickness for f in garment.fabrics)
        self.cloth: Cloth = build_cloth(
            garment, self.particle, group, pairs, contact_thickness=max(config.layer_gap, thickness)
        )
        x = np.zeros((count, 3))
        for a in range(3):
            x[:, a] = np.bincount(self.particle, positions[:, a], minlength=count)
        x /= np.bincount(self.particle, minlength=count)[:, None]
        offset = np.full(count, config.body_gap + 0.5 * thickness)
        if coarser is None:
            self.interpolations = [spread_points(self.cloth)]
        else:
            edges, _ = unique_edges(coarser.garment.faces)
            self.interpolations = [from_coarser(self.particle, coarser.particle, edges), *coarser.interpolations]
        self.solver = Solver(self.cloth, x, grid, body_offset=offset, interpolations=self.interpolations)

    def vertices(self) -> np.ndarray:
        """Positions per vertex of the garment [m]."""
        return self.solver.positions()[self.particle]


def drape(
    garment: Garment, body: Body, *, config: DrapeConfig | None = None, progress: Progress | None = None
) -> Drape:
    """Sews and drapes a placed garment until it rests.

    Args:
        garment: Panels around the body, free of intersections; refined from its chain of coarser levels if it has one.
        body: In the pose in which the garment was placed.
        progress: Called with (share done, what is being done).
    """
    config = config or DrapeConfig()
    report = progress or (lambda share, what: None)
    wall, cpu = time.perf_counter(), time.process_time()
    init(device=config.device, threads=config.threads)
    report(0.0, "body")
    grid = distance_grid(body.contact_vertices, body.contact_faces, cell=config.body_cell)
    levels = [garment]
    while levels[0].coarser is not None:
        levels.insert(0, levels[0].coarser)
    run = _Run(config, report)
    sewn = weld_map(len(garment.positions), garment.seam_pairs)
    at_start = len(intersections(garment.positions, garment.faces, sewn)) if config.verify else 0
    positions, open_pairs = run.sew(levels[0], grid)
    for number, level in enumerate(levels):
        if number:
            positions = _refine(levels[number - 1], positions)
            open_pairs = _open_after_refinement(positions, level, config)
        positions = run.settle(level, positions, grid, open_pairs)
    return _result(garment, body, positions, run, config, at_start, (wall, cpu))


class _Run:
    """The phases of a drape, and their history."""

    def __init__(self, config: DrapeConfig, report: Progress) -> None:
        self.config, self.report = config, report
        self.time = 0.0
        self.frames = 0
        self.history: dict[str, list[float]] = {k: [] for k in ("time", "kinetic_energy", "max_speed", "contacts", "level")}
        self.at_rest = False
        self.warnings: list[str] = []
        self.pressure = np.zeros(0)
        self.level = 0
        self.coarser: Level | None = None

    def _step(self, solver: Solver, settings: StepSettings):
        r = solver.step(settings)
        self.time += settings.dt
        self.frames += 1
        for key, value in (("time", self.time), ("kinetic_energy", r.kinetic_energy), ("max_speed", r.max_speed),
                           ("contacts", r.contacts), ("level", self.level)):
            self.history[key].append(value)
        if not r.finite or r.max_speed > 100.0:
            raise SolverDiverged("sim.diverged", f"the cloth ran away at {self.time:.2f} s", "please report this garment")
        return r

    def sew(self, garment: Garment, grid: DistanceGrid) -> tuple[np.ndarray, np.ndarray]:
        """Pulls the seams together; returns positions and which pairs stayed open."""
        config = self.config
        pairs = garment.seam_pairs
        level = Level(garment, garment.positions, grid, config, np.ones(len(pairs), bool))
        if not len(pairs):
            return garment.positions, np.zeros(0, bool)
        dt = 0.01
        settings = StepSettings(dt=dt, gravity=0.0, drag=10.0, seam_stiffness=1000.0, seam_speed=0.6,
                                friction_static=0.05, friction_dynamic=0.05, friction_self=0.05)
        steps = int(config.sew_time / dt)
        best, stalled = np.inf, 0
        for k in range(steps):
            self._step(level.solver, settings)
            if k % 5 != 4:
                continue
            gaps = seam_gaps(level.vertices(), pairs)
            worst = float(gaps.max())
            self.report(0.02 + 0.3 * k / steps, f"sewing, {worst * 1000:.1f} mm open")
            if worst < config.seam_tolerance:
                break
            stalled = 0 if worst < 0.9 * best else stalled + 1
            best = min(best, worst)
            if stalled >= 2 and settings.seam_stiffness < 2e4:
                # the cloth resists: pull harder, up to what would tear a seam
                settings, stalled = replace(settings, seam_stiffness=2 * settings.seam_stiffness), 0
            elif stalled >= 8:
                break
        return level.vertices(), gaps > 2 * config.seam_tolerance

    def settle(self, garment: Garment, positions: np.ndarray, grid: DistanceGrid, open_pairs: np.ndarray) -> np.ndarray:
        """Lets the garment hang until it rests."""
        config = self.config
        level = self.coarser = Level(garment, positions, grid, config, open_pairs, self.coarser)
        fabric = garment.fabrics[0]
        dt = 0.01
        settings = StepSettings(dt=dt, gravity=config.gravity, drag=3.0, seam_stiffness=1000.0,
                                friction_static=fabric.friction_static, friction_dynamic=fabric.friction_dynamic,
                                friction_self=fabric.friction_dynamic)
        steps = int(config.settle_time / dt)
        calm = 0
        for k in range(steps):
            r = self._step(level.solver, settings)
            calm = calm + 1 if r.max_speed < config.rest_speed else 0
            if k % 10 == 9:
                self.report(0.35 + 0.6 * k / steps, f"settling, {r.max_speed * 100:.1f} cm/s")
            if calm >= 3:
                break
        self.at_rest = calm >= 3
        self.level += 1
        force = level.solver.contact_pressure_force()
        self.pressure = (force / np.maximum(level.cloth.vertex_area, 1e-12))[level.particle]
        return level.vertices()


def _refine(coarse: Garment, positions: np.ndarray) -> np.ndarray:
    """Positions of the next finer level: the same surface."""
    edges, _ = unique_edges(coarse.faces)
    return np.concatenate([positions, positions[edges].mean(1)])


def _open_after_refinement(positions: np.ndarray, garment: Garment, config: DrapeConfig) -> np.ndarray:
    return seam_gaps(positions, garment.seam_pairs) > 2 * config.seam_tolerance


def _result(garment: Garment, body: Body, positions: np.ndarray, run: _Run, config: DrapeConfig, at_start: int,
            since: tuple[float, float]) -> Drape:
    """Checks the drape exactly and gathers its figures."""
    positions = positions.astype(np.float32)
    strain = green_strain(positions, garment.faces, rest_corners(garment))
    gaps = seam_gaps(positions, garment.seam_pairs)
    depth = body_depth(positions, body.contact_vertices, body.contact_faces)
    sewn = weld_map(len(positions), garment.seam_pairs)
    crossings = intersections(positions, garment.faces, sewn)
    stretch = np.abs(strain[:, :2]).max(1)
    metrics = {
        "seam_gap_max_mm": float(gaps.max() * 1e3) if len(gaps) else 0.0,
        "body_penetration_max_mm": float(max(depth.max(), 0.0) * 1e3),
        "body_penetrating_vertices": int((depth > 0).sum()),
        "self_intersections": len(crossings), "self_intersections_start": at_start,
        "strain_p99": float(np.percentile(stretch, 99)), "min_gap_mm": float(-depth.max() * 1e3),
        "wall_s": time.perf_counter() - since[0], "cpu_s": time.process_time() - since[1], "frames": run.frames,
    }
    status = "converged" if run.at_rest else "not_converged"
    return Drape(
        positions=positions, strain=strain.astype(np.float32), pressure=run.pressure.astype(np.float32), status=status,
        metrics=metrics, history={k: np.array(v) for k, v in run.history.items()}, warnings=tuple(run.warnings),
    )
