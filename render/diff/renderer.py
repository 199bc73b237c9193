"""From meshes and cameras to fragments and pictures, with PyTorch3D's class names and arguments."""

from __future__ import annotations

from dataclasses import dataclass, fields

import torch
from torch import nn

from engine.core.errors import ArgumentError
from render import raster
from render.diff.meshes import Meshes
from render.raster import MeshEdges, coverage

__all__ = ["CoverageRenderer", "Fragments", "MeshRasterizer", "MeshRenderer", "MeshRendererWithFragments"]
__all__ += ["RasterizationSettings", "rasterize_meshes"]


@dataclass(frozen=True)
class Fragments:
    """What :func:`render.raster.rasterize_meshes` returns, and where the vertices were in the image.

    Attributes:
        verts_ndc: all vertices in normalised device coordinates, and view depth, [sum of vertices, 3]; wanted by
            textures that choose their resolution by a texel's size in the image.
        perspective_correct: what ``bary_coords`` are.
    """

    pix_to_face: torch.Tensor
    zbuf: torch.Tensor
    bary_coords: torch.Tensor
    dists: torch.Tensor | None
    verts_ndc: torch.Tensor | None = None
    perspective_correct: bool = True

    def detach(self) -> Fragments:
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return Fragments(**{n: v.detach() if torch.is_tensor(v) else v for n, v in values.items()})


@dataclass
class RasterizationSettings:
    """Arguments of the rasterizer.

    None leaves the choice to the camera (``perspective_correct``; ``z_clip_value``: half its near plane) or to the
    blur (``clip_barycentric_coords``). ``bin_size``, ``max_faces_per_bin``, ``max_faces_opengl`` and
    ``cull_to_frustum`` tune PyTorch3D's speed and have no effect here. ``backend`` is ours.
    """

    image_size: int | tuple[int, int] = 256
    blur_radius: float = 0.0
    faces_per_pixel: int = 1
    bin_size: int | None = None
    max_faces_opengl: int = 10_000_000
    max_faces_per_bin: int | None = None
    perspective_correct: bool | None = None
    clip_barycentric_coords: bool | None = None
    cull_backfaces: bool = False
    z_clip_value: float | None = None
    cull_to_frustum: bool = False
    backend: str = "taichi"


def rasterize_meshes(
    meshes: Meshes, image_size: int | tuple[int, int] = 256, blur_radius: float = 0.0, faces_per_pixel: int = 8,
    bin_size: int | None = None, max_faces_per_bin: int | None = None, perspective_correct: bool = False,
    clip_barycentric_coords: bool = False, cull_backfaces: bool = False, z_clip_value: float | None = None,
    cull_to_frustum: bool = False, backend: str = "taichi",
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:  # fmt: skip
    """:func:`render.raster.rasterize_meshes` with PyTorch3D's arguments, also by their places.

    ``bin_size``, ``max_faces_per_bin`` and ``cull_to_frustum`` change nothing.
    """
    return raster.rasterize_meshes(
        meshes, image_size=image_size, blur_radius=blur_radius, faces_per_pixel=faces_per_pixel,
        perspective_correct=perspective_correct, clip_barycentric_coords=clip_barycentric_coords,
        cull_backfaces=cull_backfaces, z_clip_value=z_clip_value, backend=backend,
    )  # fmt: skip


def _projected(meshes: Meshes, cameras, given: dict) -> Meshes:
    """Meshes in normalised device coordinates, with the view depth as z."""
    if cameras is None:
        raise ArgumentError("render.cameras", "Cameras must be specified", "give them to the rasterizer or to its call")
    if len(cameras) not in (1, len(meshes)):
        raise ArgumentError(
            "render.cameras", f"{len(cameras)} cameras for {len(meshes)} meshes", "one, or one for each"
        )
    eps = given.get("eps")
    own = {k: v for k, v in given.items() if k not in ("cameras", "raster_settings", "eps", "lights", "materials")}
    verts = meshes.verts_padded()
    view = cameras.get_world_to_view_transform(**own).transform_points(verts, eps)
    to_ndc = cameras.get_projection_transform(**own).compose(cameras.get_ndc_camera_transform(**own))
    ndc = to_ndc.transform_points(view, eps)
    return meshes.update_padded(torch.cat((ndc[..., :2], view[..., 2:]), -1))


class MeshRasterizer(nn.Module):
    """Fragments of a batch of meshes, one image each."""

    def __init__(self, cameras=None, raster_settings: RasterizationSettings | None = None) -> None:
        super().__init__()
        self.cameras = cameras
        self.raster_settings = raster_settings or RasterizationSettings()

    def to(self, device):
        if self.cameras is not None:
            self.cameras = self.cameras.to(device)
        return self

    def transform(self, meshes_world: Meshes, **kwargs) -> Meshes:
        """The meshes as the rasterizer gets them: normalised device coordinates and view depth."""
        return _projected(meshes_world, kwargs.get("cameras", self.cameras), kwargs)

    def forward(self, meshes_world: Meshes, **kwargs) -> Fragments:
        meshes = self.transform(meshes_world, **kwargs)
        settings = kwargs.get("raster_settings", self.raster_settings)
        cameras = kwargs.get("cameras", self.cameras)
        perspective, clip, near = settings.perspective_correct, settings.clip_barycentric_coords, settings.z_clip_value
        perspective = cameras.is_perspective() if perspective is None else perspective
        clip = settings.blur_radius > 0 if clip is None else clip
        if near is None and perspective and cameras.get_znear() is not None:
            near = float(torch.as_tensor(cameras.get_znear()).min()) / 2
        return Fragments(
            *raster.rasterize_meshes(
                meshes,
                image_size=settings.image_size,
                blur_radius=settings.blur_radius,
                faces_per_pixel=settings.faces_per_pixel,
                perspective_correct=perspective,
                clip_barycentric_coords=clip,
                cull_backfaces=settings.cull_backfaces,
                z_clip_value=near,
                backend=settings.backend,
            ),
            verts_ndc=meshes.verts_packed(),
            perspective_correct=perspective,
        )


class MeshRenderer(nn.Module):
    """A rasterizer and a shader: pictures [image, y, x, 4]."""

    def __init__(self, rasterizer, shader) -> None:
        super().__init__()
        self.rasterizer, self.shader = rasterizer, shader

    def to(self, device):
        self.rasterizer.to(device)
        self.shader.to(device)
        return self

    def forward(self, meshes_world: Meshes, **kwargs) -> torch.Tensor:
        return self.shader(self.rasterizer(meshes_world, **kwargs), meshes_world, **kwargs)


class MeshRendererWithFragments(MeshRenderer):
    """As :class:`MeshRenderer`, and the fragments."""

    def forward(self, meshes_world: Meshes, **kwargs) -> tuple[torch.Tensor, Fragments]:
        fragments = self.rasterizer(meshes_world, **kwargs)
        return self.shader(fragments, meshes_world, **kwargs), fragments


class CoverageRenderer(nn.Module):
    """Silhouettes for fitting: the covered share of each pixel, with the true derivative (no blur, nothing to tune).

    All meshes of a batch share their faces.
    """

    def __init__(self, cameras=None, image_size: int | tuple[int, int] = 256) -> None:
        super().__init__()
        self.cameras, self.image_size = cameras, image_size
        self._edges: tuple[torch.Tensor, MeshEdges] | None = None

    def forward(self, meshes_world: Meshes, **kwargs) -> torch.Tensor:
        """float32 [image, y, x]."""
        faces = meshes_world.faces_list()[0]
        if any(f is not faces and not torch.equal(f, faces) for f in meshes_world.faces_list()):
            raise ArgumentError("render.batch", "the meshes of a batch have different faces", "render them one by one")
        meshes = _projected(meshes_world, kwargs.get("cameras", self.cameras), kwargs)
        verts = meshes.verts_padded()
        if self._edges is None or not torch.equal(self._edges[0], faces):
            self._edges = faces, MeshEdges(faces, verts.shape[1])
        return coverage(verts, faces, kwargs.get("image_size", self.image_size), edges=self._edges[1])
