"""A view of a look as good as it gets: refined by the network, or path-traced."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from engine.core.types import Body, Camera, ImageBuffers
from render.develop import develop, write_png
from render.preview import Preview

__all__ = ["face_of", "write_reference", "write_refined"]

HEAD, EYES = 15, (23, 24)  #: joints in SMPL-X's order
FACE_RADIUS = 0.17  #: of the ball about the middle of the head [m]


def face_of(body: Body) -> tuple[np.ndarray, float]:
    """A ball about the head: centre [m], shape [3], and radius [m]."""
    joints = np.asarray(body.joints, np.float64)
    return (joints[HEAD] + joints[list(EYES)].mean(0)) / 2, FACE_RADIUS


def write_refined(path: Path, preview: Preview, camera: Camera, model: Any, body: Body) -> Path:
    """Writes the view with light refined by a ``render.refine`` network; face, sheer cloth and backdrop stay."""
    from render.refine.apply import refined
    from render.refine.features import view_features

    features = view_features(preview, camera, keep=(face_of(body),))
    return _write(path, preview, camera, refined(model, features), features.alpha)


def write_reference(
    path: Path, preview: Preview, camera: Camera, *, samples: int, denoise: bool, threads: int = 0, seed: int = 0,
    progress: Callable[[float, str], None] | None = None,
) -> Path:  # fmt: skip
    """Writes the view path-traced, before the preview's backdrop."""
    from render.reference import trace

    traced = trace(preview.meshes, [camera], samples=samples, threads=threads, seed=seed, denoise=denoise,
                   progress=progress)[0]  # fmt: skip
    return _write(path, preview, camera, traced.rgb, traced.alpha)


def _write(path: Path, preview: Preview, camera: Camera, rgb: np.ndarray, alpha: np.ndarray) -> Path:
    """Develops premultiplied radiance before the preview's backdrop, or transparent where it has none."""
    transparent = preview.backdrop == "none"
    share = alpha[..., None]
    rgb = rgb / np.maximum(share, 1e-4) if transparent else rgb + (1 - share) * preview.empty_set(camera)
    empty = np.zeros((0, 0), np.float32)
    return write_png(path, develop(ImageBuffers(rgb, alpha, empty, empty, empty, empty), transparent=transparent))
