"""Batches of 4 x 4 transforms that act on row vectors, PyTorch3D's convention."""

from __future__ import annotations

import torch

from engine.core.errors import ArgumentError
from render.diff.lie import se3_log_map
from render.diff.rotations import axis_rotation

__all__ = ["Rotate", "RotateAxisAngle", "Scale", "Transform3d", "Translate"]


class Transform3d:
    """Points go through ``[x y z 1] @ matrix``, then are divided by the fourth coordinate.

    Args:
        matrix: shape [4, 4] or [batch, 4, 4]; by default the identity, of the type and on the device given.
    """

    def __init__(self, dtype: torch.dtype = torch.float32, device="cpu", matrix: torch.Tensor | None = None) -> None:
        if matrix is None:
            matrix = torch.eye(4, dtype=dtype, device=device)
        if matrix.ndim not in (2, 3) or matrix.shape[-2:] != (4, 4):
            raise ArgumentError("transform.shape", f"a matrix of shape {tuple(matrix.shape)}", "[4, 4] or [n, 4, 4]")
        self._matrix = matrix if matrix.ndim == 3 else matrix[None]
        self._transforms: list[Transform3d] = []  # that follow

    @property
    def dtype(self) -> torch.dtype:
        return self._matrix.dtype

    @property
    def device(self) -> torch.device:
        return self._matrix.device

    def __len__(self) -> int:
        return len(self.get_matrix())

    def __getitem__(self, index) -> Transform3d:
        """Some of the batch, by a number, a list, a slice, or a tensor of numbers or truth values."""
        if isinstance(index, int):
            index = [index]
        if not isinstance(index, (list, slice, torch.Tensor)) or (torch.is_tensor(index) and index.is_floating_point()):
            raise IndexError(f"an index of type {type(index).__name__}")
        index = torch.tensor(index, dtype=torch.long) if isinstance(index, list) and not index else index
        return self._with(self.get_matrix()[index])

    def _with(self, matrix: torch.Tensor, following: list[Transform3d] | None = None) -> Transform3d:
        other = object.__new__(type(self))
        other._matrix, other._transforms = matrix, following or []
        return other

    def get_matrix(self) -> torch.Tensor:
        """All that was composed, shape [batch, 4, 4]."""
        matrix = self._matrix
        for other in self._transforms:
            after = other.get_matrix()
            if len(matrix) != len(after) and 1 not in (len(matrix), len(after)):
                raise ArgumentError("transform.batch", f"{len(matrix)} transforms with {len(after)}", "as many, or one")
            matrix = matrix @ after
        return matrix

    def get_se3_log(self, eps: float = 1e-4, cos_bound: float = 1e-4) -> torch.Tensor:
        """Of rigid motions: translation and rotation, [batch, 6]."""
        return se3_log_map(self.get_matrix(), eps, cos_bound)

    def compose(self, *others: Transform3d) -> Transform3d:
        """This transform first, then the others."""
        for other in others:
            if not isinstance(other, Transform3d):
                raise ArgumentError(
                    "transform.compose", f"a {type(other).__name__} is no transform", "give Transform3d"
                )
        out = Transform3d(matrix=self._matrix)
        out._transforms = [*self._transforms, *others]
        return out

    def stack(self, *others: Transform3d) -> Transform3d:
        """One batch of this transform's and the others' batches."""
        return Transform3d(matrix=torch.cat([t.get_matrix() for t in (self, *others)]))

    def inverse(self, invert_composed: bool = False) -> Transform3d:
        """The way back; with ``invert_composed`` as one matrix."""
        if invert_composed or not self._transforms:
            return Transform3d(matrix=torch.inverse(self.get_matrix()) if self._transforms else self._inverse())
        out = Transform3d(dtype=self.dtype, device=self.device)
        out._transforms = [t.inverse() for t in reversed(self._transforms)] + [Transform3d(matrix=self._inverse())]
        return out

    def _inverse(self) -> torch.Tensor:
        return torch.inverse(self._matrix)

    def transform_points(self, points: torch.Tensor, eps: float | None = None) -> torch.Tensor:
        """
        Args:
            points: shape [point, 3] or [batch, point, 3].
            eps: smallest magnitude of the divisor; None for no limit.

        Returns:
            shape of the points, with this transform's batch where theirs is 1 and its is not.
        """
        matrix = self.get_matrix()
        batch = _sets(points, len(matrix))
        out = torch.cat((batch, torch.ones_like(batch[..., :1])), -1) @ matrix
        divisor = out[..., 3:]
        if eps is not None:
            sign = torch.where(divisor < 0, -1.0, 1.0)
            divisor = sign * divisor.abs().clamp(min=eps)
        out = out[..., :3] / divisor
        return out[0] if points.ndim == 2 and len(out) == 1 else out

    def transform_normals(self, normals: torch.Tensor) -> torch.Tensor:
        """Normals, by the inverse transpose of the linear part; shapes as for points."""
        matrix = self.get_matrix()
        out = _sets(normals, len(matrix)) @ torch.inverse(matrix[:, :3, :3]).transpose(1, 2)
        return out[0] if normals.ndim == 2 and len(out) == 1 else out

    def translate(self, *args, **kwargs) -> Transform3d:
        return self.compose(Translate(*args, device=self.device, dtype=self.dtype, **kwargs))

    def scale(self, *args, **kwargs) -> Transform3d:
        return self.compose(Scale(*args, device=self.device, dtype=self.dtype, **kwargs))

    def rotate(self, *args, **kwargs) -> Transform3d:
        return self.compose(Rotate(*args, device=self.device, dtype=self.dtype, **kwargs))

    def rotate_axis_angle(self, *args, **kwargs) -> Transform3d:
        return self.compose(RotateAxisAngle(*args, device=self.device, dtype=self.dtype, **kwargs))

    def clone(self) -> Transform3d:
        return self._with(self._matrix.clone(), [t.clone() for t in self._transforms])

    def to(self, device, copy: bool = False, dtype: torch.dtype | None = None) -> Transform3d:
        """On another device, in another type; itself, if that changes nothing and no copy is wanted."""
        device, dtype = torch.device(device), dtype or self.dtype
        if not copy and device == self.device and dtype == self.dtype:
            return self
        moved = [t.to(device, copy, dtype) for t in self._transforms]
        return self._with(self._matrix.to(device=device, dtype=dtype, copy=copy), moved)

    def cpu(self) -> Transform3d:
        return self.to("cpu")

    def cuda(self) -> Transform3d:
        return self.to("cuda")


class Translate(Transform3d):
    """Shifts by x, y, z (numbers or [n]), or by x alone as [n, 3]."""

    def __init__(self, x, y=None, z=None, dtype: torch.dtype = torch.float32, device="cpu") -> None:
        xyz = _rows(x, y, z, dtype, device)
        matrix = torch.eye(4, dtype=xyz.dtype, device=xyz.device).repeat(len(xyz), 1, 1)
        matrix[:, 3, :3] = xyz
        super().__init__(matrix=matrix)

    def _inverse(self) -> torch.Tensor:
        shift = torch.zeros_like(self._matrix)
        shift[:, 3, :3] = 2 * self._matrix[:, 3, :3]
        return self._matrix - shift


class Scale(Transform3d):
    """Scales by x, y, z (numbers or [n]), or by x alone: the same for all axes, or [n, 3]."""

    def __init__(self, x, y=None, z=None, dtype: torch.dtype = torch.float32, device="cpu") -> None:
        alone = y is None and z is None and not (torch.is_tensor(x) and x.ndim == 2)
        xyz = _rows(x, x, x, dtype, device) if alone else _rows(x, y, z, dtype, device)
        super().__init__(matrix=torch.diag_embed(torch.cat((xyz, torch.ones_like(xyz[:, :1])), 1)))

    def _inverse(self) -> torch.Tensor:
        return torch.diag_embed(1.0 / self._matrix.diagonal(dim1=1, dim2=2))


class Rotate(Transform3d):
    """Rotates row vectors by ``points @ R``, R [3, 3] or [n, 3, 3]."""

    def __init__(
        self, R: torch.Tensor, dtype: torch.dtype | None = None, device=None, orthogonal_tol: float = 1e-5
    ) -> None:
        R = torch.as_tensor(R, dtype=dtype, device=device)
        if R.ndim not in (2, 3) or R.shape[-2:] != (3, 3):
            raise ArgumentError("transform.shape", f"a rotation of shape {tuple(R.shape)}", "[3, 3] or [n, 3, 3]")
        R = R if R.ndim == 3 else R[None]
        matrix = torch.eye(4, dtype=R.dtype, device=R.device).repeat(len(R), 1, 1)
        matrix[:, :3, :3] = R
        super().__init__(matrix=matrix)

    def _inverse(self) -> torch.Tensor:
        return self._matrix.transpose(1, 2).contiguous()


class RotateAxisAngle(Rotate):
    """Rotates about X, Y or Z by an angle (a number or [n]), counter-clockwise as seen from the axis' end."""

    def __init__(
        self, angle, axis: str = "X", degrees: bool = True, dtype: torch.dtype = torch.float32, device="cpu"
    ) -> None:
        angle = torch.as_tensor(angle, dtype=dtype, device=angle.device if torch.is_tensor(angle) else device)
        if axis.upper() not in ("X", "Y", "Z") or angle.ndim > 1:
            raise ArgumentError("transform.angle", f"axis {axis!r}, angle of shape {tuple(angle.shape)}",
                             "X, Y or Z, and a number or [n]")  # fmt: skip
        angle = torch.deg2rad(angle) if degrees else angle
        super().__init__(axis_rotation(axis.upper(), angle.reshape(-1)).transpose(1, 2))


def _sets(points: torch.Tensor, transforms: int) -> torch.Tensor:
    """Points as [batch, n, 3] that fit so many transforms."""
    if points.ndim not in (2, 3) or points.shape[-1] != 3:
        raise ArgumentError("transform.points", f"points of shape {tuple(points.shape)}", "[n, 3] or [batch, n, 3]")
    batch = points if points.ndim == 3 else points[None]
    if 1 not in (len(batch), transforms) and len(batch) != transforms:
        raise ArgumentError("transform.batch", f"{transforms} transforms for {len(batch)} sets", "as many, or one")
    return batch


def _rows(x, y, z, dtype: torch.dtype, device) -> torch.Tensor:
    """[n, 3] from three columns, or from ``x`` alone."""
    if torch.is_tensor(x) and x.ndim == 2:
        if x.shape[1] != 3 or y is not None or z is not None:
            raise ArgumentError("transform.columns", f"x of shape {tuple(x.shape)} with others", "[n, 3] alone")
        return x.to(dtype=dtype)
    if y is None or z is None:
        raise ArgumentError("transform.columns", "y or z is missing", "give all three, or one tensor [n, 3]")
    on = next((v.device for v in (x, y, z) if torch.is_tensor(v)), torch.device(device))
    columns = [torch.as_tensor(v, dtype=dtype, device=on).reshape(-1) for v in (x, y, z)]
    sizes = {len(c) for c in columns} - {1}
    if len(sizes) > 1:
        raise ArgumentError("transform.columns", f"columns of {[len(c) for c in columns]} rows", "as many, or one")
    return torch.stack(torch.broadcast_tensors(*columns), 1)
