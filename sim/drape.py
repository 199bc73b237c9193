"""Drapes a garment or an outfit on a body: sews the panels at the coarsest level, settles, refines, proves the result.

An outfit (see :mod:`engine.core.outfit`) is one cloth to the simulator: what is worn over or under it is in the same
contact that lets nothing pass. Each garment is put around those worn already (:func:`wear`); all are draped together.
"""

import functools
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from engine.core.codec import load, save
from engine.core.errors import InputError, SolverDiverged
from engine.core.mesh import green_strain, weld_map
from engine.core.outfit import levels_of
from engine.core.taichi_runtime import init
from engine.core.types import Body, Drape, Garment
from sim.body_field import DistanceGrid, distance_grid
from sim.cloth import rest_corners
from sim.guard import body_depth, caught, intersections, seam_gaps
from sim.hands import drawn_in, past_hands
from sim.level import refine
from sim.motion import LEAST_GAP, MotionConfig, carried
from sim.phases import SEAM_STIFFNESS_MOST, SEWING, SLIPPERY, DrapeConfig, Run
from sim.rehearsal import rehearsed
from sim.solver import StepSettings
from sim.stress import corner_forces, membrane_stress, principal_tension, seam_load
from sim.welding import open_pairs

__all__ = ["DrapeConfig", "drape", "ready", "redrape", "replay", "wear"]

OPEN = 0.001  #: gap from which a seam counts as open [m]
TAUT = 0.05  #: strain beside an open seam from which the pattern is too small [-]

HAND_WAY = 0.016  #: that a hand's skin is put out in a thirtieth of a second at most [m]
FAR = 0.15  #: way of the skin between two bodies up to which a drape on one starts from that on the other [m]

TORN = 0.3  #: strain beyond which a panel hangs on something, or is far too small [-]: cloth has torn by then

Progress = Callable[[float, str], None]


def drape(
    garment: Garment, body: Body, *, config: DrapeConfig | None = None, progress: Progress | None = None
) -> Drape:
    """Sews and drapes a placed garment until it rests.

    Args:
        garment: Panels around the body, free of intersections; refined from its chain of coarser levels if it has one.
        body: In the pose in which the garment was placed.
        progress: Called with (share done, what is being done).

    Raises:
        SolverDiverged: the cloth ran away even with the smallest steps; the message names the dump.
        InputError: the garment holds no triangles, or coordinates that are not numbers.
    """
    config = config or DrapeConfig()
    report = progress or (lambda share, what: None)
    started = time.perf_counter(), time.process_time()
    run, levels = _start(garment, body, config, report), levels_of(garment)
    try:
        positions, is_open = _sewn(run, levels[0], body)
        for number, level in enumerate(levels):
            if number:
                positions = refine(levels[number - 1], positions)
                is_open = open_pairs(level, positions, 2 * config.seam_tolerance)
            shares = np.interp([number, number + 1], [0, len(levels)], [0.3, 0.97])
            is_last = level is levels[-1]
            positions = run.settle(level, positions, is_open, tuple(shares), is_last=is_last).vertices()
    except SolverDiverged as error:
        raise _dumped(error, garment, body, config) from None
    report(0.97, "checking")
    return _result(garment, body, run, started)


def redrape(
    garment: Garment, body: Body, *, start: np.ndarray, before: Body, config: DrapeConfig | None = None,
    progress: Progress | None = None,
) -> Drape:
    """Drapes a garment from a drape of the same panels: in another fabric, or on a body a little different.

    Args:
        garment: On all its levels of detail; its own positions do not matter.
        start: Positions of its vertices when they were draped [m], shape [N, 3].
        before: The body on which they were; the cloth is taken along while it changes into ``body``.

    Raises:
        InputError: another mesh than the one draped, or a body too different.
        SolverDiverged: as :func:`drape`.
    """
    config = config or DrapeConfig()
    report = progress or (lambda share, what: None)
    started = time.perf_counter(), time.process_time()
    _check_start(garment, body, start, before)
    run, levels = _start(garment, body, config, report), levels_of(garment)
    try:
        skins = before.contact_vertices, body.contact_vertices
        if not np.array_equal(*skins):
            start = carried(
                garment, start, body.contact_faces, *skins, config=_motion(config),
                progress=lambda share, what: report(0.05 + 0.4 * share, what),
            )
        is_open = run.resume(levels, start)
        run.settle(garment, start, is_open, (0.5, 0.97), is_last=True, soft=False)
    except SolverDiverged as error:
        raise _dumped(error, garment, body, config) from None
    report(0.97, "checking")
    return _result(replace(garment, positions=start.astype(np.float32)), body, run, started)


def _check_start(garment: Garment, body: Body, start: np.ndarray, before: Body) -> None:
    if start.shape != garment.positions.shape:
        what = f"{garment.name!r} has {len(garment.positions)} vertices, the drape to start from {len(start)}"
        raise InputError("sim.start_mesh", what, "start from a drape of the same panels, meshed alike")
    if before.contact_vertices.shape != body.contact_vertices.shape:
        raise InputError("sim.start_body", "the drape to start from is on a body of another kind",
                         "start from a drape on a body of the same model")
    way = float(np.linalg.norm(body.contact_vertices - before.contact_vertices, axis=1).max())
    if way > FAR:
        what = f"the body's skin is up to {way * 100:.0f} cm from where it was in the drape to start from"
        hint = f"drape the garment from its panels: at most {FAR * 100:.0f} cm will do"
        raise InputError("sim.start_far", what, hint)


def wear(
    garment: Garment, body: Body, *, config: DrapeConfig | None = None, progress: Progress | None = None
) -> Garment:
    """Sews a placed garment (or the outermost of an outfit) and lets it hang, for another to be placed over it.

    Returns:
        The same garment on all its levels with the positions that it has then, free of intersections as before.

    Raises:
        SolverDiverged, InputError: as :func:`drape`.
    """
    config = config or DrapeConfig()
    config = replace(config, settle_time=config.wear_time)
    report = progress or (lambda share, what: None)
    run, levels = _start(garment, body, config, report), levels_of(garment)
    try:
        positions = run.settle(levels[0], *_sewn(run, levels[0], body), (0.3, 1.0), is_last=False).vertices()
    except SolverDiverged as error:
        raise _dumped(error, garment, body, config) from None
    worn = replace(levels[0], positions=positions.astype(np.float32))
    for coarse, level in pairwise(levels):
        positions = refine(coarse, positions)
        worn = replace(level, positions=positions.astype(np.float32), coarser=worn)
    return worn


def replay(folder: str | Path, *, config: DrapeConfig | None = None, progress: Progress | None = None) -> Drape:
    """Drapes again what a diverged run has left in its dump folder."""
    folder = Path(folder)
    garment, body = load(folder / "garment.npz", Garment), load(folder / "body.npz", Body)
    return drape(garment, body, config=config, progress=progress)


def ready(body: Body, *, config: DrapeConfig | None = None) -> Iterator[None]:
    """Does what every drape on a body needs first, a piece at a time: the next drape on it finds it done.

    Raises:
        JobError: Taichi does not run on the device.
    """
    config = config or DrapeConfig()
    init(device=config.device, threads=config.threads)
    yield
    if len(body.contact_faces):
        _grid_of(body.contact_vertices, body, config)
        yield
    yield from rehearsed()


def _start(garment: Garment, body: Body, config: DrapeConfig, report: Progress) -> Run:
    _check_input(garment, body)
    init(device=config.device, threads=config.threads)
    report(0.0, "measuring the body's surroundings")
    return Run(config, _grid_of(body.contact_vertices, body, config), report)


def _sewn(run: Run, garment: Garment, body: Body) -> tuple[np.ndarray, np.ndarray]:
    """Sews a garment's coarsest level; where it starts past the hands, with these drawn in until it is sewn.

    Put out again, they push what lies in their way along the arm, on which it slides. What was worn before stays, for
    which the hands have always been there.

    Returns:
        Positions of its vertices [m], shape [N, 3], and which pairs stayed open, shape [S] bool.
    """
    if not past_hands(body, garment):
        return run.sew(garment)
    config, hands_out, skin = run.config, run.grid, drawn_in(body)
    run.grid = _grid_of(skin, body, config)
    positions, _ = run.sew(garment)
    run.grid = hands_out
    sliding = _motion(
        config, gravity=0.0, drag=SEWING.drag, friction_most=SLIPPERY, seam_stiffness=SEAM_STIFFNESS_MOST,
        body_way=HAND_WAY,
    )
    positions = carried(
        garment, positions, body.contact_faces, skin, body.contact_vertices, held=_inner(garment, positions, body),
        config=sliding, progress=lambda share, what: run.report(0.3, "putting the hands out"),
    )
    return positions, open_pairs(garment, positions, 2 * config.seam_tolerance)


def _inner(garment: Garment, positions: np.ndarray, body: Body) -> np.ndarray:
    """Vertices of an outfit's garments beneath the outermost, shape [N] bool, with all vertices' positions [m], [N, 3].

    None of a single garment, nor where they lie so near the body that they would have to make way for it.
    """
    outer = garment.parts[-1].panels if garment.parts else len(garment.panel_names)
    inner = garment.vertex_panel < len(garment.panel_names) - outer
    if inner.any():
        depth = body_depth(positions[inner], body.contact_vertices, body.contact_faces)
        inner &= bool(depth.max() < -LEAST_GAP)
    return inner


def _motion(config: DrapeConfig, **changes: float) -> MotionConfig:
    """How cloth follows the body while it is draped."""
    same = {name: getattr(config, name) for name in ("device", "threads", "gravity", "body_gap", "layer_gap")}
    return MotionConfig(**(same | changes))


def _grid_of(skin: np.ndarray, body: Body, config: DrapeConfig) -> DistanceGrid:
    """The distance grid of a body's surface with its vertices there [m], shape [C, 3]."""
    faces = body.contact_faces.astype(np.int32)
    return _grid(skin.astype(np.float32).tobytes(), faces.tobytes(), config.body_cell)


@functools.lru_cache(maxsize=2)
def _grid(vertices: bytes, faces: bytes, cell: float) -> DistanceGrid:
    """A surface's distance grid, kept for the next garment of an outfit; another one while the hands are drawn in."""
    surface = np.frombuffer(vertices, np.float32).reshape(-1, 3), np.frombuffer(faces, np.int32).reshape(-1, 3)
    return distance_grid(*surface, cell=cell)


def _check_input(garment: Garment, body: Body) -> None:
    if not len(garment.faces):
        raise InputError("sim.empty", f"garment {garment.name!r} has no triangles", "mesh the pattern first")
    if not (np.isfinite(garment.positions).all() and np.isfinite(garment.rest_uv).all()):
        raise InputError("sim.not_finite", f"garment {garment.name!r} has coordinates that are not numbers",
                         "place the garment again")
    if not len(body.contact_faces):
        raise InputError("sim.no_body", "the body has no contact surface", "give a body with contact_faces")


def _dumped(error: SolverDiverged, garment: Garment, body: Body, config: DrapeConfig) -> SolverDiverged:
    """The error with a replayable dump, and where that is."""
    folder = Path(config.dump) if config.dump else Path(tempfile.mkdtemp(prefix="toile-diverged-"))
    folder.mkdir(parents=True, exist_ok=True)
    save(garment, folder / "garment.npz")
    save(body, folder / "body.npz")
    return SolverDiverged(error.code, f"{error.message}; dump in {folder}", error.hint)


def _result(garment: Garment, body: Body, run: Run, started: tuple[float, float]) -> Drape:
    """Checks the drape exactly and gathers its figures."""
    level = run.level
    positions = level.vertices().astype(np.float32)
    strain = green_strain(positions, garment.faces, rest_corners(garment))
    gaps = seam_gaps(positions, garment.seam_pairs)
    depth = body_depth(positions, body.contact_vertices, body.contact_faces)
    sewn = weld_map(len(positions), garment.seam_pairs)
    before = intersections(garment.positions, garment.faces, sewn)
    crossings = intersections(positions, garment.faces, sewn)
    metrics = {
        "seam_gap_max_mm": float(gaps.max() * 1e3) if len(gaps) else 0.0,
        "body_penetration_max_mm": float(max(depth.max(), 0.0) * 1e3),
        "body_penetrating_vertices": int((depth > 0).sum()),
        "self_intersections": len(crossings),
        "self_intersections_start": len(before),
        "strain_p99": float(np.percentile(strain[:, :2].max(1), 99)),
        "strain_max": float(strain[:, :2].max()),
        "min_gap_mm": float(-depth.max() * 1e3),
        "rms_speed": run.history["rms_speed"][-1],
        "force_residual": level.solver.force_residual(),
        "frames": run.frames,
        "sim_time_s": run.time,
    }
    at, cloth = level.solver.positions(), level.cloth
    stress = membrane_stress(at, cloth, StepSettings.compression)
    load = seam_load(garment, positions, corner_forces(at, cloth, stress))
    metrics |= {
        "tension_p99_n_m": float(np.percentile(principal_tension(stress), 99)),
        "seam_load_max_n_m": float(load.max()) if len(load) else 0.0,
    }
    warnings = _open_seams(garment, gaps, strain) + _caught_cloth(garment, positions, sewn)
    warnings += _overstretched(garment, strain) + _faults(garment, metrics, crossings)
    status = "converged" if run.at_rest and not (gaps > OPEN).any() else "not_converged"
    if metrics["self_intersections"] > metrics["self_intersections_start"] or metrics["body_penetration_max_mm"] > 1.0:
        status = "failed"
    if not run.at_rest:
        warnings.append(f"still moving by {metrics['rms_speed'] * 1000:.0f} mm/s on average when time was up")
    metrics |= {"wall_s": time.perf_counter() - started[0], "cpu_s": time.process_time() - started[1]}
    return Drape(
        positions=positions, strain=strain.astype(np.float32), pressure=level.pressure().astype(np.float32),
        stress=stress.astype(np.float32), seam_load=load.astype(np.float32), status=status,
        metrics=metrics, history={k: np.array(v) for k, v in run.history.items()}, warnings=tuple(warnings),
    )


def _open_seams(garment: Garment, gaps: np.ndarray, strain: np.ndarray) -> list[str]:
    """Names the seams that would not close, and why: cloth beside them is taut, or it is not."""
    out = []
    for seam in np.unique(garment.seam_ids[gaps > OPEN]):
        mine = (gaps > OPEN) & (garment.seam_ids == seam)
        ends = garment.vertex_panel[garment.seam_pairs[mine][0]]
        a, b = (garment.panel_names[k] for k in ends)
        beside = np.isin(garment.faces, garment.seam_pairs[mine]).any(1)
        taut = strain[beside, :2].max() > TAUT
        why = "too small for this body" if taut else "other cloth or the body is in its way"
        out.append(f"seam between {a} and {b} stays open by {gaps[mine].max() * 1000:.1f} mm: {why}")
    return out


def _caught_cloth(garment: Garment, positions: np.ndarray, sewn: np.ndarray) -> list[str]:
    """Names the seams between whose sides other cloth has been caught, and that cloth."""
    found: dict[str, set[str]] = {}
    for pair, triangle in caught(positions, garment.faces, garment.seam_pairs, sewn):
        a, b = (garment.panel_names[k] for k in garment.vertex_panel[garment.seam_pairs[pair]])
        found.setdefault(f"{a} and {b}", set()).add(garment.panel_names[garment.panel_id[triangle]])
    return [f"the seam between {seam} has caught {', '.join(sorted(cloth))}" for seam, cloth in found.items()]


def _overstretched(garment: Garment, strain: np.ndarray) -> list[str]:
    """Names the panels that are stretched farther than cloth stretches, as a sleeve is that closed beside the hand."""
    panels = np.unique(garment.panel_id)
    most = [np.percentile(strain[garment.panel_id == k, :2].max(1), 99) for k in panels]
    torn = sorted(((e, garment.panel_names[k]) for k, e in zip(panels, most, strict=True) if e > TORN), reverse=True)
    named = ", ".join(f"{name} by {100 * (np.sqrt(1 + 2 * e) - 1):.0f} %" for e, name in torn)
    return [f"stretched farther than cloth bears: {named}; caught on the body, or far too small"] if torn else []


def _faults(garment: Garment, metrics: dict[str, float], crossings: np.ndarray) -> list[str]:
    out = []
    if len(crossings):
        panels = sorted({garment.panel_names[k] for k in garment.panel_id[crossings[:, 2]]})
        out.append(f"{len(crossings)} places where cloth crosses cloth, in {', '.join(panels)}")
    if metrics["body_penetration_max_mm"] > 1.0:
        out.append(f"cloth lies {metrics['body_penetration_max_mm']:.1f} mm inside the body")
    return out
