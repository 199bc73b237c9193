"""Physically based shading: a GGX base with metals, and the sheen of cloth.

The terms are those of glTF 2.0 and its extension KHR_materials_sheen: Walter et al., Microfacet Models for Refraction,
2007 (GGX); Heitz, Understanding the Masking-Shadowing Function, 2014; Estevez and Kulla, Production Friendly
Microfacet Sheen BRDF, 2017; Neubelt and Pettineo, The Order: 1886, 2013 (the sheen's visibility).
"""

from __future__ import annotations

import math

import torch
from torch.nn.functional import normalize

from render.diff.batch import TensorProperties, spread
from render.diff.packing import take_rows
from render.diff.renderer import Fragments
from render.diff.shaders import ShaderBase
from render.diff.textures import interpolate_face_attributes

__all__ = ["PhysicalMaterials", "HardPhysicalShader", "reflectance"]

EPS = 1e-4  #: smallest cosine, and smallest squared roughness, by which is divided


class PhysicalMaterials(TensorProperties):
    """One material per mesh; the base colour comes from the mesh's textures (linear RGB).

    Args:
        roughness: 0 (mirror) to 1, a number or [mesh].
        metallic: 0 or 1, a number or [mesh].
        sheen_color: RGB at grazing view, [mesh, 3].
        sheen_roughness: 0 to 1, a number or [mesh].
    """

    def __init__(
        self, roughness=0.6, metallic=0.0, sheen_color=((0.0, 0.0, 0.0),), sheen_roughness=0.5, device="cpu"
    ) -> None:
        def column(value) -> torch.Tensor:
            return torch.as_tensor(value, dtype=torch.float32, device=device).reshape(-1, 1)

        sheen_color = torch.as_tensor(sheen_color, dtype=torch.float32, device=device).reshape(-1, 3)
        super().__init__(device=device, roughness=column(roughness), metallic=column(metallic),
                         sheen_color=sheen_color, sheen_roughness=column(sheen_roughness))  # fmt: skip


def reflectance(
    normal: torch.Tensor, view: torch.Tensor, light: torch.Tensor, base: torch.Tensor, materials: PhysicalMaterials
) -> torch.Tensor:
    """Reflected share of the light per direction, times the light's cosine.

    Args:
        normal, view, light: unit vectors; view and light point away from the surface, [mesh, ..., 3].
        base: base colour, [mesh, ..., 3].

    Returns:
        [mesh, ..., 3], 1/sr.
    """
    rough, metal = (spread(value, base) for value in (materials.roughness, materials.metallic))
    half = normalize(view + light, dim=-1, eps=1e-6)
    n_l, n_v, n_h, v_h = (
        (a * b).sum(-1, keepdim=True).clamp(min=EPS) for a, b in ((normal, light), (normal, view), (normal, half),
                                                                  (view, half))
    )  # fmt: skip
    lit = (normal * light).sum(-1, keepdim=True) > 0
    alpha2 = (rough**4).clamp(min=EPS)
    lobe = alpha2 / (math.pi * (n_h**2 * (alpha2 - 1) + 1) ** 2)
    shadow = 0.5 / (n_l * (n_v**2 * (1 - alpha2) + alpha2).sqrt() + n_v * (n_l**2 * (1 - alpha2) + alpha2).sqrt())
    straight = 0.04 * (1 - metal) + base * metal
    fresnel = straight + (1 - straight) * (1 - v_h).clamp(min=0) ** 5
    body = (1 - fresnel) * (1 - metal) * base / math.pi
    total = body + fresnel * lobe * shadow + sheen(n_l, n_v, n_h, base, materials)
    return total * n_l * lit


def sheen(n_l, n_v, n_h, like, materials: PhysicalMaterials) -> torch.Tensor:
    """The velvety light of fibres that stand up, strongest at grazing view."""
    inverse = 1.0 / spread(materials.sheen_roughness, like).clamp(min=0.05) ** 2
    sine2 = (1 - n_h**2).clamp(min=EPS)
    lobe = (2 + inverse) * sine2 ** (inverse / 2) / (2 * math.pi)
    return spread(materials.sheen_color, like) * lobe / (4 * (n_l + n_v - n_l * n_v))


class HardPhysicalShader(ShaderBase):
    """Physically based shading of the nearest fragment; the light's diffuse colour is its strength (irradiance / pi).

    Give ``materials`` as :class:`PhysicalMaterials`. The result is linear RGB; the light's ambient colour lights the
    base colour alone.
    """

    def __init__(self, device="cpu", cameras=None, lights=None, materials=None, blend_params=None) -> None:
        super().__init__(device, cameras, lights, materials or PhysicalMaterials(device=device), blend_params)

    def forward(self, fragments: Fragments, meshes, **kwargs) -> torch.Tensor:
        lights, materials = kwargs.get("lights", self.lights), kwargs.get("materials", self.materials)
        faces = meshes.faces_packed()
        points, normals = (
            interpolate_face_attributes(fragments.pix_to_face, fragments.bary_coords, take_rows(values, faces))
            for values in (meshes.verts_packed(), meshes.verts_normals_packed())
        )
        own = {name: kwargs[name] for name in ("R", "T") if kwargs.get(name) is not None}
        camera = spread(self._get_cameras(**kwargs).get_camera_center(**own), points)
        base = meshes.sample_textures(fragments)
        share = reflectance(
            normalize(normals, dim=-1, eps=1e-6),
            normalize(camera - points, dim=-1, eps=1e-6),
            normalize(lights.towards(points), dim=-1, eps=1e-6),
            base,
            materials,
        )
        colors = math.pi * share * spread(lights.diffuse_color, points) + base * spread(lights.ambient_color, points)
        return self._hard(colors, fragments, kwargs)
