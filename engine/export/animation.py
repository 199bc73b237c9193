"""Animated GLB files: the body skinned on its skeleton, the garments as one morph target a frame, in one clip.

Morph targets are 16-bit integers (KHR_mesh_quantization), which stand for -1..1 m: steps of 0.03 mm. Garments that go
further from where they started than that keep 32-bit numbers.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pygltflib as gl
from scipy.spatial.transform import Rotation

from engine.core.errors import InputError
from engine.core.safe_io import write_bytes
from engine.core.types import SceneMesh
from engine.export.clip import Clip, GarmentTrack
from engine.export.gltf import GlbBuilder
from engine.export.occlusion import occlusion_textures

__all__ = ["write_animation"]

TARGETS_MOST = 180  #: morph targets of a mesh that any browser's graphics take; longer clips leave out frames
SHORT = 32767
SHORTEST = 0.3  #: normal that 16 bits are enough for
STILL = 1e-6  #: change of a quaternion's component below which a joint keeps still


def write_animation(
    path: str | Path, clip: Clip, joint_names: tuple[str, ...], parents: tuple[int, ...], *, title: str = "",
    info: dict[str, Any] | None = None, occlusion: bool = True,
) -> dict[str, Any]:  # fmt: skip
    """Writes a clip as one binary glTF 2.0 file.

    Args:
        path: ends in .glb.
        joint_names, parents: of the skeleton's joints, parents before children, -1 for the root.
        title: name of the scene, for people.
        info: JSON values that viewers may show.

    Returns:
        ``frames``, ``fps`` and ``bytes`` of what the file holds.

    Raises:
        InputError: a position is not finite.
    """
    if not all(np.isfinite(g.positions).all() for g in clip.garments):
        raise InputError("export.not_finite", f"{path}: the garment has positions that are not numbers", "animate anew")
    step = -(-(len(clip) - 1) // TARGETS_MOST) if len(clip) > 1 else 1
    frames = np.arange(0, len(clip), step)
    builder = GlbBuilder(occlusion_textures(clip.meshes(0)) if occlusion else {})
    times = builder.accessor((frames / clip.fps).astype(np.float32), "SCALAR", bounds=True, target=None)
    animation = gl.Animation(name=clip.name, samplers=[], channels=[])
    nodes = _body(builder, clip, frames, joint_names, parents, animation, times)
    nodes += [_garment(builder, track, frames, animation, times) for track in clip.garments]
    document = builder.document
    document.scenes = [gl.Scene(name=title or "look", nodes=nodes, extras={"info": info or {}, "maps": {}})]
    document.animations = [animation]
    if "KHR_mesh_quantization" in builder.used:
        document.extensionsRequired = ["KHR_mesh_quantization"]
    data = builder.finish()
    write_bytes(path, data)
    return {"frames": len(frames), "fps": clip.fps / step, "bytes": len(data)}


def _channel(
    builder: GlbBuilder, animation: gl.Animation, times: int, node: int, path: str, values: np.ndarray, kind: str
) -> None:
    """Lets ``values`` move a node's property, with straight lines between the frames."""
    output = builder.accessor(values.astype(np.float32), kind, target=None)
    animation.samplers.append(gl.AnimationSampler(input=times, output=output, interpolation="LINEAR"))
    target = gl.AnimationChannelTarget(node=node, path=path)
    animation.channels.append(gl.AnimationChannel(sampler=len(animation.samplers) - 1, target=target))


def _plain(mesh: SceneMesh) -> SceneMesh:
    """The mesh without its fields, which are of one moment."""
    return SceneMesh(mesh.name, mesh.vertices, mesh.faces, mesh.material, mesh.normals, mesh.uv, mesh.uv_metres)


def _body(
    builder: GlbBuilder, clip: Clip, frames: np.ndarray, names: tuple[str, ...], parents: tuple[int, ...],
    animation: gl.Animation, times: int,
) -> list[int]:  # fmt: skip
    """Adds the skinned body and its skeleton's movement; returns its node and the skeleton's root."""
    node = builder.add_mesh(_plain(clip.body), [])
    document = builder.document
    attributes = document.meshes[document.nodes[node].mesh].primitives[0].attributes
    shares = np.round(clip.weights * 65535)
    shares[:, 0] += 65535 - shares.sum(1)  # they have to sum to one exactly
    attributes.JOINTS_0 = builder.accessor(np.where(shares > 0, clip.bones, 0).astype(np.uint8), "VEC4")
    attributes.WEIGHTS_0 = builder.accessor(shares.astype(np.uint16), "VEC4", normalized=True)
    first = len(document.nodes)
    inverse = np.tile(np.eye(4, dtype=np.float32), (len(names), 1, 1))
    inverse[:, :3, 3] = -clip.rest_joints
    matrices = builder.accessor(inverse.transpose(0, 2, 1).reshape(-1, 16), "MAT4", target=None)
    for j, (name, parent) in enumerate(zip(names, parents, strict=True)):
        turns = clip.turns[frames, j].astype(np.float64)
        if parent >= 0:
            turns = np.swapaxes(clip.turns[frames, parent], 1, 2) @ turns
        way = clip.joints[frames, 0] if parent < 0 else (clip.rest_joints[j] - clip.rest_joints[parent])[None]
        quaternions = _continuous(Rotation.from_matrix(turns).as_quat())
        document.nodes.append(
            gl.Node(
                name=name, children=[first + k for k, p in enumerate(parents) if p == j] or None,
                translation=[float(v) for v in way[0]], rotation=[float(v) for v in quaternions[0]],
            )  # fmt: skip
        )
        if np.ptp(quaternions, axis=0).max() > STILL:
            _channel(builder, animation, times, first + j, "rotation", quaternions, "VEC4")
        if parent < 0:
            _channel(builder, animation, times, first + j, "translation", way, "VEC3")
    skin = gl.Skin(name="skeleton", inverseBindMatrices=matrices, joints=list(range(first, first + len(names))),
                   skeleton=first)  # fmt: skip
    document.skins = [skin]
    document.nodes[node].skin = 0
    return [node, first + parents.index(-1)]


def _continuous(quaternions: np.ndarray) -> np.ndarray:
    """The same rotations with the sign that makes neighbours lie close, shape [F, 4]."""
    flips = np.sign((quaternions[1:] * quaternions[:-1]).sum(1))
    sign = np.concatenate([[1.0], np.cumprod(np.where(flips < 0, -1.0, 1.0))])
    return quaternions * sign[:, None]


def _garment(builder: GlbBuilder, track: GarmentTrack, frames: np.ndarray, animation: gl.Animation, times: int) -> int:
    """Adds a garment with a morph target for every frame after the first; returns its node."""
    node = builder.add_mesh(_plain(track.mesh), [])
    document = builder.document
    mesh = document.meshes[document.nodes[node].mesh]
    if len(frames) < 2:
        return node
    moves = track.positions[frames[1:]].astype(np.float64) - track.mesh.vertices
    start = track.mesh.normals.astype(np.float64)
    bends = [_bend(start, track.normals[f].astype(np.float64)) for f in frames[1:]]
    small = bool(np.abs(moves).max() <= 1.0)
    targets = []
    for move, bend in zip(moves, bends, strict=True):
        values = np.round(move * SHORT).astype(np.int16) if small else move
        targets.append({
            "POSITION": builder.accessor(values, "VEC3", bounds=True, normalized=small),
            "NORMAL": builder.accessor(bend, "VEC3", normalized=bend.dtype == np.int16),
        })  # fmt: skip
    builder.used.add("KHR_mesh_quantization")
    mesh.primitives[0].targets = targets
    mesh.weights = [0.0] * len(targets)
    weights = np.eye(len(frames), dtype=np.float32)[:, 1:]
    _channel(builder, animation, times, node, "weights", weights.reshape(-1), "SCALAR")
    return node


def _bend(start: np.ndarray, normals: np.ndarray) -> np.ndarray:
    """Changes of unit normals, shape [n, 3], as 16-bit integers for -1..1 if they can be had so.

    Viewers make normals unit again after mixing: one that would change by more than 1 is made shorter instead. Cloth
    that has turned its back to where it faced would need too short ones, and keeps 32-bit numbers.
    """
    fits = (1.0 + np.sign(normals) * start) / np.maximum(np.abs(normals), 1e-9)
    length = np.minimum(fits.min(1, keepdims=True), 1.0)
    if length.min() < SHORTEST:
        return (normals - start).astype(np.float32)
    return np.round((normals * length - start).clip(-1.0, 1.0) * SHORT).astype(np.int16)
