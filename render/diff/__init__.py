"""Differentiable rendering with PyTorch3D's names: change ``pytorch3d.renderer``, ``.structures``,
``.loss`` and ``.utils`` to ``render.diff``, and a scene runs on the rasterizer of this package.
"""

from render.diff.attributes import (
    GeometryBuffers,
    VertexAttributeShader,
    geometry_buffers,
    interpolate_vertex_attributes,
)
from render.diff.blending import BlendParams, hard_rgb_blend, sigmoid_alpha_blend, softmax_rgb_blend
from render.diff.cameras import (
    FoVOrthographicCameras,
    FoVPerspectiveCameras,
    OrthographicCameras,
    PerspectiveCameras,
    look_at_rotation,
    look_at_view_transform,
)
from render.diff.join import join_meshes_as_batch, join_meshes_as_scene
from render.diff.laplacians import cot_laplacian, laplacian, norm_laplacian
from render.diff.lights import AmbientLights, DirectionalLights, Materials, PointLights
from render.diff.losses import mesh_edge_loss, mesh_laplacian_smoothing, mesh_normal_consistency
from render.diff.mesh_files import IO, load_ply, save_obj, save_ply
from render.diff.mesh_views import mesh_face_areas_normals
from render.diff.meshes import Meshes
from render.diff.obj import load_obj, load_objs_as_meshes
from render.diff.packing import (
    list_to_packed,
    list_to_padded,
    packed_to_list,
    packed_to_padded,
    padded_to_list,
    padded_to_packed,
)
from render.diff.physical import HardPhysicalShader, PhysicalMaterials
from render.diff.renderer import (
    CoverageRenderer,
    Fragments,
    MeshRasterizer,
    MeshRenderer,
    MeshRendererWithFragments,
    RasterizationSettings,
)
from render.diff.shaders import (
    HardDepthShader,
    HardFlatShader,
    HardGouraudShader,
    HardPhongShader,
    ShaderBase,
    SoftDepthShader,
    SoftGouraudShader,
    SoftPhongShader,
    SoftSilhouetteShader,
)
from render.diff.shading import flat_shading, gouraud_shading, phong_shading
from render.diff.shapes import ico_sphere, torus
from render.diff.textures import TexturesAtlas, TexturesBase, TexturesVertex, interpolate_face_attributes
from render.diff.textures_uv import TexturesUV
from render.diff.transforms import Transform3d
from render.raster import rasterize_meshes

__all__ = [
    "AmbientLights", "BlendParams", "CoverageRenderer", "DirectionalLights", "FoVOrthographicCameras",
    "FoVPerspectiveCameras", "Fragments", "GeometryBuffers", "HardDepthShader", "HardFlatShader", "HardGouraudShader",
    "HardPhongShader", "HardPhysicalShader", "IO", "Materials", "MeshRasterizer", "MeshRenderer",
    "MeshRendererWithFragments", "Meshes", "OrthographicCameras", "PerspectiveCameras", "PhysicalMaterials",
    "PointLights", "RasterizationSettings", "ShaderBase", "SoftDepthShader", "SoftGouraudShader", "SoftPhongShader",
    "SoftSilhouetteShader", "TexturesAtlas", "TexturesBase", "TexturesUV", "TexturesVertex", "Transform3d",
    "VertexAttributeShader", "cot_laplacian", "flat_shading", "geometry_buffers", "gouraud_shading", "hard_rgb_blend",
    "ico_sphere", "interpolate_face_attributes", "interpolate_vertex_attributes", "join_meshes_as_batch",
    "join_meshes_as_scene", "laplacian", "list_to_packed", "list_to_padded", "load_obj", "load_objs_as_meshes",
    "load_ply", "look_at_rotation", "look_at_view_transform", "mesh_edge_loss", "mesh_face_areas_normals",
    "mesh_laplacian_smoothing", "mesh_normal_consistency", "norm_laplacian", "packed_to_list", "packed_to_padded",
    "padded_to_list", "padded_to_packed", "phong_shading", "rasterize_meshes", "save_obj", "save_ply",
    "sigmoid_alpha_blend", "softmax_rgb_blend", "torus",
]  # fmt: skip
