"""The one place where Open3D is imported: for its ray casting, and without the parts that only cost time to load."""

import sys
from types import ModuleType
from typing import Any

import numpy as np

__all__ = ["o3d", "surface_scene", "tensor"]


def _import_open3d() -> ModuleType:
    """Imports Open3D without what draws no distance: Open3D-ML, whose data set readers pull in half of scikit-learn and
    more than a second, and its plots in a browser, which pull in a web server and half a second."""
    if "open3d" in sys.modules:
        return sys.modules["open3d"]
    unwanted = {"open3d.ml": (), "open3d.visualization.draw_plotly": ("draw_plotly", "draw_plotly_server")}
    for name, holds in unwanted.items():
        sys.modules[name] = ModuleType(name)
        sys.modules[name].__dict__.update(dict.fromkeys(holds))
    try:
        import open3d
    finally:
        for name in unwanted:
            sys.modules.pop(name, None)
    return open3d


o3d = _import_open3d()


def surface_scene(vertices: np.ndarray, faces: np.ndarray) -> Any:
    """A mesh ready for distance queries: vertices [m], shape [V, 3]; faces, shape [F, 3]."""
    scene = o3d.t.geometry.RaycastingScene()
    scene.add_triangles(tensor(vertices), o3d.core.Tensor(np.ascontiguousarray(faces, np.uint32)))
    return scene


def tensor(points: np.ndarray) -> Any:
    """Points as Open3D's queries want them, float32."""
    return o3d.core.Tensor(np.ascontiguousarray(points, np.float32))
