"""Reader of GarmentCode's JSON sewing patterns (Korosteleva and Sorkine-Hornung, SIGGRAPH Asia 2023).

Vertices are in the file's unit (usually cm) with y up. A panel's outline runs counter-clockwise seen from its right
side, so panels of the back, drawn as seen from the front, run clockwise; they are mirrored here, and their placement
with them, so that every loop is counter-clockwise and +Z of the panel is the right side.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from engine.core.errors import InputError
from engine.core.pattern_types import ArcEdge, BezierEdge, Edge, EdgeRef, LineEdge, Panel, Pattern, Placement, Seam
from engine.core.safe_io import read_json
from garments.panels import MAX_EXTENT, MIN_EDGE, edge_length, loop_area, outline
from garments.seams import check_pattern

__all__ = ["read_garmentcode"]

#: Vertices closer than this are one point drawn twice [m].
MERGE = 1e-4
#: Panels must lie within this distance of the origin [m].
MAX_PLACE = 10.0
_NUMBER_LIMIT = 20000


class _Reader:
    """One file being read: its path for messages, its unit, and what was mended."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.unit = 0.01
        self.absolute_curves = False
        self.repairs: list[str] = []

    def fail(self, code: str, place: str, hint: str) -> NoReturn:
        raise InputError(f"garmentcode.{code}", f"{self.path}: {place}", hint)

    def number(self, value: Any, place: str) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            self.fail("not_a_number", f"{place} is {str(value)[:40]!r}, not a finite number", "replace it by a number")
        if abs(value) > 1e9:
            self.fail("size", f"{place} is {value:.3g}, far beyond any garment", "check the number and the units")
        return float(value)

    def numbers(self, value: Any, count: int, place: str) -> list[float]:
        if not isinstance(value, list) or len(value) != count:
            self.fail("shape", f"{place} must be a list of {count} numbers", "mend it")
        return [self.number(v, place) for v in value]

    def table(self, value: Any, place: str) -> dict[str, Any]:
        if not isinstance(value, dict):
            self.fail("shape", f"{place} must be an object {{...}}", "export the pattern again")
        return value

    def listing(self, value: Any, place: str) -> list[Any]:
        if not isinstance(value, list):
            self.fail("shape", f"{place} must be a list [...]", "export the pattern again")
        if len(value) > _NUMBER_LIMIT:
            self.fail("too_large", f"{place} has {len(value)} entries", "check that it is the right file")
        return value


def read_garmentcode(path: str | Path) -> Pattern:
    """Reads a pattern specification written by GarmentCode.

    Small faults are mended and listed in ``Pattern.repairs``.

    Raises:
        InputError: one line naming the file, the place in it and the mend.
    """
    path = Path(path)
    reader = _Reader(path)
    root = reader.table(read_json(path, what="pattern file"), "the file's top level")
    if "pattern" not in root:
        reader.fail("no_pattern", "has no 'pattern' object", "is it a GarmentCode *_specification.json?")
    spec = reader.table(root["pattern"], "'pattern'")
    properties = reader.table(root.get("properties") or {}, "'properties'")
    _read_units(reader, properties)
    panels_spec = reader.table(spec.get("panels"), "'pattern.panels'")
    if not panels_spec:
        reader.fail("no_panels", "'pattern.panels' is empty", "export a pattern with at least one panel")
    if len(panels_spec) > 400:
        reader.fail("too_large", f"has {len(panels_spec)} panels", "check that it is one garment")
    panels: dict[str, Panel] = {}
    edge_maps: dict[str, list[int]] = {}
    for name, value in panels_spec.items():
        panels[name], edge_maps[name] = _read_panel(reader, name, reader.table(value, f"panel '{name}'"))
    _check_size(reader, panels)
    stitches = reader.listing(spec.get("stitches", []), "'pattern.stitches'")
    seams = tuple(s for i, st in enumerate(stitches) if (s := _read_stitch(reader, i, st, panels, edge_maps)))
    pattern = Pattern(
        name=path.stem.removesuffix("_specification"), panels=tuple(panels.values()), seams=seams,
        kind=_kind(panels_spec), source="garmentcode", repairs=tuple(reader.repairs),
    )
    warnings = check_pattern(pattern, f"{path}: ")
    return Pattern(**{**pattern.__dict__, "repairs": pattern.repairs + warnings})


def _read_units(reader: _Reader, properties: dict[str, Any]) -> None:
    units = properties.get("units_in_meter", 100)
    if "units_in_meter" not in properties:
        reader.repairs.append("the file does not state its unit; centimetres were taken")
    units = reader.number(units, "'properties.units_in_meter'")
    if not 0.5 <= units <= 2000:
        reader.fail("units", f"'properties.units_in_meter' is {units:g}", "give 100 for centimetres, 1000 for mm")
    reader.unit = 1.0 / units
    kind = properties.get("curvature_coords", "relative")
    if kind not in ("relative", "absolute"):
        reader.fail("curvature", f"'properties.curvature_coords' is {str(kind)[:40]!r}", "give relative or absolute")
    reader.absolute_curves = kind == "absolute"


def _rotation(degrees: list[float]) -> np.ndarray:
    """Rz Ry Rx, shape [3, 3]."""
    (cx, cy, cz), (sx, sy, sz) = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    rx = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    ry = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    rz = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return rz @ ry @ rx


def _read_panel(reader: _Reader, name: str, spec: dict[str, Any]) -> tuple[Panel, list[int]]:
    """The panel, and for each edge of the file its number in the panel (-1 when it was dropped)."""
    place = f"panel '{name}'"
    raw = reader.listing(spec.get("vertices"), f"{place}: 'vertices'")
    if len(raw) < 2:
        reader.fail("vertices", f"{place}: has {len(raw)} vertices", "a panel needs at least two")
    vertices = np.array([reader.numbers(v, 2, f"{place}: vertex {i}") for i, v in enumerate(raw)]) * reader.unit
    edges_spec = reader.listing(spec.get("edges"), f"{place}: 'edges'")
    edges: list[Edge] = []
    sources: list[int] = []
    remap = np.arange(len(vertices))
    for i, value in enumerate(edges_spec):
        edge = _read_edge(reader, f"{place}: edge {i}", reader.table(value, f"{place}: edge {i}"), vertices)
        if edge is None:
            reader.repairs.append(f"{place}: edge {i} has no length and was dropped")
            ends = value["endpoints"]
            remap[remap == remap[ends[1]]] = remap[ends[0]]
        else:
            edges.append(edge)
            sources.append(i)
    edges = [type(e)(**{**e.__dict__, "start": int(remap[e.start]), "end": int(remap[e.end])}) for e in edges]
    edges, sources = _order_loop(reader, place, edges, sources, vertices)
    placement = _read_placement(reader, place, spec)
    panel = Panel(name=name, vertices=vertices, edges=tuple(edges), placement=placement)
    back = [-1] * len(edges_spec)
    for new, old in enumerate(sources):
        back[old] = new
    for i, edge in enumerate(panel.edges):
        if edge_length(panel, i) < MIN_EDGE:
            reader.fail("zero_edge", f"{place}: edge {sources[i]} has no length", "remove it or move its ends apart")
        if isinstance(edge, BezierEdge):
            reach = max(np.linalg.norm(np.asarray(c) - vertices[edge.start]) for c in edge.controls)
            chord = np.linalg.norm(vertices[edge.end] - vertices[edge.start])
            if reach > 20 * chord + 0.05:
                reader.fail("curvature", f"{place}: edge {sources[i]}: a control point lies far off the edge",
                            "check the edge's 'curvature'")
    if loop_area(outline(panel)) < 0:
        panel = _mirror(panel)
    label = spec.get("label")
    region = label if isinstance(label, str) else ""
    place_ = Placement(panel.placement.rotation, panel.placement.translation, 0.0, region)
    return Panel(**{**panel.__dict__, "placement": place_}), back


def _read_placement(reader: _Reader, place: str, spec: dict[str, Any]) -> Placement:
    shift = reader.numbers(spec.get("translation", [0, 0, 0]), 3, f"{place}: 'translation'")
    translation = np.array(shift) * reader.unit
    degrees = reader.numbers(spec.get("rotation", [0, 0, 0]), 3, f"{place}: 'rotation'")
    if np.abs(translation).max() > MAX_PLACE:
        reader.fail("place", f"{place}: is placed {np.abs(translation).max():.3g} m from the origin",
                    "check 'translation' and the units")
    if sum(abs((d + 180) % 360 - 180) > 1e-6 for d in degrees) > 1:
        reader.repairs.append(f"{place}: turns about more than one axis; taken as Rz Ry Rx")
    return Placement(_rotation(degrees), translation)


def _read_edge(reader: _Reader, place: str, spec: dict[str, Any], vertices: np.ndarray) -> Edge | None:
    ends = reader.listing(spec.get("endpoints"), f"{place}: 'endpoints'")
    if len(ends) != 2 or not all(isinstance(e, int) and not isinstance(e, bool) for e in ends):
        reader.fail("endpoints", f"{place}: 'endpoints' must be two vertex numbers", "mend it")
    for e in ends:
        if not 0 <= e < len(vertices):
            reader.fail("endpoints", f"{place}: refers to vertex {e}, but the panel has {len(vertices)} vertices",
                        f"use 0 to {len(vertices) - 1}")
    start, end = ends
    label = spec.get("label")
    label = label if isinstance(label, str) else ""
    s, e = vertices[start], vertices[end]
    chord = float(np.linalg.norm(e - s))
    curve = spec.get("curvature")
    if chord < MERGE and curve in (None, [], {}):
        return None
    if start == end or chord < MERGE:
        reader.fail("zero_edge", f"{place}: is a curve from a point to itself", "split it into two curves")
    if curve is None:
        return LineEdge(start, end, label)
    if isinstance(curve, list):
        curve = {"type": "quadratic", "params": [curve]}
    curve = reader.table(curve, f"{place}: 'curvature'")
    kind = curve.get("type")
    params = reader.listing(curve.get("params"), f"{place}: 'curvature.params'")
    if kind == "circle":
        return _read_arc(reader, place, params, start, end, chord, label)
    wanted = {"quadratic": 1, "cubic": 2}.get(kind)
    if wanted is None:
        reader.fail("curvature", f"{place}: curve type {str(kind)[:40]!r}", "use quadratic, cubic or circle")
    if len(params) != wanted:
        reader.fail("curvature", f"{place}: a {kind} curve takes {wanted} control points, not {len(params)}", "mend it")
    controls = []
    for c in params:
        u, v = reader.numbers(c, 2, f"{place}: control point")
        d = e - s
        point = np.array([u, v]) * reader.unit if reader.absolute_curves else s + u * d + v * np.array([-d[1], d[0]])
        if np.abs(point).max() > 4 * MAX_EXTENT:
            reader.fail("curvature", f"{place}: a control point lies {np.abs(point).max():.3g} m away",
                        "check the edge's 'curvature'")
        controls.append((float(point[0]), float(point[1])))
    return BezierEdge(start, end, tuple(controls), label)


def _read_arc(reader: _Reader, place: str, params: list[Any], start: int, end: int, chord: float, label: str) -> Edge:
    radius, large, right = reader.numbers(params, 3, f"{place}: circle parameters")
    radius *= reader.unit
    if radius <= 0 or radius < chord / 2 * (1 - 0.02):
        reader.fail("curvature", f"{place}: a circle of radius {radius * 100:.4g} cm cannot join ends "
                    f"{chord * 100:.4g} cm apart", "give a radius of at least half that distance")
    if radius < chord / 2 - 1e-9:
        reader.repairs.append(f"{place}: its radius was widened to {chord * 50:.4g} cm so that it reaches both ends")
        radius = chord / 2
    if large not in (0, 1) or right not in (0, 1):
        reader.fail("curvature", f"{place}: circle flags must be 0 or 1", "mend its 'curvature'")
    if radius > 1000 * chord:
        return LineEdge(start, end, label)
    return ArcEdge(start, end, radius, bool(large), bool(right), label)


def _order_loop(
    reader: _Reader, place: str, edges: list[Edge], sources: list[int], vertices: np.ndarray
) -> tuple[list[Edge], list[int]]:
    """Puts the edges head to tail; end points within ``MERGE`` of each other are one point."""
    if len(edges) < 2:
        reader.fail("open_loop", f"{place}: has {len(edges)} usable edges, which enclose nothing", "draw a closed loop")
    gap = np.linalg.norm(vertices[:, None] - vertices[None], axis=2)
    same = np.argmax(gap < MERGE, axis=1)
    if (same != np.arange(len(vertices))).any():
        edges = [type(e)(**{**e.__dict__, "start": int(same[e.start]), "end": int(same[e.end])}) for e in edges]
        reader.repairs.append(f"{place}: vertices drawn twice were joined")
    order, left = [0], list(range(1, len(edges)))
    while left:
        tail = edges[order[-1]].end
        following = left[0] if edges[left[0]].start == tail else next((k for k in left if edges[k].start == tail), None)
        if following is None:
            reader.fail("open_loop", f"{place}: the outline is open after edge {sources[order[-1]]} "
                        f"(no edge starts at vertex {tail})", "close the loop")
        left.remove(following)
        order.append(following)
    if edges[order[-1]].end != edges[0].start:
        reader.fail("open_loop", f"{place}: the outline is open after edge {sources[order[-1]]}, before {sources[0]}",
                    "close the loop")
    starts = [edges[k].start for k in order]
    if len(set(starts)) != len(starts):
        twice = next(v for v in starts if starts.count(v) > 1)
        reader.fail("self_crossing", f"{place}: the outline passes vertex {twice} twice", "split the panel there")
    if order != list(range(len(edges))):
        reader.repairs.append(f"{place}: its edges were not listed head to tail and were put in order")
    return [edges[k] for k in order], [sources[k] for k in order]


def _mirror(panel: Panel) -> Panel:
    """The panel seen from its other side: x flipped in the plane, and the placement so that it stays where it was."""
    edges: list[Edge] = []
    for e in panel.edges:
        if isinstance(e, BezierEdge):
            edges.append(BezierEdge(e.start, e.end, tuple((-x, y) for x, y in e.controls), e.label))
        elif isinstance(e, ArcEdge):
            edges.append(ArcEdge(e.start, e.end, e.radius, e.large, not e.ccw, e.label))
        else:
            edges.append(e)
    old = panel.placement
    flip = Placement(old.rotation @ np.diag([-1.0, 1.0, -1.0]), old.translation, old.bend_radius, old.region)
    vertices = panel.vertices * [-1.0, 1.0]
    return Panel(**{**panel.__dict__, "vertices": vertices, "edges": tuple(edges), "placement": flip})


def _check_size(reader: _Reader, panels: dict[str, Panel]) -> None:
    largest = max(float(np.ptp(outline(p), axis=0).max()) for p in panels.values())
    if largest > MAX_EXTENT or largest < 0.06:
        reader.fail("units", f"its largest panel is {largest * 100:.4g} cm, which is no garment",
                    "check 'properties.units_in_meter' (100 for centimetres)")


def _read_stitch(
    reader: _Reader, number: int, spec: Any, panels: dict[str, Panel], edge_maps: dict[str, list[int]]
) -> Seam | None:
    place = f"stitch {number}"
    sides = reader.listing(spec, place)
    if len(sides) not in (2, 3):
        reader.fail("stitch", f"{place}: has {len(sides)} parts", "give two sides, and 'right_wrong' if wanted")
    same_direction = False
    if len(sides) == 3:
        if sides[2] not in ("right_wrong", ""):
            reader.fail("stitch", f"{place}: unknown mark {str(sides[2])[:40]!r}", "use 'right_wrong' or leave it out")
        same_direction = sides[2] == "right_wrong"
    refs = []
    for side in sides[:2]:
        side = reader.table(side, place)
        name, edge = side.get("panel"), side.get("edge")
        if name not in panels:
            reader.fail("stitch_panel", f"{place}: there is no panel {str(name)[:60]!r}", "check the panel's name")
        if isinstance(edge, bool) or not isinstance(edge, int) or not 0 <= edge < len(edge_maps[name]):
            reader.fail("stitch_edge", f"{place}: panel '{name}' has no edge {str(edge)[:20]}",
                        f"its edges are 0 to {len(edge_maps[name]) - 1}")
        refs.append((name, edge_maps[name][edge]))
    (panel_a, a), (panel_b, b) = refs
    if a < 0 or b < 0:
        reader.repairs.append(f"{place}: was dropped with the edge without length that it sews")
        return None
    if (panel_a, a) == (panel_b, b):
        reader.fail("stitch", f"{place}: sews edge {a} of panel '{panel_a}' to itself", "name two different edges")
    second = EdgeRef(panel_b, b) if same_direction else EdgeRef(panel_b, b, 1.0, 0.0)
    adjacent = abs(a - b) in (1, len(panels[panel_a].edges) - 1)
    return Seam(EdgeRef(panel_a, a), second, kind="dart" if panel_a == panel_b and adjacent else "seam")


def _kind(panels: dict[str, Any]) -> str:
    """What the garment is, told by the names that GarmentCode gives its panels."""
    names = " ".join(panels).lower()
    torso, skirt = "torso" in names, "skirt" in names
    if "pant" in names:
        return "jumpsuit" if torso else "trousers"
    if torso and skirt:
        return "dress"
    if skirt:
        return "skirt"
    if torso:
        return "shirt" if "cuff" in names else "top"
    return ""
