"""Folds and tapes of a pattern on its mesh: which mesh edges they run along, and what they ask of them."""

from __future__ import annotations

import numpy as np

from engine.core.pattern_types import Pattern
from garments.meshing import PatternMesh

__all__ = ["fold_edges", "tape_edges"]

_EPS = 1e-3  #: of an edge's length, within which a side of the mesh belongs to a span


def fold_edges(pattern: Pattern, mesh: PatternMesh) -> tuple[np.ndarray, np.ndarray]:
    """Mesh edges along pressed lines, shape [K, 2], and their rest angles [rad], shape [K]."""
    pressed = {
        (p, len(panel.edges) + k): line.angle
        for p, panel in enumerate(pattern.panels) for k, line in enumerate(panel.lines) if line.angle
    }
    angle = np.array([pressed.get((int(p), int(e)), 0.0) for p, e in mesh.line_edge], np.float32)
    mine = angle != 0
    return mesh.line[mine].astype(np.int32), angle[mine]


def tape_edges(pattern: Pattern, mesh: PatternMesh) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Mesh edges along tapes, shape [L, 2], relaxed length [m] and stiffness [N] of the tape on each, shape [L]."""
    sides = np.concatenate([mesh.rim, mesh.line])
    edge = np.concatenate([mesh.rim_edge, mesh.line_edge])
    fraction = np.concatenate([mesh.rim_fraction, mesh.line_fraction])
    names = [p.name for p in pattern.panels]
    found, rest, stiff = [np.zeros((0, 2), np.int32)], [np.zeros(0)], [np.zeros(0)]
    for tape in pattern.tapes:
        ref = tape.along
        low, high = min(ref.start, ref.end) - _EPS, max(ref.start, ref.end) + _EPS
        mine = (edge == [names.index(ref.panel), ref.edge]).all(1) & ((fraction >= low) & (fraction <= high)).all(1)
        a, b = mesh.uv[sides[mine, 0]], mesh.uv[sides[mine, 1]]
        found.append(sides[mine])
        rest.append(tape.ratio * np.linalg.norm(a - b, axis=1))
        stiff.append(np.full(int(mine.sum()), tape.stiffness))
    return np.concatenate(found).astype(np.int32), *(np.concatenate(v).astype(np.float32) for v in (rest, stiff))
