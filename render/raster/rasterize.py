"""Triangles to pixels, differentiable, with PyTorch3D's fragment semantics.

The arguments and results are those of PyTorch3D (Ravi et al., Accelerating 3D Deep Learning with PyTorch3D, 2020).
"""

from __future__ import annotations

import torch

from engine.core.errors import ArgumentError, UnsupportedError
from render.raster import twin
from render.raster.binning import image_shape
from render.raster.clip import Clipped, clip_near
from render.raster.device import ready
from render.raster.fragment_ops import Settings, gather_corners, rasterize_corners

__all__ = ["rasterize_meshes"]

Fragments = tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]


def rasterize_meshes(
    verts_ndc,
    faces: torch.Tensor | None = None,
    image_size: int | tuple[int, int] = 256,
    blur_radius: float = 0.0,
    faces_per_pixel: int = 8,
    *,
    perspective_correct: bool = False,
    clip_barycentric_coords: bool = False,
    cull_backfaces: bool = False,
    z_clip_value: float | None = None,
    backend: str = "taichi",
    **_unused,
) -> Fragments:
    """The nearest fragments of every pixel.

    Args:
        verts_ndc: x (left), y (up) in normalised device coordinates, where the shorter side of the image spans
            [-1, 1], and view depth; float32 [vertex, 3], or [image, vertex, 3] for a batch that shares its faces. Or
            a :class:`render.diff.Meshes` (also PyTorch3D's) in place of vertices and faces.
        faces: vertex indices, int [face, 3].
        image_size: side, or (height, width) [px].
        blur_radius: faces also count for pixels outside them up to this *squared* distance.
        faces_per_pixel: K, fragments kept.
        perspective_correct: barycentric coordinates on the triangle in space, not in the image.
        clip_barycentric_coords: fragments outside their face take the coordinates of its edge.
        cull_backfaces: leave out faces that run clockwise.
        z_clip_value: cut faces at this view depth.
        backend: ``taichi``, ``torch`` (the oracle: slow, small images) or ``pytorch3d`` (if it is installed).

    PyTorch3D's ``bin_size``, ``max_faces_per_bin`` and ``cull_to_frustum`` are accepted and change nothing: they tune
    its speed, not its result.

    Returns:
        ``pix_to_face[n, y, x, k] = f``, int64: face f is the k-th nearest on pixel (y, x), ties by f; in a batch,
        image n counts its faces from n * face count. ``zbuf[n, y, x, k]``: its view depth there.
        ``bary_coords[n, y, x, k, i]``: weight of its corner i. ``dists[n, y, x, k]``: squared distance in the image to
        the nearest of its edges, negative inside. All are -1 in unused places.

    Raises:
        ArgumentError: shapes, indices or numbers that make no sense.
        UnsupportedError: an unknown backend, or PyTorch3D where it is not installed.
    """
    unknown = set(_unused) - {"bin_size", "max_faces_per_bin", "cull_to_frustum"}
    if unknown:
        raise ArgumentError("raster.argument", f"rasterize_meshes has no argument {sorted(unknown)[0]!r}", "")
    verts, packed, face_image, images = _packed(verts_ndc, faces)
    settings = Settings(
        image_size=image_shape(image_size),
        blur_radius=float(blur_radius),
        faces_per_pixel=int(faces_per_pixel),
        perspective_correct=bool(perspective_correct),
        clip_barycentric_coords=bool(clip_barycentric_coords),
        cull_backfaces=bool(cull_backfaces),
    )
    _check(verts, packed, settings)
    if backend == "pytorch3d":
        from render.raster.pytorch3d_backend import rasterize_with_pytorch3d

        return rasterize_with_pytorch3d(verts, packed, face_image, images, settings, z_clip_value)
    if backend not in ("taichi", "torch"):
        raise UnsupportedError("raster.backend", f"no rasterizer {backend!r}", "taichi, torch or pytorch3d")
    if backend == "taichi":
        ready(verts)
        corners = gather_corners(verts, packed)
    else:
        corners = verts[packed.long()]
    cut = None if z_clip_value is None else clip_near(corners, float(z_clip_value), perspective=perspective_correct)
    if cut is not None:
        corners, face_image = cut.face_verts, face_image[cut.source]
    neighbour = None if cut is None or cut.weights is None else cut.neighbour
    run = rasterize_corners if backend == "taichi" else twin.rasterize_corners
    found = run(corners, face_image, images, neighbour, settings)
    return found if cut is None else _uncut(found, cut)


def _uncut(found: Fragments, cut: Clipped) -> Fragments:
    """Fragments of the pieces as fragments of the faces that they come from."""
    pieces, zbuf, bary, dists = found
    used = pieces >= 0
    faces = torch.where(used, cut.source[pieces.clamp(min=0)] if len(cut.source) else pieces, pieces)
    if cut.weights is not None:
        changed = torch.zeros(len(cut.source) + 1, dtype=torch.bool, device=bary.device)
        changed[:-1] = (cut.weights.detach() != torch.eye(3, device=bary.device)).flatten(1).any(1)
        at = changed[pieces].nonzero(as_tuple=True)  # -1 looks up the last place: unchanged
        whole = (cut.weights[pieces[at]] @ bary[at][..., None]).squeeze(-1)
        bary = bary.index_put(at, whole)
    return faces, zbuf, bary, dists


def _packed(verts_ndc, faces) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, int]:
    """Vertices [v, 3], faces [f, 3], image of each face, number of images."""
    if hasattr(verts_ndc, "verts_packed"):
        meshes = verts_ndc
        verts, packed = meshes.verts_packed(), meshes.faces_packed()
        counts = meshes.num_faces_per_mesh().to(packed.device)
        images = torch.repeat_interleave(torch.arange(len(counts), device=packed.device), counts)
        return verts.float(), packed, images.int(), len(counts)
    if not (isinstance(verts_ndc, torch.Tensor) and isinstance(faces, torch.Tensor)):
        raise ArgumentError("raster.input", "vertices and faces must be torch tensors", "or give one Meshes")
    if verts_ndc.ndim not in (2, 3) or verts_ndc.shape[-1] != 3 or faces.ndim != 2 or faces.shape[1] != 3:
        raise ArgumentError(
            "raster.shape",
            f"vertices {tuple(verts_ndc.shape)} and faces {tuple(faces.shape)} do not make meshes",
            "vertices are [vertex, 3] or [image, vertex, 3], faces [face, 3]",
        )
    faces = faces.to(verts_ndc.device)
    batch = verts_ndc if verts_ndc.ndim == 3 else verts_ndc[None]
    images, count = batch.shape[:2]
    index = torch.arange(images, device=faces.device)
    packed = (faces[None] + (index * count)[:, None, None]).reshape(-1, 3)
    return batch.reshape(-1, 3).float(), packed, torch.repeat_interleave(index, len(faces)).int(), images


def _check(verts: torch.Tensor, faces: torch.Tensor, settings: Settings) -> None:
    if settings.faces_per_pixel < 1 or not settings.blur_radius >= 0:
        raise ArgumentError(
            "raster.settings",
            f"faces_per_pixel {settings.faces_per_pixel} and blur_radius {settings.blur_radius} are not possible",
            "at least one face per pixel, and a blur of zero or more",
        )
    if len(faces) and not (0 <= int(faces.min()) and int(faces.max()) < len(verts)):
        raise ArgumentError("raster.index", f"faces name vertices outside 0 to {len(verts) - 1}", "check the faces")
