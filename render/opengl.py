"""A headless OpenGL context (EGL on Linux), or a clear error where there is none."""

from __future__ import annotations

import sys
from importlib import resources

from engine.core.errors import JobError

__all__ = ["create_context", "shader_source"]

HINT = "install OpenGL with: apt install libegl1 libgl1 libegl-mesa0 libgl1-mesa-dri"


def create_context():
    """A standalone ``moderngl`` context of OpenGL 3.3 or better, to be released by the caller.

    Raises:
        JobError: ``render.no_opengl``, with what to install.
    """
    try:
        import moderngl

        options = {"backend": "egl"} if sys.platform.startswith("linux") else {}
        context = moderngl.create_context(standalone=True, require=330, **options)
    except Exception as error:  # moderngl and the driver loaders raise bare exceptions of many classes
        reason = " ".join(str(error).split()) or type(error).__name__
        raise JobError(
            "render.no_opengl", f"pictures cannot be drawn: no OpenGL on this machine ({reason})", HINT
        ) from None
    # objects live as long as their context: Python's collector could strike while another context is current
    context.gc_mode = None
    return context


def shader_source(name: str) -> str:
    """The text of a file in ``render/shaders``."""
    return (resources.files("render") / "shaders" / name).read_text(encoding="utf-8")
