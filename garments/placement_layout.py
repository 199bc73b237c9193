"""How a group of panels is laid out: rolled around a section of the body, as a cone, or flat."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from garments.placement_cone import Sector, cone_points
from garments.placement_wrap import Frame, Hull, roll

__all__ = ["LAYER_GAP", "SIDE_GAP", "Arrangement", "ConeGroup", "FlatGroup", "Group", "Piece"]

#: Gap between neighbouring panels along the curve, and between layers [m].
SIDE_GAP, LAYER_GAP = 0.004, 0.005


@dataclass(frozen=True)
class Arrangement:
    """One way to lay a group out."""

    openness: tuple[float, float] = (0.0, 0.0)  #: towards the body's middle or underside, and away from it
    offset: float = 0.0  #: further distance from the body [m]
    slide: float = 0.0  #: along the group's free direction [m]
    spread: float = 0.0  #: of the two sides of the body away from the middle [m]


@dataclass
class Piece:
    """One panel of a group in the coordinates of its wrap."""

    panel: int
    vertices: np.ndarray  #: shape [k]
    s: np.ndarray  #: along the curve, positive to the frame's right [m], shape [k]
    v: np.ndarray  #: along the frame's up [m], shape [k]
    frame: Frame
    hull: Hull  #: of the body's points to go around, in the frame
    start: float
    side: str
    mirror: float = 1.0  #: -1 where openness and spread count from the frame's left
    push: float = 0.0
    trail: float = 0.0  #: further push for each metre of slide [-]
    length: float = 0.0  #: that the closed curve must have so that neighbours do not overlap [m]
    lift: np.ndarray | None = None  #: of each vertex off the curve, outwards, where layers are folded over another [m]
    turn: float = 0.0  #: of a panel that stands around the body at another angle than its frame [rad]


@dataclass
class Group:
    """Panels that are placed together."""

    name: str
    panels: list[int]
    pieces: list[Piece]
    count: int  #: vertices of the whole mesh
    clearance: float
    options: list[Arrangement] = field(default_factory=list)  #: from the tightest to the loosest
    slide_axis: np.ndarray = field(default_factory=lambda: np.array([0.0, 1.0, 0.0]))
    fallback: Group | None = None  #: tried when none of the arrangements is free

    def arrange(self, a: Arrangement) -> np.ndarray | None:
        """Positions of the group's vertices, zero elsewhere, shape [N, 3] [m]."""
        positions = np.zeros((self.count, 3))
        for piece in self.pieces:
            offset = self.clearance + a.offset
            offset = piece.hull.offset_for_length(offset, piece.length * (1.0 - max(a.openness)))
            curve = piece.hull.curve(offset)
            inner, outer = a.openness
            open_ = (inner, outer) if piece.mirror > 0 else (outer, inner)
            around = np.linalg.norm(curve - np.roll(curve, -1, axis=0), axis=1).sum()
            s = piece.s + piece.turn / (2 * np.pi) * around
            how = {"start": piece.start, "openness": open_, "push": piece.push + piece.trail * a.slide}
            section = roll(curve, s, **how)
            if piece.lift is not None:
                way = roll(curve, s + 1e-3, **how) - roll(curve, s - 1e-3, **how)
                way /= np.maximum(np.linalg.norm(way, axis=1, keepdims=True), 1e-12)
                section = section + piece.lift[:, None] * np.stack([-way[:, 1], way[:, 0]], 1)
            section[:, 0] += a.spread * piece.mirror
            axis = self.slide_axis
            positions[piece.vertices] = piece.frame.world(section, piece.v) + a.slide * axis
        return positions


class ConeGroup(Group):
    """A flared front and back. Offset moves them apart; openness widens the cone."""

    def __init__(self, group: Group, sectors: list[Sector], section: np.ndarray) -> None:
        super().__init__(group.name, group.panels, group.pieces, group.count, group.clearance, fallback=group)
        self.sectors = sectors
        self.centre = 0.5 * (section.min(0) + section.max(0))
        self.section = section - self.centre

    def arrange(self, a: Arrangement) -> np.ndarray | None:
        """Positions of the group's vertices, zero elsewhere, shape [N, 3] [m]."""
        positions = np.zeros((self.count, 3))
        total = sum(s.angle for s in self.sectors) * (1.0 + a.openness[0])
        if total > 1.95 * np.pi:
            return None
        first = self.pieces[0].frame
        for piece, sector in zip(self.pieces, self.sectors, strict=True):
            f = piece.frame
            sign = float(np.sign(f.out @ first.out))
            top = sector.apex[1] - sector.radius + a.slide
            local = cone_points(sector, piece.s, piece.v, self.section * sign, total, top)
            local[:, 2] += a.offset + SIDE_GAP
            centre = first.world(self.centre[None], np.zeros(1))[0]
            positions[piece.vertices] = local @ np.stack([f.right, f.up, f.out]) + centre
        return positions


class FlatGroup(Group):
    """One panel where the pattern puts it; offset moves it along its normal."""

    def __init__(
        self, name: str, panels: list[int], count: int, clearance: float, vertices: np.ndarray, world: np.ndarray,
        normal: np.ndarray,
    ) -> None:
        super().__init__(name, panels, [], count, clearance)
        self.vertices, self.world, self.normal = vertices, world, normal
        self.options = [Arrangement(offset=0.01 * k) for k in range(80)]

    def arrange(self, a: Arrangement) -> np.ndarray:
        positions = np.zeros((self.count, 3))
        positions[self.vertices] = self.world + a.offset * self.normal
        return positions
