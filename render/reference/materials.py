"""Materials of the preview as Mitsuba's: cloth with sheen, gloss and a woven or knitted relief; skin.

After Burley, Physically Based Shading at Disney (2012), which Mitsuba's ``principled`` follows. A path
tracer's samples average the yarns' slopes from afar, as the eye does.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.core.types import SceneMesh

__all__ = ["bsdf", "texture_coordinates", "weave_slopes"]

YARNS = {"plain": 2, "twill": 4, "satin": 5, "knit": 1}  #: along each side of a repeat
SLOPE = 0.35  #: of the yarns' flanks against the cloth
#: Mirror reflection of skin, of tousled fibres, and of satin's floats, which mirror twice as much, as in the preview.
SPECULAR = {"skin": 0.4, "cloth": 0.3, "satin": 0.6}
SHEEN_TAKES = 0.35  #: share of a full sheen that the diffuse part gives up, so that the whole keeps its colour


def weave_slopes(weave: str, size: int = 64) -> np.ndarray:
    """Height gradient (weft, warp) of one repeat of a weave, shape [size, size, 2]; rows run up."""
    w = (np.arange(size) + 0.5) / size * YARNS.get(weave, 1)
    x, y = np.meshgrid(w, w)
    ax, ay = 2 * np.pi * x, 2 * np.pi * y
    if weave == "plain":
        over = np.sin(ax * 0.5) * np.sin(ay * 0.5) > 0
        return np.stack([-np.sin(ax) * np.where(over, 1.0, 0.3), -np.sin(ay) * np.where(over, 0.3, 1.0)], -1)
    if weave == "twill":
        return np.repeat(-0.9 * np.sin((ax + ay) / 4)[..., None], 2, -1)
    if weave == "satin":
        return np.stack([-0.5 * np.sin(2 * ax), np.zeros_like(ax)], -1)
    slant = ay + 4 * np.abs(x % 1 - 0.5)  # knit: two slanted legs to a wale
    return np.stack([-1.2 * np.sin(2 * ax), -0.6 * np.sin(slant)], -1)


def texture_coordinates(mesh: SceneMesh) -> tuple[np.ndarray | None, float]:
    """What Mitsuba maps pictures by, shape [V, 2], and how often the weave's picture repeats in a unit of it.

    A mesh has one set of coordinates there: the texture's if it has one, else the rest plane's [m].
    """
    material = mesh.material
    tile = max(material.weave_scale, 1e-5)
    if material.texture is None or mesh.uv is None:
        return mesh.uv_metres, 1 / tile
    uv = np.stack([mesh.uv[:, 0], mesh.uv[:, 1]], -1)
    if mesh.uv_metres is None:
        return uv, 0.0
    edges = mesh.faces[:, :2]
    lengths = [np.linalg.norm(c[edges[:, 0]] - c[edges[:, 1]], axis=1) for c in (mesh.uv_metres, uv)]
    return uv, float(np.median(lengths[0] / np.maximum(lengths[1], 1e-9))) / tile


def bsdf(mesh: SceneMesh) -> dict[str, Any]:
    """Mitsuba's dictionary for the material of a mesh; double-sided ones are cloth, the others skin."""
    material = mesh.material
    cloth = material.double_sided
    share = 1 - SHEEN_TAKES * material.sheen if cloth else 1.0
    surface: dict[str, Any] = {
        "type": "principled",
        "base_color": _colour(mesh, share),
        "roughness": float(np.clip(material.roughness, 0.1, 1)),
        "specular": SPECULAR["skin" if not cloth else "satin" if material.weave == "satin" else "cloth"],
    }
    if cloth:
        surface |= {"sheen": float(material.sheen), "sheen_tint": 0.6}
        if material.weave == "satin":
            surface["anisotropic"] = 0.5  # long floats along one set of yarns
        _, repeats = texture_coordinates(mesh)
        if material.weave and mesh.uv_metres is not None and repeats:
            surface = {"type": "normalmap", "normalmap": _relief(material.weave, repeats), "bsdf": surface}
    else:
        surface["flatness"] = 0.5  # light that wanders under the skin
    surface = {"type": "twosided", "bsdf": surface}
    opacity = material.base_color[3]
    return {"type": "mask", "opacity": float(opacity), "bsdf": surface} if opacity < 1 else surface


def _colour(mesh: SceneMesh, share: float) -> dict[str, Any]:
    import mitsuba as mi

    base = np.asarray(mesh.material.base_color[:3], np.float32) * share
    if mesh.material.texture is None or mesh.uv is None:
        return {"type": "rgb", "value": [float(c) for c in np.clip(base, 0, 1)]}
    linear = (mesh.material.texture.astype(np.float32) / 255) ** 2.2 * base
    bitmap = mi.Bitmap(np.ascontiguousarray(linear.clip(0, 1)))
    return {"type": "bitmap", "bitmap": bitmap, "raw": True}


def _relief(weave: str, repeats: float) -> dict[str, Any]:
    import mitsuba as mi

    slopes = SLOPE * weave_slopes(weave)
    normals = np.concatenate([-slopes, np.ones((*slopes.shape[:2], 1))], -1)
    normals /= np.linalg.norm(normals, axis=-1, keepdims=True)
    bitmap = mi.Bitmap(np.ascontiguousarray(normals * 0.5 + 0.5, np.float32))
    to_uv = mi.ScalarTransform3f().scale([repeats, repeats])
    return {"type": "bitmap", "bitmap": bitmap, "raw": True, "to_uv": to_uv}


