"""Lights and materials of the Phong model, with PyTorch3D's names and defaults."""

from __future__ import annotations

import torch
from torch.nn.functional import normalize, relu

__all__ = ["PointLights", "DirectionalLights", "AmbientLights", "Materials", "rows", "spread"]


def rows(value, device) -> torch.Tensor:
    """Colours or places as float32 [batch, 3]."""
    value = torch.as_tensor(value, dtype=torch.float32, device=device)
    return value if value.ndim == 2 else value.reshape(-1, 3)


def spread(value: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """Rows [batch, channel] with ones between, so that they broadcast against [batch, ..., channel]."""
    return value.view(len(value), *([1] * (like.ndim - 2)), value.shape[-1])


class _Fields:
    """Tensors by name that move between devices together."""

    def to(self, device):
        moved = object.__new__(type(self))
        moved.__dict__.update({k: v.to(device) if torch.is_tensor(v) else v for k, v in self.__dict__.items()})
        return moved


class _Lights(_Fields):
    def __init__(self, ambient_color, diffuse_color, specular_color, device) -> None:
        self.ambient_color = rows(ambient_color, device)
        self.diffuse_color = rows(diffuse_color, device)
        self.specular_color = rows(specular_color, device)

    def towards(self, points: torch.Tensor) -> torch.Tensor:
        """Unit vectors from the points to the light."""
        raise NotImplementedError

    def diffuse(self, normals: torch.Tensor, points: torch.Tensor) -> torch.Tensor:
        """Lambert's cosine law; all arguments and the result are [batch, ..., 3]."""
        cosine = relu((normalize(normals, dim=-1, eps=1e-6) * self.towards(points)).sum(-1, keepdim=True))
        return spread(self.diffuse_color, points) * cosine

    def specular(self, normals, points, camera_position, shininess) -> torch.Tensor:
        """Phong's highlight: the mirrored light's cosine with the view, to the power of the shininess."""
        normals, light = normalize(normals, dim=-1, eps=1e-6), self.towards(points)
        cosine = (normals * light).sum(-1, keepdim=True)
        view = normalize(spread(camera_position, points) - points, dim=-1, eps=1e-6)
        mirrored = 2 * cosine * normals - light
        along = relu((view * mirrored).sum(-1, keepdim=True)) * (cosine > 0)
        return spread(self.specular_color, points) * along ** spread(shininess.reshape(-1, 1), points)


class PointLights(_Lights):
    """A light at a place, without fall-off."""

    def __init__(
        self, ambient_color=((0.5, 0.5, 0.5),), diffuse_color=((0.3, 0.3, 0.3),), specular_color=((0.2, 0.2, 0.2),),
        location=((0, 1, 0),), device="cpu",
    ) -> None:  # fmt: skip
        super().__init__(ambient_color, diffuse_color, specular_color, device)
        self.location = rows(location, device)

    def towards(self, points: torch.Tensor) -> torch.Tensor:
        return normalize(spread(self.location, points) - points, dim=-1, eps=1e-6)


class DirectionalLights(_Lights):
    """A light from far away; ``direction`` points to it."""

    def __init__(
        self, ambient_color=((0.5, 0.5, 0.5),), diffuse_color=((0.3, 0.3, 0.3),), specular_color=((0.2, 0.2, 0.2),),
        direction=((0, 1, 0),), device="cpu",
    ) -> None:  # fmt: skip
        super().__init__(ambient_color, diffuse_color, specular_color, device)
        self.direction = rows(direction, device)

    def towards(self, points: torch.Tensor) -> torch.Tensor:
        return normalize(spread(self.direction, points), dim=-1, eps=1e-6)


class AmbientLights(_Lights):
    """The same light from everywhere: the texture's own colours."""

    def __init__(self, ambient_color=((1.0, 1.0, 1.0),), device="cpu") -> None:
        none = ((0.0, 0.0, 0.0),)
        super().__init__(ambient_color, none, none, device)

    def towards(self, points: torch.Tensor) -> torch.Tensor:
        return torch.zeros_like(points)


class Materials(_Fields):
    """How a surface answers to ambient, diffuse and specular light."""

    def __init__(
        self, ambient_color=((1, 1, 1),), diffuse_color=((1, 1, 1),), specular_color=((1, 1, 1),), shininess=64.0,
        device="cpu",
    ) -> None:  # fmt: skip
        self.ambient_color = rows(ambient_color, device)
        self.diffuse_color = rows(diffuse_color, device)
        self.specular_color = rows(specular_color, device)
        self.shininess = torch.as_tensor(shininess, dtype=torch.float32, device=device).reshape(-1)
