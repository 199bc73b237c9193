"""The preview's shader programs, compiled when they are first needed, and the units that their textures stand at."""

from __future__ import annotations

from typing import Any

from render.opengl import shader_source

__all__ = ["TABLE_WIDTH", "TILES", "UNITS", "VERTEX_TEXELS", "Programs"]

#: texture unit of each sampler
UNITS = {
    "key_near": 0, "key_shadow": 1, "rim_shadow": 2, "map_table": 3, "base_texture": 4, "floor_open": 5,
    "reflections": 6, "linear_picture": 7, "seen": 8, "corners": 9, "vertices": 10, "lights": 11, "field": 12,
    "behind_picture": 13, "points": 10, "normals": 11, "depth_map": 14,
    "key_depth": 15,
}  # fmt: skip
TABLE_WIDTH = 1024  #: of textures that shaders look vertices and triangles up in [texels]
VERTEX_TEXELS = 3  #: of each vertex
TILES = 64  #: along each side of the map of what is nearest to the key light

#: vertex shader, and the texts that make the fragment shader
SOURCES = {
    "surface": ("mesh", ("drawn.glsl", "weave.glsl", "shadow.glsl", "tone.glsl", "surface.frag.glsl")),
    "found": ("whole", ("found.glsl", "weave.glsl", "shadow.glsl", "tone.glsl", "surface.frag.glsl")),
    "gbuffer": ("mesh", ("drawn.glsl", "weave.glsl", "gbuffer.frag.glsl")),
    "light": ("mesh", ("shadow.glsl", "light.frag.glsl")),
    "seen": ("mesh", ("seen.frag.glsl",)),
    "sorted": ("whole", ("sorted.frag.glsl",)),
    "floor": ("backdrop", ("shadow.glsl", "tone.glsl", "backdrop.frag.glsl")),
    "wall": ("backdrop", ("tone.glsl", "backdrop.frag.glsl")),
    "develop": ("whole", ("tone.glsl", "develop.frag.glsl")),
    "depth": ("depth", ("depth.frag.glsl",)),
    "nearest": ("whole", ("nearest.frag.glsl",)),
    "line": ("line", ("line.frag.glsl",)),
    "bake": ("whole", ("bake.frag.glsl",)),
    "relight": ("relight", ()),  # its vertices are what is wanted
}
#: what each program's text may be compiled for, and as what if nothing is said
DEFINES = {
    "surface": {"CLOTH": 0, "YARNS": 1, "TAPS": 8, "INTERLEAVED": 0, "FOUND": 0, "FINISHED": 0},
    "found": {"CLOTH": 0, "YARNS": 1, "TAPS": 8, "INTERLEAVED": 0, "MAPPED": 0, "FOUND": 1, "FINISHED": 0,
              "TABLE_WIDTH": TABLE_WIDTH, "VERTEX_TEXELS": VERTEX_TEXELS},
    "gbuffer": {"YARNS": 1},
    "light": {"TAPS": 8, "INTERLEAVED": 0},
    "depth": {"SHEER": 0},
    "nearest": {"SPREAD": 0, "TILES": TILES},
    "sorted": {"MESHES": 1},
    "floor": {"FLOOR": 1, "FINISHED": 0, "TAPS": 8, "INTERLEAVED": 0},
    "wall": {"FLOOR": 0, "FINISHED": 0},
}  # fmt: skip


class Programs:
    """Every program by its name and what it is compiled for; uniforms that several have are told once.

    Args:
        context: moderngl context.
        shared: uniforms of all programs that have them, besides the textures' units.
    """

    def __init__(self, context: Any, **shared: Any) -> None:
        self.context, self.shared, self.kept, self.stale = context, {**UNITS, **shared}, {}, set()

    def share(self, **values: Any) -> None:
        """Tells uniforms to all programs that have them, those yet to be compiled too; bytes are matrices."""
        self.shared.update(values)
        self.stale.update((key, name) for key in self.kept for name in values)

    def get(self, name: str, **defines: int) -> Any:
        """The program of that name compiled for ``defines``; see ``DEFINES``."""
        chosen = {**DEFINES.get(name, {}), **defines}
        key = (name, *chosen.values())
        if key not in self.kept:
            vertex, fragment = SOURCES[name]
            head = "".join(f"#define {word} {value}\n" for word, value in chosen.items())
            parts = {"fragment_shader": f"#version 330\n{head}" + "".join(map(shader_source, fragment))}
            self.kept[key] = self.context.program(
                vertex_shader=shader_source(f"{vertex}.vert.glsl"),
                **(parts if fragment else {"varyings": ("front", "back")}),
            )
            self.stale.update((key, uniform) for uniform in self.shared)
        program = self.kept[key]
        for uniform in [u for k, u in self.stale if k == key]:
            self._tell(program, uniform, self.shared[uniform])
            self.stale.discard((key, uniform))
        return program

    def _tell(self, program: Any, name: str, value: Any) -> None:
        if name in program:
            if isinstance(value, bytes):
                program[name].write(value)
            else:
                program[name].value = value
