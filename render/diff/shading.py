"""Phong's model at fragments, at vertices and on whole faces, with PyTorch3D's names and arguments."""

from __future__ import annotations

import torch

from engine.core.errors import ArgumentError
from render.diff.batch import spread
from render.diff.packing import take_rows
from render.diff.textures import TexturesVertex, interpolate_face_attributes

__all__ = ["flat_shading", "gouraud_shading", "lighting", "phong_shading"]


def lighting(points: torch.Tensor, normals: torch.Tensor, lights, cameras, materials, **given) -> tuple:
    """Ambient and diffuse light (to be multiplied by the surface's colour), and the highlight.

    Args:
        points, normals: in the world, [mesh, ..., 3].
        given: ``R`` and ``T`` in place of the camera's own.

    Returns:
        Two tensors that broadcast to [mesh, ..., 3].
    """
    own = {name: given[name] for name in ("R", "T") if given.get(name) is not None}
    ambient = spread(materials.ambient_color * lights.ambient_color, points)
    diffuse = spread(materials.diffuse_color, points) * lights.diffuse(normals=normals, points=points)
    shine = lights.specular(
        normals=normals, points=points, camera_position=cameras.get_camera_center(**own), shininess=materials.shininess
    )
    return ambient + diffuse, spread(materials.specular_color, points) * shine


def phong_shading(meshes, fragments, lights, cameras, materials, texels: torch.Tensor, **given) -> torch.Tensor:
    """Light of each fragment at its own place and normal; texels and result are [image, y, x, k, 3]."""
    faces = meshes.faces_packed()
    points, normals = (
        interpolate_face_attributes(fragments.pix_to_face, fragments.bary_coords, take_rows(values, faces))
        for values in (meshes.verts_packed(), meshes.verts_normals_packed())
    )
    light, shine = lighting(points, normals, lights, cameras, materials, **given)
    return light * texels + shine


def gouraud_shading(meshes, fragments, lights, cameras, materials, **given) -> torch.Tensor:
    """Light of each vertex, interpolated; the meshes' textures are colours of vertices. Shape [image, y, x, k, 3].

    Raises:
        ArgumentError: ``mesh.textures``, if they are not :class:`render.diff.TexturesVertex`.
    """
    if not isinstance(meshes.textures, TexturesVertex):
        raise ArgumentError(
            "mesh.textures", "Gouraud shading wants colours of vertices", "give TexturesVertex to Meshes"
        )
    counts = [len(v) for v in meshes.verts_list()]
    normals = torch.nn.utils.rnn.pad_sequence(meshes.verts_normals_packed().split(counts), batch_first=True)
    light, shine = lighting(meshes.verts_padded(), normals, lights, cameras, materials, **given)
    padded = torch.broadcast_tensors(light, shine, normals)[:2]
    light, shine = (torch.cat([row[:n] for row, n in zip(part, counts, strict=True)]) for part in padded)
    shaded = meshes.textures.verts_features_packed() * light + shine
    corners = shaded[meshes.faces_packed()]
    return interpolate_face_attributes(fragments.pix_to_face, fragments.bary_coords, corners)


def flat_shading(meshes, fragments, lights, cameras, materials, texels: torch.Tensor, **given) -> torch.Tensor:
    """Light of each face at its middle, by its own normal; texels and result are [image, y, x, k, 3]."""
    middles = take_rows(meshes.verts_packed(), meshes.faces_packed()).mean(1)
    used = (fragments.pix_to_face >= 0)[..., None]
    face = fragments.pix_to_face.clamp(min=0)
    points, normals = (take_rows(values, face) * used for values in (middles, meshes.faces_normals_packed()))
    light, shine = lighting(points, normals, lights, cameras, materials, **given)
    return light * texels + shine
