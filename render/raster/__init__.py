"""Differentiable rasterization of triangle meshes."""

from render.raster.coverage import coverage
from render.raster.edges import MeshEdges
from render.raster.rasterize import rasterize_meshes

__all__ = ["rasterize_meshes", "coverage", "MeshEdges"]
