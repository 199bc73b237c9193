"""The preview's shader programs and the units that their textures stand at."""

from __future__ import annotations

from typing import Any

from render.opengl import shader_source

__all__ = ["UNITS", "build_programs"]

#: texture unit of each sampler
UNITS = {
    "key_depth": 0, "key_shadow": 1, "rim_shadow": 2, "map_table": 3, "base_texture": 4, "floor_open": 5,
    "reflections": 6, "linear_picture": 7,
}  # fmt: skip


def build_programs(context: Any, fixed: dict[str, Any]) -> dict[str, Any]:
    """Every program by name; ``fixed`` are uniforms that all of them get, where they have them."""
    version = "#version 330\n"
    vertex, weave, shadow, tone = (
        shader_source(n) for n in ("mesh.vert.glsl", "weave.glsl", "shadow.glsl", "tone.glsl")
    )
    surface, paper = shader_source("surface.frag.glsl"), shader_source("backdrop.frag.glsl")
    paper_vertex = shader_source("backdrop.vert.glsl")
    sources = {
        kind: (vertex, f"{version}#define CLOTH {int(kind == 'cloth')}\n{weave}{shadow}{tone}{surface}")
        for kind in ("skin", "cloth")
    }
    sources["gbuffer"] = (vertex, f"{version}{weave}{shader_source('gbuffer.frag.glsl')}")
    sources["light"] = (vertex, f"{version}{shadow}{shader_source('light.frag.glsl')}")
    sources["floor"] = (paper_vertex, f"{version}#define FLOOR 1\n{shadow}{tone}{paper}")
    sources["wall"] = (paper_vertex, f"{version}#define FLOOR 0\n{tone}{paper}")
    sources["develop"] = (shader_source("develop.vert.glsl"), f"{version}{tone}{shader_source('develop.frag.glsl')}")
    for name in ("depth", "line"):
        sources[name] = (shader_source(f"{name}.vert.glsl"), shader_source(f"{name}.frag.glsl"))
    programs = {name: context.program(vertex_shader=v, fragment_shader=f) for name, (v, f) in sources.items()}
    for program in programs.values():
        for name, value in {**UNITS, **fixed}.items():
            if name in program:
                program[name].value = value
    return programs
