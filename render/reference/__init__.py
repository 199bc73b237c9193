"""Reference pictures by path tracing (Mitsuba 3): the same meshes, cameras and studio lights as the preview's."""

from render.reference.tracer import Traced, check, denoised, trace

__all__ = ["Traced", "check", "denoised", "trace"]
