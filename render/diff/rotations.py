"""Rotations as matrices, quaternions (real part first), axis-angle vectors, Euler angles and six numbers.

Names and conventions are PyTorch3D's; matrices act on column vectors.
"""

from __future__ import annotations

import torch
from torch.nn.functional import normalize

from engine.core.errors import ArgumentError

__all__ = [
    "axis_angle_to_matrix", "axis_angle_to_quaternion", "axis_rotation", "euler_angles_to_matrix",
    "matrix_to_axis_angle", "matrix_to_euler_angles", "matrix_to_quaternion", "matrix_to_rotation_6d",
    "quaternion_apply", "quaternion_invert", "quaternion_multiply", "quaternion_raw_multiply",
    "quaternion_to_axis_angle", "quaternion_to_matrix", "random_quaternions", "random_rotation", "random_rotations",
    "rotation_6d_to_matrix", "standardize_quaternion",
]  # fmt: skip

AXES = "XYZ"


def quaternion_to_matrix(quaternions: torch.Tensor) -> torch.Tensor:
    """[..., 4] of any length to [..., 3, 3]."""
    w, x, y, z = torch.unbind(quaternions, -1)
    s = 2.0 / (quaternions * quaternions).sum(-1)
    entries = (
        1 - s * (y * y + z * z), s * (x * y - z * w), s * (x * z + y * w),
        s * (x * y + z * w), 1 - s * (x * x + z * z), s * (y * z - x * w),
        s * (x * z - y * w), s * (y * z + x * w), 1 - s * (x * x + y * y),
    )  # fmt: skip
    return torch.stack(entries, -1).reshape(quaternions.shape[:-1] + (3, 3))


def matrix_to_quaternion(matrix: torch.Tensor) -> torch.Tensor:
    """[..., 3, 3] to [..., 4] with a real part that is not negative.

    The entries of the matrix give all products of two parts of the quaternion; the row of these products with the
    greatest square, divided by that part, is free of cancellation (Shepperd, Quaternion from Rotation Matrix, 1978).
    """
    if matrix.shape[-2:] != (3, 3):
        raise ArgumentError("rotation.shape", f"a rotation of shape {tuple(matrix.shape)}", "[..., 3, 3] is wanted")
    (a, b, c), (d, e, f), (g, h, i) = (row.unbind(-1) for row in matrix.unbind(-2))
    products = torch.stack((
        torch.stack((1 + a + e + i, h - f, c - g, d - b), -1),
        torch.stack((h - f, 1 + a - e - i, d + b, c + g), -1),
        torch.stack((c - g, d + b, 1 - a + e - i, h + f), -1),
        torch.stack((d - b, c + g, h + f, 1 - a - e + i), -1),
    ), -2)  # fmt: skip
    best = products.diagonal(dim1=-2, dim2=-1).argmax(-1)
    row = torch.gather(products, -2, best[..., None, None].expand(*best.shape, 1, 4)).squeeze(-2)
    square = torch.gather(row, -1, best[..., None])
    return standardize_quaternion(row / (2 * square.sqrt()))


def standardize_quaternion(quaternions: torch.Tensor) -> torch.Tensor:
    """The one of the two quaternions of a rotation whose real part is not negative."""
    return torch.where(quaternions[..., :1] < 0, -quaternions, quaternions)


def quaternion_raw_multiply(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """Hamilton's product; shapes [..., 4] broadcast."""
    aw, av, bw, bv = a[..., :1], a[..., 1:], b[..., :1], b[..., 1:]
    av, bv = torch.broadcast_tensors(av, bv)
    real = aw * bw - (av * bv).sum(-1, keepdim=True)
    return torch.cat((real, aw * bv + bw * av + torch.linalg.cross(av, bv)), -1)


def quaternion_multiply(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    """b's rotation, then a's, with a real part that is not negative."""
    return standardize_quaternion(quaternion_raw_multiply(a, b))


def quaternion_invert(quaternion: torch.Tensor) -> torch.Tensor:
    """The inverse of unit quaternions."""
    return quaternion * quaternion.new_tensor((1.0, -1.0, -1.0, -1.0))


def quaternion_apply(quaternion: torch.Tensor, point: torch.Tensor) -> torch.Tensor:
    """Points [..., 3] turned by unit quaternions [..., 4]."""
    if point.shape[-1] != 3:
        raise ArgumentError("rotation.shape", f"points of shape {tuple(point.shape)}", "[..., 3] is wanted")
    pure = torch.cat((torch.zeros_like(point[..., :1]), point), -1)
    return quaternion_raw_multiply(quaternion_raw_multiply(quaternion, pure), quaternion_invert(quaternion))[..., 1:]


def axis_angle_to_quaternion(axis_angle: torch.Tensor) -> torch.Tensor:
    """Vectors [..., 3] along the axis, as long as the angle [rad], to [..., 4]."""
    half = torch.linalg.norm(axis_angle, dim=-1, keepdim=True) / 2
    return torch.cat((torch.cos(half), axis_angle * torch.sinc(half / torch.pi) / 2), -1)


def quaternion_to_axis_angle(quaternions: torch.Tensor) -> torch.Tensor:
    """Unit quaternions [..., 4] to vectors [..., 3] along the axis, as long as the angle [rad]."""
    imaginary = quaternions[..., 1:]
    half = torch.atan2(torch.linalg.norm(imaginary, dim=-1, keepdim=True), quaternions[..., :1])
    return imaginary * 2 / torch.sinc(half / torch.pi)


def axis_angle_to_matrix(axis_angle: torch.Tensor, fast: bool = False) -> torch.Tensor:
    """[..., 3] to [..., 3, 3]; ``fast`` is accepted and changes nothing."""
    return quaternion_to_matrix(axis_angle_to_quaternion(axis_angle))


def matrix_to_axis_angle(matrix: torch.Tensor, fast: bool = False) -> torch.Tensor:
    """[..., 3, 3] to [..., 3]; ``fast`` is accepted and changes nothing."""
    return quaternion_to_axis_angle(matrix_to_quaternion(matrix))


def axis_rotation(axis: str, angle: torch.Tensor) -> torch.Tensor:
    """Rotation about X, Y or Z; angle [...] in rad, result [..., 3, 3]."""
    if axis not in AXES or len(axis) != 1:
        raise ArgumentError("rotation.axis", f"no axis {axis!r}", "X, Y or Z")
    vector = torch.zeros((*angle.shape, 3), dtype=angle.dtype, device=angle.device)
    i = AXES.index(axis)
    j, k = (i + 1) % 3, (i + 2) % 3
    c, s, one, zero = torch.cos(angle), torch.sin(angle), torch.ones_like(angle), vector[..., 0]
    entries = {(i, i): one, (j, j): c, (k, k): c, (j, k): -s, (k, j): s}
    return torch.stack([entries.get((m, n), zero) for m in range(3) for n in range(3)], -1).reshape(*angle.shape, 3, 3)


def euler_angles_to_matrix(euler_angles: torch.Tensor, convention: str) -> torch.Tensor:
    """Angles [..., 3] about three axes, ``XYZ`` meaning Rx @ Ry @ Rz, to [..., 3, 3]."""
    _axes(convention)
    if euler_angles.shape[-1:] != (3,):
        raise ArgumentError("rotation.shape", f"angles of shape {tuple(euler_angles.shape)}", "[..., 3] is wanted")
    first, second, third = (axis_rotation(c, a) for c, a in zip(convention, euler_angles.unbind(-1), strict=True))
    return first @ second @ third


def matrix_to_euler_angles(matrix: torch.Tensor, convention: str) -> torch.Tensor:
    """[..., 3, 3] to angles [..., 3] [rad] about the three axes of the convention."""
    i, j, last = _axes(convention)
    if matrix.shape[-2:] != (3, 3):
        raise ArgumentError("rotation.shape", f"a rotation of shape {tuple(matrix.shape)}", "[..., 3, 3] is wanted")
    k = 3 - i - j
    sign = 1.0 if (j - i) % 3 == 1 else -1.0
    if last == i:
        middle = torch.acos(matrix[..., i, i].clamp(-1, 1))
        first = torch.atan2(matrix[..., j, i], -sign * matrix[..., k, i])
        third = torch.atan2(matrix[..., i, j], sign * matrix[..., i, k])
    else:
        middle = torch.asin((sign * matrix[..., i, k]).clamp(-1, 1))
        first = torch.atan2(-sign * matrix[..., j, k], matrix[..., k, k])
        third = torch.atan2(-sign * matrix[..., i, j], matrix[..., i, i])
    return torch.stack((first, middle, third), -1)


def _axes(convention: str) -> list[int]:
    good = len(convention) == 3 and all(c in AXES for c in convention)
    if not good or convention[1] in (convention[0], convention[2]):
        raise ArgumentError("rotation.convention", f"no Euler angles {convention!r}", "three of X, Y, Z, as XYZ or ZXZ")
    return [AXES.index(c) for c in convention]


def rotation_6d_to_matrix(d6: torch.Tensor) -> torch.Tensor:
    """The first two rows of a matrix, made orthonormal (Zhou et al., On the Continuity of Rotations, 2019)."""
    x = normalize(d6[..., :3], dim=-1)
    y = normalize(d6[..., 3:] - (x * d6[..., 3:]).sum(-1, keepdim=True) * x, dim=-1)
    return torch.stack((x, y, torch.linalg.cross(x, y)), -2)


def matrix_to_rotation_6d(matrix: torch.Tensor) -> torch.Tensor:
    """[..., 3, 3] to its first two rows, [..., 6]."""
    return matrix[..., :2, :].clone().reshape(*matrix.shape[:-2], 6)


def random_quaternions(n: int, dtype: torch.dtype | None = None, device=None) -> torch.Tensor:
    """Evenly spread unit quaternions with real parts that are not negative, [n, 4]."""
    return standardize_quaternion(normalize(torch.randn((n, 4), dtype=dtype, device=device), dim=-1))


def random_rotations(n: int, dtype: torch.dtype | None = None, device=None) -> torch.Tensor:
    """Evenly spread rotations, [n, 3, 3]."""
    return quaternion_to_matrix(random_quaternions(n, dtype, device))


def random_rotation(dtype: torch.dtype | None = None, device=None) -> torch.Tensor:
    """One of :func:`random_rotations`, [3, 3]."""
    return random_rotations(1, dtype, device)[0]
