"""Lights and materials of the Phong model, with PyTorch3D's names and defaults."""

from __future__ import annotations

import torch
from torch.nn.functional import normalize, relu

from engine.core.errors import ArgumentError
from render.diff.batch import TensorProperties, spread

__all__ = ["AmbientLights", "DirectionalLights", "Materials", "PointLights", "diffuse", "specular"]


def diffuse(normals: torch.Tensor, color: torch.Tensor, direction: torch.Tensor) -> torch.Tensor:
    """Lambert's cosine law.

    Args:
        normals: [batch, ..., 3], of any length.
        color: of the light, [batch, 3] or as the normals.
        direction: to the light, of any length, [batch, 3] or as the normals.

    Returns:
        [batch, ..., 3].
    """
    color, direction = _fitted(color, normals), _fitted(direction, normals)
    normals, direction = normalize(normals, dim=-1, eps=1e-6), normalize(direction, dim=-1, eps=1e-6)
    return color * relu((normals * direction).sum(-1, keepdim=True))


def specular(
    points: torch.Tensor, normals: torch.Tensor, direction: torch.Tensor, color: torch.Tensor,
    camera_position: torch.Tensor, shininess,
) -> torch.Tensor:  # fmt: skip
    """Phong's highlight: the mirrored light's cosine with the view, to the power of the shininess.

    Args:
        points, normals: [batch, ..., 3]; normals of any length.
        direction, color: as for :func:`diffuse`.
        camera_position: [batch, 3] or as the points.
        shininess: a number, or [batch].

    Returns:
        [batch, ..., 3].
    """
    color, direction, camera = (_fitted(v, points) for v in (color, direction, camera_position))
    shininess = torch.as_tensor(shininess, dtype=torch.float32, device=points.device)
    shininess = spread(shininess.reshape(-1, 1), points) if shininess.ndim < 2 else shininess
    normals, light = normalize(normals, dim=-1, eps=1e-6), normalize(direction, dim=-1, eps=1e-6)
    cosine = (normals * light).sum(-1, keepdim=True)
    view = normalize(camera - points, dim=-1, eps=1e-6)
    along = relu((view * (2 * cosine * normals - light)).sum(-1, keepdim=True)) * (cosine > 0)
    return color * along**shininess


def _fitted(rows: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """[batch, channel] with ones between; what has the shape already stays."""
    rows = torch.as_tensor(rows, dtype=torch.float32, device=like.device)
    return spread(rows, like) if rows.ndim == 2 and rows.ndim != like.ndim else rows


class _Coloured(TensorProperties):
    """Fields that are rows of three: colours, and places or directions."""

    def __init__(self, device, vectors: dict, channels: int | None = 3, **others) -> None:
        rows = {name: self._row(value, name, torch.device(device), channels) for name, value in vectors.items()}
        super().__init__(device=device, **rows, **others)

    @staticmethod
    def _row(value, name: str, device: torch.device, channels: int | None) -> torch.Tensor:
        value = torch.as_tensor(value, dtype=torch.float32, device=device)
        value = value if value.ndim > 1 else value.reshape(1, -1)
        if channels is not None and value.shape[-1] != channels:
            raise ArgumentError("light.shape", f"{name} has the shape {tuple(value.shape)}", f"give rows of {channels}")
        return value


class _Lights(_Coloured):
    def diffuse(self, normals: torch.Tensor, points: torch.Tensor | None = None) -> torch.Tensor:
        """Lambert's cosine law, [batch, ..., 3] as the normals."""
        return diffuse(normals, self.diffuse_color, self.towards(points, normals))

    def specular(self, normals, points, camera_position, shininess) -> torch.Tensor:
        """Phong's highlight, [batch, ..., 3] as the points."""
        light = self.towards(points, normals)
        return specular(points, normals, light, self.specular_color, camera_position, shininess)

    def towards(self, points: torch.Tensor | None, normals: torch.Tensor | None = None) -> torch.Tensor:
        """To the light, of any length, [batch, ..., 3]; one of the two tells the shape."""
        raise NotImplementedError


class PointLights(_Lights):
    """A light at a place, without fall-off."""

    def __init__(
        self, ambient_color=((0.5, 0.5, 0.5),), diffuse_color=((0.3, 0.3, 0.3),), specular_color=((0.2, 0.2, 0.2),),
        location=((0, 1, 0),), device="cpu",
    ) -> None:  # fmt: skip
        super().__init__(device, {"ambient_color": ambient_color, "diffuse_color": diffuse_color,
                                  "specular_color": specular_color, "location": location})  # fmt: skip

    def towards(self, points: torch.Tensor | None, normals: torch.Tensor | None = None) -> torch.Tensor:
        if points is None:
            raise ArgumentError(
                "light.points", "a light at a place shines on points, and none are given", "give points"
            )
        return _fitted(self.location, points) - points

    def reshape_location(self, points: torch.Tensor) -> torch.Tensor:
        """The places, so that they broadcast against the points."""
        return _fitted(self.location, points)


class DirectionalLights(_Lights):
    """A light from far away; ``direction`` points to it."""

    def __init__(
        self, ambient_color=((0.5, 0.5, 0.5),), diffuse_color=((0.3, 0.3, 0.3),), specular_color=((0.2, 0.2, 0.2),),
        direction=((0, 1, 0),), device="cpu",
    ) -> None:  # fmt: skip
        super().__init__(device, {"ambient_color": ambient_color, "diffuse_color": diffuse_color,
                                  "specular_color": specular_color, "direction": direction})  # fmt: skip

    def towards(self, points: torch.Tensor | None, normals: torch.Tensor | None = None) -> torch.Tensor:
        return _fitted(self.direction, normals if points is None else points)


class AmbientLights(_Lights):
    """The same light from everywhere: the texture's own colours, of as many channels as ``ambient_color`` has."""

    def __init__(self, ambient_color=((1.0, 1.0, 1.0),), device="cpu") -> None:
        super().__init__(device, {"ambient_color": ambient_color}, channels=None)

    @property
    def diffuse_color(self) -> torch.Tensor:
        return torch.zeros_like(self.ambient_color)

    def diffuse(self, normals: torch.Tensor, points: torch.Tensor | None = None) -> torch.Tensor:
        """None, [batch, ..., channel]."""
        return self._none(normals)

    def specular(self, normals, points, camera_position, shininess) -> torch.Tensor:
        """None, [batch, ..., channel]."""
        return self._none(points)

    def towards(self, points: torch.Tensor | None, normals: torch.Tensor | None = None) -> torch.Tensor:
        return torch.zeros_like(normals if points is None else points)

    def _none(self, like: torch.Tensor) -> torch.Tensor:
        return like.new_zeros(()).expand(*like.shape[:-1], self.ambient_color.shape[-1])


class Materials(_Coloured):
    """How a surface answers to ambient, diffuse and specular light."""

    def __init__(
        self, ambient_color=((1, 1, 1),), diffuse_color=((1, 1, 1),), specular_color=((1, 1, 1),), shininess=64.0,
        device="cpu",
    ) -> None:  # fmt: skip
        shininess = torch.as_tensor(shininess, dtype=torch.float32, device=device)
        if shininess.ndim > 1:
            raise ArgumentError(
                "light.shape", f"shininess has the shape {tuple(shininess.shape)}", "a number, or [batch]"
            )
        channels = torch.as_tensor(ambient_color).shape[-1]
        super().__init__(device, {"ambient_color": ambient_color, "diffuse_color": diffuse_color,
                                  "specular_color": specular_color}, channels, shininess=shininess)  # fmt: skip
