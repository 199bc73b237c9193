"""Groups of panels that go around one part of the body, and the arrangements that are tried for each."""

from __future__ import annotations

import numpy as np
from scipy.spatial import cKDTree

from engine.core.pattern_types import PanelLine, Pattern
from engine.core.types import Body, Garment
from garments.meshing import PatternMesh
from garments.meshing_cdt import in_polygon
from garments.placement_cone import fit_sector
from garments.placement_folds import folded
from garments.placement_layout import LAYER_GAP, SIDE_GAP, Arrangement, ConeGroup, FlatGroup, Group, Piece
from garments.placement_levels import has_shoulders, level_shift
from garments.placement_regions import PanelRegion, panel_regions
from garments.placement_wrap import Frame, Hull

__all__ = ["build_groups"]

#: How far above the side neck points tops begin, so that their shoulder seams close above the shoulders and not
#: under the arms: over bust and blades the cloth needs more length than the straight way up [m].
SHOULDER_RISE = 0.045

#: SMPL-X joints that dominate the skin of each part.
_TRUNK = (0, 3, 6, 9, 13, 14)
_LEG = {"l": (1, 4, 7), "r": (2, 5, 8)}
_ARM = {"l": (16, 18, 20), "r": (17, 19, 21)}
_HAND = {"l": tuple(range(25, 40)), "r": tuple(range(40, 55))}
_NECK = (12, 15, 22, 9, 13, 14)


def build_groups(
    pattern: Pattern, mesh: PatternMesh, body: Body, clearance: float, worn: Garment | None = None
) -> list[Group]:
    """Groups in the order in which they are placed, around the body with what it wears."""
    regions = panel_regions(pattern)
    shift = level_shift(pattern, regions, body)
    builder = _Builder(pattern, mesh, body, clearance, regions, shift)
    if worn is not None:
        builder.go_around(worn)
    groups = []
    for part in ("torso", "skirt", "leg", "waistband", "sleeve_l", "sleeve_r", "collar"):
        members = [k for k, r in enumerate(regions) if _group_of(r) == part]
        if members:
            groups.append(builder.build(part, members))
    groups += [builder.flat(k) for k, r in enumerate(regions) if _group_of(r) == "other"]
    return groups


def _group_of(region: PanelRegion) -> str:
    if region.part in ("sleeve", "cuff"):
        return f"sleeve_{region.side}"
    if region.part in ("collar", "hood"):
        return "collar"
    return region.part


class _Builder:
    def __init__(
        self, pattern: Pattern, mesh: PatternMesh, body: Body, clearance: float, regions: list[PanelRegion],
        shift: float,
    ) -> None:
        self.pattern, self.mesh, self.body, self.clearance = pattern, mesh, body, clearance
        self.regions, self.shift = regions, shift
        self.points = np.asarray(body.contact_vertices, float)
        self.segment = np.asarray(body.contact_segment)
        self.marks = {k: np.asarray(v, float) for k, v in body.landmarks.items()}

    def go_around(self, worn: Garment) -> None:
        """Takes worn cloth for part of the body beside it."""
        _, near = cKDTree(self.points).query(worn.positions, workers=1)
        self.points = np.concatenate([self.points, np.asarray(worn.positions, float)])
        self.segment = np.concatenate([self.segment, self.segment[near]])

    # ---- pieces

    def _world(self, k: int) -> tuple[np.ndarray, np.ndarray]:
        """A panel's vertices and where the pattern puts them [m], shape [n], [n, 3]."""
        panel = self.pattern.panels[k]
        vertices = np.flatnonzero(self.mesh.vertex_panel == k)
        rotation = np.asarray(panel.placement.rotation, float)
        flat = self.mesh.uv[vertices] @ rotation[:, :2].T + panel.placement.translation
        return vertices, flat + [0.0, self.shift, 0.0]

    def _local(
        self, k: int, up: np.ndarray, out: np.ndarray, *, snap: bool
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Vertices of a panel and their coordinates along the frame's right and up, lengths kept."""
        vertices, world = self._world(k)
        r = np.asarray(self.pattern.panels[k].placement.rotation, float)
        ex, ey, normal = r.T
        if snap:  # the panel's own axis that runs nearest to up counts as up
            axes = [ex, ey, -ex, -ey]
            axis = axes[int(np.argmax([a @ up for a in axes]))]
        else:
            axis = up - (up @ normal) * normal
            axis = axis / np.linalg.norm(axis) if np.linalg.norm(axis) > 0.3 else ey
        across = np.cross(axis, normal if normal @ out >= 0 else -normal)
        return vertices, world @ across, world @ axis

    def _section(
        self, frame: Frame, segments: tuple[int, ...], low: float, high: float, extra: np.ndarray | None = None
    ) -> np.ndarray:
        """Points of the body between two heights, in the frame's section [m], shape [n, 2]."""
        chosen = np.isin(self.segment, segments)
        if extra is not None:
            chosen |= extra
        height = frame.height(self.points)
        inside = chosen & (height > low - 0.02) & (height < high + 0.02)
        if inside.sum() < 30:
            inside = chosen
        return frame.section(self.points[inside])

    def _face(self, k: int, members: list[int]) -> str:
        region = self.regions[k]
        if region.face != "around":
            return region.face
        z = {j: self.pattern.panels[j].placement.rotation[2, 2] for j in members}
        if max(z.values()) > 0.3 and min(z.values()) < -0.3:
            return "front" if z[k] > 0 else "back"
        return "around"

    # ---- groups

    def build(self, part: str, members: list[int]) -> Group:
        """The group of one part of the body."""
        if part.startswith("sleeve"):
            return self._arm(part[-1], members)
        if part == "leg":
            return self._legs(members)
        return self._trunk(part, members)

    def _trunk(self, part: str, members: list[int]) -> Group:
        up = np.array([0.0, 1.0, 0.0])
        turns = {k: self._turn(k) for k in members}
        ring = any(20 < abs(np.degrees(t)) < 160 for t in turns.values())
        local = {}
        for k in members:
            back = self._face(k, members) == "back" and not ring
            sign = -1.0 if back else 1.0
            frame = Frame(np.zeros(3), np.array([sign, 0.0, 0.0]), up, np.array([0.0, 0.0, sign]))
            out = np.array([np.sin(turns[k]), 0.0, np.cos(turns[k])]) if ring else frame.out
            local[k] = (frame, *self._local(k, up, out, snap=False))
        if part == "torso" and has_shoulders(self.pattern, members):
            top = max(v.max() for *_, v in local.values())
            lift = max(0.0, max(self.marks[f"side_neck_point_{s}"][1] for s in "lr") + SHOULDER_RISE - top)
            local = {k: (frame, vertices, s, v + lift) for k, (frame, vertices, s, v) in local.items()}
        low = min(v.min() for *_, v in local.values())
        high = max(v.max() for *_, v in local.values())
        armpit = min((self.marks[f"armpit_{s}"][1] for s in "lr" if f"armpit_{s}" in self.marks), default=high)
        pieces = []
        for k, (frame, vertices, s, v) in local.items():
            section = self._around_trunk(part, frame, low, high, armpit)
            turn = turns[k] if ring else 0.0
            s, lift = folded(s, v, self._lines(k, vertices, s, v)) or (s if ring else _off_centre(s), None)
            pieces.append(Piece(k, vertices, s, v, frame, Hull(section), 0.0, "", turn=turn, lift=lift))
        _share_length(pieces)
        self._stack(pieces)
        group = Group(part, members, pieces, len(self.mesh.uv), self.clearance)
        group.options = _trunk_options(part, ring)
        return self._cone(group) or group if part == "skirt" else group

    def _lines(
        self, k: int, vertices: np.ndarray, s: np.ndarray, v: np.ndarray
    ) -> list[tuple[PanelLine, np.ndarray]]:
        """A panel's lines and their points in the coordinates (s, v) of its vertices [m]."""
        panel, found = self.pattern.panels[k], []
        for number, line in enumerate(panel.lines, len(panel.edges)):
            mine = (self.mesh.line_edge == [k, number]).all(1)
            at = np.searchsorted(vertices, np.append(self.mesh.line[mine, 0], self.mesh.line[mine, 1][-1:]))
            found.append((line, np.stack([s[at], v[at]], 1)))
        return found

    def _turn(self, k: int) -> float:
        """Direction of a panel's right side around the body, 0 to the front, positive to the left [rad]."""
        normal = np.asarray(self.pattern.panels[k].placement.rotation, float)[:, 2]
        return float(np.arctan2(normal[0], normal[2])) if np.hypot(normal[0], normal[2]) > 0.5 else 0.0

    def _cone(self, group: Group) -> Group | None:
        """A flared front and back as one cone, with ``group`` to fall back on; None for other skirts."""
        if len(group.pieces) != 2 or group.pieces[0].frame.out @ group.pieces[1].frame.out > 0:
            return None
        sectors = [fit_sector(self._rim(p)) for p in group.pieces]
        if None in sectors:
            return None
        frame = group.pieces[0].frame
        top = max(float(p.v.max()) for p in group.pieces)
        around = self._section(frame, _TRUNK + _LEG["l"] + _LEG["r"], top - 0.08, top)
        cone = ConeGroup(group, [s for s in sectors if s], Hull(around).curve(0.0))
        options = [
            Arrangement((o, o), 0.01 * extra, slide)
            for o in (0.0, 0.06, 0.12, 0.18, 0.25, 0.35) for extra in (0, 1, 2, 4, 7, 11)
            for slide in (0.0, 0.02, 0.04, 0.06, -0.03)
        ]
        cone.options = sorted(options, key=lambda a: 2 * a.openness[0] + 10 * a.offset + 6 * abs(a.slide))
        return cone

    def _around_trunk(self, part: str, frame: Frame, low: float, high: float, armpit: float) -> np.ndarray:
        if part == "collar":
            near = np.abs(self.points[:, 0]) < 0.11
            return self._section(frame, (), low, high, extra=near & np.isin(self.segment, _NECK))
        segments = _TRUNK + _LEG["l"] + _LEG["r"]
        return self._section(frame, segments, low, min(high, armpit) if low < armpit - 0.05 else high)

    def _stack(self, pieces: list[Piece]) -> None:
        """Pushes panels outwards that lie over others of the same wrap, or touch them."""
        done: list[tuple[Piece, np.ndarray]] = []
        for piece in sorted(pieces, key=lambda p: self.pattern.panels[p.panel].layer):
            rim = self._rim(piece)
            level = self.pattern.panels[piece.panel].layer
            taken = {
                int(round(other.push / LAYER_GAP)) for other, polygon in done
                if other.frame.out @ piece.frame.out > 0.9 and other.side == piece.side and _meet(rim, polygon)
            }
            while level in taken:
                level += 1
            piece.push = level * LAYER_GAP
            done.append((piece, rim))

    def _rim(self, piece: Piece) -> np.ndarray:
        """Outline of a piece in the coordinates of its wrap [m], shape [n, 2]."""
        place = {int(v): i for i, v in enumerate(piece.vertices)}
        index = [place[int(v)] for v in self.mesh.rim[self.mesh.rim_edge[:, 0] == piece.panel, 0]]
        return np.stack([piece.s[index] + piece.turn / (2 * np.pi) * piece.length, piece.v[index]], 1)

    def _arm(self, side: str, members: list[int]) -> Group:
        shoulder = self.marks[f"shoulder_point_{side}"]
        joint = np.asarray(self.body.joints, float)[16 if side == "l" else 17]
        up = joint - np.asarray(self.body.joints, float)[20 if side == "l" else 21]
        up /= np.linalg.norm(up)
        front = np.array([0.0, 0.0, 1.0])
        front -= (front @ up) * up
        front /= np.linalg.norm(front)
        pieces, local = [], {}
        for k in members:
            face = self._face(k, members)
            out = -front if face == "back" else front
            if face == "around":
                out = np.cross(front, up) * (1 if side == "r" else -1)
            frame = Frame(joint, np.cross(up, out), up, out)
            local[k] = (frame, *self._local(k, up, out, snap=True))
        sleeves = [k for k in members if self.regions[k].part == "sleeve"] or members
        top = max(local[k][3].max() for k in sleeves)
        reach = float((shoulder - joint) @ up)
        armpit, wrist = (float((self.marks.get(f"{n}_{side}", joint) - joint) @ up) for n in ("armpit", "wrist"))
        for k, (frame, vertices, s, v) in local.items():
            band = [local[j][3] for j in members if self.regions[j].part == self.regions[k].part]
            low, high = (f(b - top + reach for x in band for b in (x.min(), x.max())) for f in (min, max))
            # the hand too, where sliding down the arm could bring the cloth
            section = self._section(frame, _ARM[side] + _HAND[side], low - 0.06, min(high, armpit - 0.02))
            start = 0.5 * (section[:, 0].min() + section[:, 0].max())
            s = s - 0.5 * (s.min() + s.max())
            # cuffs, and sleeves without them that reach the hand, start the further apart, the more the sleeve has slid
            # down, to close behind the hand, not around it
            at_hand = low < wrist + 0.03 and not any(self.regions[j].part == "cuff" for j in members)
            trail = 0.5 if at_hand or self.regions[k].part == "cuff" else 0.0
            pieces.append(Piece(k, vertices, s, v - top + reach, frame, Hull(section), start, side, trail=trail))
        self._stack(pieces)
        for part in ("sleeve", "cuff"):
            _share_length([p for p in pieces if self.regions[p.panel].part == part])
        group = Group(f"sleeve_{side}", members, pieces, len(self.mesh.uv), self.clearance, slide_axis=-up)
        options = [
            Arrangement((o, o), extra, 0.015 * slide)
            for o in (0.0, 0.2, 0.5, 1.0) for extra in (0.0, 0.01, 0.03, 0.06)
            for slide in (*range(16), 18, 21, 24, 27, 30)  # as far as past the hand, clear of a wide and long top
        ]
        group.options = sorted(options, key=lambda a: 0.4 * a.openness[0] + 10 * a.offset + 5 * a.slide)
        return group

    def _legs(self, members: list[int]) -> Group:
        pieces = []
        joints = np.asarray(self.body.joints, float)
        for side, hip, ankle, sign in (("l", 1, 7, 1.0), ("r", 2, 8, -1.0)):
            mine = [k for k in members if self.regions[k].side == side]
            up = (joints[hip] - joints[ankle]) * [1.0, 1.0, 0.0]
            up /= np.linalg.norm(up)
            for k in mine:
                face = self._face(k, members)
                z = -1.0 if face == "back" else 1.0
                frame = Frame(joints[hip] * [1, 1, 0], np.cross(up, [0.0, 0.0, z]), up, np.array([0.0, 0.0, z]))
                vertices, s, v = self._local(k, up, frame.out, snap=True)
                _, world = self._world(k)
                top = world[:, 1].max()
                v = v - v.max() + (top - frame.origin[1]) / up[1]
                hem = v < v.min() + 0.03
                s = s - 0.5 * (s[hem].min() + s[hem].max())
                half = np.isin(self.segment, _TRUNK) & (self.points[:, 0] * sign > -0.005)
                section = self._section(frame, _LEG[side], v.min(), v.max(), extra=half)
                pieces.append(Piece(k, vertices, s, v, frame, Hull(section), 0.0, side, mirror=sign * z))
        self._stack(pieces)
        group = Group("leg", members, pieces, len(self.mesh.uv), self.clearance)
        options = [
            Arrangement((inner, outer), extra, slide, 0.01 * spread)
            for inner, outer in ((0.0, 0.0), (0.0, 0.5), (0.5, 0.5), (1.0, 0.5), (1.0, 1.0))
            for extra in (0.0, 0.015, 0.04, 0.08, 0.12, 0.17)  # at last in front of the toes
            for slide in (0.0, -0.015, -0.03, -0.05, -0.08, -0.12, 0.03, 0.06, 0.1, 0.14) for spread in (0, 2, 4, 8)
        ]
        group.options = sorted(
            options,
            key=lambda a: 0.5 * a.openness[0] + a.openness[1] + 12 * a.offset + 6 * a.spread
            + (5 if a.slide > -0.02 else 12) * abs(a.slide),
        )
        return group

    def flat(self, k: int) -> Group:
        """A panel of unknown purpose: flat where the pattern puts it, pushed along its normal until it is free."""
        vertices, world = self._world(k)
        normal = np.asarray(self.pattern.panels[k].placement.rotation, float)[:, 2]
        return FlatGroup(self.regions[k].name, [k], len(self.mesh.uv), self.clearance, vertices, world, normal)


def _trunk_options(part: str, ring: bool) -> list[Arrangement]:
    slides = {
        "torso": (0.0, -0.02, -0.04, -0.06, -0.08, -0.1), "waistband": tuple(0.012 * k for k in range(14)),
        "skirt": tuple(-0.006 * k for k in range(16)), "collar": tuple(0.01 * k for k in range(13)),
    }[part]
    opened = (0.0,) if ring else (0.0, 0.15, 0.3, 0.5, 0.75, 1.0)
    offsets = (0.0, 0.01, 0.025, 0.05, 0.09)
    options = [Arrangement((o, o), extra, slide) for o in opened for extra in offsets for slide in slides]
    options += [Arrangement((opened[-1],) * 2, extra, slide) for extra in (0.14, 0.2, 0.3) for slide in slides[:4]]
    if part == "torso":
        return sorted(options, key=lambda a: 2 * a.openness[0] + 6 * a.offset + 10 * abs(a.slide))
    return sorted(options, key=lambda a: a.openness[0] + 12 * a.offset + 12 * abs(a.slide))


def _off_centre(s: np.ndarray) -> np.ndarray:
    """Moves halves that meet at the centre line, or reach a little over it, clear of it."""
    if -0.008 < s.min() and s.mean() > 0:
        return s + max(0.0, SIDE_GAP / 2 - s.min())
    if s.max() < 0.008 and s.mean() < 0:
        return s - max(0.0, SIDE_GAP / 2 + s.max())
    return s


def _meet(one: np.ndarray, two: np.ndarray) -> bool:
    """Whether two outlines overlap, or come closer than the gap between neighbours."""
    if in_polygon(one, two).any() or in_polygon(two, one).any():
        return True
    for a, b in ((one, two), (two, one)):
        side = np.roll(b, -1, axis=0) - b
        t = np.clip(((a[:, None] - b) * side).sum(2) / np.maximum((side**2).sum(1), 1e-15), 0, 1)
        if np.linalg.norm(a[:, None] - b - t[..., None] * side, axis=2).min() < 0.9 * SIDE_GAP:
            return True
    return False


def _share_length(pieces: list[Piece]) -> None:
    """Sets the length of the closed curve at which the pieces do not reach over each other anywhere."""
    if not pieces:
        return
    low, high = min(p.v.min() for p in pieces), max(p.v.max() for p in pieces)
    bins = np.linspace(low, high + 1e-6, max(2, int((high - low) / 0.02)) + 1)
    reach: dict[tuple[int, int], np.ndarray] = {}  # (front or back, side of the body) -> reach per bin
    widths = np.zeros(len(bins) - 1)
    out = pieces[0].frame.out
    for p in pieces:
        facing = 1 if p.frame.out @ out > 0.5 else -1
        index = np.clip(np.digitize(p.v, bins) - 1, 0, len(bins) - 2)
        ends = []
        for sign in (1, -1):
            table = reach.setdefault((facing, sign * facing), np.zeros(len(bins) - 1))
            np.maximum.at(table, index, sign * p.s)
            own = np.full(len(bins) - 1, -np.inf)
            np.maximum.at(own, index, sign * p.s)
            ends.append(own)
        widths += np.maximum(ends[0] + ends[1], 0.0) + SIDE_GAP
    sides = [sum(t for (_, side), t in reach.items() if side == s) for s in (1, -1)]
    length = 2 * float(max(np.max(t) for t in sides)) + 2 * SIDE_GAP
    if any(p.turn for p in pieces):
        length = float(widths.max())
    for p in pieces:
        p.length = length
