"""Measurements of Anny's rest pose as fast functions of a few surface points, for fitting thousands of bodies.

The tape's contact points are planned once, on a mean body, and then stay fixed on the surface: close enough for a
population, and linear up to the lengths.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from avatars.body_model import JOINT_NAMES
from avatars.measure import read_tapes
from avatars.measure_tape import Plane, girth
from avatars.measure_topology import BodyTopology
from avatars.poses import ARM_ANGLE, measuring_pose
from tools.build_open_body.anny_source import AnnySource
from tools.build_open_body.skeleton import posed, to_t_pose

__all__ = ["FixedTapes", "plan_tapes"]

_NAVEL = 4105  #: vertex at the navel's height
_KNEE_ABOVE = 0.25  #: where the lower thigh's girth lies between knee (0) and crotch (1)


@dataclass(frozen=True)
class FixedTapes:
    """Readings as functions of P points that are fixed combinations of vertices."""

    start: np.ndarray  #: shape [P]
    end: np.ndarray  #: shape [P]
    share: np.ndarray  #: point = (1 - share) * start + share * end, shape [P]
    loops: dict[str, list[np.ndarray]]  #: girths: closed loops of points, averaged over left and right
    spans: dict[str, tuple[np.ndarray, np.ndarray, int | None]]
    #: distances between means of points: (from, to, axis or None for straight)

    def points(self, vertices: np.ndarray) -> np.ndarray:
        """[..., V, 3] -> [..., P, 3]."""
        s = self.share[:, None]
        return vertices[..., self.start, :] * (1 - s) + vertices[..., self.end, :] * s

    def read(self, points: np.ndarray, names: list[str]) -> np.ndarray:
        """Readings of the named measurements [m]: [..., P, 3] -> [..., names]."""
        out = []
        for name in names:
            if name in self.loops:
                total = 0.0
                for loop in self.loops[name]:
                    c = points[..., loop, :]
                    total = total + np.sqrt(((c - np.roll(c, -1, axis=-2)) ** 2).sum(-1)).sum(-1)
                out.append(total / len(self.loops[name]))
            else:
                a, b, axis = self.spans[name]
                gap = points[..., b, :].mean(-2) - points[..., a, :].mean(-2)
                out.append(np.sqrt((gap**2).sum(-1)) if axis is None else gap[..., axis])
        return np.stack(out, axis=-1)

    def slopes(self, points: np.ndarray, names: list[str], moves: np.ndarray) -> np.ndarray:
        """Derivatives of the readings when the points move along given directions.

        Args:
            points: [m], shape [B, P, 3].
            moves: directions, shape [B or 1, P, 3, n].

        Returns:
            shape [B, names, n].
        """
        out = np.empty((len(points), len(names), moves.shape[-1]))
        shared = len(moves) == 1

        def along(ids: np.ndarray, direction: np.ndarray) -> np.ndarray:
            if shared:
                return np.tensordot(direction, moves[0, ids], axes=([1, 2], [0, 1]))
            return np.einsum("bpd,bpdn->bn", direction, moves[:, ids], optimize=True)

        for k, name in enumerate(names):
            if name in self.loops:
                total = 0.0
                for loop in self.loops[name]:
                    c = points[:, loop]
                    edge = np.roll(c, -1, axis=1) - c
                    edge /= np.linalg.norm(edge, axis=2, keepdims=True).clip(1e-9)
                    total = total + along(loop, np.roll(edge, 1, axis=1) - edge)
                out[:, k] = total / len(self.loops[name])
                continue
            a, b, axis = self.spans[name]
            gap = points[:, b].mean(1) - points[:, a].mean(1)
            straight = gap / np.linalg.norm(gap, axis=1, keepdims=True)
            direction = straight if axis is None else np.eye(3)[[axis] * len(gap)]
            ends = np.concatenate([a, b])
            share = np.concatenate([np.full(len(a), -1 / len(a)), np.full(len(b), 1 / len(b))])
            out[:, k] = along(ends, share[None, :, None] * direction[:, None])
        return out


class _Planner:
    def __init__(self) -> None:
        self.start: list[int] = []
        self.end: list[int] = []
        self.share: list[float] = []
        self.loops: dict[str, list[np.ndarray]] = {}
        self.spans: dict[str, tuple[np.ndarray, np.ndarray, int | None]] = {}

    def add(self, start: np.ndarray, end: np.ndarray, share: np.ndarray) -> np.ndarray:
        first = len(self.start)
        self.start += list(map(int, start))
        self.end += list(map(int, end))
        self.share += list(map(float, share))
        return np.arange(first, len(self.start))

    def vertices(self, ids: np.ndarray) -> np.ndarray:
        ids = np.atleast_1d(ids)
        return self.add(ids, ids, np.zeros(len(ids)))

    def loop(self, name: str, tape, vertices: np.ndarray) -> np.ndarray:
        a, b, p = vertices[tape.start], vertices[tape.end], tape.corners.detach().numpy()
        share = ((p - a) * (b - a)).sum(1) / ((b - a) ** 2).sum(1)
        points = self.add(tape.start, tape.end, share)
        self.loops.setdefault(name, []).append(points)
        return points


def plan_tapes(source: AnnySource, topology: BodyTopology, phenotypes: np.ndarray) -> FixedTapes:
    """Plans the tapes on the body of the given phenotypes (shape [11]) standing in the measuring pose."""
    rest, joints = source.rest(source.coefficients(phenotypes[None], np.zeros((1, len(source.local_labels)))))
    t_pose, t_joints = to_t_pose(rest, joints, source.weights)
    v = posed(t_pose[0], t_joints[0], source.weights, measuring_pose())
    tensor = torch.as_tensor(v)
    readings = read_tapes(topology, tensor)
    plan, marks = _Planner(), topology.landmarks
    for name in ("head", "neck", "bust", "underbust", "hip"):
        plan.loop(f"{name}_girth", readings.tapes[name], v)
    for name in ("thigh", "calf", "ankle", "upper_arm", "wrist"):
        for side in "lr":
            plan.loop(f"{name}_girth", readings.tapes[f"{name}_{side}"], v)
    zero = torch.zeros((), dtype=torch.float64)
    up = torch.tensor([0.0, 1.0, 0.0], dtype=torch.float64)
    navel = girth(tensor, topology.regions["trunk"], Plane(torch.stack([zero, tensor[_NAVEL, 1], zero]), up))
    plan.loop("navel_girth", navel, v)
    for side, sign in (("l", 1.0), ("r", -1.0)):
        knee, crotch = v[marks[f"knee_{side}"]].mean(0), v[marks["crotch_point"]].mean(0)
        height = torch.tensor(knee[1] + _KNEE_ABOVE * (crotch[1] - knee[1]), dtype=torch.float64)
        plan.loop("lower_thigh_girth", girth(tensor, topology.regions[f"leg_{side}"],
                                             Plane(torch.stack([zero, height, zero]), up)), v)  # fmt: skip
        elbow, wrist = (tensor[marks[f"{n}_centre_{side}"]].mean(0) for n in ("elbow", "wrist"))
        axis = torch.tensor([sign * np.cos(ARM_ANGLE), -np.sin(ARM_ANGLE), 0.0], dtype=torch.float64)
        plan.loop("forearm_girth", girth(tensor, topology.regions[f"arm_{side}"],
                                         Plane(elbow * 0.8 + wrist * 0.2, axis)), v)  # fmt: skip
    _plan_spans(plan, source, topology, v)
    return FixedTapes(np.array(plan.start), np.array(plan.end), np.array(plan.share), plan.loops, plan.spans)


def _plan_spans(plan: _Planner, source: AnnySource, topology: BodyTopology, v: np.ndarray) -> None:
    marks = topology.landmarks
    soles = marks["soles"]
    floor = plan.vertices(soles[np.argsort(v[soles, 1])[:16]])

    def height(name: str, ids: np.ndarray) -> None:
        plan.spans[name] = (floor, plan.vertices(ids), 1)

    def pair(name: str) -> np.ndarray:
        return np.concatenate([marks[f"{name}_l"], marks[f"{name}_r"]])

    height("stature", marks["head_top"])
    height("cervicale_height", marks["back_neck_point"])
    height("suprasternale_height", marks["front_neck_point"])
    height("acromial_height", pair("shoulder_point"))
    height("axilla_height", pair("armpit"))
    height("bust_height", pair("bust_point"))
    height("navel_height", np.array([_NAVEL]))
    height("hip_height", marks["buttocks"][np.argsort(v[marks["buttocks"], 2])[:12]])
    height("crotch_height", marks["crotch_point"])
    height("knee_height", pair("knee"))
    for name, loop, axis in (
        ("head_length", "head_girth", 2), ("head_breadth", "head_girth", 0), ("chest_depth", "bust_girth", 2),
        ("chest_breadth", "bust_girth", 0), ("navel_depth", "navel_girth", 2), ("navel_breadth", "navel_girth", 0),
        ("hip_depth", "hip_girth", 2), ("hip_breadth", "hip_girth", 0),
    ):  # fmt: skip
        ring = plan.loops[loop][0]
        at = v[np.array(plan.start)[ring]][:, axis]
        order = ring[np.argsort(at, kind="stable")]
        plan.spans[name] = (order[:2], order[-2:], axis)
    for name, a, b in (
        ("acromial_breadth", "shoulder_point_r", "shoulder_point_l"),
        ("upper_arm_length", "shoulder_point_l", "elbow_l"),
        ("forearm_length", "elbow_l", "wrist_l"), ("bust_points", "bust_point_r", "bust_point_l"),
    ):  # fmt: skip
        plan.spans[name] = (plan.vertices(marks[a]), plan.vertices(marks[b]), None)
    hand = np.flatnonzero(source.weights[:, [JOINT_NAMES.index("left_middle3")]].sum(1) > 0.5)
    tip = hand[np.argsort(-v[hand, 0] + v[hand, 1])[:4]]
    plan.spans["hand_length"] = (plan.vertices(marks["wrist_centre_l"]), plan.vertices(tip), None)
    foot = source.weights[:, [JOINT_NAMES.index("left_ankle"), JOINT_NAMES.index("left_foot")]].sum(1) > 0.5
    foot = np.flatnonzero(foot)
    order = foot[np.argsort(v[foot, 2])]
    plan.spans["foot_length"] = (plan.vertices(order[:3]), plan.vertices(order[-3:]), 2)
