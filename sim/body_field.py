"""The body as a signed distance grid, for the solver, and as the exact mesh, for the final check."""

from dataclasses import dataclass

import numpy as np

__all__ = ["DistanceGrid", "distance_grid", "signed_distance"]


@dataclass(frozen=True)
class DistanceGrid:
    """Signed distance [m] (positive outside) at ``origin + cell * (i, j, k)``."""

    values: np.ndarray  #: float32, shape [nx, ny, nz]
    origin: np.ndarray  #: [m], shape [3]
    cell: float  #: [m]


def signed_distance(vertices: np.ndarray, faces: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Exact signed distance [m] of points [P, 3] to a closed mesh, positive outside, shape [P]."""
    from engine.core.open3d_runtime import surface_scene, tensor

    return surface_scene(vertices, faces).compute_signed_distance(tensor(points), nsamples=3).numpy()


def distance_grid(
    vertices: np.ndarray, faces: np.ndarray, *, cell: float = 0.005, band: float = 0.008, margin: float = 0.04
) -> DistanceGrid:
    """Samples the signed distance to a closed mesh.

    Within ``band`` [m] of the surface the values are exact; further away they are interpolated from a grid four times
    as coarse, which is all that a fast approach needs.
    """
    from engine.core.open3d_runtime import surface_scene, tensor

    step = 4
    origin = vertices.min(0).astype(np.float64) - margin
    coarse_dims = np.ceil((vertices.max(0) + margin - origin) / (cell * step)).astype(int) + 1
    scene = surface_scene(vertices, faces)
    axes = [origin[a] + cell * step * np.arange(coarse_dims[a]) for a in range(3)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)
    coarse = scene.compute_signed_distance(tensor(points), nsamples=3).numpy().reshape(coarse_dims)
    fine = _upsample(coarse, step)
    near = np.abs(fine) < band + 0.9 * cell * step
    ijk = np.argwhere(near)
    exact = scene.compute_signed_distance(tensor(origin + cell * ijk)).numpy()
    fine[near] = exact
    return DistanceGrid(fine, origin.astype(np.float32), cell)


def _upsample(values: np.ndarray, step: int) -> np.ndarray:
    """Linear interpolation of a grid, ``step`` times finer along every axis."""
    for axis in range(3):
        n = values.shape[axis]
        t = np.arange((n - 1) * step + 1) / step
        i = np.minimum(t.astype(int), n - 2)
        shape = [1, 1, 1]
        shape[axis] = len(t)
        f = (t - i).reshape(shape).astype(np.float32)
        values = np.take(values, i, axis) * (1 - f) + np.take(values, i + 1, axis) * f
    return np.ascontiguousarray(values, np.float32)
