"""The one place where Open3D is imported: for its ray casting, and without the parts that only cost time to load."""

import sys
from types import ModuleType

__all__ = ["o3d"]


def _import_open3d() -> ModuleType:
    """Imports Open3D without Open3D-ML, whose data set readers pull in half of scikit-learn and more than a second."""
    if "open3d" in sys.modules:
        return sys.modules["open3d"]
    sys.modules["open3d.ml"] = ModuleType("open3d.ml")
    try:
        import open3d
    finally:
        sys.modules.pop("open3d.ml", None)
    return open3d


o3d = _import_open3d()
