"""Implicit time steps of one cloth against one body: linearised backward Euler solved by conjugate gradients.

After Baraff and Witkin, Large Steps in Cloth Simulation (1998), with exact contact bounds added: each step detects
contacts, solves, and moves the particles only as far as no pair can cross (see :mod:`sim.kernels.contact`).
"""

from dataclasses import dataclass, replace

import numpy as np

from engine.core.taichi_runtime import backend, one_thread, ti
from engine.core.types import Garment
from sim.body_field import DistanceGrid, StillBody
from sim.cloth import Cloth
from sim.collision import Collider, upload
from sim.contact_matrix import acting_contacts
from sim.kernels import body, conjugate, contact, elastic, linear, motion, tiles
from sim.lines import Tapes
from sim.multilevel import Interpolation, Multilevel, without
from sim.sparsity import build_sparsity, seam_lists

__all__ = ["Solver", "StepSettings", "StepReport"]

LEAST_GAIN = 1e-4  #: energy that a step may gain, in the cloth's weight times a height [m]
FALL = 0.015  #: longest time for which contacts are looked for ahead of what has yet to begin to fall [s]
RENEW_AFTER = 4, 16  #: steps after which the preconditioner is renewed: at the soonest, at the latest
#: Gap below which the sides of a pair to be sewn have met, and above which they have parted again [m].
MET, PARTED = 0.001, 0.004
SERIAL_BELOW = 6000  #: particles, fewer of which one thread solves faster than several


@dataclass(frozen=True)
class StepSettings:
    """How one step is taken."""

    dt: float = 0.01  #: [s]
    gravity: float = 9.81  #: [m/s2]
    drag: float = 2.0  #: velocity damping by the air [1/s]
    compression: float = 0.01  #: share of the membrane's stiffness that is left past buckling below the mesh
    membrane_most: float = 1e9  #: stiffer membranes are taken as this [N/m], to open crumples on the way
    seam_stiffness: float = 0.0  #: of each sewn pair [N/m]
    seam_speed: float = 0.5  #: at which open seams close [m/s]
    friction_most: float = 10.0  #: bounds the fabric's friction on the body, to let it slide on the way
    friction_self_most: float = 10.0  #: bounds that between layers
    body_stiffness: float = 2e6  #: of the contact with the body, see body.pressure_law [Pa/m]
    self_stiffness: float = 5e5  #: of the contact between layers [Pa/m]
    body_floor: float = 0.0005  #: gap to the body that is never passed [m]
    iterations: int = 80  #: of conjugate gradients at most
    tolerance: float = 1e-2  #: of conjugate gradients, in the preconditioned norm
    reach_most: float = 0.6  #: edge lengths that a particle may travel in a step, about
    keep: float = 1.0  #: share of the velocity that goes into the next step
    halvings: int = 3  #: times that a step which would gain energy is halved at most


@dataclass(frozen=True)
class StepReport:
    """What came of a step."""

    kinetic_energy: float  #: [J]
    max_speed: float  #: [m/s]
    iterations: int
    contacts: int
    rms_speed: float  #: mass-weighted [m/s]
    finite: bool


@dataclass(frozen=True)
class _Moving:
    """The first of each kind that bears on a particle that is not held."""

    particle: int = 0
    triangle: int = 0
    hinge: int = 0
    block: int = 0


def _first(chosen: np.ndarray) -> int:
    """The first that is chosen, 0 if none is."""
    return int(chosen.argmax()) if len(chosen) else 0


class Solver:
    """State of a cloth in motion. Positions and velocities live in Taichi arrays ``x`` and ``vel``."""

    def __init__(
        self, cloth: Cloth, positions: np.ndarray, grid: DistanceGrid, *, body_offset: np.ndarray,
        interpolations: list[Interpolation], garment: Garment, particle: np.ndarray,
    ) -> None:
        self.cloth = cloth
        n = len(cloth.mass)
        s = build_sparsity(cloth)
        self.lists = {name: upload(getattr(s, name)) for name in s.__dataclass_fields__}
        self.tapes = Tapes(garment, particle, s)
        self.tri, self.dm_inv = upload(cloth.faces), upload(cloth.dm_inv)
        self.area, self.membrane, self.buckling = upload(cloth.area), upload(cloth.membrane), upload(cloth.buckling)
        self.curve, self.curves = upload(cloth.curve), ti.ndarray(ti.f32, cloth.curves.shape)
        self.curves.from_numpy(cloth.curves)
        self.damping, self.hinge_damping = upload(cloth.damping), upload(cloth.hinge_damping)
        self.friction = [upload(cloth.friction[:, k]) for k in range(2)]
        self.mass, self.vertex_area = upload(cloth.mass), upload(cloth.vertex_area)
        self.hinge, self.hinge_rest = upload(cloth.hinge), upload(cloth.hinge_rest)
        self.bending = [upload(getattr(cloth.bending, name)) for name in ("start", "item", "value", "bound")]
        self.thickness, self.radius = upload(cloth.thickness), upload(cloth.radius)
        t, h, b = len(cloth.faces), max(len(cloth.hinge), 1), len(s.col)
        vec = lambda count: ti.Vector.ndarray(3, ti.f32, count)  # noqa: E731
        mat = lambda count: ti.Matrix.ndarray(3, 3, ti.f32, count)  # noqa: E731
        self.x, self.vel, self.ref = upload(positions.astype(np.float32)), vec(n), vec(n)
        self.force, self.rhs, self.dx, self.r, self.z, self.p, self.ap = (vec(n) for _ in range(7))
        self.body_force, self.anchor, self.body_hess, self.pre = vec(n), vec(n), mat(n), mat(n)
        self.anchor_before, self.held_before, self.halved = vec(n), ti.ndarray(ti.f32, n), 0
        self.excess, self.lost = ti.ndarray(ti.f32, t), ti.ndarray(ti.f32, n)
        self.held, self.normal_force, self.cut = (ti.ndarray(ti.f32, n) for _ in range(3))
        self.tri_force, self.tri_hess, self.tri_push = vec(3 * t), mat(6 * t), ti.ndarray(ti.f32, t)
        self.hinge_grad = vec(4 * h)
        self.bend, self.moment, self.hinge_tangent = (ti.ndarray(ti.f32, h) for _ in range(3))
        self.block = mat(b)
        self.serial = one_thread() or (backend() == "cpu" and n < SERIAL_BELOW)
        self.whole = self.multilevel = Multilevel(s.row, s.col, interpolations)
        #: of the preconditioner: steps since it was new, iterations with it then, and now
        self.age = self.fresh = self.used = 0
        chunks = (n + conjugate.CHUNK - 1) // conjugate.CHUNK
        self.partial, self.scalar = ti.ndarray(ti.f32, chunks), ti.ndarray(ti.f32, 5)
        self.chunks = ti.ndarray(ti.f32, 8 * chunks)
        self.collider = Collider(cloth)
        self.reach, self.ahead, self.held_back = ti.ndarray(ti.f32, n), vec(n), 0
        self.pinned, self.still, self.moving = False, ti.ndarray(ti.i32, n), _Moving()
        self.offset = upload(body_offset.astype(np.float32))
        self.triangle_offset = float(0.8 * body_offset.min())
        self.body = StillBody(grid)
        self.carry = vec(n)  #: way of the skin near every particle during a step [m]
        self.middle, self.middle_normal, self.normal = vec(t), vec(t), vec(n)
        self.middle_gap, self.gap = ti.ndarray(ti.f32, t), ti.ndarray(ti.f32, n)
        self.low, self.high = positions.min(0).astype(np.float64), positions.max(0).astype(np.float64)
        self.floor, self.interpolations = float(self.low[1]), interpolations
        self.top_speed, self.total_mass = 0.0, float(cloth.mass.sum(dtype=np.float64))
        self.edge_length = float(np.sqrt(cloth.area.mean() * 4 / np.sqrt(3)))
        self.met = np.zeros(len(cloth.pairs), bool)
        self.meet()

    def positions(self) -> np.ndarray:
        """Particle positions [m], shape [P, 3]."""
        return self.x.to_numpy()

    def body_normal_force(self) -> np.ndarray:
        """Normal force of the body on each particle in the last step [N], shape [P]."""
        force = self.normal_force.to_numpy().astype(np.float64)
        third = self.tri_push.to_numpy().astype(np.float64) / 3
        for a in range(3):
            force += np.bincount(self.cloth.faces[:, a], third, minlength=len(force))
        return force

    def pull(self, pairs: np.ndarray) -> None:
        """Lets only these of the cloth's open pairs pull together from now on, shape [Q, 2]."""
        row, col = (self.lists[name].to_numpy() for name in ("row", "col"))
        names = ("slot_seam", "partner_start", "partner")
        self.lists |= {k: upload(v) for k, v in zip(names, seam_lists(row, col, pairs), strict=True)}

    def hold(self, still: np.ndarray) -> None:
        """Lets none of these particles move from now on, shape [P] bool; they are in the others' way as before."""
        self.still.from_numpy(still.astype(np.int32))
        self.collider.hold(still)
        self.partial.fill(0.0)
        self.age = self.fresh = self.used = 0
        if not still.any():
            self.moving, self.multilevel = _Moving(), self.whole
            return
        row, col = (self.lists[name].to_numpy() for name in ("row", "col"))
        elements = self.cloth.faces, self.cloth.hinge
        particle, *others = (_first(~still), *(_first(~still[corners].all(1)) for corners in elements))
        self.moving = _Moving(particle, *others, int(row[particle]))
        self.multilevel = Multilevel(row, col, without(self.interpolations, still))

    def meet(self) -> None:
        """Frees the pairs whose sides have met of the contact with each other, which keeps all others from crossing."""
        x, pairs = self.positions(), self.cloth.pairs
        gap = np.linalg.norm(x[pairs[:, 0]] - x[pairs[:, 1]], axis=1)
        self.met = gap < np.where(self.met, PARTED, MET)
        self.collider.meet(pairs[self.met])

    def pin(self, particles: np.ndarray, *, stiffness: float = 5e3) -> None:
        """Holds particles where they are, by springs [N/m] whose stretch tells the force."""
        held = np.zeros(len(self.cloth.mass), np.float32)
        held[particles] = stiffness
        self.pin_stiff, self.pin_at, self.pinned = upload(held), upload(self.positions()), True

    def pin_forces(self) -> np.ndarray:
        """Force of the pins on every particle [N], shape [P, 3]."""
        stretch = self.pin_at.to_numpy().astype(np.float64) - self.positions()
        return stretch * self.pin_stiff.to_numpy()[:, None]

    def force_residual(self) -> float:
        """Net force of the last step over the weight, root of mean square over patches of the cloth [-].

        The patches are the weights of the preconditioner's coarsest level: single vertices weigh less than the
        rounding of their stiff neighbours' pull, whose sum over a patch vanishes.
        """
        force = self.force.to_numpy().astype(np.float64)
        weight = self.cloth.mass[:, None].astype(np.float64) * StepSettings.gravity
        for interpolation in self.interpolations:
            force, weight = interpolation.matrix.T @ force, interpolation.matrix.T @ weight
        return float(np.sqrt((force**2).sum() / (weight**2).sum()))

    def energies(self, s: StepSettings) -> dict[str, float]:
        """Kinetic, membrane, bending and gravity's energy now [J]; heights are over the start's lowest point."""
        per_triangle = ti.ndarray(ti.f32, len(self.cloth.faces))
        elastic.membrane_energy(
            self.x, self.tri, self.dm_inv, self.area, self.membrane, self.buckling, self.curve, self.curves,
            s.compression, per_triangle,
        )
        self._hinges(s)
        moment, bend = (a.to_numpy()[: len(self.cloth.hinge)].astype(np.float64) for a in (self.moment, self.bend))
        mass, height = self.cloth.mass.astype(np.float64), self.positions()[:, 1] - self.floor
        return {
            "kinetic": float(0.5 * (mass[:, None] * self.vel.to_numpy().astype(np.float64) ** 2).sum()),
            "membrane": float(per_triangle.to_numpy().sum(dtype=np.float64)),
            "bending": float(0.5 * (moment * bend).sum()),
            "gravity": float(s.gravity * (mass * height).sum()),
        }

    def state(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """All that a step depends on, to come back to."""
        return self.x.to_numpy(), self.vel.to_numpy(), self.anchor.to_numpy(), self.held.to_numpy()

    def restore(self, state: tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]) -> None:
        """Goes back to a state, at rest."""
        for target, values in zip((self.x, self.vel, self.anchor, self.held), state, strict=True):
            target.from_numpy(values)
        self.vel.fill(0.0)
        self.low, self.high = state[0].min(0).astype(np.float64), state[0].max(0).astype(np.float64)
        self.top_speed = 0.0

    def step(self, s: StepSettings) -> StepReport:
        """Advances by one time step; in two halves where the whole would gain energy."""
        c = self.collider
        self.anchor_before.copy_from(self.anchor)
        self.held_before.copy_from(self.held)
        least, most = self._reach(s)
        share = 0.3 * self.top_speed
        fall = 0.3 * s.gravity * min(s.dt, FALL) ** 2
        tiles.foresee(self.x, self.vel, self.carry, s.dt, fall, share, least, most, self.reach, self.ahead)
        c.detect(self.x, self.reach, self.low - most, self.high + most, self.ahead)
        self._forces(s)
        used = self._solve(s)
        motion.advance(self.x, self.dx, self.ref)
        self.body.keep_outside(self.ref, self.x, s.body_floor)
        contact.truncate(self.ref, self.x, self.reach, c.start, c.entry, c.normal, c.kind, c.room, self.cut)
        self.body.step_back(self.ref, self.x, s.body_floor)
        proven = self._keep_proofs(s)
        if s.halvings and self._gained(s) > LEAST_GAIN * self.total_mass * StepSettings.gravity:
            return self._in_halves(s)
        motion.finish(self.x, self.ref, self.vel, 1.0 / s.dt, s.keep, self.mass, self.chunks)
        figures = self.chunks.to_numpy().reshape(-1, 8).astype(np.float64)
        self.low, self.high = figures[:, 2:5].min(0), figures[:, 5:8].max(0)
        energy, self.top_speed = float(figures[:, 0].sum()), float(figures[:, 1].max())
        rms = float(np.sqrt(2.0 * energy / self.total_mass))
        return StepReport(energy, self.top_speed, used, c.count, rms, proven and bool(np.isfinite(figures).all()))

    def _gained(self, s: StepSettings) -> float:
        """Energy that the step made of nothing, less what it took out [J]."""
        elastic.overshoot(
            self.ref, self.x, self.vel, 1.0 / s.dt, self.mass, self.tri, self.dm_inv, self.area, self.membrane,
            self.buckling, self.curve, self.curves, s.compression, s.membrane_most, self.excess, self.lost,
        )
        excess, lost = (a.to_numpy().sum(dtype=np.float64) for a in (self.excess, self.lost))
        return float(excess - lost)

    def _in_halves(self, s: StepSettings) -> StepReport:
        """Takes the step again from its beginning, half of it at a time."""
        for target, before in ((self.x, self.ref), (self.anchor, self.anchor_before), (self.held, self.held_before)):
            target.copy_from(before)
        self.halved += 1
        half = replace(s, dt=0.5 * s.dt, halvings=s.halvings - 1)
        first, second = self.step(half), self.step(half)
        return replace(second, iterations=first.iterations + second.iterations, finite=first.finite and second.finite)

    def _keep_proofs(self, s: StepSettings) -> bool:
        """Shortens motions that would break a proof on which the contact search relied; False if that fails."""
        c = self.collider
        self.held_back = 0
        while c.unproven(self.ref, self.x):
            self.held_back += 1
            if self.held_back > 60:  # positions that are not numbers
                self.x.copy_from(self.ref)
                return False
            c.hold_back(self.ref, self.x, 0.5 if self.held_back < 4 else 0.0)
            self.body.step_back(self.ref, self.x, s.body_floor)
        return True

    def _reach(self, s: StepSettings) -> tuple[float, float]:
        """Bounds of the distance around each particle within which others are looked for [m]."""
        thickness = float(np.minimum(self.cloth.thickness, self.cloth.radius).max())
        return 0.5 * max(1.5 * thickness, 0.25 * self.edge_length), s.reach_most * self.edge_length

    def _forces(self, s: StepSettings) -> None:
        """Forces, and the matrix of the linearised step."""
        ls, c = self.lists, self.collider
        elastic.membrane(
            self.x, self.tri, self.dm_inv, self.area, self.membrane, self.buckling, self.curve, self.curves,
            s.compression, s.membrane_most, self.damping, 1.0 / s.dt, self.moving.triangle, self.tri_force,
            self.tri_hess,
        )
        self.body.measure(self.x, self.gap, self.normal)
        body.middles(self.x, self.tri, self.middle)
        self.body.measure(self.middle, self.middle_gap, self.middle_normal)
        body.triangle_contact(
            self.tri, self.carry, self.middle_gap, self.middle_normal, self.area, self.triangle_offset, s.body_floor,
            s.body_stiffness, self.tri_force, self.tri_hess, self.tri_push,
        )
        self._hinges(s, self.moving.hinge)
        body.body_contact(
            self.x, self.vel, self.mass, s.dt, self.carry, self.gap, self.normal, self.vertex_area, self.offset,
            s.body_floor, s.body_stiffness, *self.friction, s.friction_most, self.anchor, self.held, self.body_force,
            self.body_hess, self.normal_force,
        )
        if self.pinned:
            body.hold_pins(self.x, self.pin_at, self.pin_stiff, self.body_force, self.body_hess)
        linear.gather_blocks(
            ls["slot_tri_start"], ls["slot_tri"], ls["slot_hinge_start"], ls["slot_hinge"], ls["slot_seam"],
            self.tri_hess, self.hinge_grad, self.hinge_tangent, s.seam_stiffness, self.moving.block, self.block,
        )
        linear.gather_forces(
            self.x, self.vel, self.mass, 1.0 / s.dt, s.drag, s.gravity, ls["vert_tri_start"], ls["vert_tri"],
            self.tri_force, ls["vert_hinge_start"], ls["vert_hinge"], self.hinge_grad, self.moment,
            ls["partner_start"], ls["partner"], s.seam_stiffness, s.seam_speed * s.dt, *self.body.at,
            self.triangle_offset, self.moving.particle, self.body_force, self.body_hess, ls["diag"],
            self.block, self.force, self.rhs,
        )
        self.tapes.add(self.x, 1.0 / s.dt, self.block, self.force, self.rhs)
        c.activate(
            self.thickness, self.radius, self.vel, self.vertex_area, self.friction[1], dt=s.dt,
            stiffness=s.self_stiffness, friction_most=s.friction_self_most,
        )
        linear.contact_rows(
            c.active_start, c.active_entry, *c.active[1:], self.moving.particle, ls["diag"], self.block,
            self.force, self.rhs, self.pre,
        )

    def _hinges(self, s: StepSettings, first: int = 0) -> None:
        """The hinges' angles, their gradients and moments, from the first on."""
        elastic.hinges(
            self.x, self.hinge, self.hinge_rest, *self.bending, self.hinge_damping, 1.0 / s.dt, first,
            self.hinge_grad, self.bend, self.moment, self.hinge_tangent,
        )

    def _solve(self, s: StepSettings) -> int:
        """Solves for the step; returns the number of iterations.

        The preconditioner is renewed when it takes a third more iterations than it did when it was new.
        """
        c = self.collider
        worn = self.age >= RENEW_AFTER[0] and self.used > 1.3 * self.fresh
        if not self.fresh or worn or self.age >= RENEW_AFTER[1]:
            self.multilevel.update(self.block, acting_contacts(c))
            self.age, self.fresh = 0, 0
        self.used = self._iterate(s)
        self.age, self.fresh = self.age + 1, self.fresh or self.used
        return self.used

    def _iterate(self, s: StepSettings) -> int:
        """Conjugate gradients with the preconditioner as it is; returns the number of iterations."""
        ls, c = self.lists, self.collider
        conjugate.cg_start(self.still, self.rhs, self.dx, self.p, self.r)
        levels, done = len(self.multilevel.levels), 0
        while done < s.iterations:
            conjugate.cg_iterate(
                self.serial, levels, done, s.iterations, s.tolerance, *self.multilevel.apply,
                self.pre, *self.multilevel.finest, ls["row"], ls["col"], self.block,
                c.active_count, *c.active[:3], *c.active[4:], c.relative, c.active_start, c.active_entry,
                self.moving.particle, self.still, self.dx, self.r, self.z, self.p, self.ap, self.partial, self.scalar,
            )
            if self.serial:
                return int(self.scalar.to_numpy()[4])
            done += 1
            if done % conjugate.CHECK == 0:
                value = self.scalar.to_numpy()
                if value[0] <= s.tolerance**2 * value[2]:
                    return done
        return s.iterations
