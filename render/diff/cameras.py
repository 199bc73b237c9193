"""Cameras in PyTorch3D's conventions: names, arguments and axes, so that scenes written for it port by their imports.

World to view: ``x_view = x_world @ R + T``; in view space +X is left, +Y up, +Z into the scene. In normalised device
coordinates (NDC) +X is left, +Y up, and the shorter side of the image spans [-1, 1].
"""

from __future__ import annotations

import math

import torch

from engine.core.errors import ArgumentError
from render.diff.batch import TensorProperties
from render.diff.transforms import Transform3d
from render.diff.viewpoints import get_world_to_view_transform

__all__ = ["CamerasBase", "FoVOrthographicCameras", "FoVPerspectiveCameras", "OrthographicCameras"]
__all__ += ["PerspectiveCameras", "join_cameras_as_batch"]

RANKS = {"R": 2, "K": 2, "T": 1, "focal_length": 1, "principal_point": 1, "image_size": 1, "scale_xyz": 1}


class CamerasBase(TensorProperties):
    """A batch of cameras; the subclasses say how view space is projected.

    Fields are float tensors with the batch first. Keyword arguments of the methods replace fields for one call.
    """

    def _tensor(self, value, name: str, dtype: torch.dtype = torch.float32) -> torch.Tensor:
        """The field as a tensor with the batch in front, also from what is given for one camera."""
        value = super()._tensor(value, name, dtype)
        if name == "focal_length" and (value.ndim < 2 or value.shape[-1] == 1):
            value = value.reshape(-1, 1).expand(-1, 2)  # one number for both axes
        return value if value.ndim > RANKS.get(name, 0) else value[None]

    def __getitem__(self, index) -> CamerasBase:
        """Some of the cameras, by a number, a list of numbers, or a tensor of numbers or truth values."""
        return self._with({n: getattr(self, n)[self._places(index)] for n in self._names})

    def _places(self, index) -> torch.Tensor:
        if isinstance(index, int) and not isinstance(index, bool):
            index = [index]
        if isinstance(index, list) and all(isinstance(i, int) and not isinstance(i, bool) for i in index):
            index = torch.tensor(index, dtype=torch.long)
        if not torch.is_tensor(index) or index.is_floating_point() or index.is_complex():
            raise ArgumentError("camera.index", f"Invalid index type: {type(index).__name__}",
                             "a number, a list of numbers, or a tensor of numbers or truth values")  # fmt: skip
        if index.dtype == torch.bool:
            if index.shape != (self._N,):
                raise ArgumentError("camera.index", f"an index of {len(index)} does not match cameras: {self._N}", "")
            return index.nonzero()[:, 0]
        if bool((index >= self._N).any()) or bool((index < -self._N).any()):
            raise IndexError(f"index {index.max().item()} is out of bounds for {self._N} cameras")
        return index.long()

    def _get(self, name: str, given: dict):
        return self._tensor(given[name], name) if given.get(name) is not None else getattr(self, name)

    def projection_matrix(self, **given) -> torch.Tensor:
        """Acts on column vectors, shape [batch, 4, 4]."""
        raise NotImplementedError

    def is_perspective(self) -> bool:
        raise NotImplementedError

    def in_ndc(self) -> bool:
        """Whether the projection ends in NDC, not in pixels."""
        return True

    def get_znear(self) -> torch.Tensor | None:
        return getattr(self, "znear", None)

    def get_image_size(self) -> torch.Tensor | None:
        return getattr(self, "image_size", None)

    def get_world_to_view_transform(self, **given) -> Transform3d:
        """World to view; ``R`` and ``T``, if they are given, are kept as the cameras' own, as PyTorch3D does."""
        for name in ("R", "T"):
            if given.get(name) is not None:
                setattr(self, name, self._tensor(given[name], name))
        return get_world_to_view_transform(self.R, self.T)

    def get_projection_transform(self, **given) -> Transform3d:
        matrix = self._get("K", given)
        if matrix is None:
            matrix = self.projection_matrix(**given)
        return Transform3d(matrix=matrix.transpose(1, 2).contiguous())

    def get_full_projection_transform(self, **given) -> Transform3d:
        return self.get_world_to_view_transform(**given).compose(self.get_projection_transform(**given))

    def get_ndc_camera_transform(self, **given) -> Transform3d:
        """From where the projection ends to NDC."""
        if self.in_ndc():
            return Transform3d(device=self.device)
        width_height = self._image_size(given).flip(1)
        scale = width_height.amin(1) / 2.0
        matrix = torch.eye(4, device=self.device).repeat(self._N, 1, 1)
        matrix[:, 0, 0] = matrix[:, 1, 1] = 1.0 / scale
        # the principal point counts right and down from the image's corner; x and y here are left and up
        shift = width_height / 2.0 - 2.0 * self._get("principal_point", given)
        matrix[:, 3, :2] = shift / scale[:, None]
        return Transform3d(matrix=matrix)

    def transform_points(self, points: torch.Tensor, eps: float | None = None, **given) -> torch.Tensor:
        """World points through the projection, shape [point, 3] or [batch, point, 3]."""
        return self.get_full_projection_transform(**given).transform_points(points, eps)

    def transform_points_ndc(self, points: torch.Tensor, eps: float | None = None, **given) -> torch.Tensor:
        """World points in NDC."""
        projected = self.transform_points(points, eps, **given)
        return projected if self.in_ndc() else self.get_ndc_camera_transform(**given).transform_points(projected)

    def transform_points_screen(
        self, points: torch.Tensor, eps: float | None = None, with_xyflip: bool = True, **given
    ) -> torch.Tensor:
        """World points in pixels: x right and y down from the image's upper left corner.

        Without ``with_xyflip`` both have the other sign.
        """
        ndc = self.transform_points_ndc(points, eps, **given)
        height, width = self._image_size(given).T
        scale = torch.minimum(height, width)[:, None] / 2.0
        flat = ndc if ndc.ndim == 3 else ndc[None]
        # the difference first: at the image's edge nothing is lost
        x = scale * (width[:, None] / 2.0 / scale - flat[..., 0])
        y = scale * (height[:, None] / 2.0 / scale - flat[..., 1])
        out = torch.stack((x, y, flat[..., 2]) if with_xyflip else (-x, -y, flat[..., 2]), -1)
        return out[0] if ndc.ndim == 2 and len(out) == 1 else out

    def unproject_points(self, xy_depth: torch.Tensor, world_coordinates: bool = True, **given) -> torch.Tensor:
        """Points from where the projection puts them (x, y) and their view depth."""
        matrix = self.get_projection_transform(**given).get_matrix()
        batch = xy_depth if xy_depth.ndim == 3 else xy_depth[None].expand(len(matrix), -1, -1)
        xy, depth = batch[..., :2], batch[..., 2:]
        focal = torch.stack((matrix[:, 0, 0], matrix[:, 1, 1]), -1)[:, None]
        offset = matrix[:, None, 2, :2] if self.is_perspective() else matrix[:, None, 3, :2]
        view = torch.cat(((xy - offset) / focal * (depth if self.is_perspective() else 1.0), depth), -1)
        if world_coordinates:
            view = self.get_world_to_view_transform(**given).inverse().transform_points(view)
        return view[0] if xy_depth.ndim == 2 and len(view) == 1 else view

    def get_camera_center(self, **given) -> torch.Tensor:
        """Positions in the world, shape [batch, 3]."""
        return self.get_world_to_view_transform(**given).inverse(invert_composed=True).get_matrix()[:, 3, :3]

    def _image_size(self, given: dict) -> torch.Tensor:
        size = self._tensor(given["image_size"], "image_size") if given.get("image_size") is not None else None
        size = self.get_image_size() if size is None else size
        if size is None:
            raise ArgumentError("camera.image_size", "the camera does not know the image's size", "give image_size")
        return size


_R = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
_T = (0.0, 0.0, 0.0)


class FoVPerspectiveCameras(CamerasBase):
    """Perspective, given by the vertical field of view."""

    def __init__(
        self, znear=1.0, zfar=100.0, aspect_ratio=1.0, fov=60.0, degrees: bool = True, R=_R, T=_T, K=None, device="cpu"
    ) -> None:
        super().__init__(device=device, znear=znear, zfar=zfar, aspect_ratio=aspect_ratio, fov=fov, R=R, T=T, K=K)
        self.degrees = degrees

    def projection_matrix(self, **given) -> torch.Tensor:
        near, far, aspect, fov = (self._get(n, given) for n in ("znear", "zfar", "aspect_ratio", "fov"))
        if given.get("degrees", self.degrees):
            fov = (math.pi / 180) * fov
        top = torch.tan(fov / 2) * near
        right = top * aspect
        matrix = torch.zeros((max(self._N, len(fov)), 4, 4), device=self.device)
        matrix[:, 0, 0] = 2.0 * near / (right + right)
        matrix[:, 1, 1] = 2.0 * near / (top + top)
        matrix[:, 2, 2] = far / (far - near)
        matrix[:, 2, 3] = -(far * near) / (far - near)
        matrix[:, 3, 2] = 1.0
        return matrix

    def is_perspective(self) -> bool:
        return True


class FoVOrthographicCameras(CamerasBase):
    """Parallel projection, given by the box that fills the image."""

    def __init__(
        self, znear=1.0, zfar=100.0, max_y=1.0, min_y=-1.0, max_x=1.0, min_x=-1.0, scale_xyz=((1.0, 1.0, 1.0),), R=_R,
        T=_T, K=None, device="cpu",
    ) -> None:  # fmt: skip
        super().__init__(device=device, znear=znear, zfar=zfar, max_y=max_y, min_y=min_y, max_x=max_x, min_x=min_x,
                         scale_xyz=scale_xyz, R=R, T=T, K=K)  # fmt: skip

    def projection_matrix(self, **given) -> torch.Tensor:
        near, far, top, low = (self._get(n, given) for n in ("znear", "zfar", "max_y", "min_y"))
        right, left, scale = (self._get(n, given) for n in ("max_x", "min_x", "scale_xyz"))
        matrix = torch.zeros((self._N, 4, 4), device=self.device)
        matrix[:, 0, 0] = 2.0 / (right - left) * scale[:, 0]
        matrix[:, 1, 1] = 2.0 / (top - low) * scale[:, 1]
        matrix[:, 0, 3] = -(right + left) / (right - left)
        matrix[:, 1, 3] = -(top + low) / (top - low)
        matrix[:, 2, 2] = 1.0 / (far - near) * scale[:, 2]
        matrix[:, 2, 3] = -near / (far - near)
        matrix[:, 3, 3] = 1.0
        return matrix

    def is_perspective(self) -> bool:
        return False


class PerspectiveCameras(CamerasBase):
    """Perspective, given by focal length and principal point, in NDC or (``in_ndc=False``) in pixels."""

    def __init__(
        self, focal_length=1.0, principal_point=((0.0, 0.0),), R=_R, T=_T, K=None, device="cpu", in_ndc: bool = True,
        image_size=None,
    ) -> None:  # fmt: skip
        super().__init__(device=device, focal_length=focal_length, principal_point=principal_point, R=R, T=T, K=K,
                         image_size=image_size)  # fmt: skip
        self._in_ndc = in_ndc
        if not in_ndc and image_size is None:
            raise ArgumentError("camera.image_size", "a camera in pixels needs the image's size", "give image_size")

    def projection_matrix(self, **given) -> torch.Tensor:
        focal, centre = self._get("focal_length", given), self._get("principal_point", given)
        matrix = torch.zeros((self._N, 4, 4), device=self.device)
        matrix[:, 0, 0], matrix[:, 1, 1] = focal[:, 0], focal[:, 1]
        matrix[:, :2, 2 if self.is_perspective() else 3] = centre
        if self.is_perspective():
            matrix[:, 3, 2] = matrix[:, 2, 3] = 1.0
        else:
            matrix[:, 2, 2] = matrix[:, 3, 3] = 1.0
        return matrix

    def is_perspective(self) -> bool:
        return True

    def in_ndc(self) -> bool:
        return self._in_ndc


class OrthographicCameras(PerspectiveCameras):
    """Parallel projection, given by scale (``focal_length``) and principal point."""

    def is_perspective(self) -> bool:
        return False


def join_cameras_as_batch(cameras_list) -> CamerasBase:
    """Cameras of one kind, one after the other.

    Raises:
        ArgumentError: ``camera.join``, if they differ in kind, device, or in what is not a tensor.
    """
    first = cameras_list[0]
    if any(type(c) is not type(first) for c in cameras_list):
        raise ArgumentError("camera.join", "the cameras are not of the same type", "join cameras of one kind")
    if any(c.device != first.device for c in cameras_list):
        raise ArgumentError("camera.join", "the cameras are not on the same device", "move them")
    for name, value in vars(first).items():
        if name not in ("_N", "_names") and name not in first._names:
            if any(torch.is_tensor(getattr(c, name)) or getattr(c, name) != value for c in cameras_list):
                raise ArgumentError("camera.join", f"Attribute {name} is not constant across inputs", "")
    return first._with({name: torch.cat([getattr(c, name) for c in cameras_list]) for name in first._names})
