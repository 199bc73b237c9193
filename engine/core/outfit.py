"""Outfits: several garments in one, so that the simulator drapes them together; and the way back to each.

The garments lie in order from the body outwards. Their vertices, triangles, panels and seams keep their order within a
level of detail; no seam joins two garments.
"""

from __future__ import annotations

import itertools
from dataclasses import replace

import numpy as np

from engine.core.errors import InputError
from engine.core.mesh import face_normals_areas, unique_edges
from engine.core.types import Drape, Fabric, Garment, OutfitPart

__all__ = ["levels_of", "main_fabric", "put_over", "split"]


def levels_of(garment: Garment) -> list[Garment]:
    """The garment's levels of detail from the coarsest to itself."""
    levels = [garment]
    while levels[0].coarser is not None:
        levels.insert(0, levels[0].coarser)
    return levels


def put_over(inner: Garment, outer: Garment) -> Garment:
    """An outfit of a garment (or outfit) and a garment over it, on all their levels of detail.

    Raises:
        InputError: the two have different numbers of levels.
    """
    below, above = levels_of(inner), levels_of(outer)
    if len(below) != len(above):
        raise InputError("outfit.levels", f"{inner.name} and {outer.name} are meshed on different numbers of levels",
                         "place both with the same quality")  # fmt: skip
    name = _own_name(outer.name, [p.name for p in _parts(inner)])
    whole = places = None
    for a, b in zip(below, above, strict=True):
        places = _places(a, b, places)
        whole = replace(_joined(a, replace(b, name=name), *places), coarser=whole)
    return whole


def split(garment: Garment, drape: Drape) -> list[tuple[Garment, Drape]]:
    """Every garment of an outfit with its share of the drape, from the body outwards; a single garment as it is.

    The garments have the outfit's finest level only.
    """
    if not garment.parts:
        return [(garment, drape)]
    result, first = [], 0
    for part in garment.parts:
        result.append(_part(garment, drape, part, first))
        first += part.panels
    return result


def main_fabric(garment: Garment) -> Fabric:
    """The fabric that most of a garment's area is made of."""
    flat = np.column_stack([garment.rest_uv, np.zeros(len(garment.rest_uv))])
    area = face_normals_areas(flat, garment.faces)[1].astype(np.float64)
    by_panel = np.bincount(garment.panel_id, area, minlength=len(garment.fabrics))
    names = [f.name for f in garment.fabrics]
    best = max(dict.fromkeys(names), key=lambda n: sum(a for a, own in zip(by_panel, names, strict=True) if own == n))
    return garment.fabrics[names.index(best)]


def _parts(garment: Garment) -> tuple[OutfitPart, ...]:
    own = OutfitPart(
        garment.name, garment.kind, len(garment.panel_names), garment.intended_ease, garment.warnings
    )
    return garment.parts or (own,)


def _own_name(name: str, taken: list[str]) -> str:
    """The name, numbered if another garment of the outfit has it."""
    name = name or "garment"
    numbered = (name if k == 1 else f"{name}_{k}" for k in itertools.count(1))
    return next(n for n in numbered if n not in taken)


def _places(
    inner: Garment, outer: Garment, coarser: tuple[np.ndarray, np.ndarray] | None
) -> tuple[np.ndarray, np.ndarray]:
    """Where both garments' vertices stand in the outfit: the coarser level's, then the midpoints of all its edges."""
    if coarser is None:
        return np.arange(len(inner.positions)), len(inner.positions) + np.arange(len(outer.positions))
    edges = [at[unique_edges(g.coarser.faces)[0]] for g, at in zip((inner, outer), coarser, strict=True)]
    both = np.concatenate(edges)
    place = np.empty(len(both), np.int64)
    place[np.lexsort((both[:, 1], both[:, 0]))] = len(coarser[0]) + len(coarser[1]) + np.arange(len(both))
    cut = len(edges[0])
    return np.concatenate([coarser[0], place[:cut]]), np.concatenate([coarser[1], place[cut:]])


def _joined(a: Garment, b: Garment, at_a: np.ndarray, at_b: np.ndarray) -> Garment:
    """One level of both, whose vertices stand at ``at_a`` and ``at_b``."""
    order = np.argsort(np.concatenate([at_a, at_b]))
    panels, seams = len(a.panel_names), int(a.seam_ids.max()) + 1 if len(a.seam_ids) else 0

    def vertices(one: np.ndarray, two: np.ndarray) -> np.ndarray:
        return np.concatenate([one, two])[order]

    def lists(one: np.ndarray, two: np.ndarray) -> np.ndarray:
        return np.concatenate([one, two]).astype(one.dtype)

    parts = (*_parts(a), *_parts(b))
    mine, theirs = _panel_names(a), _panel_names(b)
    return Garment(
        rest_uv=vertices(a.rest_uv, b.rest_uv), positions=vertices(a.positions, b.positions),
        vertex_panel=vertices(a.vertex_panel, b.vertex_panel + panels).astype(np.int32),
        layer=vertices(a.layer, b.layer + int(a.layer.max()) + 1).astype(np.int32),
        faces=lists(at_a[a.faces], at_b[b.faces]).astype(np.int32), panel_id=lists(a.panel_id, b.panel_id + panels),
        bend_scale=lists(a.bend_scale, b.bend_scale),
        seam_pairs=lists(at_a[a.seam_pairs], at_b[b.seam_pairs]).astype(np.int32).reshape(-1, 2),
        seam_ids=lists(a.seam_ids, b.seam_ids + seams), seam_angles=lists(a.seam_angles, b.seam_angles),
        fold_edges=lists(at_a[a.fold_edges], at_b[b.fold_edges]).astype(np.int32),
        fold_angles=lists(a.fold_angles, b.fold_angles),
        tape_edges=lists(at_a[a.tape_edges], at_b[b.tape_edges]).astype(np.int32),
        tape_rest=lists(a.tape_rest, b.tape_rest), tape_stiffness=lists(a.tape_stiffness, b.tape_stiffness),
        grain=lists(a.grain, b.grain), fabrics=(*a.fabrics, *b.fabrics), panel_names=(*mine, *theirs),
        name=" + ".join(p.name for p in parts), kind="outfit", warnings=(*_told(a), *_told(b)), parts=parts,
    )  # fmt: skip


def _panel_names(garment: Garment) -> tuple[str, ...]:
    """Names of the panels that begin with their garment's."""
    return garment.panel_names if garment.parts else tuple(f"{garment.name}.{n}" for n in garment.panel_names)


def _told(garment: Garment) -> tuple[str, ...]:
    """Warnings that name their garment."""
    return garment.warnings if garment.parts else tuple(f"{garment.name}: {w}" for w in garment.warnings)


def _part(garment: Garment, drape: Drape, part: OutfitPart, first: int) -> tuple[Garment, Drape]:
    """One garment of an outfit, whose panels begin at ``first``, and its share of the drape."""
    last = first + part.panels
    vertices = np.flatnonzero((garment.vertex_panel >= first) & (garment.vertex_panel < last))
    faces = np.flatnonzero((garment.panel_id >= first) & (garment.panel_id < last))
    number = np.full(len(garment.positions), -1, np.int32)
    number[vertices] = np.arange(len(vertices), dtype=np.int32)
    lines = (garment.seam_pairs, garment.fold_edges, garment.tape_edges)
    seams, folds, tapes = (np.flatnonzero(number[ends[:, 0]] >= 0) for ends in lines)
    own = replace(
        garment, rest_uv=garment.rest_uv[vertices], positions=garment.positions[vertices],
        faces=number[garment.faces[faces]], panel_id=garment.panel_id[faces] - first,
        bend_scale=garment.bend_scale[faces], vertex_panel=garment.vertex_panel[vertices] - first,
        layer=garment.layer[vertices], seam_pairs=number[garment.seam_pairs[seams]],
        seam_ids=garment.seam_ids[seams], seam_angles=garment.seam_angles[seams],
        fold_edges=number[garment.fold_edges[folds]], fold_angles=garment.fold_angles[folds],
        tape_edges=number[garment.tape_edges[tapes]], tape_rest=garment.tape_rest[tapes],
        tape_stiffness=garment.tape_stiffness[tapes], grain=garment.grain[first:last],
        fabrics=garment.fabrics[first:last],
        panel_names=tuple(n.removeprefix(f"{part.name}.") for n in garment.panel_names[first:last]), name=part.name,
        kind=part.kind, intended_ease=part.intended_ease, warnings=part.warnings, parts=(), coarser=None,
    )  # fmt: skip
    strain = drape.strain[faces]
    return own, replace(
        drape, positions=drape.positions[..., vertices, :], strain=strain, pressure=drape.pressure[vertices],
        stress=drape.stress[faces] if len(drape.stress) else drape.stress,
        seam_load=drape.seam_load[seams] if len(drape.seam_load) else drape.seam_load,
        metrics={**drape.metrics, "strain_max": float(strain[:, :2].max())},
        warnings=tuple(w for w in drape.warnings if f"{part.name}." in w),
    )  # fmt: skip
