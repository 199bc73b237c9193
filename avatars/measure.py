"""Body measurements after ISO 8559-1, taken with a tape on a body standing in the measuring pose.

Every reading goes through named landmarks and regions of the mesh topology (``measure_topology``), so it works on any
vertices of that topology, inside the shape space or not. Readings of paired limbs are means of left and right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from avatars.body_model import BodyModel
from avatars.measure_tape import Plane, Tape, girth, taut_line
from avatars.measure_topology import BodyTopology, topology_of
from avatars.poses import ARM_ANGLE, measuring_pose
from engine.core.measurements import LANDMARKS, MEASUREMENTS
from engine.core.types import Measurement

__all__ = [
    "Readings", "landmarks_on", "measure", "measure_vertices", "measurement_jacobian", "measuring_vertices",
    "read_tapes",
]  # fmt: skip

_UP, _FRONT = np.array([0.0, 1.0, 0.0]), np.array([0.0, 0.0, 1.0])
_NECK_TILT = np.radians(20.0)  #: of the mid-neck tape: its front lies lower than its back
_HIP_SOFTNESS = 0.004  #: [m] how sharply the most prominent buttock vertices set the hip level
_SIDES = ("l", "r")
#: Below the natural waist [m], where a waistband may come to rest: many men are narrowest a hand's breadth below it.
_BAND_DROPS = np.arange(0.0, 0.081, 0.01)[1:]


@dataclass(frozen=True)
class Readings:
    """Values (m, kg, rad) by name as differentiable scalars, and the tapes behind them for drawing."""

    values: dict[str, torch.Tensor]
    tapes: dict[str, Tape]
    points: dict[str, torch.Tensor]  #: landmarks [m], shape [3] each


def measuring_vertices(model: BodyModel, betas: np.ndarray) -> np.ndarray:
    """Vertices of a shape in the measuring pose, before it is put on the floor [m], shape [V, 3]."""
    base, by_beta = model.posed_shapes(measuring_pose())
    betas = np.asarray(betas, np.float64)
    return base + by_beta[..., : len(betas)] @ betas


def measure(model: BodyModel, betas: np.ndarray) -> dict[str, Measurement]:
    """All measurements of a shape, exact (no standard error)."""
    return measure_vertices(model, measuring_vertices(model, betas))


def measure_vertices(model: BodyModel, vertices: np.ndarray) -> dict[str, Measurement]:
    """All measurements of any vertices of the model's topology that stand in the measuring pose.

    Args:
        vertices: [m], shape [V, 3]; the height of the floor does not matter.
    """
    with torch.no_grad():
        readings = read_tapes(topology_of(model), torch.as_tensor(np.asarray(vertices, np.float64)))
    return {name: Measurement(float(value)) for name, value in readings.values.items()}


def measurement_jacobian(model: BodyModel, betas: np.ndarray) -> tuple[dict[str, float], np.ndarray]:
    """Measurements of a shape and their derivatives by beta.

    Returns:
        Values by name, and d value / d beta, shape [measurement, n_betas], rows in the order of MEASUREMENTS.
    """
    vertices = torch.from_numpy(measuring_vertices(model, betas)).requires_grad_(True)
    values = read_tapes(topology_of(model), vertices).values
    by_beta = model.posed_shapes(measuring_pose())[1].reshape(-1, model.n_betas)
    rows = []
    for name in MEASUREMENTS:
        by_vertex = torch.autograd.grad(values[name], vertices, retain_graph=True)[0].reshape(-1).numpy()
        used = np.flatnonzero(by_vertex)
        rows.append(by_vertex[used] @ by_beta[used])
    return {n: float(v.detach()) for n, v in values.items()}, np.stack(rows)


def read_tapes(topology: BodyTopology, vertices: torch.Tensor) -> Readings:
    """Takes every measurement as a differentiable function of the vertices [V, 3] in the measuring pose, float64."""
    points = {name: vertices[ids].mean(0) for name, ids in topology.landmarks.items()}
    floor = vertices[topology.landmarks["soles"], 1].min()
    tape = _Tape(topology, vertices, points, floor)
    tape.girths()
    tape.heights()
    tape.lengths()
    ordered = {name: tape.values[name] for name in MEASUREMENTS}
    return Readings(ordered, tape.tapes, points)


class _Tape:
    """Collects readings of one body; the three public methods go in order, later ones use earlier levels."""

    def __init__(
        self, topology: BodyTopology, vertices: torch.Tensor, points: dict[str, torch.Tensor], floor: torch.Tensor
    ) -> None:
        self.topology, self.v, self.points, self.floor = topology, vertices, points, floor
        self.values: dict[str, torch.Tensor] = {}
        self.tapes: dict[str, Tape] = {}

    # ---------------------------------------------------------------- tools

    def region(self, name: str) -> np.ndarray:
        return self.topology.regions[name]

    def vector(self, direction: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.asarray(direction, np.float64) / np.linalg.norm(direction))

    def level(self, height: torch.Tensor) -> Plane:
        zero = torch.zeros_like(height)
        return Plane(torch.stack([zero, height, zero]), self.vector(_UP))

    def around(self, name: str, region: str, plane: Plane) -> torch.Tensor:
        tape = girth(self.v, self.region(region), plane)
        self.tapes[name] = tape
        return tape.length

    def over(self, name: str, region: str, start: torch.Tensor, end: torch.Tensor, outward: np.ndarray) -> torch.Tensor:
        tape = taut_line(self.v, self.region(region), start, end, outward)
        self.tapes[name] = tape
        return tape.length

    def both(self, reading) -> torch.Tensor:
        """Mean of a reading over the left and right side; ``reading(side, sign)``."""
        return (reading("l", 1.0) + reading("r", -1.0)) / 2

    def extreme(self, tape: str, direction: np.ndarray) -> torch.Tensor:
        """Corner of a girth's tape that lies furthest in a direction."""
        corners = self.tapes[tape].corners
        return corners[int(torch.argmax(corners.detach() @ torch.as_tensor(direction, dtype=corners.dtype)))]

    def middle(self, tape: str, sign: float) -> torch.Tensor:
        """Where a girth's tape passes the median plane, in front (sign 1) or at the back (-1)."""
        c = self.tapes[tape].corners
        nxt = torch.roll(c, -1, dims=0)
        x, xn, z = c[:, 0].detach().numpy(), nxt[:, 0].detach().numpy(), c[:, 2].detach().numpy()
        cross = np.flatnonzero((x >= 0) != (xn >= 0))
        k = int(cross[np.argmax(sign * z[cross])])
        return c[k] + (nxt[k] - c[k]) * (c[k, 0] / (c[k, 0] - nxt[k, 0]))

    # ---------------------------------------------------------------- girths

    def girths(self) -> None:
        p, values = self.points, self.values
        hips = self.v[self.topology.landmarks["buttocks"]]
        share = torch.softmax(-hips[:, 2] / _HIP_SOFTNESS, dim=0)
        self.levels = {
            "bust": (p["bust_point_l"] + p["bust_point_r"])[1] / 2,
            "underbust": (p["underbust_l"] + p["underbust_r"])[1] / 2,
            "waist": (p["waist_ring_front"] + p["waist_ring_back"] + p["waist_ring_l"] + p["waist_ring_r"])[1] / 4,
            "hip": (share * hips[:, 1]).sum(),
            "thigh": (p["thigh_ring_l"] + p["thigh_ring_r"])[1] / 2,
            "knee": (p["knee_l"] + p["knee_r"])[1] / 2,
        }
        for name in ("bust", "underbust", "waist", "hip"):
            values[f"{name}_girth"] = self.around(name, "trunk", self.level(self.levels[name]))
        self.waistband()
        for name in ("thigh", "knee"):
            values[f"{name}_girth"] = self.both(
                lambda s, _, n=name: self.around(f"{n}_{s}", f"leg_{s}", self.level(self.levels[n]))
            )
        values["calf_girth"] = self.both(lambda s, _: self.extremal("calf", s, "leg", np.linspace(0.22, 0.5, 8), max))
        values["ankle_girth"] = self.both(lambda s, _: self.extremal("ankle", s, "leg", np.linspace(0.7, 0.95, 8), min))
        self.head_and_neck()
        values["upper_arm_girth"] = self.both(
            lambda s, _: self.extremal("upper_arm", s, "arm", np.linspace(0.35, 0.65, 5), max)
        )
        for name in ("elbow", "wrist"):
            values[f"{name}_girth"] = self.both(lambda s, sign, n=name: self.around(
                f"{n}_{s}", f"arm_{s}", Plane(p[f"{n}_centre_{s}"], self.arm_axis(sign))))  # fmt: skip
        values["armscye_girth"] = self.both(self.armscye)

    def waistband(self) -> None:
        """The smallest girth at the waist or a little below it; what is wider slides down to it, or further."""
        levels = [self.levels["waist"] - drop for drop in (0.0, *_BAND_DROPS)]
        below = [girth(self.v, self.region("trunk"), self.level(height)) for height in levels[1:]]
        tapes = [self.tapes["waist"], *below]
        k = min(range(len(tapes)), key=lambda k: float(tapes[k].length.detach()))
        self.tapes["waistband"], self.levels["waistband"] = tapes[k], levels[k]
        self.values["waistband_girth"] = tapes[k].length

    def arm_axis(self, sign: float) -> torch.Tensor:
        return self.vector(np.array([sign * np.cos(ARM_ANGLE), -np.sin(ARM_ANGLE), 0.0]))

    def extremal(self, name: str, side: str, limb: str, fractions: np.ndarray, choose) -> torch.Tensor:
        """Largest or smallest girth of the lower leg (knee to ankle) or the upper arm (shoulder to elbow)."""
        p = self.points
        tapes = []
        for f in fractions:
            if limb == "leg":
                at = p[f"knee_centre_{side}"] * (1 - f) + p[f"ankle_centre_{side}"] * f
                plane = self.level(at[1])
            else:
                at = p[f"shoulder_point_{side}"] * (1 - f) + p[f"elbow_centre_{side}"] * f
                plane = Plane(at, self.arm_axis(1.0 if side == "l" else -1.0))
            tapes.append(girth(self.v, self.region(f"{limb}_{side}"), plane))
        best = choose(tapes, key=lambda t: float(t.length.detach()))
        self.tapes[f"{name}_{side}"] = best
        return best.length

    def head_and_neck(self) -> None:
        p, values = self.points, self.values
        top, chin = p["head_top"][1], p["neck_front"][1]
        rings = [girth(self.v, self.region("head"), self.level(top * (1 - f) + chin * f)) for f in (0.24, 0.28, 0.32)]
        self.tapes["head"] = max(rings, key=lambda t: float(t.length.detach()))
        values["head_girth"] = self.tapes["head"].length
        tilt = self.vector(np.array([0.0, np.cos(_NECK_TILT), np.sin(_NECK_TILT)]))
        values["neck_girth"] = self.around("neck", "neck", Plane(p["neck_front"], tilt))
        values["neck_base_girth"] = 2 * self.both(self.neck_base_half)

    def neck_base_half(self, side: str, sign: float) -> torch.Tensor:
        """From the front over the side to the back neck point."""
        p, out = self.points, np.array([sign, 0.0, 0.0])
        way = (p["front_neck_point"], p[f"side_neck_point_{side}"], p["back_neck_point"])
        return self.over(f"neck_base_front_{side}", "trunk_and_shoulders", way[0], way[1], out + _FRONT) + self.over(
            f"neck_base_back_{side}", "trunk_and_shoulders", way[1], way[2], out - _FRONT
        )

    def armscye(self, side: str, sign: float) -> torch.Tensor:
        top, bottom = self.points[f"shoulder_point_{side}"], self.points[f"armpit_{side}"]
        normal = torch.linalg.cross(top - bottom, self.vector(_FRONT))
        normal = normal / torch.linalg.norm(normal)
        low, axis = bottom.detach().numpy(), (top - bottom).detach().numpy()
        front, back = (float(self.points[f"armscye_{n}_{side}"][2].detach()) for n in ("front", "back"))

        def on_the_shoulder(at: np.ndarray) -> np.ndarray:
            above = (at - low) @ axis > -0.05 * (axis @ axis)
            return above & (at[:, 2] < front + 0.01) & (at[:, 2] > back - 0.01)

        plane = Plane((top + bottom) / 2, normal)
        tape = girth(self.v, self.region(f"shoulder_{side}"), plane, keep=on_the_shoulder)
        self.tapes[f"armscye_{side}"] = tape
        return tape.length

    # ---------------------------------------------------------------- heights

    def heights(self) -> None:
        p, floor, values = self.points, self.floor, self.values
        values["stature"] = p["head_top"][1] - floor
        for name in ("bust", "underbust", "waist", "waistband", "hip", "knee"):
            values[f"{name}_height"] = self.levels[name] - floor
        values["back_neck_height"] = p["back_neck_point"][1] - floor
        values["shoulder_height"] = (p["shoulder_point_l"] + p["shoulder_point_r"])[1] / 2 - floor
        values["crotch_height"] = p["crotch_point"][1] - floor
        values["body_rise"] = self.levels["waist"] - p["crotch_point"][1]
        corner = self.v[self.topology.surface]
        six_volumes = (torch.linalg.cross(corner[:, 0], corner[:, 1]) * corner[:, 2]).sum()
        values["body_mass"] = six_volumes / 6 * self.topology.density
        for s, sign in (("l", 1.0), ("r", -1.0)):
            for name in ("bust", "waist", "waistband", "hip"):
                p[f"{name}_side_{s}"] = self.extreme(name, np.array([sign, 0.0, 0.0]))
        for name in ("bust", "waist", "hip"):
            p[f"{name}_front"], p[f"{name}_back"] = self.middle(name, 1.0), self.middle(name, -1.0)
        p["underbust_front"] = self.middle("underbust", 1.0)

    # ---------------------------------------------------------------- lengths

    def lengths(self) -> None:
        p, values = self.points, self.values

        def straight(a: str, b: str) -> torch.Tensor:
            return torch.linalg.norm(p[a] - p[b])

        values["shoulder_length"] = self.both(lambda s, _: straight(f"side_neck_point_{s}", f"shoulder_point_{s}"))
        values["bust_point_distance"] = straight("bust_point_l", "bust_point_r")
        values["neck_width"] = straight("side_neck_point_l", "side_neck_point_r")
        values["upper_arm_length"] = self.both(lambda s, _: straight(f"shoulder_point_{s}", f"elbow_{s}"))
        forearm = self.both(lambda s, _: straight(f"elbow_{s}", f"wrist_{s}"))
        values["arm_length"] = values["upper_arm_length"] + forearm
        values["armscye_depth"] = self.both(lambda s, _: (p[f"shoulder_point_{s}"] - p[f"armpit_{s}"])[1])
        drop = self.both(lambda s, _: (p[f"side_neck_point_{s}"] - p[f"shoulder_point_{s}"])[1])
        run = self.both(lambda s, sign: sign * (p[f"shoulder_point_{s}"] - p[f"side_neck_point_{s}"])[0])
        values["shoulder_slope"] = torch.atan2(drop, run)
        back, front = -_FRONT, _FRONT
        for name, a, b, way in (
            ("back_shoulder_width", "shoulder_point", "shoulder_point", _FRONT * -1 + _UP * 0.3),
            ("across_back_width", "armscye_back", "armscye_back", back),
            ("across_front_width", "armscye_front", "armscye_front", front),
        ):
            values[name] = self.over(name, "trunk_and_shoulders", p[f"{a}_l"], p[f"{b}_r"], way)
        for name in ("bust", "waist", "waistband", "hip"):
            values[f"back_{name}_width"] = self.over(
                f"back_{name}", "trunk", p[f"{name}_side_l"], p[f"{name}_side_r"], back
            )
        values["neck_to_bust_point"] = self.both(
            lambda s, _: self.over(f"neck_bust_{s}", "trunk_and_shoulders", p[f"side_neck_point_{s}"],
                                   p[f"bust_point_{s}"], front))  # fmt: skip
        values["front_waist_length"] = values["neck_to_bust_point"] + self.both(self.bust_to_waist)
        values["back_waist_length"] = self.over(
            "back_waist", "trunk_and_shoulders", p["back_neck_point"], p["waist_back"], back
        )
        values["back_neck_to_bust_line"] = self.over(
            "back_bust_line", "trunk_and_shoulders", p["back_neck_point"], p["bust_back"], back
        )
        self.lower_lengths()

    def bust_to_waist(self, side: str, _: float) -> torch.Tensor:
        """From the bust point taut down to the waist tape straight below it."""
        p = self.points
        bust, ring = p[f"bust_point_{side}"], self.tapes["waist"].corners
        following = torch.roll(ring, -1, dims=0)
        x, flat, nxt = float(bust[0].detach()), ring.detach().numpy(), following.detach().numpy()
        spans = np.flatnonzero((flat[:, 0] >= x) != (nxt[:, 0] >= x))
        if len(spans) == 0:  # the waist is narrower than the bust points are apart
            below = p[f"waist_side_{side}"]
        else:
            k = int(spans[np.argmax(flat[spans, 2])])
            below = ring[k] + (following[k] - ring[k]) * ((bust[0] - ring[k, 0]) / (following[k] - ring[k])[0])
        return self.over(f"bust_waist_{side}", "trunk", bust, below, _FRONT)

    def lower_lengths(self) -> None:
        p, values = self.points, self.values
        out = {"l": np.array([1.0, 0, 0]), "r": np.array([-1.0, 0, 0])}
        values["waist_to_hip"] = self.both(
            lambda s, _: self.over(f"waist_hip_{s}", "trunk", p[f"waist_side_{s}"], p[f"hip_side_{s}"], out[s])
        )
        values["outside_leg_length"] = values["waist_to_hip"] + values["hip_height"]
        values["total_crotch_length"] = (
            self.over("crotch_front", "lower_trunk", p["waist_front"], p["crotch_point"], _FRONT - _UP)
            + self.over("crotch_back", "lower_trunk", p["crotch_point"], p["waist_back"], -_FRONT - _UP)
        )


def landmarks_on(model: BodyModel, measuring: np.ndarray, posed: np.ndarray) -> dict[str, np.ndarray]:
    """The landmarks of a body carried from the measuring pose to another pose.

    Args:
        measuring: vertices in the measuring pose [m], shape [V, 3].
        posed: the same body's vertices in the pose wanted [m], shape [V, 3].
    """
    topology = topology_of(model)
    with torch.no_grad():
        points = read_tapes(topology, torch.as_tensor(np.asarray(measuring, np.float64))).points
    out = {}
    for name in LANDMARKS:
        if name in topology.landmarks:
            out[name] = posed[topology.landmarks[name]].mean(0)
        else:
            out[name] = _carried(points[name].numpy(), topology, measuring, posed)
    return {name: point.astype(np.float32) for name, point in out.items()}


def _carried(point: np.ndarray, topology: BodyTopology, measuring: np.ndarray, posed: np.ndarray) -> np.ndarray:
    """Moves a point near the trunk's surface with its nearest triangle's own frame."""
    faces = topology.regions["trunk"]
    corner = measuring[faces]
    face = faces[np.argmin(((corner.mean(1) - point) ** 2).sum(1))]

    def frame(v: np.ndarray) -> np.ndarray:
        e1, e2 = v[face[1]] - v[face[0]], v[face[2]] - v[face[0]]
        n = np.cross(e1, e2)
        return np.stack([e1, e2, n / np.sqrt(np.linalg.norm(n))], axis=1)

    local = np.linalg.solve(frame(measuring), point - measuring[face[0]])
    return posed[face[0]] + frame(posed) @ local
