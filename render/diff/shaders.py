"""Shaders with PyTorch3D's names, arguments and results: from fragments to pictures.

``Hard`` ones take the nearest fragment of each pixel, ``Soft`` ones blend all that were kept.
"""

from __future__ import annotations

import torch
from torch import nn

from engine.core.errors import ArgumentError
from render.diff.blending import BlendParams, hard_rgb_blend, sigmoid_alpha_blend, softmax_rgb_blend
from render.diff.lights import Materials, PointLights
from render.diff.meshes import Meshes
from render.diff.renderer import Fragments
from render.diff.shading import flat_shading, gouraud_shading, phong_shading

__all__ = [
    "HardDepthShader", "HardFlatShader", "HardGouraudShader", "HardPhongShader", "ShaderBase", "SoftDepthShader",
    "SoftGouraudShader", "SoftPhongShader", "SoftSilhouetteShader",
]  # fmt: skip


class ShaderBase(nn.Module):
    """What shaders share: camera, lights, materials and blending, which a call may replace by keyword."""

    def __init__(self, device="cpu", cameras=None, lights=None, materials=None, blend_params=None) -> None:
        super().__init__()
        self.cameras = cameras
        self.lights = lights if lights is not None else PointLights(device=device)
        self.materials = materials if materials is not None else Materials(device=device)
        self.blend_params = blend_params or BlendParams()

    def to(self, device):
        self.cameras = None if self.cameras is None else self.cameras.to(device)
        self.lights, self.materials = self.lights.to(device), self.materials.to(device)
        return self

    def _get_cameras(self, **given):
        cameras = given.get("cameras", self.cameras)
        if cameras is None:
            raise ArgumentError("render.cameras", "Cameras must be specified", "give them to the shader or to its call")
        return cameras

    def _surroundings(self, given: dict) -> dict:
        """Arguments of :mod:`render.diff.shading`."""
        own = {name: given.get(name, getattr(self, name)) for name in ("lights", "materials")}
        return {**own, "cameras": self._get_cameras(**given), **{n: given[n] for n in ("R", "T") if n in given}}

    def _hard(self, colors: torch.Tensor, fragments: Fragments, given: dict) -> torch.Tensor:
        return hard_rgb_blend(colors, fragments, given.get("blend_params", self.blend_params))

    def _soft(self, colors: torch.Tensor, fragments: Fragments, given: dict) -> torch.Tensor:
        near, far = self._depths(given)
        return softmax_rgb_blend(colors, fragments, given.get("blend_params", self.blend_params), znear=near, zfar=far)

    def _depths(self, given: dict) -> tuple:
        cameras = self._get_cameras(**given)
        return tuple(
            given.get(name, getattr(cameras, name, other)) for name, other in (("znear", 1.0), ("zfar", 100.0))
        )


class HardPhongShader(ShaderBase):
    """Phong's model at the nearest fragment, [image, y, x, 4]."""

    def forward(self, fragments: Fragments, meshes: Meshes, **kwargs) -> torch.Tensor:
        texels = meshes.sample_textures(fragments)
        colors = phong_shading(meshes, fragments, texels=texels, **self._surroundings(kwargs))
        return self._hard(colors, fragments, kwargs)


class SoftPhongShader(ShaderBase):
    """Phong's model, blended over the fragments of each pixel, [image, y, x, 4]."""

    def forward(self, fragments: Fragments, meshes: Meshes, **kwargs) -> torch.Tensor:
        texels = meshes.sample_textures(fragments)
        colors = phong_shading(meshes, fragments, texels=texels, **self._surroundings(kwargs))
        return self._soft(colors, fragments, kwargs)


class HardGouraudShader(ShaderBase):
    """Phong's model at the vertices, interpolated to the nearest fragment, [image, y, x, 4]."""

    def forward(self, fragments: Fragments, meshes: Meshes, **kwargs) -> torch.Tensor:
        return self._hard(gouraud_shading(meshes, fragments, **self._surroundings(kwargs)), fragments, kwargs)


class SoftGouraudShader(ShaderBase):
    """Phong's model at the vertices, interpolated and blended over the fragments of each pixel, [image, y, x, 4]."""

    def forward(self, fragments: Fragments, meshes: Meshes, **kwargs) -> torch.Tensor:
        return self._soft(gouraud_shading(meshes, fragments, **self._surroundings(kwargs)), fragments, kwargs)


class HardFlatShader(ShaderBase):
    """Phong's model once for each face, at the nearest fragment, [image, y, x, 4]."""

    def forward(self, fragments: Fragments, meshes: Meshes, **kwargs) -> torch.Tensor:
        texels = meshes.sample_textures(fragments)
        colors = flat_shading(meshes, fragments, texels=texels, **self._surroundings(kwargs))
        return self._hard(colors, fragments, kwargs)


class SoftSilhouetteShader(nn.Module):
    """White, with the soft coverage as alpha, [image, y, x, 4]."""

    def __init__(self, blend_params: BlendParams | None = None) -> None:
        super().__init__()
        self.blend_params = blend_params or BlendParams()

    def forward(self, fragments: Fragments, meshes: Meshes, **kwargs) -> torch.Tensor:
        white = torch.ones((), device=fragments.zbuf.device).expand(*fragments.pix_to_face.shape, 3)
        return sigmoid_alpha_blend(white, fragments, kwargs.get("blend_params", self.blend_params))


class HardDepthShader(ShaderBase):
    """View depth of the nearest fragment, the camera's far plane where there is none, [image, y, x, 1]."""

    def forward(self, fragments: Fragments, meshes: Meshes, **kwargs) -> torch.Tensor:
        depth = fragments.zbuf[..., :1]
        far = torch.as_tensor(self._depths(kwargs)[1], dtype=depth.dtype, device=depth.device).reshape(-1, 1, 1, 1)
        return torch.where(fragments.pix_to_face[..., :1] < 0, far, depth)


class SoftDepthShader(ShaderBase):
    """View depth, averaged by soft coverage from the front until it is whole, [image, y, x, 1].

    What coverage is left after the last fragment sees the camera's far plane.
    """

    def forward(self, fragments: Fragments, meshes: Meshes, **kwargs) -> torch.Tensor:
        sigma = kwargs.get("blend_params", self.blend_params).sigma
        covered = torch.sigmoid(-fragments.dists / sigma) * (fragments.pix_to_face >= 0)
        far = torch.as_tensor(self._depths(kwargs)[1], dtype=covered.dtype, device=covered.device)
        far = far.reshape(-1, 1, 1, 1).expand(*covered.shape[:3], 1)
        depths = torch.cat((fragments.zbuf, far), -1)
        taken = torch.cat((covered, torch.ones_like(far)), -1).cumsum(-1).clamp(max=1)
        share = taken.diff(dim=-1, prepend=torch.zeros_like(far))
        return (share * depths).sum(-1, keepdim=True)
