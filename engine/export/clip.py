"""A dressed body in motion as meshes: what the animated file holds and what its pictures show."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from engine.core.mesh import vertex_normals, weld_map
from engine.core.types import Body, BodyMotion, Drape, Garment, SceneMesh
from engine.export.scene import (
    BARE_SEGMENTS,
    body_scene_mesh,
    garment_scene_meshes,
    pressed_skin,
    seam_normals,
    uv_split,
)

__all__ = ["Clip", "GarmentTrack", "make_clip"]

BONES = 4  #: joints that move one vertex at most: all that common viewers heed
INSET = 0.003  #: of the skin beneath cloth, for the moments between frames [m]
COVERED = 0.02  #: distance up to which cloth covers skin [m]
PRESSED_EVERY = 3  #: of which frames the skin is looked at where it has to yield to the surface for cloth


@dataclass(frozen=True)
class GarmentTrack:
    """One garment of the look in every frame."""

    mesh: SceneMesh  #: as in the first frame
    positions: np.ndarray  #: [m], shape [F, n, 3]
    normals: np.ndarray  #: unit, shape [F, n, 3]


@dataclass(frozen=True)
class Clip:
    """Body and garments in motion. The body is skinned: see :class:`engine.core.types.BodyMotion`."""

    name: str
    fps: float
    body: SceneMesh  #: in the T-pose
    bones: np.ndarray  #: joints of every vertex of it, shape [n, 4]
    weights: np.ndarray  #: and their shares, which sum to 1, shape [n, 4]
    rest_joints: np.ndarray  #: [m], shape [55, 3]
    turns: np.ndarray  #: shape [F, 55, 3, 3]
    joints: np.ndarray  #: [m], shape [F, 55, 3]
    garments: tuple[GarmentTrack, ...]

    def __len__(self) -> int:
        return len(self.joints)

    def meshes(self, frame: int) -> list[SceneMesh]:
        """Body and garments in one frame."""
        vertices = skinned(
            self.body.vertices, self.bones, self.weights, self.rest_joints, self.turns[frame], self.joints[frame]
        )
        turned = np.einsum("vk,vkab,vb->va", self.weights, self.turns[frame][self.bones], self.body.normals)
        body = replace(self.body, vertices=vertices.astype(np.float32), normals=turned.astype(np.float32))
        worn = [replace(g.mesh, vertices=g.positions[frame], normals=g.normals[frame]) for g in self.garments]
        return [body, *worn]


def make_clip(body: Body, garment: Garment, drape: Drape, motion: BodyMotion, *, first: int = 0) -> Clip:
    """The frames from ``first`` on of a garment that moved with a body.

    Args:
        body: as it was dressed.
        drape: positions of every frame, shape [F, N, 3].
    """
    index, faces, _ = uv_split(body) if len(body.uv_faces) == len(body.faces) else (
        np.arange(len(body.vertices)), body.faces, None)  # fmt: skip
    weights, bones = _strongest(body.skinning_weights)
    rest = _dressed_rest(body, garment, drape, motion)
    look = body_scene_mesh(body)
    skin = replace(
        look, vertices=rest[index].astype(np.float32), faces=faces, normals=vertex_normals(rest, body.faces)[index]
    )
    return Clip(
        motion.name, motion.fps, skin, bones[index], weights[index], motion.rest_joints, motion.turns[first:],
        motion.joints[first:], _tracks(garment, drape, first),
    )  # fmt: skip


def skinned(
    rest: np.ndarray, bones: np.ndarray, weights: np.ndarray, rest_joints: np.ndarray, turns: np.ndarray,
    joints: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """Vertices moved by their joints [m], shape [V, 3]; ``bones`` and ``weights`` have shape [V, k]."""
    local = rest[:, None] - rest_joints[bones]
    return (weights[..., None] * (np.einsum("vkab,vkb->vka", turns[bones], local) + joints[bones])).sum(1)


def _strongest(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    bones = np.argsort(-weights, axis=1, kind="stable")[:, :BONES]
    share = np.take_along_axis(weights, bones, 1).astype(np.float64)
    return share / share.sum(1, keepdims=True), np.where(share > 0, bones, 0)


def _tracks(garment: Garment, drape: Drape, first: int) -> tuple[GarmentTrack, ...]:
    weld = weld_map(len(garment.positions), garment.seam_pairs)
    frames = drape.positions[first:]
    normals = np.array([seam_normals(x, garment.faces, weld) for x in frames], np.float32)
    start = replace(drape, positions=frames[0], strain=drape.strain[first], pressure=drape.pressure[first])
    meshes = garment_scene_meshes(garment, start)
    tracks, panel = [], 0
    for mesh, panels in zip(meshes, [p.panels for p in garment.parts] or [len(garment.panel_names)], strict=True):
        mine = (garment.vertex_panel >= panel) & (garment.vertex_panel < panel + panels)
        tracks.append(GarmentTrack(mesh, frames[:, mine], normals[:, mine]))
        panel += panels
    return tuple(tracks)


def _dressed_rest(body: Body, garment: Garment, drape: Drape, motion: BodyMotion) -> np.ndarray:
    """Skin in the T-pose [m], shape [V, 3], sunk in beneath cloth as far as any frame wants it."""
    from engine.core.open3d_runtime import surface_scene, tensor

    rest = motion.rest_vertices.astype(np.float64)
    cloth = surface_scene(drape.positions[0], garment.faces)
    distance = cloth.compute_distance(tensor(body.vertices)).numpy()
    bare = np.isin(body.skinning_weights.argmax(1), BARE_SEGMENTS)
    covered = (distance < COVERED) & ~bare
    sunk = np.zeros_like(rest)
    for frame in range(0, len(motion.vertices), PRESSED_EVERY):
        posed = replace(body, vertices=motion.vertices[frame], contact_vertices=motion.contact_vertices[frame])
        way = (pressed_skin(posed) - motion.vertices[frame]).astype(np.float64)
        moved = np.flatnonzero(covered & (np.abs(way).max(1) > 0))
        turn = np.einsum("vj,jab->vab", body.skinning_weights[moved], motion.turns[frame])
        back = np.linalg.solve(turn, way[moved][..., None])[..., 0]
        deeper = np.linalg.norm(back, axis=1) > np.linalg.norm(sunk[moved], axis=1)
        sunk[moved[deeper]] = back[deeper]
    inset = _smoothed(np.where(covered, INSET, 0.0), body.faces)
    return rest + sunk - np.where(bare, 0.0, inset)[:, None] * vertex_normals(rest, body.faces)


def _smoothed(values: np.ndarray, faces: np.ndarray, rounds: int = 3) -> np.ndarray:
    """Values at vertices, averaged with their neighbours' a few times."""
    pairs = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    i, j = np.concatenate([pairs, pairs[:, ::-1]]).T
    count = np.maximum(np.bincount(i, minlength=len(values)), 1)
    for _ in range(rounds):
        values = 0.5 * values + 0.5 * np.bincount(i, values[j], minlength=len(values)) / count
    return values
