"""Reads what a GLB file says about itself, without loading its geometry; damaged files get a clear error."""

from __future__ import annotations

import json
import struct
from pathlib import Path
from typing import Any

from engine.core.errors import InputError, UnsupportedError
from engine.core.safe_io import read_bytes

__all__ = ["read_glb", "describe_glb"]

MAX_GLB_BYTES = 512 << 20
#: extensions whose decoders a browser would have to fetch from elsewhere
REMOTE_DECODERS = {"KHR_draco_mesh_compression", "EXT_meshopt_compression", "KHR_texture_basisu"}
HINT = "export it again with: toile export"


def read_glb(path: str | Path) -> tuple[bytes, dict[str, Any]]:
    """The bytes of a GLB file and its JSON part.

    Raises:
        InputError: missing, too large, or not a whole glTF 2.0 binary file.
        UnsupportedError: it needs a decoder that is not on this machine.
    """
    data = read_bytes(path, limit=MAX_GLB_BYTES, what="GLB file")
    if data[:4] != b"glTF" or len(data) < 20:
        raise InputError("glb.magic", f"{path}: is not a GLB file (it does not start with 'glTF')", "give a .glb file")
    version, length, chunk_length, chunk_kind = struct.unpack("<IIII", data[4:20])
    if version != 2:
        raise InputError("glb.version", f"{path}: is glTF version {version}, not 2", HINT)
    if length != len(data) or chunk_length > len(data) - 20 or chunk_kind != 0x4E4F534A:
        raise InputError("glb.cut", f"{path}: is cut off or damaged ({len(data)} bytes of {length})", HINT)
    try:
        document = json.loads(data[20 : 20 + chunk_length])
    except (ValueError, RecursionError) as error:
        raise InputError("glb.json", f"{path}: its JSON part is damaged: {error}", HINT) from None
    if not isinstance(document, dict) or not isinstance(document.get("meshes"), list) or not document["meshes"]:
        raise InputError("glb.empty", f"{path}: holds no mesh", HINT)
    needed = sorted(REMOTE_DECODERS & set(_texts(document.get("extensionsRequired"))))
    if needed:
        raise UnsupportedError(
            "glb.compressed", f"{path}: is compressed with {needed[0]}", "export it without compression"
        )
    return data, document


def describe_glb(path: str | Path, document: dict[str, Any]) -> dict[str, Any]:
    """Title, variants, maps and facts for the viewer's page. Takes nothing in the file for granted."""
    scenes, default = document.get("scenes"), document.get("scene", 0)
    scenes = scenes if isinstance(scenes, list) else []
    scene = _dict(scenes[default]) if isinstance(default, int) and 0 <= default < len(scenes) else {}
    extras = _dict(scene.get("extras"))
    info = _dict(extras.get("info"))
    variants = _dict(_dict(document.get("extensions")).get("KHR_materials_variants")).get("variants")
    names = [str(_dict(v).get("name", "")) for v in variants] if isinstance(variants, list) else []
    simple = [
        (_label(k), _text(v))
        for k, v in info.items()
        if not isinstance(v, dict | list) and k not in ("title", "subtitle")
    ]
    groups = [{"title": "Look", "rows": simple}] if simple else []
    for key, value in info.items():
        if isinstance(value, dict):
            groups.append({"title": _label(key), "rows": [(_label(k), _text(v)) for k, v in value.items()]})
    parts = [
        (str(_dict(m).get("name", "mesh")), f"{_triangles(document, _dict(m)):,} triangles")
        for m in _shown(document, scene)
    ]
    groups.append({"title": "Parts", "rows": [(_label(name), text) for name, text in parts]})
    maps = {k: _dict(v) for k, v in _dict(extras.get("maps")).items() if k in names and _is_map(_dict(v))}
    return {
        "title": _text(info.get("title") or scene.get("name") or Path(path).stem),
        "subtitle": _text(info.get("subtitle", "")),
        "variants": names,
        "maps": maps,
        "facts": groups,
    }


def _shown(document: dict[str, Any], scene: dict[str, Any]) -> list[Any]:
    nodes, meshes = document.get("nodes"), document["meshes"]
    if not isinstance(nodes, list) or not isinstance(scene.get("nodes"), list):
        return meshes
    ids = [_dict(nodes[i]).get("mesh") for i in scene["nodes"] if isinstance(i, int) and 0 <= i < len(nodes)]
    return [meshes[i] for i in ids if isinstance(i, int) and 0 <= i < len(meshes)] or meshes


def _triangles(document: dict[str, Any], mesh: dict[str, Any]) -> int:
    total, accessors = 0, document.get("accessors")
    for primitive in mesh.get("primitives") if isinstance(mesh.get("primitives"), list) else []:
        index = _dict(primitive).get("indices")
        if isinstance(accessors, list) and isinstance(index, int) and 0 <= index < len(accessors):
            count = _dict(accessors[index]).get("count")
            total += count // 3 if isinstance(count, int) else 0
    return total


def _is_map(value: dict[str, Any]) -> bool:
    numbers = all(isinstance(value.get(k), int | float) for k in ("low", "high"))
    return numbers and isinstance(value.get("colors"), list) and all(isinstance(c, str) for c in value["colors"])


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _texts(value: Any) -> list[str]:
    return [v for v in value if isinstance(v, str)] if isinstance(value, list) else []


def _label(key: str) -> str:
    """``bust_girth_cm`` reads ``Bust girth [cm]``."""
    text = str(key)
    for suffix in ("cm", "kg", "mm", "kPa"):
        if text.endswith(f"_{suffix}"):
            text = f"{text[: -len(suffix) - 1]} [{suffix}]"
    text = text.replace("_", " ").strip()
    return text[:1].upper() + text[1:]


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    return str(value)[:200]
