"""Batches of 4 x 4 transforms that act on row vectors, PyTorch3D's convention."""

from __future__ import annotations

import torch

__all__ = ["Transform3d"]


class Transform3d:
    """Points go through ``[x y z 1] @ matrix``, then are divided by the fourth coordinate."""

    def __init__(self, matrix: torch.Tensor) -> None:
        """
        Args:
            matrix: shape [4, 4] or [batch, 4, 4].
        """
        self._matrix = matrix if matrix.ndim == 3 else matrix[None]

    def get_matrix(self) -> torch.Tensor:
        """Shape [batch, 4, 4]."""
        return self._matrix

    def compose(self, *others: Transform3d) -> Transform3d:
        """This transform first, then the others."""
        matrix = self._matrix
        for other in others:
            matrix = matrix @ other._matrix
        return Transform3d(matrix)

    def inverse(self) -> Transform3d:
        return Transform3d(torch.inverse(self._matrix))

    def transform_points(self, points: torch.Tensor, eps: float | None = None) -> torch.Tensor:
        """
        Args:
            points: shape [point, 3] or [batch, point, 3].
            eps: smallest magnitude of the divisor; None for no limit.

        Returns:
            shape of the points, with this transform's batch where theirs is 1 and its is not.
        """
        batch = points if points.ndim == 3 else points[None]
        out = torch.cat((batch, torch.ones_like(batch[..., :1])), -1) @ self._matrix
        divisor = out[..., 3:]
        if eps is not None:
            sign = torch.where(divisor < 0, -1.0, 1.0)
            divisor = sign * divisor.abs().clamp(min=eps)
        out = out[..., :3] / divisor
        return out[0] if points.ndim == 2 and len(out) == 1 else out
