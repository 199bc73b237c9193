"""The phases of a drape: sewing the panels together, and settling to rest; with their history and their safeguards."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from engine.core.errors import SolverDiverged
from engine.core.mesh import weld_map
from engine.core.types import Garment
from sim.body_field import DistanceGrid
from sim.guard import caught, seam_gaps
from sim.level import Level
from sim.sewing_order import behind_limb, lapped, sewn_pieces
from sim.solver import StepReport, StepSettings
from sim.welding import open_pairs

__all__ = ["DrapeConfig", "Run"]

#: At most this share of an edge's length is travelled in one step.
TRAVEL = 0.45
#: A step's length [s]: at least; at most while sewing; at most while settling, where only the place of rest matters.
STEP_LEAST, STEP_SEWING, STEP_SETTLING = 0.004, 0.015, 0.03
#: After a step that had to be halved, the next one is as short as in sewing; then each is this much longer. When so
#: many in turn have been halved, as where a cuff is jammed on a hand, it is of no use, and tried only as often.
LENGTHEN, FUTILE = 1.1, 10
#: What pulls on each pair of vertices at most while sewing [N/m times the closing step]; a real seam tears there.
SEAM_STIFFNESS, SEAM_STIFFNESS_MOST = 1000.0, 3e4
#: Tensile stiffness while sewing and while first settling [N/m]. A coarse mesh of stiff triangles locks in crumples
#: that cloth would shake out; this soft, its weight still strains it by under 1 %. Afterwards the fabric's own holds.
SOFT_MEMBRANE = 150.0
SOFT_TIME = 1.8, 0.3  #: longest time for which it is taken as this soft: at the coarsest level, at each finer one [s]
#: Share of the membrane's stiffness that is left past buckling while it is soft: triangles keep their shape meanwhile.
SOFT_SHARE = 0.05
#: Seams that wait (see sewing_order) do so until the others are nearly closed [m], at most for a share of the time.
NEAR, STAGED = 0.01, 0.5
#: Share of the gap to which five steps have to bring it, lest seams that are near be pulled harder: what they lack is
#: force, not time.
HALVED = 0.5
CHECK = 10  #: steps between two looks at the balance of forces and at the energies
BALANCE = ("balance_time", "force_residual", "membrane_energy", "bending_energy", "gravity_energy")
#: What has sunk while soft is eased back to its place by little friction for this time [s], as its wearer would.
EASE_TIME, SLIPPERY = 0.4, 0.02
#: Steps without motion that count as rest, at levels before the last and at the last, if the balance of forces comes
#: no nearer: to no smaller share of what it was [-]. Where patches lack twice their weight to balance, they do not
#: only creep: layers are held by the bound that lets nothing pass, and the last level waits no longer than others.
STILL, NEARER, LACKING = (5, 15), 0.7, 2.0
#: The last level has so many times the time to come to rest that others have: soft cloth creeps to its place, against
#: the air's drag, which grows up to what it is when others' time is up.
LONGER = 2.5
RUNAWAY = 50.0  #: speed at which a cloth has left the realm of physics [m/s] ...
RUNAWAY_ENERGY = 1e5  #: ... and energy of stretch with which it has [J]: any cloth is torn long before


@dataclass(frozen=True)
class DrapeConfig:
    """How a garment is draped."""

    device: str = "cpu"
    threads: int = 0  #: 0 for all
    seed: int = 0  #: kept for the record: the solver draws no random numbers
    gravity: float = 9.81  #: [m/s2]
    body_gap: float = 0.002  #: air between cloth and skin, besides half the thickness [m]
    layer_gap: float = 0.002  #: least distance of two layers' middles [m]
    sew_time: float = 3.0  #: most time to close the seams [s]
    settle_time: float = 4.5  #: most time to come to rest at the coarsest level, if others follow [s]
    wear_time: float = 2.0  #: most time that a garment hangs before the next one is put over it [s]
    polish_time: float = 4.0  #: most time to come to rest at each finer level, if others follow [s]
    rest_speed: float = 0.004  #: at rest when the mean (root of mean square) speed stays below [m/s] ...
    rest_speed_max: float = 0.08  #: ... and no particle is faster [m/s] ...
    rest_residual: float = 0.1  #: ... and patches are in balance: net force over weight, root of mean square [-]
    seam_tolerance: float = 0.0005  #: a seam is closed below this gap, and then welded [m]
    body_cell: float = 0.005  #: of the distance grid [m]
    dump: str = ""  #: folder for the replayable dump of a diverged run; "" for a new temporary one


#: How the cloth moves while it is sewn: as soft and slippery as it takes to close the seams.
SEWING = StepSettings(
    gravity=0.0, drag=10.0, membrane_most=SOFT_MEMBRANE, seam_stiffness=SEAM_STIFFNESS, seam_speed=0.6,
    friction_most=0.05, friction_self_most=0.05, halvings=0, compression=SOFT_SHARE,
)
#: Of conjugate gradients while settling: a step solved less exactly leads to the same rest.
ROUGH = 0.03
#: Levels that others follow need to come only so near to rest.
COARSE_REST = 3.0
#: Times that seams with caught cloth are let go, and steps for which they are.
RELEASES, RELEASED = 3, 25


class Run:
    """Steps levels through their phases and keeps the history."""

    def __init__(self, config: DrapeConfig, grid: DistanceGrid, report: Callable[[float, str], None]) -> None:
        self.config, self.grid, self.report = config, grid, report
        self.time, self.frames, self.level_number = 0.0, 0, 0
        #: by step; those named after BALANCE only every CHECK steps, at "balance_time"
        self.history: dict[str, list[float]] = {
            k: [] for k in ("time", "kinetic_energy", "max_speed", "rms_speed", "contacts", "iterations", "level",
                            *BALANCE)
        }  # fmt: skip
        self.at_rest = False
        self.level: Level | None = None
        self._good: tuple | None = None
        self._shrink, self._smooth, self._futile = 1.0, STEP_SETTLING, 0

    def sew(self, garment: Garment) -> tuple[np.ndarray, np.ndarray]:
        """Pulls the open seams together without gravity; returns the positions and which pairs stayed open.

        What an outfit's inner garments have sewn already stays sewn: there both sides of a pair are in one place.
        They hold still at first, as long as the seams around them close without their giving way; what had been caught
        in their seams by then stays so.
        """
        config, pairs = self.config, garment.seam_pairs
        is_open = seam_gaps(garment.positions, pairs) > 0
        if not is_open.any():
            return garment.positions, is_open
        level = self._level(garment, garment.positions, is_open)
        start, worn = self.time, sewn_pieces(level.cloth, level.solver.positions(), NEAR)
        level.solver.hold(worn)
        # no pulling harder at what only the worn could make way for
        gently = {"patience": 4, "most": SEAM_STIFFNESS} if worn.any() else {"patience": 2}
        waiting = behind_limb(self.grid, garment, level.vertices(), is_open) | (lapped(garment) & is_open)
        while waiting.any() and self.time - start < STAGED * config.sew_time:
            pulling = ~_on_level(level, waiting)
            if not pulling.any():
                break
            self._close(level, pulling, NEAR, **gently)
            still = waiting & behind_limb(self.grid, garment, level.vertices(), is_open)
            waiting = still & (still.sum() < waiting.sum())  # what does not come free by waiting goes with the rest
        everything = np.ones(len(level.cloth.pairs), bool)
        if worn.any():
            if self._close(level, everything, NEAR, **gently):
                self._close(level, everything, config.seam_tolerance, patience=4)
            level.solver.hold(np.zeros_like(worn))
        if open_pairs(garment, level.vertices(), 2 * config.seam_tolerance).any():
            self._close(level, everything, config.seam_tolerance, patience=8)
        positions = self._free_caught(level, ~worn[level.particle[garment.seam_pairs]].all(1))
        return positions, open_pairs(garment, positions, 2 * config.seam_tolerance)

    def _free_caught(self, level: Level, mine: np.ndarray) -> np.ndarray:
        """Lets go of seams that have caught cloth, until it has moved out from between their sides, and closes them.

        Args:
            mine: Pairs to look at, shape [S] bool.

        Returns:
            Positions of the garment's vertices with the least caught [m], shape [N, 3].
        """
        garment, everything = level.garment, np.ones(len(level.cloth.pairs), bool)
        group = weld_map(len(garment.positions), garment.seam_pairs)
        best = level.vertices()

        def between(positions: np.ndarray) -> np.ndarray:
            found = caught(positions, garment.faces, garment.seam_pairs, group)
            return found[mine[found[:, 0]]]

        hit = between(best)
        for attempt in range(RELEASES):
            if not len(hit):
                break
            pulling = ~_on_level(level, _beside(garment, np.unique(hit[:, 0]), attempt + 1))
            level.solver.pull(level.cloth.pairs[pulling])
            for _ in range(RELEASED):
                self._step(level, replace(SEWING, drag=2.0, seam_stiffness=SEAM_STIFFNESS_MOST))
            self._close(level, everything, self.config.seam_tolerance, patience=4)
            now = between(level.vertices())
            if len(now) >= len(hit):
                break
            best, hit = level.vertices(), now
        return best

    def _close(
        self, level: Level, pulling: np.ndarray, until: float, *, patience: int, most: float = SEAM_STIFFNESS_MOST
    ) -> bool:
        """Pulls pairs together, ever harder up to ``most`` [N/m], until all are nearer than ``until`` [m] or stay.

        Returns:
            Whether all came that near.
        """
        pairs, start = level.cloth.pairs[pulling], self.time
        level.solver.pull(pairs)
        settings = SEWING
        worst = best = np.inf
        stalled = 0
        while self.time - start < self.config.sew_time:
            for _ in range(5):
                self._step(level, settings)
            level.solver.meet()
            worst = float(seam_gaps(level.solver.positions(), pairs).max())
            done = min(self.time / self.config.sew_time, 1.0)
            self.report(0.05 + 0.25 * done, f"sewing, {worst * 1000:.1f} mm open")
            stalled = 0 if worst < 0.9 * best else stalled + 1
            is_slow = stalled >= 2 or HALVED * best < worst < NEAR
            best = min(best, worst)
            if worst < until or stalled >= patience and settings.seam_stiffness >= most:
                break
            if is_slow and settings.seam_stiffness < most:
                settings, stalled = replace(settings, seam_stiffness=2 * settings.seam_stiffness), 0
        return worst < until

    def resume(self, levels: list[Garment], positions: np.ndarray) -> np.ndarray:
        """Takes up a drape of the finest level's vertices [N, 3] for it to settle; returns which pairs are open."""
        for level in levels:
            x = positions[: len(level.positions)]
            is_open = open_pairs(level, x, 2 * self.config.seam_tolerance)
            if level is not levels[-1]:
                self.level = self._level(level, x, is_open)
        self.level_number = len(levels) - 1
        return is_open

    def settle(
        self, garment: Garment, positions: np.ndarray, is_open: np.ndarray, share: tuple[float, float], *,
        is_last: bool, soft: bool = True,
    ) -> Level:
        """Lets the garment hang until it rests, or nearly so if it is not the last time that it may move.

        It begins soft, unless it has been draped before.

        The air's drag grows with time: it takes the energy out of slow swings, and does not move the place of rest.
        """
        config = self.config
        first = self.level_number == 0
        level = self.level = self._level(garment, positions, is_open)
        usual = config.settle_time if first else config.polish_time
        limit = usual * (LONGER if is_last else 1.0)
        start, calm, hard = self.time, 0, np.inf
        balance, since = np.inf, 0
        self.at_rest = False
        while self.time - start < limit:
            t = self.time - start
            settings = StepSettings(
                gravity=config.gravity, drag=min(1.0 + 1.5 * t * t, 20.0) if first else 6.0 + 8.0 * min(t, usual),
                membrane_most=SOFT_MEMBRANE * (1 if first else 2) if soft else 1e9,
                compression=SOFT_SHARE if soft else StepSettings.compression,
                seam_stiffness=SEAM_STIFFNESS_MOST, friction_self_most=0.0 if soft else 10.0,
                friction_most=SLIPPERY if 0 <= t - hard < EASE_TIME and first else 10.0,
                halvings=0 if soft else 3,  # the way there does not matter
                tolerance=ROUGH,
            )
            r = self._step(level, settings, STEP_SETTLING)
            slower = COARSE_REST if soft or not is_last else 1.0
            resting = r.rms_speed < slower * config.rest_speed and r.max_speed < slower * config.rest_speed_max
            calm = calm + 1 if resting else 0
            if self.frames % 5 == 0:
                done = share[0] + (share[1] - share[0]) * min(t / usual, 1.0)
                self.report(done, f"settling, {r.rms_speed * 100:.1f} cm/s")
            if soft and (calm >= 3 or t > SOFT_TIME[0 if first else 1]):
                soft, calm, hard = False, 0, t
            elif calm == 0:
                balance, since = np.inf, 0
            elif calm % 5 == 0:
                residual = level.solver.force_residual()
                if residual < NEARER * balance:
                    balance, since = residual, calm
                # what comes no nearer to balance without moving is held by the bound that lets nothing pass
                still = STILL[is_last and residual < LACKING]
                self.at_rest = residual < slower * config.rest_residual or calm - since >= still
                if self.at_rest:
                    break
        self.level_number += 1
        return level

    def _level(self, garment: Garment, positions: np.ndarray, is_open: np.ndarray) -> Level:
        self._good, self._shrink, self._smooth, self._futile = None, 1.0, STEP_SETTLING, 0
        return Level(
            garment, positions, self.grid, open_pairs=is_open, coarser=self.level,
            body_gap=self.config.body_gap, layer_gap=self.config.layer_gap,
        )

    def _step(self, level: Level, settings: StepSettings, longest: float = STEP_SEWING) -> StepReport:
        """One step of a length [s] that suits the speed; backs off when the cloth runs away."""
        solver = level.solver
        if self.frames % 25 == 0 or self._good is None:
            self._good = solver.state()
        travel = TRAVEL * solver.edge_length / max(solver.top_speed, 1e-3)
        dt = float(np.clip(travel, STEP_LEAST, min(longest, self._smooth))) * self._shrink
        halved, halvings = solver.halved, settings.halvings if self._futile < FUTILE or self.frames % FUTILE == 0 else 0
        r = solver.step(replace(settings, dt=dt, halvings=halvings))
        if solver.halved > halved:
            self._smooth, self._futile = STEP_SEWING, self._futile + 1
        else:
            self._smooth, self._futile = LENGTHEN * self._smooth, 0 if halvings else self._futile
        self.time += dt
        self.frames += 1
        energies = solver.energies(settings) if self.frames % CHECK == 0 else None
        if not r.finite or r.max_speed > RUNAWAY or (energies and energies["membrane"] > RUNAWAY_ENERGY):
            self._shrink *= 0.5
            if self._shrink < 0.05:
                raise SolverDiverged(
                    "sim.diverged", f"the cloth ran away {self.time:.2f} s into the drape",
                    "replay the dump with sim.drape.replay and report it",
                )
            solver.restore(self._good)
            return replace(r, rms_speed=np.inf, max_speed=np.inf)
        for key, value in (
            ("time", self.time), ("kinetic_energy", r.kinetic_energy), ("max_speed", r.max_speed),
            ("rms_speed", r.rms_speed), ("contacts", r.contacts), ("iterations", r.iterations),
            ("level", self.level_number),
        ):
            self.history[key].append(value)
        if energies:
            values = (self.time, solver.force_residual(), *(energies[k] for k in ("membrane", "bending", "gravity")))
            for key, value in zip(BALANCE, values, strict=True):
                self.history[key].append(value)
        return r


def _beside(garment: Garment, chosen: np.ndarray, rings: int) -> np.ndarray:
    """The chosen seam pairs and those up to ``rings`` further along their seams, shape [S] bool."""
    mask = np.zeros(len(garment.seam_pairs), bool)
    mask[chosen] = True
    along = np.flatnonzero(garment.seam_ids[1:] == garment.seam_ids[:-1])
    for _ in range(rings):
        either = mask[along] | mask[along + 1]
        mask[along[either]] = mask[along[either] + 1] = True
    return mask


def _on_level(level: Level, chosen: np.ndarray) -> np.ndarray:
    """Open particle pairs that stand for chosen seam pairs [S] bool of the level's garment, shape [Q]."""
    n = len(level.cloth.mass)
    ends = np.sort(level.particle[level.garment.seam_pairs[chosen]].astype(np.int64), axis=1)
    pairs = level.cloth.pairs.astype(np.int64)
    return np.isin(pairs[:, 0] * n + pairs[:, 1], ends[:, 0] * n + ends[:, 1])
