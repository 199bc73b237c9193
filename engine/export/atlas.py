"""Packs the panels of a garment into one square texture, all at the same scale and with the warp upright."""

from __future__ import annotations

import numpy as np

__all__ = ["grain_plane", "pack_panels"]

GAP = 0.012  #: free space around each panel [m]


def grain_plane(rest_uv: np.ndarray, vertex_panel: np.ndarray, grain: np.ndarray) -> np.ndarray:
    """Rest coordinates turned so that every panel's warp runs along +y [m], shape [N, 2].

    Args:
        rest_uv: [m], shape [N, 2].
        vertex_panel: panel of each vertex, shape [N].
        grain: warp direction of each panel from +x [rad], shape [panels].
    """
    turn = (np.pi / 2 - np.asarray(grain, np.float64))[vertex_panel]
    c, s = np.cos(turn), np.sin(turn)
    x, y = rest_uv[:, 0], rest_uv[:, 1]
    return np.stack([c * x - s * y, s * x + c * y], axis=1).astype(np.float32)


def pack_panels(plane: np.ndarray, vertex_panel: np.ndarray) -> np.ndarray:
    """Texture coordinates 0..1 (v down, as in glTF) at one scale for all panels, shape [N, 2].

    Panels stand in rows, the tallest first; of several widths the one that fills the square best is taken.
    """
    panels = np.unique(vertex_panel)
    low = np.array([plane[vertex_panel == p].min(0) for p in panels], np.float64)
    size = np.array([plane[vertex_panel == p].max(0) for p in panels], np.float64) - low + GAP
    order = np.argsort(-size[:, 1], kind="stable")
    best: tuple[float, np.ndarray] | None = None
    widest, whole = size[:, 0].max(), size[:, 0].sum()
    for width in np.linspace(widest, max(whole, widest), 24):
        corners, height = _rows(size, order, width)
        side = max(width, height)
        if best is None or side < best[0]:
            best = (side, corners)
    side, corners = best
    index = np.searchsorted(panels, vertex_panel)
    placed = (plane - low[index] + corners[index] + GAP / 2) / side
    return np.stack([placed[:, 0], 1 - placed[:, 1]], axis=1).clip(0, 1).astype(np.float32)


def _rows(size: np.ndarray, order: np.ndarray, width: float) -> tuple[np.ndarray, float]:
    corners = np.zeros_like(size)
    x = y = row = 0.0
    for i in order:
        if x and x + size[i, 0] > width + 1e-9:
            x, y, row = 0.0, y + row, 0.0
        corners[i] = x, y
        x, row = x + size[i, 0], max(row, size[i, 1])
    return corners, y + row
