"""Sets of points: drawn from meshes, their nearest neighbours, and the distance between two sets."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch.nn.functional import cosine_similarity

from engine.core.errors import ArgumentError
from render.diff.packing import take_rows
from render.diff.renderer import Fragments

__all__ = ["Neighbours", "chamfer_distance", "knn_gather", "knn_points", "sample_points_from_meshes"]

PAIRS_AT_ONCE = 1 << 22  #: distances that are held in memory together


def sample_points_from_meshes(
    meshes, num_samples: int = 10000, return_normals: bool = False, return_textures: bool = False
) -> torch.Tensor | tuple[torch.Tensor, ...]:
    """Points spread evenly over each mesh, with gradients to its vertices.

    Returns:
        Points [mesh, sample, 3]; normals of their faces, [mesh, sample, 3], and texels, [mesh, sample, channel], if
        asked for. All zero for meshes without faces.

    Raises:
        ArgumentError: ``mesh.empty``, ``mesh.finite``, ``mesh.textures``.
    """
    if meshes.isempty():
        raise ArgumentError(
            "mesh.empty", "the Meshes are empty: there is no face to draw points from", "give meshes with faces"
        )
    if not meshes.verts_packed().isfinite().all():
        raise ArgumentError("mesh.finite", "the Meshes contain nan or inf values", "look for a step that was too large")
    if return_textures and meshes.textures is None:
        raise ArgumentError("mesh.textures", "the Meshes do not contain textures", "give textures to Meshes")
    face = _drawn_faces(meshes, num_samples)
    used = (face >= 0)[..., None]
    root, across = torch.rand(2, *face.shape, dtype=meshes.verts_packed().dtype, device=face.device)
    root = root.sqrt()  # even over a triangle (Osada et al., Shape Distributions, 2002, eq. 1)
    weights = torch.stack((1 - root, root * (1 - across), root * across), -1)
    corners = take_rows(meshes.verts_packed(), meshes.faces_packed()[face.clamp(min=0)])
    found = [(weights[..., None] * corners).sum(2) * used]
    if return_normals:
        found.append(take_rows(meshes.faces_normals_packed(), face.clamp(min=0)) * used)
    if return_textures:
        place = Fragments(face[:, :, None, None], torch.ones_like(root)[:, :, None, None],
                          weights[:, :, None, None], None)  # fmt: skip
        found.append(meshes.sample_textures(place)[:, :, 0, 0] * used)
    return found[0] if len(found) == 1 else tuple(found)


def _drawn_faces(meshes, count: int) -> torch.Tensor:
    """Packed faces, each as often as its area has it, int64 [mesh, count]; -1 for meshes without faces."""
    with torch.no_grad():
        upto = meshes.faces_areas_packed().double().cumsum(0)
        first, faces = meshes.mesh_to_faces_packed_first_idx(), meshes.num_faces_per_mesh()
        last = (first + faces - 1).clamp(min=0)
        begin = torch.where(first > 0, upto[(first - 1).clamp(min=0)], 0.0)
        draw = torch.rand(len(meshes), count, dtype=torch.float64, device=upto.device)
        found = torch.searchsorted(upto, begin[:, None] + draw * (upto[last] - begin)[:, None], right=True)
        found = torch.minimum(torch.maximum(found, first[:, None]), last[:, None])
        return torch.where(faces[:, None] > 0, found, -1)


class Neighbours(NamedTuple):
    """Distances (squared, for norm 2) and indices, [set, point, K]; and the neighbours [set, point, K, axis]."""

    dists: torch.Tensor
    idx: torch.Tensor
    knn: torch.Tensor | None


def knn_points(
    p1: torch.Tensor, p2: torch.Tensor, lengths1: torch.Tensor | None = None, lengths2: torch.Tensor | None = None,
    norm: int = 2, K: int = 1, version: int = -1, return_nn: bool = False, return_sorted: bool = True,
) -> Neighbours:  # fmt: skip
    """The ``K`` points of the second set that are nearest to each of the first, the nearest first.

    Args:
        p1, p2: [set, point, axis].
        lengths1, lengths2: numbers of points in each set that are no padding, [set].
        norm: 1 or 2.
        return_nn: also the neighbours themselves.
        version, return_sorted: have no effect; the nearest always come first.

    Returns:
        With gradients; distance and index are 0 for padding, and where the second set has less than K points.
    """
    if p1.ndim != 3 or p2.ndim != 3 or len(p1) != len(p2) or p1.shape[2] != p2.shape[2]:
        raise ArgumentError("points.shape", f"points {tuple(p1.shape)} and {tuple(p2.shape)}", "[set, point, axis]")
    if norm not in (1, 2):
        raise ArgumentError("points.norm", f"norm {norm} is not supported", "1 or 2")
    known1, known2 = (_known(p, lengths) for p, lengths in ((p1, lengths1), (p2, lengths2)))
    keep = min(K, p2.shape[1])
    step = max(PAIRS_AT_ONCE // max(p2.shape[1], 1), 1)
    rows = []
    with torch.no_grad():
        for own, others, known in zip(p1, p2, known2, strict=True):
            parts = []
            for some in own.split(step):
                far = torch.cdist(some, others, p=norm, compute_mode="donot_use_mm_for_euclid_dist")
                parts.append(far.masked_fill(~known, torch.inf).topk(keep, largest=False).indices)
            rows.append(torch.cat(parts) if parts else torch.zeros(0, keep, dtype=torch.int64, device=p1.device))
    idx = torch.nn.functional.pad(torch.stack(rows), (0, K - keep))
    real = known1[:, :, None] & (torch.arange(K, device=p1.device) < known2.sum(1)[:, None, None])
    idx = torch.where(real, idx, 0)
    nearest = knn_gather(p2, idx)
    apart = p1[:, :, None] - nearest
    dists = (apart.square() if norm == 2 else apart.abs()).sum(-1)
    return Neighbours(torch.where(real, dists, 0.0), idx, nearest * real[..., None] if return_nn else None)


def knn_gather(x: torch.Tensor, idx: torch.Tensor, lengths: torch.Tensor | None = None) -> torch.Tensor:
    """Values [set, point, channel] at indices [set, place, K]: [set, place, K, channel].

    With ``lengths`` [set], those with k beyond a set's number of points are 0.
    """
    found = torch.stack([take_rows(values, own) for values, own in zip(x, idx, strict=True)])
    if lengths is None:
        return found
    real = torch.arange(idx.shape[2], device=idx.device) < lengths[:, None, None]
    return found * real[..., None]


def _known(points: torch.Tensor, lengths: torch.Tensor | None) -> torch.Tensor:
    """Which points are no padding, bool [set, point]."""
    place = torch.arange(points.shape[1], device=points.device).expand(points.shape[:2])
    if lengths is None:
        return torch.ones_like(place, dtype=torch.bool)
    if lengths.shape != points.shape[:1] or (lengths > points.shape[1]).any():
        raise ArgumentError(
            "points.lengths", f"lengths {lengths.tolist()} of {tuple(points.shape)}", "one for each set"
        )
    return place < lengths[:, None]


def chamfer_distance(
    x, y, x_lengths: torch.Tensor | None = None, y_lengths: torch.Tensor | None = None,
    x_normals: torch.Tensor | None = None, y_normals: torch.Tensor | None = None, weights: torch.Tensor | None = None,
    batch_reduction: str | None = "mean", point_reduction: str | None = "mean", norm: int = 2,
    single_directional: bool = False, abs_cosine: bool = True,
):  # fmt: skip
    """Distances from each point to the nearest of the other set, both ways (Fan et al., A Point Set Generation Network,
    2017), squared for norm 2; and 1 - cosine between their normals.

    Args:
        x, y: [set, point, axis], or batches with ``points_padded``, ``num_points_per_cloud`` and ``normals_padded``.
        x_lengths, y_lengths: numbers of points in each set that are no padding, [set].
        x_normals, y_normals: [set, point, 3].
        weights: of the sets, [set].
        batch_reduction: ``mean``, ``sum`` or None.
        point_reduction: ``mean``, ``sum``, ``max`` (Hausdorff's distance) or None.
        single_directional: only from x to y.
        abs_cosine: opposite normals are as good as equal ones.

    Returns:
        Distances and those of normals (None without any). Without ``point_reduction`` each is a pair, [set, point].
    """
    for name, given, known in (("batch_reduction", batch_reduction, ["mean", "sum", None]),
                               ("point_reduction", point_reduction, ["mean", "sum", "max", None])):  # fmt: skip
        if given not in known:
            raise ArgumentError("points.reduction", f"{name} must be one of {known}, not {given!r}", "choose one")
    if point_reduction is None and batch_reduction is not None:
        raise ArgumentError(
            "points.reduction", "single points cannot be reduced over sets", "give batch_reduction=None"
        )
    x, x_lengths, x_normals = _points(x, x_lengths, x_normals)
    y, y_lengths, y_normals = _points(y, y_lengths, y_normals)
    if point_reduction == "max" and x_normals is not None:
        raise ArgumentError("points.reduction", "normals have no greatest distance", "leave them out")
    if weights is not None and (weights.shape != x.shape[:1] or (weights < 0).any()):
        raise ArgumentError("points.weights", f"weights {weights.tolist()}", "one for each set, at least 0")
    ways = [(x, y, x_lengths, y_lengths, x_normals, y_normals), (y, x, y_lengths, x_lengths, y_normals, x_normals)]
    found = [_one_way(*way, norm, abs_cosine) for way in ways[: 1 if single_directional else 2]]
    lengths = [_known(way[0], way[2]).sum(1) for way in ways]
    results = []
    for kind in zip(*found, strict=True):
        if kind[0] is None:
            results.append(None)
            continue
        weighted = [part if weights is None else part * weights[:, None] for part in kind]
        reduced = [_over_points(part, n, point_reduction) for part, n in zip(weighted, lengths, strict=False)]
        if point_reduction is None:
            results.append(reduced[0] if single_directional else tuple(reduced))
            continue
        total = torch.stack(reduced).amax(0) if point_reduction == "max" else sum(reduced)
        results.append(_over_sets(total, weights, batch_reduction))
    return tuple(results)


def _points(points, lengths, normals):
    if hasattr(points, "points_padded"):
        return points.points_padded(), points.num_points_per_cloud(), points.normals_padded()
    if not torch.is_tensor(points) or points.ndim != 3:
        shape = tuple(points.shape) if torch.is_tensor(points) else type(points).__name__
        raise ArgumentError("points.shape", f"points are {shape}", "give [set, point, axis]")
    if normals is not None and normals.shape[:2] != points.shape[:2]:
        raise ArgumentError(
            "points.shape", f"normals {tuple(normals.shape)} of points {tuple(points.shape)}", "one each"
        )
    return points, lengths, normals


def _one_way(x, y, x_lengths, y_lengths, x_normals, y_normals, norm: int, abs_cosine: bool):
    """Distance of each point, and of its normal, to the nearest in the other set, [set, point]; 0 for padding."""
    near = knn_points(x, y, x_lengths, y_lengths, norm=norm)
    if x_normals is None or y_normals is None:
        return near.dists[..., 0], None
    cosine = cosine_similarity(x_normals, knn_gather(y_normals, near.idx)[:, :, 0], dim=2, eps=1e-6)
    turned = 1 - (cosine.abs() if abs_cosine else cosine)
    return near.dists[..., 0], torch.where(_known(x, x_lengths), turned, 0.0)


def _over_points(values: torch.Tensor, lengths: torch.Tensor, reduction: str | None) -> torch.Tensor:
    if reduction is None:
        return values
    if reduction == "max":
        return values.amax(1)
    return values.sum(1) / (lengths.clamp(min=1) if reduction == "mean" else 1)


def _over_sets(values: torch.Tensor, weights: torch.Tensor | None, reduction: str | None) -> torch.Tensor:
    if reduction is None:
        return values
    number = max(len(values), 1) if weights is None else torch.where(weights.sum() > 0, weights.sum(), 1.0)
    return values.sum() / (number if reduction == "mean" else 1)
