"""Puts a pattern's meshed panels around a body, free of intersections, each panel rolled without stretch.

Panels are grouped by the part of the body that they cover. Each group is rolled along a convex curve around that part:
torso and skirt around the trunk, sleeves around the arms, trouser panels around the legs, collars around the neck. The
tightest of a ladder of arrangements, from closed to flat, that the exact tests find free of intersections is taken.
Garments that are worn already count as part of the body that is gone around, and as an obstacle in the tests.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial import cKDTree

from engine.core.errors import InputError, PlacementError
from engine.core.outfit import levels_of
from engine.core.pattern_types import Pattern
from engine.core.types import Body, Fabric, Garment
from garments.meshing import PatternMesh, mesh_pattern, refine_mesh
from garments.placement_check import BodyProbe, ClothProbe, self_crossings
from garments.placement_groups import build_groups
from garments.placement_layout import Group
from garments.seams import check_pattern
from garments.short_seams import without_short_seams
from garments.trims import fold_edges, tape_edges

__all__ = ["place"]

#: Mesh size of the coarsest level [m].
COARSEST = 0.02
#: Seams shorter than this share of the coarsest level's edges are closed up.
SHORT_SEAM = 0.2
#: Gaps that a placement keeps at least: cloth to body, cloth to cloth [m].
BODY_GAP, CLOTH_GAP = 0.003, 0.0015


@dataclass
class _Scene:
    """What has been placed so far."""

    probe: BodyProbe
    worn: ClothProbe | None
    mesh: PatternMesh
    positions: np.ndarray
    placed: np.ndarray  #: whether a triangle is placed, shape [T]


def place(
    pattern: Pattern, body: Body, fabric: Fabric, *, fabrics: Mapping[str, Fabric] | None = None,
    edge_length: float = 0.01, levels: int | None = None, clearance: float = 0.008, worn: Garment | None = None,
    progress: Callable[[float, str], None] | None = None,
) -> Garment:
    """Meshes a pattern and puts its panels around a body.

    Args:
        fabric: The garment's fabric.
        fabrics: Fabrics of panels that name another one, by that name.
        edge_length: Mesh size of the finest level [m].
        levels: Number of levels, each half the size of the one before; by default the coarsest has about 20 mm.
        clearance: Wanted distance between cloth and body [m].
        worn: What the body wears already, around which the panels are put.

    Returns:
        The finest level; ``coarser`` leads to the others.

    Raises:
        PlacementError: some panels cannot be put free of intersections; names the garment and them.
        InputError: the pattern cannot be meshed, or names an unknown fabric.
    """
    report = progress or (lambda fraction, text: None)
    warnings = list(check_pattern(pattern))
    levels = levels or max(1, 1 + int(round(np.log2(COARSEST / edge_length))))
    panel_fabrics = _panel_fabrics(pattern, fabric, fabrics or {})
    report(0.0, "meshing panels")
    coarsest = edge_length * 2 ** (levels - 1)
    pattern = without_short_seams(pattern, SHORT_SEAM * coarsest)
    mesh = mesh_pattern(pattern, coarsest)
    report(0.3, "placing panels")
    worn = levels_of(worn)[0] if worn is not None else None  # the finer levels are the same surface
    cloth = ClothProbe(worn) if worn is not None else None
    scene = _Scene(BodyProbe(body), cloth, mesh, np.zeros((len(mesh.uv), 3)), np.zeros(len(mesh.faces), bool))
    groups = build_groups(pattern, mesh, body, clearance, worn)
    for k, group in enumerate(groups):
        _settle(scene, group, pattern)
        report(0.3 + 0.5 * (k + 1) / len(groups), f"placed {group.name}")
    _prove(scene, pattern)
    warnings += _twisted(pattern, scene.positions, mesh)
    garment = _garment(pattern, mesh, scene.positions.astype(np.float32), panel_fabrics, warnings)
    for k in range(levels - 1):
        mesh, edges = refine_mesh(mesh, pattern)
        middle = 0.5 * (garment.positions[edges[:, 0]] + garment.positions[edges[:, 1]])
        positions = np.concatenate([garment.positions, middle.astype(np.float32)])
        garment = replace(_garment(pattern, mesh, positions, panel_fabrics, warnings), coarser=garment)
        report(0.8 + 0.2 * (k + 1) / (levels - 1), "refined")
    report(1.0, "placed")
    return garment


def _panel_fabrics(pattern: Pattern, fabric: Fabric, fabrics: Mapping[str, Fabric]) -> tuple[Fabric, ...]:
    for panel in pattern.panels:
        if panel.fabric and panel.fabric != fabric.name and panel.fabric not in fabrics:
            raise InputError(
                "pattern.unknown_fabric", f"panel '{panel.name}' wants the fabric '{panel.fabric}'", "give that fabric"
            )
    return tuple(fabrics.get(p.fabric, fabric) if p.fabric else fabric for p in pattern.panels)


def _settle(scene: _Scene, group: Group, pattern: Pattern) -> None:
    """Takes the first arrangement of the group without intersections, best one whose seams catch no worn cloth."""
    mesh = scene.mesh
    mine = np.isin(mesh.panel_id, group.panels)
    vertices, faces = np.unique(mesh.faces[mine]), mesh.faces[mine]
    strips = _seam_strips(mesh, group) if scene.worn is not None else np.zeros((0, 3), int)
    found = None
    for trial in _trials(group):
        catches = len(strips) > 0 and len(scene.worn.cuts(trial, strips)) > 0
        if (catches and found is not None) or not _free(scene, trial, vertices, faces):
            continue
        found = trial
        if not catches:
            break
    if found is not None:
        scene.positions[vertices] = found[vertices]
        scene.placed |= mine
        return
    names = ", ".join(f"'{pattern.panels[p].name}'" for p in group.panels)
    text = f"{pattern.name}: no place free of intersections was found for {names}"
    if scene.worn is None:
        raise PlacementError(
            "placement.no_room", text, "check where the pattern puts these panels, and their size against the body"
        )
    raise PlacementError(
        "placement.no_room", f"{text} over {scene.worn.name}",
        "give the garments from the body outwards, and the outer one enough ease to go over the others",
    )


def _trials(group: Group) -> Iterator[np.ndarray]:
    """The group's arrangements from the tightest on, then those of the group to fall back on [m], shape [N, 3] each."""
    for arrangement in group.options:
        trial = group.arrange(arrangement)
        if trial is not None:
            yield trial
    if group.fallback is not None:
        yield from _trials(group.fallback)


def _seam_strips(mesh: PatternMesh, group: Group) -> np.ndarray:
    """Triangles between the two sides of the group's seams, over which sewing pulls them together, shape [K, 3].

    Worn cloth that reaches through them would be sewn in.
    """
    strips = [np.zeros((0, 3), int)]
    for chain in mesh.chains:
        panels = mesh.vertex_panel[chain] if len(chain) else np.zeros((0, 2), int)
        if len(chain) > 1 and np.isin(panels, group.panels).all() and (panels[:, 0] != panels[:, 1]).any():
            a, b = chain[:, 0], chain[:, 1]
            strips += [np.stack([a[:-1], a[1:], b[:-1]], 1), np.stack([b[:-1], a[1:], b[1:]], 1)]
    return np.concatenate(strips)


def _free(scene: _Scene, trial: np.ndarray, vertices: np.ndarray, faces: np.ndarray) -> bool:
    """Whether a trial keeps clear of the body, of what is placed and of itself; the cheapest test first."""
    if any(scene.probe.distance(trial[some]).min() < BODY_GAP for some in (vertices[::23], vertices)):
        return False
    if len(scene.probe.cuts(trial, faces)):
        return False
    if scene.worn is not None:
        if scene.worn.distance(trial[vertices]).min() < CLOTH_GAP or len(scene.worn.cuts(trial, faces)):
            return False
    low, high = trial[vertices].min(0) - CLOTH_GAP, trial[vertices].max(0) + CLOTH_GAP
    placed = scene.mesh.faces[scene.placed]
    corners = scene.positions[placed]
    near = placed[((corners.max(1) >= low) & (corners.min(1) <= high)).all(1)]
    both = scene.positions.copy()
    both[vertices] = trial[vertices]
    together = np.concatenate([faces, near])
    return not _too_close(scene.mesh, both, np.unique(together)) and len(self_crossings(both, together)) == 0


def _too_close(mesh: PatternMesh, positions: np.ndarray, vertices: np.ndarray) -> bool:
    """Whether vertices come nearer than the cloth gap that are not neighbours in one panel."""
    pairs = vertices[cKDTree(positions[vertices]).query_pairs(CLOTH_GAP, output_type="ndarray")]
    if len(pairs) == 0:
        return False
    same = mesh.vertex_panel[pairs[:, 0]] == mesh.vertex_panel[pairs[:, 1]]
    near = np.linalg.norm(mesh.uv[pairs[:, 0]] - mesh.uv[pairs[:, 1]], axis=1) < 0.02
    return bool((~(same & near)).any())


def _prove(scene: _Scene, pattern: Pattern) -> None:
    """The whole garment once more: nothing in the body, no two triangles cutting each other."""
    used = np.unique(scene.mesh.faces)
    bad = set()
    inside = used[scene.probe.distance(scene.positions[used]) <= 0]
    bad |= set(scene.mesh.vertex_panel[inside].tolist())
    for surface in filter(None, (scene.probe, scene.worn)):
        bad |= set(scene.mesh.panel_id[surface.cuts(scene.positions, scene.mesh.faces)].tolist())
    bad |= set(scene.mesh.panel_id[self_crossings(scene.positions, scene.mesh.faces)].ravel().tolist())
    if bad:
        names = ", ".join(f"'{pattern.panels[p].name}'" for p in sorted(bad))
        text = f"{pattern.name}: these panels intersect where they start: {names}"
        raise PlacementError("placement.crossing", text, "report it")


def _twisted(pattern: Pattern, positions: np.ndarray, mesh: PatternMesh) -> list[str]:
    """Seams that would be much shorter to close the other way round: their direction is probably wrong."""
    notes = []
    for k, chain in enumerate(mesh.chains):
        seam = pattern.seams[k]
        if len(chain) < 3 or seam.kind in ("dart", "pleat"):
            continue
        a, b = positions[chain[:, 0]], positions[chain[:, 1]]
        drawn, turned = np.linalg.norm(a - b, axis=1).mean(), np.linalg.norm(a - b[::-1], axis=1).mean()
        if turned < 0.6 * drawn - 0.01:
            notes.append(f"seam {k} between '{seam.a.panel}' and '{seam.b.panel}' looks twisted; check its direction")
    return notes


def _garment(
    pattern: Pattern, mesh: PatternMesh, positions: np.ndarray, fabrics: tuple[Fabric, ...], warnings: list[str]
) -> Garment:
    pairs, ids = mesh.seam_pairs()
    free = ("pleat", "button")
    angles = np.array([np.nan if s.kind in free else s.angle for s in pattern.seams], np.float32)
    folds, tapes = fold_edges(pattern, mesh), tape_edges(pattern, mesh)
    layers = np.array([p.layer for p in pattern.panels], np.int32)
    stiffness = np.array([p.stiffness for p in pattern.panels], np.float32)
    return Garment(
        rest_uv=mesh.uv.astype(np.float32), faces=mesh.faces, positions=positions, seam_pairs=pairs, seam_ids=ids,
        seam_angles=angles[ids] if len(ids) else np.zeros(0, np.float32), panel_id=mesh.panel_id,
        vertex_panel=mesh.vertex_panel, layer=layers[mesh.vertex_panel],
        grain=np.array([p.grainline for p in pattern.panels], np.float32), bend_scale=stiffness[mesh.panel_id],
        fabrics=fabrics, panel_names=tuple(p.name for p in pattern.panels), name=pattern.name, kind=pattern.kind,
        intended_ease=dict(pattern.intended_ease), warnings=tuple(dict.fromkeys(warnings)),
        fold_edges=folds[0], fold_angles=folds[1], tape_edges=tapes[0], tape_rest=tapes[1], tape_stiffness=tapes[2],
    )
