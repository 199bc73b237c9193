"""Cuts faces at a plane in front of the camera, before rasterisation, so that no corner projects to infinity.

The vertex order of the pieces and the treatment of derivatives follow PyTorch3D's clipping, so that ids, values and
gradients agree with it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

__all__ = ["Clipped", "clip_near"]


@dataclass(frozen=True)
class Clipped:
    """Faces in front of the plane.

    Attributes:
        face_verts: float32 [piece, 3, 3].
        source: face that each piece comes from, int64 [piece].
        neighbour: the other half of a cut quadrilateral, -1 for none, int32 [piece].
        weights: barycentric coordinates, in the source face, of each corner of the piece, float32 [piece, 3, 3]
            (``weights[i, :, k]`` for corner k); None if no face was cut.
    """

    face_verts: torch.Tensor
    source: torch.Tensor
    neighbour: torch.Tensor
    weights: torch.Tensor | None


def clip_near(face_verts: torch.Tensor, near: float, *, perspective: bool) -> Clipped | None:
    """Keeps what lies at view depths of at least ``near``; None if that is everything.

    Args:
        face_verts: float32 [face, 3, 3] (x, y in normalised device coordinates, view depth).
        near: depth of the plane [same unit as the depths].
        perspective: x and y were divided by the depth.
    """
    behind = face_verts[:, :, 2] < near
    hidden = behind.sum(1)
    if not bool(hidden.any()):
        return None
    device = face_verts.device
    pieces = torch.tensor([1, 2, 1, 0], device=device)[hidden]
    source = torch.repeat_interleave(torch.arange(len(face_verts), device=device), pieces)
    first = pieces.cumsum(0) - pieces
    neighbour = torch.full((len(source),), -1, dtype=torch.int32, device=device)
    verts = face_verts[source]
    weights = torch.eye(3, device=device).repeat(len(source), 1, 1)

    one = (hidden == 2).nonzero().squeeze(1)
    two = (hidden == 1).nonzero().squeeze(1)
    if len(one) + len(two) == 0:
        return Clipped(verts, source, neighbour, None)
    apex = (~behind[one]).int().argmax(1)
    (p1, _, _, p4, p5), (w1, _, _, w4, w5) = _cut(face_verts[one], apex, near, perspective)
    at = [first[one]]
    new, new_weights = [torch.stack((p4, p5, p1), 1)], [torch.stack((w4, w5, w1), 2)]

    apex = behind[two].int().argmax(1)
    (_, p2, p3, p4, p5), (_, w2, w3, w4, w5) = _cut(face_verts[two], apex, near, perspective)
    at += [first[two], first[two] + 1]
    new += [torch.stack((p4, p2, p5), 1), torch.stack((p5, p2, p3), 1)]
    new_weights += [torch.stack((w4, w2, w5), 2), torch.stack((w5, w2, w3), 2)]
    neighbour[first[two]] = (first[two] + 1).int()
    neighbour[first[two] + 1] = first[two].int()

    place = torch.cat(at)
    verts = verts.index_put((place,), torch.cat(new))
    weights = weights.index_put((place,), torch.cat(new_weights))
    return Clipped(verts, source, neighbour, weights)


def _cut(faces: torch.Tensor, apex: torch.Tensor, near: float, perspective: bool):
    """The corners from the one that is alone on its side of the plane, and the points 4 and 5 where the edges from it
    to the next and to the last corner meet the plane; with their weights in the face.
    """
    row = torch.arange(len(faces), device=faces.device)
    index = [apex, (apex + 1) % 3, (apex + 2) % 3]
    p1, p2, p3 = (faces[row, i] for i in index)
    unit = torch.eye(3, device=faces.device)
    w1, w2, w3 = (unit[i] for i in index)
    points, weights = [p1, p2, p3], [w1, w2, w3]
    for other, w_other, held in ((p2, w2, False), (p3, w3, True)):
        t = ((p1[:, 2] - near) / (p1[:, 2] - other[:, 2]))[:, None]
        if held:
            t = t.detach()  # PyTorch3D differentiates the first cut and holds the second; its gradients are the measure
        point = p1 * (1 - t) + other * t
        if perspective:
            flat = (p1[:, :2] * p1[:, 2:] * (1 - t) + other[:, :2] * other[:, 2:] * t) / near
            point = torch.cat((flat, point[:, 2:]), 1)
        points.append(point)
        weights.append(w1 * (1 - t) + w_other * t)
    return points, weights
