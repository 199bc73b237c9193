"""Meshes a pattern's panels with matched seam sides, and refines the mesh one level at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from engine.core.errors import InputError
from engine.core.mesh import subdivide
from engine.core.pattern_types import Pattern
from engine.core.types import Garment
from garments.lines import TOUCH
from garments.meshing_cdt import min_angles, triangulate
from garments.meshing_chords import coincident_chords, split_edges
from garments.panels import EdgeCurve, edge_count, edge_curve, outline
from garments.seams import split_spans

__all__ = ["PatternMesh", "garment_stats", "mesh_pattern", "refine_mesh"]

MAX_VERTICES = 400_000


@dataclass(frozen=True)
class PatternMesh:
    """All panels of a pattern, meshed flat."""

    uv: np.ndarray  #: [m], shape [N, 2]
    faces: np.ndarray  #: counter-clockwise, shape [T, 3]
    panel_id: np.ndarray  #: shape [T]
    vertex_panel: np.ndarray  #: shape [N]
    rim: np.ndarray  #: sides of the outlines as vertex pairs, in loop order, shape [R, 2]
    rim_edge: np.ndarray  #: (panel, edge) of each side, shape [R, 2]
    rim_fraction: np.ndarray  #: fractions of the edge at both ends of each side, shape [R, 2]
    chains: tuple[np.ndarray, ...]  #: per seam the vertex pairs along it from its start to its end, shape [k, 2] each
    line: np.ndarray  #: sides of the lines inside panels as vertex pairs, line by line, shape [L, 2]
    line_edge: np.ndarray  #: (panel, edge) of each side, shape [L, 2]; edges are counted as by EdgeRef
    line_fraction: np.ndarray  #: fractions of the line at both ends of each side, shape [L, 2]

    def seam_pairs(self) -> tuple[np.ndarray, np.ndarray]:
        """Pairs to be joined, shape [S, 2], and the seam of each, shape [S]."""
        pairs = np.concatenate([np.zeros((0, 2), np.int32), *self.chains]).astype(np.int32)
        ids = np.repeat(np.arange(len(self.chains), dtype=np.int32), [len(c) for c in self.chains])
        keep = pairs[:, 0] != pairs[:, 1]  # a dart's tip is one vertex
        return pairs[keep], ids[keep]


def _inner_width(polygon: np.ndarray, points: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Distance from points on the outline along inward normals to the outline's other side [m], shape [n].

    Hits within 1.5 mm are the polygon's own chord beside the curved edge.
    """
    a, b = polygon, np.roll(polygon, -1, axis=0)
    d = b - a
    det = normals[:, None, 0] * d[None, :, 1] - normals[:, None, 1] * d[None, :, 0]
    w = a[None] - points[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        t = (w[..., 0] * d[None, :, 1] - w[..., 1] * d[None, :, 0]) / det
        s = (w[..., 0] * normals[:, None, 1] - w[..., 1] * normals[:, None, 0]) / det
    t = np.where((np.abs(det) > 1e-14) & (s >= -1e-9) & (s <= 1 + 1e-9) & (t > 1.5e-3), t, np.inf)
    return t.min(1)


def _counts(
    pattern: Pattern, curves: list[list[EdgeCurve]], spans: list, groups: np.ndarray, edge_length: float
) -> np.ndarray:
    """Number of sides that each span is divided into, shape [spans]; equal within a group."""
    wanted = np.ones(len(spans), int)
    polygons = [outline(p, 0.008) for p in pattern.panels]
    for k, span in enumerate(spans):
        curve = curves[span.panel][span.edge]
        length = curve.length * (span.end - span.start)
        if span.edge >= len(pattern.panels[span.panel].edges):
            wanted[k] = max(1, int(np.round(length / edge_length)))
            continue
        f = span.start + (span.end - span.start) * np.linspace(0.25, 0.75, 5)
        tangent = curve.points(np.minimum(f + 1e-3, 1)) - curve.points(np.maximum(f - 1e-3, 0))
        tangent /= np.maximum(np.linalg.norm(tangent, axis=1, keepdims=True), 1e-12)
        width = np.median(
            _inner_width(polygons[span.panel], curve.points(f), np.stack([-tangent[:, 1], tangent[:, 0]], 1))
        )
        size = np.clip(1.25 * width, 0.3 * edge_length, edge_length)
        wanted[k] = max(1, int(np.round(length / size)))
    for group in np.unique(groups):
        wanted[groups == group] = wanted[groups == group].max()
    return wanted


def _spread_tight_loops(spans: list, groups: np.ndarray, counts: np.ndarray, pattern: Pattern) -> None:
    """Panels with fewer than four sides of samples get more, so that they enclose area."""
    for p, panel in enumerate(pattern.panels):
        mine = [k for k, s in enumerate(spans) if s.panel == p and s.edge < len(panel.edges)]
        while sum(counts[k] for k in mine) < 4:
            counts[groups == groups[mine[0]]] += 1


def mesh_pattern(pattern: Pattern, edge_length: float) -> PatternMesh:
    """Meshes every panel at about ``edge_length`` [m], with edges along its lines and equally many samples on both
    sides of every seam.

    Raises:
        InputError: a panel cannot be meshed, or the edge length gives too many vertices.
    """
    area = sum(float(np.ptp(outline(p), axis=0).prod()) for p in pattern.panels)
    if not 1e-4 < edge_length < 0.2 or area / edge_length**2 * 1.16 > MAX_VERTICES:
        raise InputError("mesh.edge_length", f"an edge length of {edge_length * 1000:g} mm", "choose 3 to 50 mm")
    curves = [[edge_curve(p, i) for i in range(edge_count(p))] for p in pattern.panels]
    spans, joined, groups = split_spans(pattern)
    counts = _counts(pattern, curves, spans, groups, edge_length)
    _spread_tight_loops(spans, groups, counts, pattern)
    uv, faces, panel_id, vertex_panel = [], [], [], []
    sides = _Sides(), _Sides()  # of the outlines, of the lines
    span_vertices: list[np.ndarray] = [np.zeros(0, int)] * len(spans)
    offset = 0
    for p, panel in enumerate(pattern.panels):
        mine = [k for k, s in enumerate(spans) if s.panel == p]
        fractions = {k: np.linspace(spans[k].start, spans[k].end, counts[k] + 1) for k in mine}
        around = [k for k in mine if spans[k].edge < len(panel.edges)]
        boundary = np.concatenate([curves[p][spans[k].edge].points(fractions[k][:-1]) for k in around])
        count, first = len(boundary), 0
        for k in around:
            span_vertices[k] = (first + np.arange(counts[k] + 1)) % count
            first += counts[k]
        inner = _number_lines(boundary, curves[p], {k: spans[k].edge for k in mine[len(around):]}, fractions,
                              span_vertices)
        inside = [np.stack([span_vertices[k][:-1], span_vertices[k][1:]], 1) for k in mine[len(around):]]
        try:
            points, triangles = triangulate(boundary, edge_length, inner, np.concatenate(inside) if inside else None)
        except (IndexError, KeyError, ValueError):
            raise InputError(
                "mesh.panel", f"panel '{panel.name}' cannot be meshed at {edge_length * 1000:.0f} mm",
                "choose a shorter edge length or simplify its outline and lines",
            ) from None
        for k in mine:
            span_vertices[k] = span_vertices[k] + offset
            sides[spans[k].edge >= len(panel.edges)].add(span_vertices[k], (p, spans[k].edge), fractions[k])
        uv.append(points)
        faces.append(triangles + offset)
        panel_id.append(np.full(len(triangles), p))
        vertex_panel.append(np.full(len(points), p))
        offset += len(points)
    chains = []
    for parts in joined:
        chain = [np.zeros((0, 2), int)]
        if pattern.seams[len(chains)].kind == "button":
            chain.append(_button(pattern, spans, span_vertices, len(chains)))
        for number, (a, b) in enumerate(parts):
            seam = pattern.seams[len(chains)]
            va = span_vertices[a] if seam.a.end > seam.a.start else span_vertices[a][::-1]
            vb = span_vertices[b] if seam.b.end > seam.b.start else span_vertices[b][::-1]
            chain.append(np.stack([va, vb], 1)[1 if number else 0 :])
        chains.append(np.concatenate(chain).astype(np.int32))
    return _parted(
        PatternMesh(
            np.concatenate(uv), np.concatenate(faces).astype(np.int32), np.concatenate(panel_id).astype(np.int32),
            np.concatenate(vertex_panel).astype(np.int32), *sides[0].arrays(), tuple(chains), *sides[1].arrays(),
        )
    )


def _parted(mesh: PatternMesh) -> PatternMesh:
    """The mesh with a vertex in every edge that sewing would lay exactly onto another."""
    fixed = np.concatenate([mesh.rim, mesh.line])
    chords = coincident_chords(mesh.faces, len(mesh.uv), mesh.chains, fixed)
    if not len(chords):
        return mesh
    uv, faces, panel_id = split_edges(mesh.uv, mesh.faces, mesh.panel_id, chords)
    vertex_panel = np.concatenate([mesh.vertex_panel, mesh.vertex_panel[chords[:, 0]]])
    return replace(mesh, uv=uv, faces=faces, panel_id=panel_id, vertex_panel=vertex_panel)


class _Sides:
    """Sides of outlines or lines, collected span by span."""

    def __init__(self) -> None:
        self.parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []

    def add(self, vertices: np.ndarray, edge: tuple[int, int], fractions: np.ndarray) -> None:
        """Appends the sides between consecutive vertices of a span."""
        pairs = np.stack([vertices[:-1], vertices[1:]], 1)
        ends = np.stack([fractions[:-1], fractions[1:]], 1)
        self.parts.append((pairs.astype(np.int32), np.tile(edge, (len(pairs), 1)), ends))

    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Vertex pairs, (panel, edge) and fractions, shape [R, 2] each."""
        none = np.zeros((0, 2), np.int32), np.zeros((0, 2), int), np.zeros((0, 2))
        return tuple(np.concatenate([none[i], *(p[i] for p in self.parts)]).astype(none[i].dtype) for i in range(3))


def _number_lines(
    boundary: np.ndarray, curves: list[EdgeCurve], edge_of: dict[int, int], fractions: dict[int, np.ndarray],
    span_vertices: list[np.ndarray],
) -> np.ndarray:
    """Numbers the vertices of a panel's lines in ``span_vertices``; those on the outline are the outline's.

    Args:
        edge_of: The spans of lines and the line (counted as by EdgeRef) of each.

    Returns:
        The new vertices [m], shape [I, 2]; their numbers go on from the boundary's.
    """
    known = [*boundary]
    for k, edge in edge_of.items():
        numbers = []
        for q in curves[edge].points(fractions[k]):
            near = np.linalg.norm(np.array(known) - q, axis=1)
            n = int(near.argmin())
            if near[n] > 1.5 * TOUCH:
                n = len(known)
                known.append(q)
            numbers.append(n)
        span_vertices[k] = np.array(numbers)
    return np.array(known[len(boundary):]).reshape(-1, 2)


def _button(pattern: Pattern, spans: list, span_vertices: list[np.ndarray], index: int) -> np.ndarray:
    """The pair of vertices that a button joins, shape [1, 2]."""
    seam, names = pattern.seams[index], [p.name for p in pattern.panels]
    pair = []
    for ref in (seam.a, seam.b):
        p = names.index(ref.panel)
        ends = [(abs(f - ref.start), span_vertices[k][i]) for k, s in enumerate(spans)
                if (s.panel, s.edge) == (p, ref.edge) for f, i in ((s.start, 0), (s.end, -1))]
        pair.append(min(ends)[1])
    return np.array([pair])


def _signed_areas(uv: np.ndarray, faces: np.ndarray) -> np.ndarray:
    p = uv[faces]
    u, v = p[:, 1] - p[:, 0], p[:, 2] - p[:, 0]
    return 0.5 * (u[:, 0] * v[:, 1] - u[:, 1] * v[:, 0])


def refine_mesh(mesh: PatternMesh, pattern: Pattern) -> tuple[PatternMesh, np.ndarray]:
    """Splits every triangle into four; new points of the outlines go onto the true curves.

    Returns:
        The finer mesh and, for each new vertex, the two vertices between which it lies, shape [E, 2].
    """
    count = len(mesh.uv)
    faces, edges = subdivide(mesh.faces, count)
    lookup = {(int(a), int(b)): count + k for k, (a, b) in enumerate(edges)}

    def middle(a: int, b: int) -> int:
        return lookup[(a, b) if a < b else (b, a)]

    uv = np.concatenate([mesh.uv, 0.5 * (mesh.uv[edges[:, 0]] + mesh.uv[edges[:, 1]])])
    mid, on_line = (np.array([middle(a, b) for a, b in pairs.tolist()], np.int32) for pairs in (mesh.rim, mesh.line))
    mid_fraction = mesh.rim_fraction.mean(1)
    snapped = uv.copy()
    for p, panel in enumerate(pattern.panels):
        for e in range(len(panel.edges)):
            here = np.flatnonzero((mesh.rim_edge[:, 0] == p) & (mesh.rim_edge[:, 1] == e))
            curve = edge_curve(panel, e)
            if curve.kind != "line" and len(here):
                snapped[mid[here]] = curve.points(mid_fraction[here])
    uv = _keep_valid(uv, snapped, faces)
    chains = []
    for chain in mesh.chains:
        finer = np.empty((2 * len(chain) - 1, 2), np.int32) if len(chain) else chain
        finer[::2] = chain
        for side in range(2):
            pairs = zip(chain[:-1, side].tolist(), chain[1:, side].tolist(), strict=True)
            finer[1::2, side] = [middle(a, b) for a, b in pairs]
        chains.append(finer)
    fine = PatternMesh(
        uv, faces, np.repeat(mesh.panel_id, 4), np.concatenate([mesh.vertex_panel, mesh.vertex_panel[edges[:, 0]]]),
        _halved(mesh.rim, mid), np.repeat(mesh.rim_edge, 2, axis=0), _halved(mesh.rim_fraction, mid_fraction),
        tuple(chains), _halved(mesh.line, on_line), np.repeat(mesh.line_edge, 2, axis=0),
        _halved(mesh.line_fraction, mesh.line_fraction.mean(1)),
    )
    return fine, edges


def _halved(ends: np.ndarray, middle: np.ndarray) -> np.ndarray:
    """Pairs (a, b) split into (a, middle) and (middle, b), shape [2 n, 2]."""
    return np.stack([ends[:, 0], middle, middle, ends[:, 1]], 1).reshape(-1, 2)


def _keep_valid(straight: np.ndarray, snapped: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Snapped points, save where a triangle would lose most of its area or turn over."""
    before = _signed_areas(straight, faces)
    result = snapped.copy()
    for _ in range(10):
        bad = _signed_areas(result, faces) < 0.3 * before
        if not bad.any():
            break
        back = np.unique(faces[bad])
        result[back] = straight[back]
    return result


def garment_stats(garment: Garment) -> dict[str, float]:
    """Counts and triangle quality of a garment's mesh, for reports and benchmarks."""
    angles = np.degrees(min_angles(garment.rest_uv, garment.faces))
    p = np.asarray(garment.rest_uv, float)[garment.faces]
    lengths = np.linalg.norm(p - np.roll(p, -1, axis=1), axis=2)
    gap = np.zeros(1)
    if len(garment.seam_pairs):
        a, b = (garment.positions[garment.seam_pairs[:, i]] for i in range(2))
        gap = np.linalg.norm(a - b, axis=1)
    levels, coarser = 1, garment.coarser
    while coarser is not None:
        levels, coarser = levels + 1, coarser.coarser
    return {
        "panels": len(garment.panel_names), "vertices": len(garment.positions), "triangles": len(garment.faces),
        "seam_pairs": len(garment.seam_pairs), "levels": levels,
        "min_angle_deg": float(angles.min()), "min_angle_p1_deg": float(np.percentile(angles, 1)),
        "min_angle_mean_deg": float(angles.mean()), "triangles_below_20_deg": int((angles < 20).sum()),
        "edge_mean_mm": float(lengths.mean() * 1000), "edge_max_mm": float(lengths.max() * 1000),
        "area_m2": float(_signed_areas(np.asarray(garment.rest_uv, float), garment.faces).sum()),
        "seam_gap_start_max_mm": float(gap.max() * 1000), "seam_gap_start_mean_mm": float(gap.mean() * 1000),
    }
