"""GLB files of a dressed body for browsers, engines and design tools.

What the file holds: one node and mesh per scene mesh (``body``, ``garment``, ...). Fields such as strain and contact
pressure are there three times, for three kinds of reader:

- as material variants (KHR_materials_variants ``strain``, ``pressure``), which look the value up in a colour-map
  texture through TEXCOORD_1, so that the plain look stays untinted;
- as vertex colours (COLOR_0) of the nodes ``garment_strain`` and ``garment_pressure``, which share the geometry and
  stand in no scene, so that viewers neither load nor draw them (a second scene would make three.js forget which object
  has which variants);
- as numbers, in the attributes _STRAIN [-] and _PRESSURE [Pa].
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pygltflib as gl

from engine import __version__
from engine.core.errors import InputError
from engine.core.mesh import vertex_normals
from engine.core.safe_io import write_bytes
from engine.core.types import Material, SceneMesh
from engine.export.occlusion import occlusion_textures
from engine.export.weave_textures import TILE_REPEATS, WEAVES, weave_textures
from render.heatmap import MAP_STYLES, color_table, colors, shown_range

__all__ = ["MAP_ORDER", "GlbBuilder", "write_glb"]

#: fields in the order of TEXCOORD_1's two components
MAP_ORDER = ("strain", "pressure")
COMPONENTS = {
    np.dtype(np.float32): gl.FLOAT,
    np.dtype(np.uint8): gl.UNSIGNED_BYTE,
    np.dtype(np.int16): gl.SHORT,
    np.dtype(np.uint16): gl.UNSIGNED_SHORT,
    np.dtype(np.uint32): gl.UNSIGNED_INT,
}
MAP_GREY = (0.42, 0.41, 0.40, 1.0)  #: of meshes without a field while a map is shown, linear


def write_glb(
    path: str | Path,
    meshes: Sequence[SceneMesh],
    *,
    title: str = "",
    info: dict[str, Any] | None = None,
    occlusion: bool = True,
) -> Path:
    """Writes meshes as one binary glTF 2.0 file.

    Args:
        path: ends in .glb.
        meshes: with unique names; double-sided ones are cloth.
        title: name of the default scene, for people.
        occlusion: also bake occlusion textures for meshes with texture coordinates, where OpenGL exists.
        info: JSON values that viewers may show (garment, fabric, sizes), kept in the scene's ``extras``.

    Raises:
        InputError: there is nothing to write or a mesh is not finite.
    """
    shown = [m for m in meshes if len(m.faces)]
    _check(path, shown)
    builder = GlbBuilder(occlusion_textures(shown) if occlusion else {})
    maps = [name for name in MAP_ORDER if any(name in m.maps for m in shown)]
    variants = ["beauty", *maps] if maps else []
    nodes = [builder.add_mesh(mesh, maps) for mesh in shown]
    document = builder.document
    extras = {"info": info or {}, "maps": {name: _describe(name, shown) for name in maps}}
    document.scenes = [gl.Scene(name=title or "look", nodes=nodes, extras=extras)]
    for name in maps:
        for mesh in shown:
            if name in mesh.maps:
                builder.add_colored(mesh, name)
    if variants:
        document.extensions["KHR_materials_variants"] = {"variants": [{"name": name} for name in variants]}
        builder.used.add("KHR_materials_variants")
    return write_bytes(path, builder.finish())


def _check(path: str | Path, meshes: Sequence[SceneMesh]) -> None:
    if not meshes:
        raise InputError(
            "export.empty", f"{path}: there is nothing to export: all meshes are empty", "drape the garment first"
        )
    names = [m.name for m in meshes]
    if len(set(names)) != len(names):
        raise InputError("export.names", f"{path}: two meshes are called '{max(names, key=names.count)}'", "rename one")
    for mesh in meshes:
        if not np.isfinite(mesh.vertices).all():
            raise InputError(
                "export.not_finite", f"{path}: mesh '{mesh.name}' has vertices that are not numbers", "drape it again"
            )


def _describe(name: str, meshes: Sequence[SceneMesh]) -> dict[str, Any]:
    style = MAP_STYLES[name]
    low, high = shown_range(meshes, name)
    return {
        "title": style.title,
        "unit": style.unit,
        "low": round(low * style.factor, 6),
        "high": round(high * style.factor, 6),
        "signed": style.signed,
        "colors": [f"#{r:02x}{g:02x}{b:02x}" for r, g, b in color_table(name)[::15].tolist()],
    }


class GlbBuilder:
    """Collects buffers, textures and materials of one file."""

    def __init__(self, occlusion: dict[str, np.ndarray]) -> None:
        self.occlusion = occlusion
        self.document = gl.GLTF2(
            asset=gl.Asset(version="2.0", generator=f"Toile {__version__}"), scene=0, extensions={}, samplers=[]
        )
        self.blob = bytearray()
        self.used: set[str] = set()
        self.geometry: dict[str, dict[str, int]] = {}
        self.cached: dict[Any, int] = {}

    # -------------------------------------------------------- meshes

    def add_mesh(self, mesh: SceneMesh, maps: Sequence[str]) -> int:
        """Adds a mesh with all its materials; returns its node."""
        attributes = self._geometry(mesh)
        plain = self._material(mesh)
        extra = {}
        if mesh.uv is not None:
            extra["TEXCOORD_0"] = self.accessor(mesh.uv, "VEC2")
        if self.document.materials[plain].normalTexture is not None:
            extra["TANGENT"] = self.accessor(_tangents(mesh), "VEC4")
        own = [name for name in maps if name in mesh.maps]
        if own:
            # the middle of the first and last texel, so that no filter reaches beyond the colour map
            fields = [np.clip(mesh.maps.get(n, np.zeros(len(mesh.vertices))), 0, 1) for n in MAP_ORDER]
            extra["TEXCOORD_1"] = self.accessor(np.stack(fields, 1) * (255 / 256) + 0.5 / 256, "VEC2")
        for name in own:
            low, high = shown_range([mesh], name)
            extra[f"_{name.upper()}"] = self.accessor(low + (high - low) * mesh.maps[name], "SCALAR")
        primitive = gl.Primitive(
            attributes=gl.Attributes(**{k: v for k, v in attributes.items() if k != "indices"}, **extra),
            indices=attributes["indices"],
            material=plain,
        )
        if maps:
            shown = [self._map_material(mesh, name) if name in own else self._grey(mesh) for name in maps]
            primitive.extensions = {"KHR_materials_variants": {"mappings": _mappings([plain, *shown])}}
        return self._node(mesh.name, primitive)

    def add_colored(self, mesh: SceneMesh, name: str) -> int:
        """Adds the same geometry coloured by a field through COLOR_0; returns its node, which is in no scene."""
        shared = self._geometry(mesh)
        srgb = colors(name, mesh.maps[name])
        linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
        rgba = np.concatenate([linear, np.ones((len(linear), 1))], axis=1)
        accessor = self.accessor(np.round(rgba * 65535).astype(np.uint16), "VEC4", normalized=True)
        attributes = gl.Attributes(POSITION=shared["POSITION"], NORMAL=shared["NORMAL"], COLOR_0=accessor)
        material = self._cache(("colored",), lambda: self._add_material("vertex_colors", (1, 1, 1, 1), 1.0, True))
        return self._node(
            f"{mesh.name}_{name}", gl.Primitive(attributes=attributes, indices=shared["indices"], material=material)
        )

    def _geometry(self, mesh: SceneMesh) -> dict[str, int]:
        if mesh.name not in self.geometry:
            normals = (
                vertex_normals(mesh.vertices, mesh.faces)
                if mesh.normals is None
                else np.array(mesh.normals, np.float64)
            )
            length = np.linalg.norm(normals, axis=1, keepdims=True)
            normals = np.where(length > 1e-6, normals / np.maximum(length, 1e-6), [0.0, 1.0, 0.0])
            kind = np.uint16 if len(mesh.vertices) < 65535 else np.uint32
            self.geometry[mesh.name] = {
                "POSITION": self.accessor(mesh.vertices, "VEC3", bounds=True),
                "NORMAL": self.accessor(normals, "VEC3"),
                "indices": self.accessor(
                    np.asarray(mesh.faces).reshape(-1).astype(kind), "SCALAR", target=gl.ELEMENT_ARRAY_BUFFER
                ),
            }
        return self.geometry[mesh.name]

    def _node(self, name: str, primitive: gl.Primitive) -> int:
        self.document.meshes.append(gl.Mesh(name=name, primitives=[primitive]))
        self.document.nodes.append(gl.Node(name=name, mesh=len(self.document.meshes) - 1))
        return len(self.document.nodes) - 1

    # -------------------------------------------------------- materials

    def _material(self, mesh: SceneMesh) -> int:
        m = mesh.material
        index = self._add_material(m.name or mesh.name, m.base_color, m.roughness, m.double_sided, metallic=m.metallic)
        material = self.document.materials[index]
        if m.base_color[3] < 1:
            material.alphaMode = gl.BLEND
        if m.sheen > 0:
            tint = [round(float(m.sheen * (0.4 + 0.6 * c)), 6) for c in m.base_color[:3]]
            material.extensions["KHR_materials_sheen"] = {"sheenColorFactor": tint, "sheenRoughnessFactor": 0.5}
            self.used.add("KHR_materials_sheen")
        self._print(material, mesh)
        self._occlude(material, mesh)
        if m.weave in WEAVES and mesh.uv is not None and mesh.uv_metres is not None:
            self._weave(material, m, _atlas_metres(mesh))
        return index

    def _weave(self, material: gl.Material, m: Material, atlas: float) -> None:
        """Tiles the weave over the rest plane; ``atlas`` is the length of one unit of TEXCOORD_0 [m]."""
        factor, normals = self._cache(("weave", m.weave), lambda: weave_textures(m.weave))
        repeat = round(atlas / (m.weave_scale * TILE_REPEATS), 4)
        self.used.add("KHR_texture_transform")
        transform = {"extensions": {"KHR_texture_transform": {"scale": [repeat, repeat]}}}
        normal = self._texture(f"{m.weave}_normal", normals)
        material.normalTexture = gl.NormalMaterialTexture(index=normal, scale=0.8, **transform)
        if material.pbrMetallicRoughness.baseColorTexture is None:
            color = self._texture(f"{m.weave}_relief", factor)
            material.pbrMetallicRoughness.baseColorTexture = gl.TextureInfo(index=color, **transform)

    def _map_material(self, mesh: SceneMesh, name: str) -> int:
        """The material that looks the field's colour up through TEXCOORD_1."""
        index = self._add_material(f"{mesh.name}_{name}_map", (1, 1, 1, 1), 1.0, mesh.material.double_sided)
        table = color_table(name)[None] if MAP_ORDER.index(name) == 0 else color_table(name)[:, None]
        texture = self._texture(f"{name}_colors", table, clamp=True)
        material = self.document.materials[index]
        material.pbrMetallicRoughness.baseColorTexture = gl.TextureInfo(index=texture, texCoord=1)
        self._occlude(material, mesh)
        return index

    def _grey(self, mesh: SceneMesh) -> int:
        """What a mesh without a field wears beside one that has it."""

        def make() -> int:
            index = self._add_material(f"{mesh.name}_neutral", MAP_GREY, 1.0, mesh.material.double_sided)
            self._print(self.document.materials[index], mesh)
            self._occlude(self.document.materials[index], mesh)
            return index

        return self._cache(("grey", mesh.name), make)

    def _print(self, material: gl.Material, mesh: SceneMesh) -> None:
        if mesh.material.texture is not None and mesh.uv is not None:
            texture = self._texture("print", mesh.material.texture)
            material.pbrMetallicRoughness.baseColorTexture = gl.TextureInfo(index=texture)

    def _occlude(self, material: gl.Material, mesh: SceneMesh) -> None:
        if mesh.name in self.occlusion:
            texture = self._texture(f"{mesh.name}_occlusion", self.occlusion[mesh.name])
            material.occlusionTexture = gl.OcclusionTextureInfo(index=texture, strength=1.0)

    def _add_material(
        self, name: str, color: Sequence[float], roughness: float, double: bool, *, metallic: float = 0.0
    ) -> int:
        pbr = gl.PbrMetallicRoughness(
            baseColorFactor=[round(float(c), 6) for c in color],
            metallicFactor=float(metallic),
            roughnessFactor=float(roughness),
        )
        self.document.materials.append(
            gl.Material(name=name, pbrMetallicRoughness=pbr, doubleSided=double, alphaCutoff=None, extensions={})
        )
        return len(self.document.materials) - 1

    def _texture(self, name: str, pixels: np.ndarray, *, clamp: bool = False) -> int:
        def make() -> int:
            from PIL import Image

            stream = io.BytesIO()
            Image.fromarray(pixels).save(stream, format="PNG", optimize=True)
            self.document.images.append(
                gl.Image(name=name, mimeType="image/png", bufferView=self._view(stream.getvalue(), None))
            )
            wrap = gl.CLAMP_TO_EDGE if clamp else gl.REPEAT
            self.document.samplers.append(
                gl.Sampler(
                    magFilter=gl.LINEAR,
                    minFilter=gl.LINEAR if clamp else gl.LINEAR_MIPMAP_LINEAR,
                    wrapS=wrap,
                    wrapT=wrap,
                )
            )
            self.document.textures.append(
                gl.Texture(source=len(self.document.images) - 1, sampler=len(self.document.samplers) - 1)
            )
            return len(self.document.textures) - 1

        return self._cache(("texture", name, pixels.tobytes()), make)

    # -------------------------------------------------------- bytes

    def finish(self) -> bytes:
        """The whole file."""
        self.blob.extend(b"\0" * (-len(self.blob) % 4))
        self.document.buffers = [gl.Buffer(byteLength=len(self.blob))]
        self.document.extensionsUsed = sorted(self.used)
        self.document.set_binary_blob(bytes(self.blob))
        return b"".join(self.document.save_to_bytes())

    def accessor(
        self,
        values: np.ndarray,
        kind: str,
        *,
        bounds: bool = False,
        normalized: bool = False,
        target: int | None = gl.ARRAY_BUFFER,
    ) -> int:
        """Adds values, shape [n] or [n, components]; those of other types than glTF's become float32.

        Args:
            kind: SCALAR, VEC2, VEC3, VEC4 or MAT4.
            bounds: also write least and greatest values.
            normalized: integers stand for 0..1 or -1..1.
            target: what the bytes are for; None for those that no vertex shader reads.
        """
        component = COMPONENTS.get(values.dtype)
        if component is None:
            values, component = values.astype(np.float32), gl.FLOAT
        size = values.itemsize * (values.shape[1] if values.ndim > 1 else 1)
        stride = size + -size % 4 if target == gl.ARRAY_BUFFER else size
        padded = np.zeros((len(values), stride), np.uint8)
        padded[:, :size] = np.ascontiguousarray(values).reshape(len(values), -1).view(np.uint8)
        view = self._view(padded.tobytes(), target, stride if stride > size else None)
        accessor = gl.Accessor(
            bufferView=view, componentType=component, count=len(values), type=kind, normalized=normalized
        )
        if bounds:
            flat = values.reshape(len(values), -1)
            accessor.min, accessor.max = flat.min(0).tolist(), flat.max(0).tolist()
        self.document.accessors.append(accessor)
        return len(self.document.accessors) - 1

    def _view(self, data: bytes, target: int | None, stride: int | None = None) -> int:
        self.blob.extend(b"\0" * (-len(self.blob) % 4))
        self.document.bufferViews.append(
            gl.BufferView(buffer=0, byteOffset=len(self.blob), byteLength=len(data), target=target, byteStride=stride)
        )
        self.blob.extend(data)
        return len(self.document.bufferViews) - 1

    def _cache(self, key: Any, make: Any) -> Any:
        if key not in self.cached:
            self.cached[key] = make()
        return self.cached[key]


def _tangents(mesh: SceneMesh) -> np.ndarray:
    """Unit tangents along +u with the handedness in w, as glTF wants them, shape [V, 4]."""
    p, uv = np.asarray(mesh.vertices, np.float64)[mesh.faces], np.asarray(mesh.uv, np.float64)[mesh.faces]
    e1, e2 = p[:, 1] - p[:, 0], p[:, 2] - p[:, 0]
    d1, d2 = uv[:, 1] - uv[:, 0], uv[:, 2] - uv[:, 0]
    area = d1[:, 0] * d2[:, 1] - d2[:, 0] * d1[:, 1]
    sign = np.sign(area)[:, None]
    along_u = (e1 * d2[:, 1:] - e2 * d1[:, 1:]) * sign
    along_v = (e2 * d1[:, :1] - e1 * d2[:, :1]) * sign
    count = len(mesh.vertices)
    sum_u, sum_v = (
        np.stack(
            [sum(np.bincount(mesh.faces[:, c], w[:, k], minlength=count) for c in range(3)) for k in range(3)], axis=1
        )
        for w in (along_u, along_v)
    )
    normals = vertex_normals(mesh.vertices, mesh.faces) if mesh.normals is None else mesh.normals
    n = np.asarray(normals, np.float64)
    t = sum_u - (sum_u * n).sum(1, keepdims=True) * n
    fallback = np.cross(n, np.where(np.abs(n[:, :1]) < 0.9, [1.0, 0.0, 0.0], [0.0, 1.0, 0.0]))
    t = np.where(np.linalg.norm(t, axis=1, keepdims=True) > 1e-12, t, fallback)
    t /= np.maximum(np.linalg.norm(t, axis=1, keepdims=True), 1e-20)
    # texture coordinates run down the picture, tangent space runs up
    w = np.where((np.cross(n, t) * -sum_v).sum(1) < 0, -1.0, 1.0)
    return np.concatenate([t, w[:, None]], axis=1).astype(np.float32)


def _atlas_metres(mesh: SceneMesh) -> float:
    """Length of one unit of the texture coordinates in the rest plane [m]."""
    edges = mesh.faces[:, [0, 1]]
    flat = np.linalg.norm(mesh.uv_metres[edges[:, 0]] - mesh.uv_metres[edges[:, 1]], axis=1)
    unit = np.linalg.norm(mesh.uv[edges[:, 0]] - mesh.uv[edges[:, 1]], axis=1)
    return float(flat.sum() / max(unit.sum(), 1e-12))


def _mappings(materials: Sequence[int]) -> list[dict[str, Any]]:
    """Which material each variant (by position) uses, every material once."""
    order = list(dict.fromkeys(materials))
    return [{"material": m, "variants": [i for i, other in enumerate(materials) if other == m]} for m in order]
