"""Differentiable rasterization of triangle meshes."""

from render.raster.rasterize import rasterize_meshes

__all__ = ["rasterize_meshes"]
