"""Short names for the array types that every kernel takes."""

from engine.core.taichi_runtime import ti

vec2 = ti.types.vector(2, ti.f32)
vec3 = ti.types.vector(3, ti.f32)
vec4 = ti.types.vector(4, ti.f32)
ivec2 = ti.types.vector(2, ti.i32)
ivec3 = ti.types.vector(3, ti.i32)
ivec4 = ti.types.vector(4, ti.i32)
mat2 = ti.types.matrix(2, 2, ti.f32)
mat3 = ti.types.matrix(3, 3, ti.f32)


def array(dtype, ndim: int = 1):
    """An array argument of a kernel."""
    return ti.types.ndarray(dtype=dtype, ndim=ndim)


F32 = array(ti.f32)
I32 = array(ti.i32)
V2 = array(vec2)
V3 = array(vec3)
V4 = array(vec4)
I2 = array(ivec2)
I3 = array(ivec3)
I4 = array(ivec4)
M2 = array(mat2)
M3 = array(mat3)
