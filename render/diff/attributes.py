"""Other things than colour at the pixels: places, normals, depth, and whatever vertices carry."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import nn
from torch.nn.functional import normalize

from engine.core.errors import ArgumentError
from render.diff.textures import interpolate_face_attributes

__all__ = ["GeometryBuffers", "VertexAttributeShader", "geometry_buffers", "interpolate_vertex_attributes"]


class GeometryBuffers(NamedTuple):
    """The nearest surface at every pixel, 0 (face -1) where there is none.

    Attributes:
        position: in the world, [image, y, x, 3].
        normal: unit, in the world, [image, y, x, 3].
        depth: view depth, [image, y, x].
        mask: 1 where there is a surface, [image, y, x].
        face: into :meth:`Meshes.faces_packed`, int64 [image, y, x].
    """

    position: torch.Tensor
    normal: torch.Tensor
    depth: torch.Tensor
    mask: torch.Tensor
    face: torch.Tensor


def interpolate_vertex_attributes(fragments, meshes, values: torch.Tensor) -> torch.Tensor:
    """Values of vertices at the fragments, 0 in unused places.

    Args:
        values: [sum of vertices, channel].

    Returns:
        [image, y, x, k, channel].

    Raises:
        ArgumentError: ``mesh.attributes``, if their number is not that of the vertices.
    """
    vertices = len(meshes.verts_packed())
    if values.ndim != 2 or len(values) != vertices:
        raise ArgumentError(
            "mesh.attributes", f"values of shape {tuple(values.shape)}, {vertices} vertices", "give [vertex, channel]"
        )
    return interpolate_face_attributes(fragments.pix_to_face, fragments.bary_coords, values[meshes.faces_packed()])


def geometry_buffers(fragments, meshes) -> GeometryBuffers:
    """Place, normal, depth and face of the nearest fragment of each pixel, with gradients to the vertices."""
    face = fragments.pix_to_face[..., 0]
    mask = (face >= 0).to(fragments.zbuf.dtype)
    values = torch.cat((meshes.verts_packed(), meshes.verts_normals_packed()), 1)
    found = interpolate_vertex_attributes(fragments, meshes, values)[..., 0, :]
    normal = normalize(found[..., 3:], dim=-1, eps=1e-6)
    return GeometryBuffers(found[..., :3], normal, fragments.zbuf[..., 0] * mask, mask, face)


class VertexAttributeShader(nn.Module):
    """Any values of vertices as a picture, for :class:`render.diff.MeshRenderer`: [image, y, x, channel].

    Args:
        attributes: [sum of vertices, channel]; a call may give others by keyword.
        background: where there is no surface, a number or [channel].
    """

    def __init__(self, attributes: torch.Tensor | None = None, background=0.0) -> None:
        super().__init__()
        self.attributes, self.background = attributes, background

    def to(self, device):
        self.attributes = None if self.attributes is None else self.attributes.to(device)
        return self

    def forward(self, fragments, meshes, **kwargs) -> torch.Tensor:
        values = kwargs.get("attributes", self.attributes)
        if values is None:
            raise ArgumentError("mesh.attributes", "there are no attributes", "give them to the shader or to its call")
        found = interpolate_vertex_attributes(fragments, meshes, values)[..., 0, :]
        background = torch.as_tensor(self.background, dtype=found.dtype, device=found.device)
        return torch.where(fragments.pix_to_face[..., :1] >= 0, found, background)
