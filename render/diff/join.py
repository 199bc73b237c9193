"""Several meshes in one batch, or in one mesh."""

from __future__ import annotations

from collections.abc import Iterable

from engine.core.errors import ArgumentError
from render.diff.meshes import Meshes

__all__ = ["join_meshes_as_batch", "join_meshes_as_scene"]


def join_meshes_as_batch(meshes: Iterable[Meshes], include_textures: bool = True) -> Meshes:
    """All meshes of several batches in one batch.

    Args:
        include_textures: join the textures also, which are then all of one kind, or all absent.
    """
    if isinstance(meshes, Meshes):
        raise ArgumentError("mesh.join", "one batch of meshes is given to be joined", "give a list of batches")
    batches = list(meshes)
    verts = [v for batch in batches for v in batch.verts_list()]
    faces = [f for batch in batches for f in batch.faces_list()]
    textures = [batch.textures for batch in batches] if include_textures else []
    if all(own is None for own in textures):
        return Meshes(verts, faces)
    if any(own is None for own in textures):
        raise ArgumentError("mesh.textures", "some of the meshes have no textures", "or include_textures=False")
    return Meshes(verts, faces, textures[0].join_batch(textures[1:]))


def join_meshes_as_scene(meshes: Meshes | list[Meshes], include_textures: bool = True) -> Meshes:
    """All meshes of a batch, or of several, as one mesh.

    Args:
        include_textures: join the textures also, which are then all of one kind, or all absent.
    """
    if not isinstance(include_textures, bool | int):
        raise ArgumentError(
            "mesh.join", "include_textures is not a truth value", "give all meshes in the first argument"
        )
    if not isinstance(meshes, Meshes):
        meshes = join_meshes_as_batch(meshes, include_textures)
    if len(meshes) == 1:
        return meshes
    textures = meshes.textures.join_scene() if include_textures and meshes.textures is not None else None
    return Meshes([meshes.verts_packed()], [meshes.faces_packed()], textures)
