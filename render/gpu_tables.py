"""A mesh's triangles and vertices as textures, for shaders that look up what they find at a pixel."""

from __future__ import annotations

from typing import Any

import numpy as np

from render.gpu_programs import TABLE_WIDTH, UNITS, VERTEX_TEXELS

__all__ = ["MeshTables", "filled", "table_size"]


def table_size(rows: int) -> tuple[int, int]:
    """Width and height of a texture that holds so many texels."""
    return TABLE_WIDTH, max(-(-rows // TABLE_WIDTH), 1)


class MeshTables:
    """Corners, places, normals, coordinates, light and a scalar field of one mesh.

    Args:
        context: moderngl context.
        faces: vertices of each triangle, shape [T, 3].
        columns: place, normal, rest plane, texture and edge coordinates, float32, shape [V, 12].
    """

    def __init__(self, context: Any, faces: np.ndarray, columns: np.ndarray) -> None:
        self.context, count = context, len(columns)
        place, normal, rest, uv, edges = np.split(columns, [3, 6, 8, 10], axis=1)
        packed = np.concatenate([place, uv[:, :1], normal, uv[:, 1:], rest, edges], axis=1)
        self.textures = {
            "corners": self._texture(len(faces), 3, "i4", faces),
            "vertices": self._texture(VERTEX_TEXELS * count, 4, "f4", packed),
            "lights": self._texture(2 * count, 4, "f4"),
        }
        self.vertices = count

    def take_light(self, buffer: Any) -> None:
        """Copies the light of both sides of every vertex from a buffer as long as the texture."""
        self.textures["lights"].write(buffer)

    def take_field(self, values: np.ndarray) -> None:
        """Keeps the scalar at every vertex, shape [V]."""
        if "field" not in self.textures:
            self.textures["field"] = self._texture(self.vertices, 1, "f4")
        self.textures["field"].write(filled(values, self.textures["field"].size, 1))

    def use(self) -> None:
        """Binds all textures to their units."""
        for name, texture in self.textures.items():
            texture.use(UNITS[name])

    def _texture(self, rows: int, channels: int, dtype: str, values: np.ndarray | None = None) -> Any:
        size = table_size(rows)
        data = None if values is None else filled(values, size, channels)
        texture = self.context.texture(size, channels, data, dtype=dtype)
        texture.filter = (self.context.NEAREST, self.context.NEAREST)
        return texture


def filled(values: np.ndarray, size: tuple[int, int], channels: int) -> bytes:
    """Values in the order of a texture's texels, with zeros up to its end."""
    flat = np.zeros(size[0] * size[1] * channels, np.int32 if values.dtype.kind == "i" else np.float32)
    flat[: values.size] = values.reshape(-1)
    return flat.tobytes()
