"""Cameras in PyTorch3D's conventions: names, arguments and axes, so that scenes written for it port by their imports.

World to view: ``x_view = x_world @ R + T``; in view space +X is left, +Y up, +Z into the scene. In normalised device
coordinates (NDC) +X is left, +Y up, and the shorter side of the image spans [-1, 1].
"""

from __future__ import annotations

import math

import torch
from torch.nn.functional import normalize

from engine.core.errors import InputError
from render.diff.transforms import Transform3d

__all__ = ["FoVPerspectiveCameras", "FoVOrthographicCameras", "PerspectiveCameras", "OrthographicCameras"]
__all__ += ["look_at_rotation", "look_at_view_transform"]


class Cameras:
    """A batch of cameras; the subclasses say how view space is projected.

    Fields are float tensors with the batch first. Keyword arguments of the methods replace fields for one call.
    """

    fields: tuple[str, ...] = ()

    def __init__(self, device, **values) -> None:
        self.device = torch.device(device)
        values = {name: self._tensor(value, name) for name, value in values.items()}
        self._N = max(len(v) for v in values.values() if v is not None)
        for name, value in values.items():
            if value is not None and len(value) not in (1, self._N):
                raise InputError("camera.batch", f"{name} has {len(value)} cameras, others {self._N}", "")
            setattr(self, name, None if value is None else value.expand(self._N, *value.shape[1:]))
        self._names = tuple(values)

    def _tensor(self, value, name: str) -> torch.Tensor | None:
        if value is None:
            return None
        value = torch.as_tensor(value, dtype=torch.float32, device=self.device)
        own = {"R": 2, "K": 2, "T": 1, "focal_length": 1, "principal_point": 1, "image_size": 1, "scale_xyz": 1}
        rank = own.get(name, 0)
        if name == "focal_length" and value.ndim < 2:
            value = value.reshape(-1, 1).expand(-1, 2)  # one number for both axes
        return value if value.ndim > rank else value[None]

    def __len__(self) -> int:
        return self._N

    def __getitem__(self, index) -> Cameras:
        index = [index] if isinstance(index, int) else index
        return self._with({n: None if v is None else v[index] for n, v in self._values().items()})

    def to(self, device) -> Cameras:
        """The same cameras on another device."""
        moved = self._with({n: None if v is None else v.to(device) for n, v in self._values().items()})
        moved.device = torch.device(device)
        return moved

    def clone(self) -> Cameras:
        return self._with({n: None if v is None else v.clone() for n, v in self._values().items()})

    def _values(self) -> dict[str, torch.Tensor | None]:
        return {name: getattr(self, name) for name in self._names}

    def _with(self, values) -> Cameras:
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other.__dict__.update(values)
        other._N = max(len(v) for v in values.values() if v is not None)
        return other

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
        rotation, shift = self._get("R", given), self._get("T", given)
        matrix = torch.eye(4, device=self.device).repeat(len(rotation), 1, 1)
        matrix[:, :3, :3] = rotation
        matrix[:, 3, :3] = shift
        return Transform3d(matrix)

    def get_projection_transform(self, **given) -> Transform3d:
        matrix = self._get("K", given)
        if matrix is None:
            matrix = self.projection_matrix(**given)
        return Transform3d(matrix.transpose(1, 2).contiguous())

    def get_full_projection_transform(self, **given) -> Transform3d:
        return self.get_world_to_view_transform(**given).compose(self.get_projection_transform(**given))

    def get_ndc_camera_transform(self, **given) -> Transform3d:
        """From where the projection ends to NDC."""
        if self.in_ndc():
            return Transform3d(torch.eye(4, device=self.device))
        width_height = self._image_size(given).flip(1)
        scale = width_height.amin(1) / 2.0
        matrix = torch.eye(4, device=self.device).repeat(self._N, 1, 1)
        matrix[:, 0, 0] = matrix[:, 1, 1] = 1.0 / scale
        # the principal point counts right and down from the image's corner; x and y here are left and up
        shift = width_height / 2.0 - 2.0 * self._get("principal_point", given)
        matrix[:, 3, :2] = shift / scale[:, None]
        return Transform3d(matrix)

    def transform_points(self, points: torch.Tensor, eps: float | None = None, **given) -> torch.Tensor:
        """World points through the projection, shape [point, 3] or [batch, point, 3]."""
        return self.get_full_projection_transform(**given).transform_points(points, eps)

    def transform_points_ndc(self, points: torch.Tensor, eps: float | None = None, **given) -> torch.Tensor:
        """World points in NDC."""
        whole = self.get_full_projection_transform(**given).compose(self.get_ndc_camera_transform(**given))
        return whole.transform_points(points, eps)

    def transform_points_screen(self, points: torch.Tensor, eps: float | None = None, **given) -> torch.Tensor:
        """World points in pixels: x right and y down from the image's upper left corner."""
        ndc = self.transform_points_ndc(points, eps, **given)
        height, width = self._image_size(given).T
        scale = torch.minimum(height, width)[:, None] / 2.0
        flat = ndc if ndc.ndim == 3 else ndc[None]
        x = width[:, None] / 2.0 - scale * flat[..., 0]
        y = height[:, None] / 2.0 - scale * flat[..., 1]
        out = torch.stack((x, y, flat[..., 2]), -1)
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
        return self.get_world_to_view_transform(**given).inverse().get_matrix()[:, 3, :3]

    def _image_size(self, given: dict) -> torch.Tensor:
        size = self._tensor(given["image_size"], "image_size") if given.get("image_size") is not None else None
        size = self.get_image_size() if size is None else size
        if size is None:
            raise InputError("camera.image_size", "the camera does not know the image's size", "give image_size")
        return size


_R = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
_T = (0.0, 0.0, 0.0)


class FoVPerspectiveCameras(Cameras):
    """Perspective, given by the vertical field of view."""

    def __init__(
        self, znear=1.0, zfar=100.0, aspect_ratio=1.0, fov=60.0, degrees: bool = True, R=_R, T=_T, K=None, device="cpu"
    ) -> None:
        super().__init__(device, znear=znear, zfar=zfar, aspect_ratio=aspect_ratio, fov=fov, R=R, T=T, K=K)
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


class FoVOrthographicCameras(Cameras):
    """Parallel projection, given by the box that fills the image."""

    def __init__(
        self, znear=1.0, zfar=100.0, max_y=1.0, min_y=-1.0, max_x=1.0, min_x=-1.0, scale_xyz=((1.0, 1.0, 1.0),), R=_R,
        T=_T, K=None, device="cpu",
    ) -> None:  # fmt: skip
        super().__init__(device, znear=znear, zfar=zfar, max_y=max_y, min_y=min_y, max_x=max_x, min_x=min_x,
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


class PerspectiveCameras(Cameras):
    """Perspective, given by focal length and principal point, in NDC or (``in_ndc=False``) in pixels."""

    def __init__(
        self, focal_length=1.0, principal_point=((0.0, 0.0),), R=_R, T=_T, K=None, device="cpu", in_ndc: bool = True,
        image_size=None,
    ) -> None:  # fmt: skip
        super().__init__(device, focal_length=focal_length, principal_point=principal_point, R=R, T=T, K=K,
                         image_size=image_size)  # fmt: skip
        self._in_ndc = in_ndc
        if not in_ndc and image_size is None:
            raise InputError("camera.image_size", "a camera in pixels needs the image's size", "give image_size")

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


def look_at_rotation(camera_position, at=((0, 0, 0),), up=((0, 1, 0),), device="cpu") -> torch.Tensor:
    """Rotations R of cameras that look from their positions at a point, shape [batch, 3, 3]."""
    position, at, up = _rows(device, camera_position, at, up)
    z = normalize(at - position, eps=1e-5)
    x = normalize(torch.linalg.cross(up, z), eps=1e-5)
    y = normalize(torch.linalg.cross(z, x), eps=1e-5)
    along_up = torch.isclose(x, torch.tensor(0.0, device=x.device), atol=5e-3).all(1, keepdim=True)
    x = torch.where(along_up, normalize(torch.linalg.cross(y, z), eps=1e-5), x)
    return torch.stack((x, y, z), 2)


def look_at_view_transform(
    dist=1.0, elev=0.0, azim=0.0, degrees: bool = True, eye=None, at=((0, 0, 0),), up=((0, 1, 0),), device="cpu"
) -> tuple[torch.Tensor, torch.Tensor]:
    """R [batch, 3, 3] and T [batch, 3] of cameras on a sphere around ``at``, or at ``eye``.

    Args:
        dist: distance from ``at``.
        elev: angle above the horizontal plane.
        azim: angle from +Z towards +X.
        degrees: angles are in degrees, not radians.
    """
    if eye is None:
        values = [torch.as_tensor(v, dtype=torch.float32, device=device).reshape(-1) for v in (dist, elev, azim)]
        dist, elev, azim = torch.broadcast_tensors(*values)
        if degrees:
            elev, azim = math.pi / 180.0 * elev, math.pi / 180.0 * azim
        flat = dist * torch.cos(elev)
        place = torch.stack((flat * torch.sin(azim), dist * torch.sin(elev), flat * torch.cos(azim)), 1)
        place, at, up = _rows(device, place, at, up)
        eye = place + at
    eye, at, up = _rows(device, eye, at, up)
    rotation = look_at_rotation(eye, at, up, device)
    return rotation, -(rotation.transpose(1, 2) @ eye[:, :, None])[:, :, 0]


def _rows(device, *values) -> list[torch.Tensor]:
    rows = [torch.as_tensor(v, dtype=torch.float32, device=device).reshape(-1, 3) for v in values]
    return list(torch.broadcast_tensors(*rows))
