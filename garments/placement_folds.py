"""Pleats start folded: a panel with folds pressed flat is laid zigzag in its wrap, without stretch along it."""

from __future__ import annotations

import numpy as np

from engine.core.pattern_types import PanelLine

__all__ = ["folded"]

#: Rest angles from which a fold counts as pressed flat [rad].
FLAT = 2.6
#: Share of a panel's height that a fold must run over for the panel to be laid folded along it.
LEAST_RUN = 0.7
#: How far mountains lie outside valleys: at least [m], and per width of the strip that goes under [-]: enough that
#: layers keep their gap where they are farther along the cloth from the fold between them than neighbours are.
LIFT, LIFT_SHARE = 0.010, 0.35
#: Least by which rising strips are drawn short, so that mountains that meet start apart [m].
APART = 0.0012


def folded(
    s: np.ndarray, v: np.ndarray, lines: list[tuple[PanelLine, np.ndarray]]
) -> tuple[np.ndarray, np.ndarray] | None:
    """Lays a panel zigzag along its flat folds.

    Args:
        s, v: Of the panel's vertices across and along the wrap [m], shape [k].
        lines: The panel's lines, each with its points in (s, v) [m], shape [n, 2].

    Returns:
        The new s [m], and how far each vertex is lifted off the innermost layer [m], shape [k] each; None for a panel
        without such folds. Folds may slant: lengths are kept at each height.
    """
    height = float(np.ptp(v))
    flat = [(line.angle, p) for line, p in lines
            if abs(line.angle) >= FLAT and np.ptp(p[:, 1]) >= LEAST_RUN * height]
    if not flat:
        return None
    flat.sort(key=lambda f: f[1][:, 0].mean())
    at = np.array([np.interp(v, *(p[np.argsort(p[:, 1])].T[::-1])) for _, p in flat])  # where each crosses, [fold, k]
    left, right = np.full(len(v), s.min()), np.full(len(v), s.max())
    nodes = np.sort(np.concatenate([left[None], at, right[None]]), axis=0)
    # every second strip runs backwards; the visible ones are those that take most cloth
    way = np.where(np.arange(len(nodes) - 1) % 2 == 0, 1.0, -1.0)
    if (np.diff(nodes, axis=0).mean(1) * way).sum() < 0:
        way = -way
    whole = np.diff(nodes, axis=0)
    under = whole.mean(1)[way < 0]
    high = max(LIFT, LIFT_SHARE * float(under.max())) if len(under) else LIFT
    lift = np.array([0.0, *(high if angle > 0 else 0.0 for angle, _ in flat), 0.0])
    rise = np.diff(lift)[:, None]
    along = np.sqrt(np.maximum(whole**2 - rise**2, (0.5 * whole) ** 2))  # a rising strip's way
    along = np.where(rise != 0, np.minimum(along, whole - APART), along)
    place = np.concatenate([np.zeros((1, len(v))), np.cumsum(along * way[:, None], axis=0)])
    strip = np.clip((nodes[1:-1] < s).sum(0), 0, len(way) - 1)
    k = np.arange(len(v))
    t = np.clip((s - nodes[strip, k]) / np.maximum(whole[strip, k], 1e-9), 0.0, 1.0)
    new = place[strip, k] + t * along[strip, k] * way[strip]
    raised = lift[strip] + t * (lift[strip + 1] - lift[strip])
    return new - 0.5 * (place.min(0) + place.max(0)), raised
