"""Sewing patterns: panels of edges, the seams between them and where they lie on the body; lengths in metres."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

__all__ = [
    "ArcEdge",
    "BezierEdge",
    "Edge",
    "EdgeRef",
    "LineEdge",
    "Notch",
    "Panel",
    "PanelLine",
    "Pattern",
    "Placement",
    "Seam",
    "Tape",
]


@dataclass(frozen=True)
class LineEdge:
    """Straight edge between two vertices of the panel."""

    start: int
    end: int
    label: str = ""


@dataclass(frozen=True)
class BezierEdge:
    """Quadratic (one control point) or cubic (two) Bezier edge; control points absolute in the panel's plane [m]."""

    start: int
    end: int
    controls: tuple[tuple[float, float], ...]
    label: str = ""


@dataclass(frozen=True)
class ArcEdge:
    """Circular arc; ``ccw`` is the travel direction from start to end with y up."""

    start: int
    end: int
    radius: float  #: [m]
    large: bool
    ccw: bool
    label: str = ""


Edge = LineEdge | BezierEdge | ArcEdge


@dataclass(frozen=True)
class Notch:
    """A mark at a fraction (0..1 of arc length) of an edge."""

    edge: int
    fraction: float


@dataclass(frozen=True)
class Placement:
    """Rigid placement of a flat panel in the world: ``R @ (x, y, 0) + translation``.

    The panel's +Z side (the side from which its outline, with y up, reads as drawn) is the right side of the cloth.
    ``bend_radius`` > 0 wraps the panel around a vertical axis (panel y) behind it, so that it starts closer to the
    body; 0 leaves it flat. ``region`` names what it covers (torso_front, torso_back, sleeve_l, leg_r_front, collar...).
    """

    rotation: np.ndarray  #: shape [3, 3]
    translation: np.ndarray  #: [m], shape [3]
    bend_radius: float = 0.0
    region: str = ""


@dataclass(frozen=True)
class PanelLine:
    """A line inside a panel along which the mesh has edges: pressed as a fold, sewn, or with a tape along it.

    It may begin and end on the outline or inside; lines of one panel meet at their ends at most.
    """

    points: np.ndarray  #: polyline [m], shape [n, 2]
    angle: float = 0.0
    #: pressed rest angle [rad]: 0 none, > 0 the fold points to the right side of the cloth, pi pressed flat on itself
    label: str = ""


@dataclass(frozen=True)
class Panel:
    """One piece of cloth: a closed loop of edges, each starting where the one before ends; no seam allowance."""

    name: str
    vertices: np.ndarray  #: [m], shape [P, 2]
    edges: tuple[Edge, ...]
    placement: Placement
    grainline: float = np.pi / 2  #: direction of the warp in the panel's plane, from +x [rad]
    notches: tuple[Notch, ...] = ()
    internal_lines: tuple[np.ndarray, ...] = ()  #: marks only, polylines [m], shape [n, 2] each (buttons' places)
    fabric: str = ""  #: name of another fabric than the garment's; "" for the same
    layer: int = 0  #: 0 next to the body
    stiffness: float = 1.0  #: factor on the bending stiffness (fused interlining in collars, cuffs, waistbands)
    lines: tuple[PanelLine, ...] = ()  #: folds and lines to sew along


@dataclass(frozen=True)
class EdgeRef:
    """A span of an edge or line of a panel, by fractions of its arc length. ``start > end`` walks it backwards."""

    panel: str
    edge: int  #: of the panel's edges; from their number on, of its lines
    start: float = 0.0
    end: float = 1.0


@dataclass(frozen=True)
class Seam:
    """Sews span ``a`` to span ``b`` point by point, from a.start-b.start to a.end-b.end.

    A ratio of lengths other than 1 is a gather (or ease), spread evenly. ``angle`` is the pressed rest angle of
    the finished seam [rad], 0 flat (the cloth goes on smoothly), pi folded back on itself.
    """

    a: EdgeRef
    b: EdgeRef
    kind: str = "seam"
    #: seam, dart, closure; pleat: a layer caught in a seam made by others, which holds no angle; button: joins the
    #: points ``a.start`` and ``b.start`` only (``end`` the same); an open one is left out
    angle: float = 0.0


@dataclass(frozen=True)
class Tape:
    """An elastic or a stay tape along an edge, a line or (by either of its sides) a seam of a panel.

    It pulls with ``stiffness`` times its strain, and never pushes. The gathers that an elastic makes are its work on
    the cloth: a ``ratio`` of 0.8 is an elastic a fifth shorter than the cloth that it is sewn to.
    """

    along: EdgeRef
    ratio: float  #: relaxed length over that of the cloth along it [-]; 1 for a stay tape
    stiffness: float  #: force per strain [N]
    label: str = ""


@dataclass(frozen=True)
class Pattern:
    """A garment's pattern. ``finished`` holds the intended finished girths and lengths [m] by measurement name."""

    name: str
    panels: tuple[Panel, ...]
    seams: tuple[Seam, ...]
    seam_allowance: float = 0.01  #: [m], drawn outside the panels' loops
    intended_ease: dict[str, float] = field(default_factory=dict)  #: {bust_girth: 0.08, ...} [m]
    drafted_for: dict[str, float] = field(default_factory=dict)  #: body measurements it was drafted for [m]
    kind: str = ""  #: top, shirt, jacket, skirt, trousers, dress
    source: str = ""
    repairs: tuple[str, ...] = ()  #: what the reader mended, for people
    tapes: tuple[Tape, ...] = ()  #: elastics and stay tapes

    def panel(self, name: str) -> Panel:
        """The panel of that name; KeyError if there is none."""
        for p in self.panels:
            if p.name == name:
                return p
        raise KeyError(name)
