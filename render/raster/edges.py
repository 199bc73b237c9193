"""The edges of a mesh and the corners across them, from which the outline's edges are told for any view."""

from __future__ import annotations

import torch

from render.raster.device import ready
from render.raster.grouping import Groups, stable_groups

__all__ = ["MeshEdges"]


class MeshEdges:
    """Edges of a mesh; made once per mesh, used for every view.

    Attributes:
        ends: vertex indices, lower first, int32 [edge, 2].
        first: ``first[e]`` to ``first[e + 1]`` are the edge's places in ``across``, int32 [edge + 1].
        across: the third vertex of every face at the edge, int32 [place].
        face: that face, int32 [place].
        by_vertex: ends grouped by vertex (end 2 e + i is ``ends[e, i]``).
    """

    def __init__(self, faces: torch.Tensor, vertex_count: int) -> None:
        """
        Args:
            faces: vertex indices, int [face, 3].
            vertex_count: number of vertices.
        """
        ready(faces)
        faces = faces.long()
        pairs = torch.cat((faces[:, [1, 2]], faces[:, [2, 0]], faces[:, [0, 1]]))
        low, high = pairs.amin(1), pairs.amax(1)
        key, order = torch.sort(low * vertex_count + high, stable=True)
        key, counts = torch.unique_consecutive(key, return_counts=True)
        self.ends = torch.stack((key // vertex_count, key % vertex_count), 1).int()
        self.first = torch.zeros(len(key) + 1, dtype=torch.int32, device=faces.device)
        self.first[1:] = counts.cumsum(0)
        self.across = faces.T.reshape(-1)[order].int()
        self.face = (order % len(faces)).int()
        self.by_vertex: Groups = stable_groups(self.ends.reshape(-1), vertex_count)
