"""Materials of OBJ files: MTL libraries, their images, and both as squares of texels per face."""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
import torch
from PIL import Image, UnidentifiedImageError
from torch.nn.functional import grid_sample

from engine.core.errors import ArgumentError
from engine.core.safe_io import read_bytes

__all__ = ["Materials", "atlas_of_materials", "read_materials"]

MAX_IMAGE_BYTES = 256 << 20
MAX_PIXELS = 16384**2
_COLORS = {"Ka": "ambient_color", "Kd": "diffuse_color", "Ks": "specular_color", "Ns": "shininess"}

#: properties of materials by name; and their images, float32 [height, width, 3] from 0 to 1
Materials = tuple[dict[str, dict[str, torch.Tensor]], dict[str, torch.Tensor]]


def read_materials(library: Path, used: list[str], folder: Path, device="cpu") -> Materials:
    """The used materials of an MTL library, all if it has only one and none is named; images only from ``folder``."""
    colors, files = _read_library(library, device)
    if not used and len(colors) > 1:
        raise ArgumentError(
            "obj.material", f"{library}: has {len(colors)} materials, and the OBJ file uses none by name", "add usemtl"
        )
    names = used or list(colors)
    images = {}
    for name in names:
        path = (folder / files[name]).resolve() if name in files else None
        if path is not None and path.is_relative_to(folder.resolve()) and path.is_file():
            images[name] = _read_image(path).to(device)
        elif path is not None:
            warnings.warn(f"Texture file does not exist: {path}", stacklevel=4)
    return {name: colors[name] for name in names if name in colors}, images


def _read_library(library: Path, device) -> tuple[dict[str, dict[str, torch.Tensor]], dict[str, str]]:
    colors: dict[str, dict[str, torch.Tensor]] = {}
    files: dict[str, str] = {}
    text = read_bytes(library, what="MTL file").decode("utf-8", "replace")
    for number, line in enumerate(text.splitlines(), 1):
        word, _, rest = line.strip().partition(" ")
        if word == "newmtl":
            name = rest.split()[0] if rest.split() else ""
            colors[name] = {}
        elif word in _COLORS or word == "map_Kd":
            if not colors:
                raise ArgumentError("obj.material", f"{library}: line {number}: {word} before newmtl", "add a material")
            if word == "map_Kd":
                # options stand before the file's name, which may have spaces where there are none
                files[name] = rest.split()[-1] if rest.strip().startswith("-") else rest.strip().replace("\\", "/")
                continue
            try:
                values = [float(x) for x in rest.split()[:3]]
            except ValueError:
                raise ArgumentError(
                    "obj.material", f"{library}: line {number}: '{line.strip()[:40]}' has no numbers", "mend the line"
                ) from None
            colors[name][_COLORS[word]] = torch.tensor(values, device=device)
    return colors, files


def _read_image(path: Path) -> torch.Tensor:
    raw = read_bytes(path, limit=MAX_IMAGE_BYTES, what="texture image")
    try:
        with Image.open(io.BytesIO(raw)) as image:
            if image.width * image.height > MAX_PIXELS:
                raise ArgumentError("obj.image", f"{path}: {image.width} x {image.height} pixels", "scale it down")
            return torch.from_numpy(np.array(image.convert("RGB"), np.float32) / 255)
    except (UnidentifiedImageError, OSError, SyntaxError, Image.DecompressionBombError) as error:
        raise ArgumentError(
            "obj.image", f"{path}: is no picture that can be read: {error}", "give a PNG or JPEG"
        ) from None


def atlas_of_materials(
    materials: Materials, names: list[str], corners: torch.Tensor | None, size: int, wrap: str | None
) -> torch.Tensor:
    """The squares of :class:`render.diff.TexturesAtlas`: of the image, else of the diffuse colour, else white.

    Args:
        names: material of each face, '' for none.
        corners: texture coordinates of the faces, [face, 3, 2]; None without any.
        size: R, texels along a square's side.
        wrap: ``repeat`` or ``clamp`` for coordinates outside 0 to 1; None has black there.

    Returns:
        [face, R, R, 3].
    """
    colors, images = materials
    atlas = torch.ones(len(names), size, size, 3, device=corners.device if corners is not None else None)
    for name, properties in colors.items():
        mine = torch.tensor([own == name for own in names], dtype=torch.bool, device=atlas.device)
        if "diffuse_color" in properties:
            atlas[mine] = properties["diffuse_color"]
        if name in images and corners is not None:
            atlas[mine] = _squares(images[name], corners[mine], size, wrap)
    return atlas


def _squares(image: torch.Tensor, corners: torch.Tensor, size: int, wrap: str | None) -> torch.Tensor:
    """Colours at the middles of the parts of faces that a square's texels stand for."""
    row, column = torch.meshgrid(torch.arange(size), torch.arange(size), indexing="ij")
    lower = row + column < size
    last = size - 1
    first = torch.where(lower, column + 1 / 3, last - column + 2 / 3) / size
    second = torch.where(lower, row + 1 / 3, last - row + 2 / 3) / size
    weights = torch.stack((first, second, 1 - first - second), -1).to(corners)
    if wrap == "repeat" and ((corners < 0) | (corners > 1)).any():
        corners = corners % 1
    elif wrap == "clamp":
        corners = corners.clamp(0, 1)
    uv = torch.einsum("yxc,fcd->fyxd", weights, corners)
    grid = torch.stack((2 * uv[..., 0] - 1, 1 - 2 * uv[..., 1]), -1).flatten(0, 1)[None]
    texels = grid_sample(image.permute(2, 0, 1)[None], grid, align_corners=True)
    return texels[0].permute(1, 2, 0).view(*uv.shape[:3], 3)
