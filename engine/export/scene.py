"""From a body and a draped garment to meshes with materials, ready to be drawn or exported."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from engine.core.mesh import face_normals_areas, vertex_normals, weld_map
from engine.core.outfit import main_fabric, split
from engine.core.types import Body, Drape, Fabric, Garment, Material, SceneMesh
from engine.export.atlas import grain_plane, pack_panels
from engine.export.skin_texture import skin_texture
from engine.export.tension import principal_tension

__all__ = ["body_scene_mesh", "cloth_material", "edge_distances", "garment_scene_mesh", "garment_scene_meshes",
           "look_info", "pressed_skin", "principal_stretch", "seam_normals", "uv_split"]  # fmt: skip

SKIN = (0.55, 0.40, 0.325, 1.0)  #: a mannequin's warm mid tone, linear
STRAIN_STEPS = (0.02, 0.05, 0.10, 0.20, 0.40)  #: ends of the colour bar [-]
TENSION_STEPS = (10.0, 20.0, 50.0, 100.0, 200.0, 500.0, 1000.0)  #: [N/m]
PRESSURE_STEPS = (500.0, 1000.0, 2000.0, 5000.0, 10000.0, 20000.0)  #: [Pa]
EDGE_REACH = 0.03  #: up to where distances to hems and seams are told apart [m]
SKIN_OUTSIDE = 2e-4  #: from which skin counts as outside the contact surface [m]
BARE_SEGMENTS = (10, 11, 15, *range(20, 55))  #: feet, head and hands, in SMPL-X's order of joints
#: one repeat of the weave in thicknesses of the cloth: yarns are about as wide as half the cloth is thick
REPEAT_PER_THICKNESS = {"plain": 2.4, "twill": 3.0, "satin": 2.4, "knit": 1.8}
#: seam partners whose normals differ more than this (cosine) are a fold or an edge, not a smooth surface
SMOOTH_COSINE = 0.3


def garment_scene_meshes(garment: Garment, drape: Drape) -> list[SceneMesh]:
    """Every garment of an outfit under its own name, its material under name and fabric; a single one is ``garment``.

    All share one range of strain and one of pressure, so that one colour bar explains them.
    """
    if not garment.parts:
        return [garment_scene_mesh(garment, drape)]
    pieces = split(garment, drape)
    found = [_shown_ends(_fields(*piece)) for piece in pieces]
    ends = {name: max(each[name] for each in found) for name in found[0]}
    meshes = [garment_scene_mesh(*piece, name=piece[0].name, ends=ends) for piece in pieces]
    return [replace(m, material=replace(m.material, name=f"{m.name} {m.material.name}")) for m in meshes]


def garment_scene_mesh(
    garment: Garment,
    drape: Drape,
    fabric: Fabric | None = None,
    *,
    name: str = "garment",
    ends: dict[str, float] | None = None,
) -> SceneMesh:
    """The draped garment with its fabric, texture coordinates and fields.

    Fields (``maps``): ``strain``, the greatest stretch in any direction; ``pressure`` on the body; ``tension``, the
    greatest stress in any direction, where the drape has stresses; ``hem`` and ``seam``, distances to the nearest open
    and sewn edge.

    Args:
        fabric: what it is shown in; by default what most of it is made of.
        ends: strain [-], pressure [Pa] and tension [N/m] at the ends of the colour bars; by default what suits the
            garment.
    """
    fabric = fabric or main_fabric(garment)
    faces = np.asarray(garment.faces, np.int32)
    weld = weld_map(len(drape.positions), garment.seam_pairs)
    plane = grain_plane(garment.rest_uv, garment.vertex_panel, garment.grain)
    fields = _fields(garment, drape)
    ends = ends or _shown_ends(fields)
    hem, seam = edge_distances(garment.rest_uv, faces, garment.seam_pairs)
    lows = {name: -ends[name] if name == "strain" else 0.0 for name in fields}
    maps = {name: (values - lows[name]) / (ends[name] - lows[name]) for name, values in fields.items()}
    maps |= {"hem": hem / EDGE_REACH, "seam": seam / EDGE_REACH}
    return SceneMesh(
        name=name,
        vertices=np.asarray(drape.positions, np.float32),
        faces=faces,
        material=cloth_material(fabric),
        normals=seam_normals(drape.positions, faces, weld),
        uv=pack_panels(plane, garment.vertex_panel),
        uv_metres=plane,
        maps={key: np.clip(value, 0, 1).astype(np.float32) for key, value in maps.items()},
        map_ranges={
            **{name: (lows[name], ends[name]) for name in fields}, "hem": (0.0, EDGE_REACH), "seam": (0.0, EDGE_REACH),
        },
    )


def _fields(garment: Garment, drape: Drape) -> dict[str, np.ndarray]:
    """Greatest stretch [-], pressure on the body [Pa] and greatest tension [N/m] at the vertices, shape [N] each."""
    weld = weld_map(len(drape.positions), garment.seam_pairs)
    stretch = _to_vertices(principal_stretch(drape.strain), garment.faces, garment.rest_uv, weld)
    fields = {"strain": stretch, "pressure": np.maximum(_group_max(np.asarray(drape.pressure, np.float64), weld), 0)}
    if len(drape.stress) == len(garment.faces):
        tension = np.maximum(principal_tension(garment, drape)[0][:, 0], 0)
        fields["tension"] = _to_vertices(tension, garment.faces, garment.rest_uv, weld)
    return fields


def _shown_ends(fields: dict[str, np.ndarray]) -> dict[str, float]:
    steps = {"strain": STRAIN_STEPS, "pressure": PRESSURE_STEPS, "tension": TENSION_STEPS}
    return {name: _nice_end(np.abs(values), steps[name]) for name, values in fields.items()}


def body_scene_mesh(body: Body, *, name: str = "body", dressed: bool = False) -> SceneMesh:
    """The body as a neutral mannequin; vertices are split where its texture coordinates are.

    Args:
        dressed: flesh in folds yields to the surface that cloth lies on (see :func:`pressed_skin`).
    """
    vertices, faces, uv = pressed_skin(body) if dressed else body.vertices, body.faces, None
    normals = vertex_normals(vertices, body.faces)
    if len(body.uv_faces) == len(body.faces):
        index, faces, uv = uv_split(body)
        vertices, normals = vertices[index], normals[index]
    material = Material(
        name="skin", base_color=SKIN, roughness=0.68, texture=skin_texture(body) if uv is not None else None
    )
    return SceneMesh(name, np.asarray(vertices, np.float32), np.asarray(faces, np.int32), material, normals, uv)


def uv_split(body: Body) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Body vertex of every vertex that remains when they are split where the texture coordinates are, faces, uv."""
    corners = np.stack([body.faces.reshape(-1), body.uv_faces.reshape(-1)], axis=1)
    pairs, inverse = np.unique(corners, axis=0, return_inverse=True)
    uv = body.uv[pairs[:, 1]].astype(np.float32)
    # glTF's v runs down the picture
    return pairs[:, 0], inverse.reshape(-1, 3).astype(np.int32), np.stack([uv[:, 0], 1 - uv[:, 1]], axis=1)


def pressed_skin(body: Body) -> np.ndarray:
    """Skin of a dressed body [m], shape [V, 3]: none of it outside the contact surface, but for head, hands and feet.

    Where folds of flesh cut through each other (under heavy breasts, at armpits), the contact surface fills the fold
    and so runs inside the skin of its rims; cloth that lies on it would show them through.
    """
    from engine.core.open3d_runtime import surface_scene, tensor

    points = np.asarray(body.vertices, np.float32)
    scene, query = surface_scene(body.contact_vertices, body.contact_faces), tensor(points)
    outside = scene.compute_signed_distance(query, nsamples=3).numpy() > SKIN_OUTSIDE
    nearest = scene.compute_closest_points(query)
    segment = body.contact_segment[body.contact_faces[nearest["primitive_ids"].numpy().astype(np.int64), 0]]
    yields = outside & ~np.isin(segment, BARE_SEGMENTS)
    return np.where(yields[:, None], nearest["points"].numpy(), points)


def principal_stretch(strain: np.ndarray) -> np.ndarray:
    """Greatest stretch in any direction in the cloth, now over rest length minus 1, shape [T].

    Args:
        strain: Green-Lagrange strain in warp, weft and (tensor) shear [-], shape [T, 3].
    """
    warp, weft, shear = np.asarray(strain, np.float64).T
    largest = (warp + weft) / 2 + np.hypot((warp - weft) / 2, shear)
    return np.sqrt(np.maximum(1 + 2 * largest, 1e-6)) - 1


def edge_distances(rest_uv: np.ndarray, faces: np.ndarray, seam_pairs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Distance in the cloth of each vertex to the nearest hem and to the nearest seam of its panel [m], shape [N] each.

    Exact on the border and next to it, by vertices further in; at most ``EDGE_REACH``.
    """
    from scipy.spatial import cKDTree

    halves = np.sort(np.stack([faces, np.roll(faces, -1, axis=1)], axis=-1).reshape(-1, 2), axis=1)
    edges, uses = np.unique(halves, axis=0, return_counts=True)
    border = edges[uses == 1]
    sewn = np.zeros(len(rest_uv), bool)
    sewn[np.asarray(seam_pairs).reshape(-1)] = True
    # sewn to an edge of cloth, or to a line on it; a dart's tip is sewn to nothing, but its legs end there together
    joined = np.sort(weld_map(len(rest_uv), seam_pairs)[border], axis=1)
    _, which, times = np.unique(joined, axis=0, return_inverse=True, return_counts=True)
    is_seam = sewn[border].all(axis=1) | (times[which.reshape(-1)] > 1)
    island = weld_map(len(rest_uv), edges)
    # islands apart in a third coordinate, so that panels drawn over one another do not meet
    spread = np.column_stack([rest_uv, island * (4 * EDGE_REACH)]).astype(np.float64)
    result = []
    for chosen in (border[~is_seam], border[is_seam]):
        distance = np.full(len(rest_uv), EDGE_REACH)
        if len(chosen):
            t = np.linspace(0, 1, 9)[:, None, None]
            points = (spread[chosen[:, 0]] * (1 - t) + spread[chosen[:, 1]] * t).reshape(-1, 3)
            near, _ = cKDTree(points).query(spread, distance_upper_bound=EDGE_REACH)
            distance = np.minimum(near, EDGE_REACH)
        result.append(distance)
    return result[0], result[1]


def seam_normals(positions: np.ndarray, faces: np.ndarray, weld: np.ndarray) -> np.ndarray:
    """Normals that run smoothly over flat seams but keep folded ones and collars' edges sharp, shape [N, 3]."""
    own, shared = vertex_normals(positions, faces), vertex_normals(positions, faces, weld)
    return np.where((own * shared).sum(1, keepdims=True) > SMOOTH_COSINE, shared, own)


def _to_vertices(values: np.ndarray, faces: np.ndarray, rest_uv: np.ndarray, weld: np.ndarray) -> np.ndarray:
    """Area-weighted means of triangles' values at vertices, the same on both sides of a seam, shape [N]."""
    flat = np.column_stack([rest_uv, np.zeros(len(rest_uv))])
    area = face_normals_areas(flat, faces)[1].astype(np.float64)
    groups, size = weld[faces].reshape(-1), int(weld.max()) + 1
    weight = np.bincount(groups, np.repeat(area, 3), minlength=size)
    total = np.bincount(groups, np.repeat(area * np.nan_to_num(values), 3), minlength=size)
    return (total / np.maximum(weight, 1e-12))[weld]


def _group_max(values: np.ndarray, weld: np.ndarray) -> np.ndarray:
    best = np.full(int(weld.max()) + 1, -np.inf)
    np.maximum.at(best, weld, np.nan_to_num(values))
    return best[weld]


def _nice_end(values: np.ndarray, steps: tuple[float, ...]) -> float:
    """The first step that covers all but the top two percent of the values."""
    top = float(np.percentile(values, 98)) if len(values) else 0.0
    return next((step for step in steps if step >= top), steps[-1])


def cloth_material(fabric: Fabric) -> Material:
    """How a fabric looks; its opacity is the base colour's alpha."""
    repeat = REPEAT_PER_THICKNESS.get(fabric.weave, 2.4) * fabric.thickness
    return Material(
        name=fabric.name,
        base_color=(*(float(c) for c in fabric.base_color), float(fabric.opacity)),
        roughness=fabric.roughness,
        sheen=fabric.sheen,
        double_sided=True,
        weave=fabric.weave,
        weave_scale=float(np.clip(repeat, 0.0004, 0.004)),
    )


def look_info(body: Body, garment: Garment, drape: Drape) -> dict:
    """What viewers may tell about a look, for the GLB's ``info``."""
    shown = {"stature": "stature", "bust_girth": "bust", "waist_girth": "waist", "hip_girth": "hips"}
    sizes = {
        f"{label}_cm": round(100 * body.measurements[name].value, 1)
        for name, label in shown.items()
        if name in body.measurements
    }
    pieces = [piece for piece, _ in split(garment, drape)]
    fabrics = [main_fabric(piece) for piece in pieces]
    return {
        "title": ", ".join((p.name or "garment").replace("_", " ") for p in pieces).capitalize(),
        "subtitle": ", ".join(f.label for f in fabrics),
        "weight": ", ".join(f"{1000 * f.areal_density:.0f}" for f in fabrics) + " g/m\u00b2",
        "thickness": ", ".join(f"{1000 * f.thickness:.2g}" for f in fabrics) + " mm",
        "drape": drape.status.replace("_", " "),
        "body": sizes,
    }
