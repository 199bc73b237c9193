"""Differentiable rasterization of triangle meshes."""

from render.raster.edges import MeshEdges
from render.raster.labels import visible_shares
from render.raster.rasterize import rasterize_meshes
from render.raster.silhouette import coverage

__all__ = ["rasterize_meshes", "coverage", "visible_shares", "MeshEdges"]
