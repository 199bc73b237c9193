"""PyTorch3D's own rasterizer behind the same interface, for those who have built it."""

from __future__ import annotations

import torch

from engine.core.errors import UnsupportedError

__all__ = ["pytorch3d_is_there", "rasterize_with_pytorch3d"]


def pytorch3d_is_there() -> bool:
    """Whether ``import pytorch3d.renderer`` works."""
    try:
        import pytorch3d.renderer  # noqa: F401
    except ImportError:
        return False
    return True


def rasterize_with_pytorch3d(verts, faces, face_image, images: int, settings, z_clip_value):
    """As :func:`render.raster.rasterize_meshes`, on packed vertices [v, 3] and faces [f, 3].

    Raises:
        UnsupportedError: PyTorch3D is not installed.
    """
    if not pytorch3d_is_there():
        raise UnsupportedError("raster.pytorch3d", "PyTorch3D is not installed", "build it, or use backend='taichi'")
    from pytorch3d.renderer.mesh.rasterize_meshes import rasterize_meshes
    from pytorch3d.structures import Meshes

    batches = [faces[face_image == n].long() for n in range(images)]
    starts = [int(part.min()) if len(part) else 0 for part in batches]
    ends = starts[1:] + [len(verts)]
    if any(end < start for start, end in zip(starts, ends, strict=True)):  # an empty mesh in the middle
        starts, ends = [0] * images, [len(verts)] * images
    meshes = Meshes(
        verts=[verts[start:end] for start, end in zip(starts, ends, strict=True)],
        faces=[part - start for part, start in zip(batches, starts, strict=True)],
    )
    found = rasterize_meshes(
        meshes,
        image_size=settings.image_size,
        blur_radius=settings.blur_radius,
        faces_per_pixel=settings.faces_per_pixel,
        perspective_correct=settings.perspective_correct,
        clip_barycentric_coords=settings.clip_barycentric_coords,
        cull_backfaces=settings.cull_backfaces,
        z_clip_value=z_clip_value,
    )
    return tuple(torch.as_tensor(part) for part in found)
