"""Differentiable rendering with PyTorch3D's names: change ``pytorch3d.renderer`` and ``pytorch3d.structures`` to
``render.diff``, and a scene runs on the rasterizer of this package.
"""

from render.diff.blending import BlendParams, hard_rgb_blend, sigmoid_alpha_blend, softmax_rgb_blend
from render.diff.cameras import (
    FoVOrthographicCameras,
    FoVPerspectiveCameras,
    OrthographicCameras,
    PerspectiveCameras,
    look_at_rotation,
    look_at_view_transform,
)
from render.diff.lights import AmbientLights, DirectionalLights, Materials, PointLights
from render.diff.meshes import Meshes
from render.diff.physical import HardPhysicalShader, PhysicalMaterials
from render.diff.renderer import (
    CoverageRenderer,
    Fragments,
    HardPhongShader,
    MeshRasterizer,
    MeshRenderer,
    MeshRendererWithFragments,
    RasterizationSettings,
    SoftPhongShader,
    SoftSilhouetteShader,
)
from render.diff.textures import TexturesUV, TexturesVertex, interpolate_face_attributes
from render.diff.transforms import Transform3d
from render.raster import rasterize_meshes

__all__ = [
    "AmbientLights", "BlendParams", "CoverageRenderer", "DirectionalLights", "FoVOrthographicCameras",
    "FoVPerspectiveCameras", "Fragments", "HardPhongShader", "HardPhysicalShader", "Materials", "MeshRasterizer",
    "MeshRenderer", "MeshRendererWithFragments", "Meshes", "OrthographicCameras", "PerspectiveCameras",
    "PhysicalMaterials", "PointLights", "RasterizationSettings", "SoftPhongShader", "SoftSilhouetteShader",
    "TexturesUV", "TexturesVertex", "Transform3d", "hard_rgb_blend", "interpolate_face_attributes",
    "look_at_rotation", "look_at_view_transform", "rasterize_meshes", "sigmoid_alpha_blend", "softmax_rgb_blend",
]  # fmt: skip
