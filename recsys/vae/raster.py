"""A pattern as a picture: two layers of 32 x 32 cells with twelve channels each, in the body's coordinates.

After GarmentImage (Tatsukawa et al., SIGGRAPH Asia 2025), which rasters a sewing pattern on the front and the back of
the body so that patterns of any topology have one shape of data. Its channels are inside/outside, seams and a
deformation; ours are areas and lengths per cell, anti-aliased, of what a pattern cutter draws.
"""

from __future__ import annotations

import numpy as np

from engine.core.pattern_types import EdgeRef, Pattern
from recsys.vae.outlines import FlatPanel, lay_flat

__all__ = ["CHANNELS", "CELLS", "FRAME", "FORMAT", "rasterise"]

#: Counts up whenever the same pattern gives another raster.
FORMAT = 1
CELLS = 32
#: Left, bottom and side of the square on the body's frontal plane [m]: a floor-length circle skirt and long sleeves
#: fit, and so do collars above tall shoulders. What lies outside is cut off.
FRAME = (-0.96, -0.18, 1.92)
CHANNELS = (
    "coverage",  # share of the cell under cloth, at most 1
    "overlap",  # further layers of cloth: 1 - exp(-layers beyond the first)
    "seam", "dart", "free_edge", "closure",  # lengths of seams, darts with pleats and folds, free edges, closures
    "gather",  # length of seams by how much longer one side is than the other, of elastics by how much they pull in
    "pressed",  # length of seams and folds by their pressed angle
    "grain_cos", "grain_sin",  # (1 + cos 2a) / 2 and (1 + sin 2a) / 2 of the warp's direction, times coverage
    "interlining",  # coverage by stiffened cloth, by its stiffness
    "own_fabric",  # coverage by panels of another fabric than the garment's
)  # fmt: skip
_INDEX = {name: i for i, name in enumerate(CHANNELS)}
_CELL = FRAME[2] / CELLS
_CHANNEL_OF = {"seam": "seam", "dart": "dart", "pleat": "dart", "closure": "closure", "button": "closure"}
BUTTON = 0.02  #: length that stands for a button [m]


def rasterise(pattern: Pattern) -> np.ndarray:
    """The raster of a pattern, each value in 0..1.

    Areas are exact; lengths per cell saturate as ``1 - exp(-length / cell side)``, so that close lines still count.

    Returns:
        float32, shape [2 (front, back), 12, 32, 32]; row 0 is the lowest (``FRAME``), columns run to the wearer's left.
    """
    flat = lay_flat(pattern)
    area = _cloth(flat)
    out = 1.0 - np.exp(-_lines(pattern, {f.panel.name: f for f in flat}))
    total = area[:, _INDEX["coverage"]]
    out[:, _INDEX["coverage"]] = np.minimum(total, 1.0)
    out[:, _INDEX["overlap"]] = 1.0 - np.exp(-np.maximum(total - 1.0, 0.0))
    for name in ("grain_cos", "grain_sin"):
        out[:, _INDEX[name]] = area[:, _INDEX[name]] / np.maximum(total, 1.0)
    for name in ("interlining", "own_fabric"):
        out[:, _INDEX[name]] = np.minimum(area[:, _INDEX[name]], 1.0)
    return np.clip(out, 0.0, 1.0).astype(np.float32)


def _cells(points: np.ndarray) -> np.ndarray:
    """Metres on the frontal plane to cells."""
    return (points - FRAME[:2]) / _CELL


class _Segments:
    """Straight segments collected with the plane (face and channel) on which each counts, and its weight there."""

    def __init__(self) -> None:
        self.parts: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]] = []

    def add(self, points: np.ndarray, back: bool, weights: dict[str, float]) -> None:
        """Adds the segments of a polyline [m]."""
        for name, weight in weights.items():
            if weight:
                a = _cells(points)
                plane = np.full(len(a) - 1, int(back) * len(CHANNELS) + _INDEX[name])
                self.parts.append((a[:-1], a[1:], plane, np.full(len(a) - 1, float(weight))))

    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Starts and ends in cells, shape [n, 2] each, planes and weights, shape [n] each."""
        none = np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(0, int), np.zeros(0)
        return tuple(np.concatenate([n, *(p[i] for p in self.parts)]) for i, n in enumerate(none))


def _cloth(flat: list[FlatPanel]) -> np.ndarray:
    """Areas of cloth by channel, in cells, shape [2, 12, CELLS, CELLS]."""
    segments = _Segments()
    for f in flat:
        loop = f.outline()
        x, y = loop.T
        sign = np.sign(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y))
        warp = f.axes @ [np.cos(f.panel.grainline), np.sin(f.panel.grainline)]
        angle = 2 * np.arctan2(warp[1], warp[0])
        segments.add(np.concatenate([loop, loop[:1]]), f.back, {
            "coverage": sign, "grain_cos": sign * (1 + np.cos(angle)) / 2, "grain_sin": sign * (1 + np.sin(angle)) / 2,
            "interlining": sign * (1 - 1 / max(f.panel.stiffness, 1.0)), "own_fabric": sign * bool(f.panel.fabric),
        })  # fmt: skip
    return signed_areas(*segments.arrays())


def _lines(pattern: Pattern, flat: dict[str, FlatPanel]) -> np.ndarray:
    """Lengths of seams, darts, closures, free edges and what is known of each, in cells, [2, 12, CELLS, CELLS]."""
    segments = _Segments()
    sewn: dict[tuple[str, int], list[tuple[float, float]]] = {}
    for seam in (s for s in pattern.seams if s.kind in _CHANNEL_OF):
        refs = (seam.a, seam.b)
        spans = [flat[ref.panel].span(ref) for ref in refs]
        if seam.kind == "button":
            spans = [p.mean(0) + [[-BUTTON / 2, 0.0], [BUTTON / 2, 0.0]] for p in spans]
        weights = {
            _CHANNEL_OF[seam.kind]: 1.0, "gather": min(abs(np.log(_length(spans[0]) / _length(spans[1]))), 2.0),
            "pressed": min(abs(seam.angle) / np.pi, 1.0),
        }  # fmt: skip
        for ref, points in zip(refs, spans, strict=True):
            segments.add(points, flat[ref.panel].back, weights)
            sewn.setdefault((ref.panel, ref.edge), []).append((min(ref.start, ref.end), max(ref.start, ref.end)))
    for tape in pattern.tapes:
        panel = flat[tape.along.panel]
        segments.add(panel.span(tape.along), panel.back, {"gather": abs(np.log(tape.ratio))})
    for name, panel in flat.items():
        count = len(panel.panel.edges)
        for line, points in zip(panel.panel.lines, panel.edges[count:], strict=True):
            segments.add(points, panel.back, {"dart": 1.0, "pressed": min(abs(line.angle) / np.pi, 1.0)})
        for edge in range(count):
            for start, end in _left_free(sewn.get((name, edge), [])):
                segments.add(panel.span(EdgeRef(name, edge, start, end)), panel.back, {"free_edge": 1.0})
    return segment_lengths(*segments.arrays())


def _length(points: np.ndarray) -> float:
    return max(float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum()), 1e-4)


def _left_free(sewn: list[tuple[float, float]]) -> list[tuple[float, float]]:
    """The parts of 0..1 that the spans leave."""
    free, at = [], 0.0
    for start, end in sorted(sewn):
        if start - at > 1e-3:
            free.append((at, start))
        at = max(at, end)
    return [*free, (at, 1.0)] if 1.0 - at > 1e-3 else free


def _pieces(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Segments cut at all grid lines: ends of the pieces, shape [piece, 2] each, and the segment of each, [piece]."""
    d = b - a
    low, high = np.minimum(a, b), np.maximum(a, b)
    first = np.clip(np.floor(low) + 1, 0, CELLS).astype(int)
    count = np.where(d == 0, 0, np.maximum(np.clip(np.ceil(high) - 1, 0, CELLS).astype(int) - first + 1, 0))
    number, t = [np.arange(len(a))] * 2, [np.zeros(len(a)), np.ones(len(a))]
    for axis in range(2):
        n = count[:, axis]
        which = np.repeat(np.arange(len(a)), n)
        line = first[which, axis] + np.arange(n.sum()) - np.repeat(np.cumsum(n) - n, n)
        number.append(which)
        t.append((line - a[which, axis]) / d[which, axis])
    which, share = np.concatenate(number), np.clip(np.concatenate(t), 0.0, 1.0)
    order = np.lexsort((share, which))
    which, points = which[order], (a[which] + share[:, None] * d[which])[order]
    same = which[:-1] == which[1:]
    return points[:-1][same], points[1:][same], which[:-1][same]


def _sum(plane: np.ndarray, row: np.ndarray, col: np.ndarray, value: np.ndarray) -> np.ndarray:
    """Values added up by plane and cell, shape [2, 12, CELLS, CELLS]."""
    shape = (2, len(CHANNELS), CELLS, CELLS)
    index = (plane * CELLS + row) * CELLS + col
    return np.bincount(index, weights=value, minlength=int(np.prod(shape))).reshape(shape)


def signed_areas(a: np.ndarray, b: np.ndarray, plane: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Area of closed loops in each cell times their weight, exact (the accumulation of scan-line font rasterisers).

    Args:
        a, b: Sides of the loops in cells, shape [n, 2]; counter-clockwise loops count positively.
        plane: Face and channel of each side, shape [n].
        weight: Shape [n].
    """
    low, high, which = _pieces(a, b)
    rise = (np.clip(high[:, 1], 0, CELLS) - np.clip(low[:, 1], 0, CELLS)) * weight[which]
    middle = (low + high) / 2
    row = np.clip(middle[:, 1].astype(int), 0, CELLS - 1)
    x = np.clip(middle[:, 0], 0, CELLS)
    col = np.minimum(x.astype(int), CELLS - 1)
    # cloth lies on the left of a rising side: in its cell up to x, and in all cells before it
    own = _sum(plane[which], row, col, rise * (x - col))
    whole = _sum(plane[which], row, col, rise)
    before = np.cumsum(whole[..., ::-1], axis=-1)[..., ::-1] - whole
    return own + before


def segment_lengths(a: np.ndarray, b: np.ndarray, plane: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Length of segments in each cell times their weight, in cells. Arguments as of ``signed_areas``."""
    low, high, which = _pieces(a, b)
    size = np.linalg.norm(high - low, axis=1) * weight[which]
    middle = (low + high) / 2
    keep = (middle > 0).all(1) & (middle < CELLS).all(1)
    row, col = middle[keep, 1].astype(int), middle[keep, 0].astype(int)
    return _sum(plane[which][keep], row, col, size[keep])
