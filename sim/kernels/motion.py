"""Moving the particles after a solve, and the figures by which rest is judged."""

from engine.core.taichi_runtime import ti
from sim.kernels.conjugate import CHUNK
from sim.kernels.types import F32, V3, vec3


@ti.kernel
def advance(x: V3, dx: V3, ref: V3):
    """Remembers where the particles were and moves them by the solution."""
    for i in range(x.shape[0]):
        ref[i] = x[i]
        x[i] += dx[i]


@ti.kernel
def finish(x: V3, ref: V3, vel: V3, inv_dt: ti.f32, keep: ti.f32, mass: F32, chunks: F32):
    """Velocities from the motion that was allowed, and per chunk: kinetic energy [J], top speed [m/s], bounds [m].

    ``chunks`` has 8 numbers per chunk of vertices: energy, speed, low x y z, high x y z.
    """
    n = x.shape[0]
    ti.loop_config(block_dim=4)
    for chunk in range(chunks.shape[0] // 8):
        energy, top = 0.0, 0.0
        low, high = vec3(1e9), vec3(-1e9)
        for i in range(chunk * CHUNK, ti.min(n, (chunk + 1) * CHUNK)):
            v = (x[i] - ref[i]) * inv_dt
            energy += 0.5 * mass[i] * v.dot(v)
            top = ti.max(top, v.norm())
            low = ti.min(low, x[i])
            high = ti.max(high, x[i])
            vel[i] = v * keep
        base = 8 * chunk
        chunks[base] = energy
        chunks[base + 1] = top
        for a in ti.static(range(3)):
            chunks[base + 2 + a] = low[a]
            chunks[base + 5 + a] = high[a]
