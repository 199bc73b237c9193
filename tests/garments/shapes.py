"""Small patterns drawn by hand for the tests."""

import numpy as np

from engine.core.pattern_types import ArcEdge, BezierEdge, EdgeRef, LineEdge, Panel, Pattern, Placement, Seam

FLAT = Placement(np.eye(3), np.zeros(3))


def polygon(name: str, corners: list, placement: Placement = FLAT) -> Panel:
    """A panel with straight edges, corners in metres."""
    n = len(corners)
    edges = tuple(LineEdge(i, (i + 1) % n) for i in range(n))
    return Panel(name, np.array(corners, float), edges, placement)


def rectangle(name: str, width: float, height: float) -> Panel:
    """Edges: 0 bottom, 1 right, 2 top, 3 left."""
    return polygon(name, [(0, 0), (width, 0), (width, height), (0, height)])


def curved(name: str = "curved") -> Panel:
    """A 30 x 40 cm piece with a scooped top (quadratic Bezier) and a rounded bottom (arc)."""
    vertices = np.array([(0, 0), (0.3, 0), (0.3, 0.4), (0, 0.4)], float)
    edges = (
        ArcEdge(0, 1, 0.2, False, True), LineEdge(1, 2), BezierEdge(2, 3, ((0.15, 0.2),)), LineEdge(3, 0),
    )
    return Panel(name, vertices, edges, FLAT)


def dart() -> Pattern:
    """A 30 x 30 cm piece with a dart 12 cm deep at the top and a strip gathered onto its bottom in two spans."""
    body = polygon("body", [(0, 0), (0.3, 0), (0.3, 0.3), (0.165, 0.3), (0.15, 0.18), (0.135, 0.3), (0, 0.3)])
    strip = rectangle("strip", 0.45, 0.03)
    return Pattern(
        "dart", (body, strip),
        (
            Seam(EdgeRef("body", 3), EdgeRef("body", 4, 1.0, 0.0), kind="dart"),
            Seam(EdgeRef("body", 0, 0.0, 0.4), EdgeRef("strip", 2, 1.0, 0.6)),
            Seam(EdgeRef("body", 0, 0.4, 1.0), EdgeRef("strip", 2, 0.6, 0.0)),
        ),
    )
