"""Differentiable rendering with PyTorch3D's names: change ``pytorch3d.renderer``, ``.structures``,
``.loss``, ``.transforms`` and ``.utils`` to ``render.diff``, and a scene runs on the rasterizer of this package.
"""

from render.diff.attributes import (
    GeometryBuffers,
    VertexAttributeShader,
    geometry_buffers,
    interpolate_vertex_attributes,
)
from render.diff.batch import TensorProperties
from render.diff.blending import BlendParams, hard_rgb_blend, sigmoid_alpha_blend, softmax_rgb_blend
from render.diff.cameras import (
    CamerasBase,
    FoVOrthographicCameras,
    FoVPerspectiveCameras,
    OrthographicCameras,
    PerspectiveCameras,
    join_cameras_as_batch,
)
from render.diff.join import join_meshes_as_batch, join_meshes_as_scene
from render.diff.laplacians import cot_laplacian, laplacian, norm_laplacian
from render.diff.lie import (
    acos_linear_extrapolation,
    hat,
    hat_inv,
    se3_exp_map,
    se3_log_map,
    so3_exp_map,
    so3_log_map,
    so3_relative_angle,
    so3_rotation_angle,
)
from render.diff.lights import AmbientLights, DirectionalLights, Materials, PointLights, diffuse, specular
from render.diff.losses import mesh_edge_loss, mesh_laplacian_smoothing, mesh_normal_consistency
from render.diff.mesh_files import IO, load_ply, save_obj, save_ply
from render.diff.mesh_views import mesh_face_areas_normals
from render.diff.meshes import Meshes
from render.diff.obj import load_obj, load_objs_as_meshes
from render.diff.opencv import cameras_from_opencv_projection, opencv_from_cameras_projection
from render.diff.packing import (
    list_to_packed,
    list_to_padded,
    packed_to_list,
    packed_to_padded,
    padded_to_list,
    padded_to_packed,
)
from render.diff.physical import HardPhysicalShader, PhysicalMaterials
from render.diff.points import chamfer_distance, knn_gather, knn_points, sample_points_from_meshes
from render.diff.renderer import (
    CoverageRenderer,
    Fragments,
    MeshRasterizer,
    MeshRenderer,
    MeshRendererWithFragments,
    RasterizationSettings,
    rasterize_meshes,
)
from render.diff.rotations import (
    axis_angle_to_matrix,
    axis_angle_to_quaternion,
    euler_angles_to_matrix,
    matrix_to_axis_angle,
    matrix_to_euler_angles,
    matrix_to_quaternion,
    matrix_to_rotation_6d,
    quaternion_apply,
    quaternion_invert,
    quaternion_multiply,
    quaternion_raw_multiply,
    quaternion_to_axis_angle,
    quaternion_to_matrix,
    random_quaternions,
    random_rotation,
    random_rotations,
    rotation_6d_to_matrix,
    standardize_quaternion,
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
from render.diff.transforms import Rotate, RotateAxisAngle, Scale, Transform3d, Translate
from render.diff.viewpoints import (
    camera_position_from_spherical_angles,
    camera_to_eye_at_up,
    get_world_to_view_transform,
    look_at_rotation,
    look_at_view_transform,
    rotate_on_spot,
)

__all__ = [
    "AmbientLights", "BlendParams", "CamerasBase", "CoverageRenderer", "DirectionalLights", "FoVOrthographicCameras",
    "FoVPerspectiveCameras", "Fragments", "GeometryBuffers", "HardDepthShader", "HardFlatShader", "HardGouraudShader",
    "HardPhongShader", "HardPhysicalShader", "IO", "Materials", "MeshRasterizer", "MeshRenderer",
    "MeshRendererWithFragments", "Meshes", "OrthographicCameras", "PerspectiveCameras", "PhysicalMaterials",
    "PointLights", "RasterizationSettings", "Rotate", "RotateAxisAngle", "Scale", "ShaderBase", "SoftDepthShader",
    "SoftGouraudShader", "SoftPhongShader", "SoftSilhouetteShader", "TensorProperties", "TexturesAtlas",
    "TexturesBase", "TexturesUV", "TexturesVertex", "Transform3d", "Translate", "VertexAttributeShader",
    "acos_linear_extrapolation", "axis_angle_to_matrix", "axis_angle_to_quaternion",
    "camera_position_from_spherical_angles", "camera_to_eye_at_up", "cameras_from_opencv_projection",
    "chamfer_distance", "cot_laplacian", "diffuse", "euler_angles_to_matrix", "flat_shading", "geometry_buffers",
    "get_world_to_view_transform", "gouraud_shading", "hard_rgb_blend", "hat", "hat_inv", "ico_sphere",
    "interpolate_face_attributes", "interpolate_vertex_attributes", "join_cameras_as_batch", "join_meshes_as_batch",
    "join_meshes_as_scene", "knn_gather", "knn_points", "laplacian", "list_to_packed", "list_to_padded", "load_obj",
    "load_objs_as_meshes", "load_ply", "look_at_rotation", "look_at_view_transform", "matrix_to_axis_angle",
    "matrix_to_euler_angles", "matrix_to_quaternion", "matrix_to_rotation_6d", "mesh_edge_loss",
    "mesh_face_areas_normals", "mesh_laplacian_smoothing", "mesh_normal_consistency", "norm_laplacian",
    "opencv_from_cameras_projection", "packed_to_list", "packed_to_padded", "padded_to_list", "padded_to_packed",
    "phong_shading", "quaternion_apply", "quaternion_invert", "quaternion_multiply", "quaternion_raw_multiply",
    "quaternion_to_axis_angle", "quaternion_to_matrix", "random_quaternions", "random_rotation", "random_rotations",
    "rasterize_meshes", "rotate_on_spot", "rotation_6d_to_matrix", "sample_points_from_meshes", "save_obj",
    "save_ply", "se3_exp_map", "se3_log_map", "sigmoid_alpha_blend", "so3_exp_map", "so3_log_map",
    "so3_relative_angle", "so3_rotation_angle", "softmax_rgb_blend", "specular", "standardize_quaternion", "torus",
]  # fmt: skip
