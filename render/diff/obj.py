"""Wavefront OBJ files with texture coordinates, materials and images, as PyTorch3D scenes read and write them."""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import torch
from torch.nn.functional import interpolate

from engine.core.errors import ArgumentError
from engine.core.safe_io import read_bytes
from render.diff.join import join_meshes_as_batch
from render.diff.meshes import Meshes
from render.diff.obj_materials import atlas_of_materials, read_materials
from render.diff.textures import TexturesAtlas
from render.diff.textures_uv import TexturesUV

__all__ = ["ObjFaces", "ObjProperties", "load_obj", "load_objs_as_meshes"]

MAX_BYTES = 2 << 30


class ObjFaces(NamedTuple):
    """Indices of the faces' corners, int64 [face, 3], counted from 0, -1 where there are none; and materials [face]."""

    verts_idx: torch.Tensor
    normals_idx: torch.Tensor
    textures_idx: torch.Tensor
    materials_idx: torch.Tensor


class ObjProperties(NamedTuple):
    """What faces' indices point to, None where the file has none.

    Attributes:
        normals: [normal, 3].
        verts_uvs: [coordinate, 2].
        material_colors: by name: ``ambient_color``, ``diffuse_color``, ``specular_color`` [3] and ``shininess`` [1].
        texture_images: by the material's name, [height, width, 3] from 0 to 1.
        texture_atlas: [face, R, R, 3].
    """

    normals: torch.Tensor | None
    verts_uvs: torch.Tensor | None
    material_colors: dict[str, dict[str, torch.Tensor]] | None
    texture_images: dict[str, torch.Tensor] | None
    texture_atlas: torch.Tensor | None


@dataclass
class _Content:
    """Numbers as they stand in the file; ``corners`` of triangles: vertex, texture coordinate, normal, from 0."""

    name: str
    verts: list[list[float]] = field(default_factory=list)
    uvs: list[list[float]] = field(default_factory=list)
    normals: list[list[float]] = field(default_factory=list)
    corners: list[list[tuple[int, int, int]]] = field(default_factory=list)
    materials: list[int] = field(default_factory=list)
    material_names: list[str] = field(default_factory=list)
    library: str | None = None

    def tensors(self, device) -> tuple[torch.Tensor, ...]:
        """Vertices, coordinates, normals, and corners [3 (kind), face, 3]."""
        rows = ((self.verts, 3), (self.uvs, 2), (self.normals, 3))
        values = (torch.tensor(r, dtype=torch.float32, device=device).view(-1, n) for r, n in rows)
        corners = torch.tensor(self.corners, dtype=torch.int64, device=device).view(-1, 3, 3)
        return (*values, corners.permute(2, 0, 1))


def load_obj(
    f, load_textures: bool = True, create_texture_atlas: bool = False, texture_atlas_size: int = 4,
    texture_wrap: str | None = "repeat", device="cpu",
) -> tuple[torch.Tensor, ObjFaces, ObjProperties]:  # fmt: skip
    """Reads an OBJ file; polygons become fans of triangles.

    Args:
        f: path, or an open file (whose materials are sought in the working folder).
        load_textures: read the MTL library and its images also, which stand in the file's folder or below.
        create_texture_atlas: make squares of ``texture_atlas_size`` texels for the faces.
        texture_wrap: for these, ``repeat`` or ``clamp`` coordinates outside 0 to 1, or None.

    Returns:
        Vertices [vertex, 3]; faces; and the rest.

    Raises:
        ArgumentError: ``file.*``, ``obj.*``; it names the file and line.
    """
    return _load(f, load_textures, create_texture_atlas, texture_atlas_size, texture_wrap, device)[:3]


def _load(
    f, load_textures: bool, create_texture_atlas: bool, texture_atlas_size: int, texture_wrap: str | None, device
) -> tuple[torch.Tensor, ObjFaces, ObjProperties, list[str]]:
    """As :func:`load_obj`, and the materials' names that ``materials_idx`` points to."""
    if texture_wrap not in ("repeat", "clamp", None):
        raise ArgumentError("obj.wrap", f"no texture_wrap is called '{texture_wrap}'", "repeat, clamp or None")
    content, folder = _read(f)
    verts, uvs, normals, corners = content.tensors(device)
    for values, index, what in zip((verts, uvs, normals), corners, ("vertices", "coordinates", "normals"), strict=True):
        given = index if what == "vertices" else index[(index != -1).any(1)]
        if ((given < 0) | (given >= len(values))).any():
            warnings.warn(f"Faces have invalid indices: {content.name} has {len(values)} {what}", stacklevel=3)
    colors = images = atlas = None
    if load_textures:
        colors, images = _materials(content, folder, device) or (None, None)
    if create_texture_atlas:
        names = [content.material_names[i] if i >= 0 else "" for i in content.materials]
        at = uvs[corners[1]] if len(uvs) else None
        atlas = atlas_of_materials((colors or {}, images or {}), names, at, texture_atlas_size, texture_wrap).to(device)
    index = torch.tensor(content.materials, dtype=torch.int64, device=device)
    found = ObjProperties(normals if len(normals) else None, uvs if len(uvs) else None, colors, images, atlas)
    return verts, ObjFaces(corners[0], corners[2], corners[1], index), found, content.material_names


def _read(f) -> tuple[_Content, Path]:
    """Content and folder of a path or open file."""
    if hasattr(f, "read"):
        raw, name, folder = f.read(), getattr(f, "name", "the OBJ file"), Path()
    else:
        name, folder = f, Path(f).parent
        raw = read_bytes(f, limit=MAX_BYTES, what="OBJ file")
    text = raw.decode("utf-8", "replace") if isinstance(raw, bytes) else raw
    content = _Content(str(name))
    material = -1
    for number, line in enumerate(io.StringIO(text), 1):
        word, *rest = line.split() or [""]
        if word == "v":
            content.verts.append(_numbers(content, number, rest, 3))
        elif word == "vt":
            content.uvs.append(_numbers(content, number, rest, 2))
        elif word == "vn":
            content.normals.append(_numbers(content, number, rest, 3))
        elif word == "f":
            fan = _fan([_corner(content, number, part) for part in rest], content, number)
            content.corners += fan
            content.materials += [material] * len(fan)
        elif word == "usemtl":
            name = rest[0] if rest else ""
            if name not in content.material_names:
                content.material_names.append(name)
            material = content.material_names.index(name)
        elif word == "mtllib":
            if not rest:
                raise _wrong(content, number, "mtllib names no file", "write the MTL file's name behind it")
            content.library = line.strip()[len(word) :].strip()
    return content, folder


def _numbers(content: _Content, line: int, words: list[str], count: int) -> list[float]:
    try:
        values = [float(word) for word in words[:count]]
    except ValueError:
        values = []
    if len(values) != count:
        raise _wrong(content, line, f"'{' '.join(words)[:40]}' does not have {count} values", "mend the line")
    return values


def _corner(content: _Content, line: int, text: str) -> tuple[int, int, int]:
    """Vertex, texture coordinate and normal, counted from 0; -1 for none. In files, negative numbers count back."""
    words = text.split("/")
    counts = len(content.verts), len(content.uvs), len(content.normals)
    try:
        given = [int(word) if word else 0 for word in words]
    except ValueError:
        given = []
    if not 1 <= len(given) <= 3 or given[0] == 0:
        raise _wrong(
            content, line, f"'{text[:40]}': Face vertices can only have 3 properties", "write v, v/vt or v/vt/vn"
        )
    given += [0] * (3 - len(given))
    return tuple(n - 1 if n >= 0 else count + n for n, count in zip(given, counts, strict=True))


def _fan(corners: list[tuple[int, int, int]], content: _Content, line: int) -> list[list[tuple[int, int, int]]]:
    for kind in (1, 2):
        if len({corner[kind] == -1 for corner in corners}) > 1:
            raise _wrong(
                content, line, "an illegal statement: only some corners have coordinates or normals", "mend it"
            )
    return [[corners[0], corners[i], corners[i + 1]] for i in range(1, len(corners) - 1)]


def _wrong(content: _Content, line: int, what: str, hint: str) -> ArgumentError:
    return ArgumentError("obj.line", f"{content.name}: line {line}: {what}", hint)


def _materials(content: _Content, folder: Path, device):
    """Materials of the file's library, None without it; a single material in it is that of faces without any."""
    if content.library is None:
        warnings.warn(f"No mtl file provided by {content.name}", stacklevel=3)
        return None
    library = (folder / content.library.replace("\\", "/")).resolve()
    if not library.is_relative_to(folder.resolve()) or not library.is_file():
        warnings.warn(f"Mtl file does not exist: {library}", stacklevel=3)
        return None
    found = read_materials(library, content.material_names, folder, device)
    if not content.material_names and found[0]:
        content.material_names = list(found[0])[:1]
        content.materials = [0] * len(content.materials)
    return found


def load_objs_as_meshes(
    files: list, device=None, load_textures: bool = True, create_texture_atlas: bool = False,
    texture_atlas_size: int = 4, texture_wrap: str | None = "repeat",
) -> Meshes:  # fmt: skip
    """Meshes of OBJ files; arguments as of :func:`load_obj`.

    Faces take their colours from their material's image, else from its diffuse colour. Meshes of one image have plain
    :class:`TexturesUV`, others such with ``maps_ids``, and without any image or coordinates they have no textures.
    """
    meshes = []
    for file in files:
        verts, faces, aux, names = _load(
            file, load_textures, create_texture_atlas, texture_atlas_size, texture_wrap, device or "cpu"
        )
        textures = TexturesAtlas([aux.texture_atlas]) if create_texture_atlas else _textures(faces, aux, names)
        meshes.append(Meshes([verts], [faces.verts_idx], textures))
    return meshes[0] if len(meshes) == 1 else join_meshes_as_batch(meshes)


def _textures(faces: ObjFaces, aux: ObjProperties, names: list[str]) -> TexturesUV | None:
    images = aux.texture_images
    if not images or aux.verts_uvs is None:
        return None
    without = (faces.textures_idx < 0).any(1)
    number = faces.materials_idx + 1 + without * (len(names) + 1)  # plain colours behind the images
    used, ids = torch.unique(number, return_inverse=True)
    own = []
    for k in used.tolist():
        name = ["", *names][k % (len(names) + 1)]
        plain = (aux.material_colors or {}).get(name, {}).get("diffuse_color", aux.verts_uvs.new_ones(3))
        own.append(images[name] if name in images and k <= len(names) else plain[None, None])
    corners = faces.textures_idx.clamp(min=0)
    if len(own) == 1:
        return TexturesUV(own, [corners], [aux.verts_uvs])
    size = max(image.shape[0] for image in own), max(image.shape[1] for image in own)
    planes = [interpolate(m.permute(2, 0, 1)[None], size, mode="bilinear", align_corners=True) for m in own]
    return TexturesUV([torch.cat(planes).permute(0, 2, 3, 1)], [corners], [aux.verts_uvs], maps_ids=[ids])
