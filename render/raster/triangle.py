"""Triangle geometry in the image plane, as kernel functions: forward values and their hand-written derivatives.

The arithmetic (order of operations, epsilons, strict comparisons) follows the conventions of PyTorch3D's rasterizer
(Ravi et al., Accelerating 3D Deep Learning with PyTorch3D, 2020), so that fragments agree to the last bits. Points
``p, a, b, c`` are normalised device coordinates; ``z`` holds the three view depths.
"""

from engine.core.taichi_runtime import ti

__all__ = ["EPS", "CLIP_EPS", "vec2", "vec3", "mat3", "edge", "flat_weights", "perspective_weights", "clipped_weights"]
__all__ += ["triangle_distance", "weights_vjp", "distance_vjp", "clip_vjp", "perspective_vjp"]

EPS = 1e-8  #: below this an area, a depth or a squared edge length counts as zero
CLIP_EPS = 1e-5  #: smallest sum by which clipped barycentric coordinates are divided

vec2 = ti.types.vector(2, ti.f32)
vec3 = ti.types.vector(3, ti.f32)
mat3 = ti.types.matrix(3, 3, ti.f32)


@ti.func
def edge(p: vec2, a: vec2, b: vec2) -> ti.f32:
    """Twice the signed area of (a, b, p); its sign tells the side of the line a-b on which p lies."""
    return (p[0] - a[0]) * (b[1] - a[1]) - (p[1] - a[1]) * (b[0] - a[0])


@ti.func
def flat_weights(p: vec2, a: vec2, b: vec2, c: vec2) -> vec3:
    """Barycentric coordinates in the image plane."""
    area = edge(c, a, b) + EPS
    return vec3(edge(p, b, c) / area, edge(p, c, a) / area, edge(p, a, b) / area)


@ti.func
def perspective_weights(w: vec3, z: vec3) -> vec3:
    """Barycentric coordinates on the triangle in space, from those in the image plane."""
    top = vec3(w[0] * z[1] * z[2], w[1] * z[0] * z[2], w[2] * z[0] * z[1])
    return top / ti.max(top[0] + top[1] + top[2], EPS)


@ti.func
def clipped_weights(w: vec3) -> vec3:
    """Barycentric coordinates of the point on the triangle's edge that stands for a point outside it."""
    positive = vec3(ti.max(w[0], 0.0), ti.max(w[1], 0.0), ti.max(w[2], 0.0))
    return positive / ti.max(positive[0] + positive[1] + positive[2], CLIP_EPS)


@ti.func
def segment_distance(p: vec2, a: vec2, b: vec2) -> ti.f32:
    """Squared distance of p to the segment a-b."""
    along = b - a
    length2 = along[0] * along[0] + along[1] * along[1]
    away = p - b
    if length2 > EPS:
        t = (along[0] * (p[0] - a[0]) + along[1] * (p[1] - a[1])) / length2
        away = p - (a + ti.min(ti.max(t, 0.0), 1.0) * along)
    return away[0] * away[0] + away[1] * away[1]


@ti.func
def triangle_distance(p: vec2, a: vec2, b: vec2, c: vec2) -> ti.f32:
    """Squared distance of p to the nearest of the three edges."""
    return ti.min(ti.min(segment_distance(p, a, b), segment_distance(p, a, c)), segment_distance(p, b, c))


@ti.func
def segment_vjp(p: vec2, a: vec2, b: vec2, g: ti.f32):
    """Derivatives of ``g * segment_distance`` by a and by b (the foot point is a minimum, so it may stand still)."""
    along = b - a
    length2 = along[0] * along[0] + along[1] * along[1]
    t = 1.0
    if length2 > 0.0:
        t = ti.min(ti.max((along[0] * (p[0] - a[0]) + along[1] * (p[1] - a[1])) / length2, 0.0), 1.0)
    away = 2.0 * g * ((1.0 - t) * a + t * b - p)
    return (1.0 - t) * away, t * away


@ti.func
def distance_vjp(p: vec2, a: vec2, b: vec2, c: vec2, g: ti.f32):
    """Derivatives of ``g * triangle_distance`` by the corners; the first of equally near edges takes it all."""
    ab, ac, bc = segment_distance(p, a, b), segment_distance(p, a, c), segment_distance(p, b, c)
    ga, gb, gc = vec2(0.0), vec2(0.0), vec2(0.0)
    if ab <= ac and ab <= bc:
        ga, gb = segment_vjp(p, a, b, g)
    elif ac <= bc:
        ga, gc = segment_vjp(p, a, c, g)
    else:
        gb, gc = segment_vjp(p, b, c, g)
    return ga, gb, gc


@ti.func
def edge_vjp(p: vec2, a: vec2, b: vec2, g: ti.f32):
    """Derivatives of ``g * edge(p, a, b)`` by p, a and b."""
    return (
        g * vec2(b[1] - a[1], a[0] - b[0]),
        g * vec2(p[1] - b[1], b[0] - p[0]),
        g * vec2(a[1] - p[1], p[0] - a[0]),
    )


@ti.func
def weights_vjp(p: vec2, a: vec2, b: vec2, c: vec2, g: vec3):
    """Derivatives of ``g . flat_weights`` by the corners."""
    area = edge(c, a, b) + EPS
    inverse = 1.0 / area
    by_area = -(g[0] * edge(p, b, c) + g[1] * edge(p, c, a) + g[2] * edge(p, a, b)) * inverse * inverse
    gc, ga, gb = edge_vjp(c, a, b, by_area)
    _, b0, c0 = edge_vjp(p, b, c, g[0] * inverse)
    _, c1, a1 = edge_vjp(p, c, a, g[1] * inverse)
    _, a2, b2 = edge_vjp(p, a, b, g[2] * inverse)
    return ga + a1 + a2, gb + b0 + b2, gc + c0 + c1


@ti.func
def perspective_vjp(w: vec3, z: vec3, g: vec3):
    """Derivatives of ``g . perspective_weights`` by the weights and by the depths."""
    top = vec3(w[0] * z[1] * z[2], w[1] * z[0] * z[2], w[2] * z[0] * z[1])
    total = ti.max(top[0] + top[1] + top[2], EPS)
    g_top = g / total - (top[0] * g[0] + top[1] * g[1] + top[2] * g[2]) / (total * total)
    g_w = vec3(g_top[0] * z[1] * z[2], g_top[1] * z[0] * z[2], g_top[2] * z[0] * z[1])
    g_z = vec3(
        g_top[1] * w[1] * z[2] + g_top[2] * w[2] * z[1],
        g_top[0] * w[0] * z[2] + g_top[2] * w[2] * z[0],
        g_top[0] * w[0] * z[1] + g_top[1] * w[1] * z[0],
    )
    return g_w, g_z


@ti.func
def clip_vjp(w: vec3, g: vec3) -> vec3:
    """Derivative of ``g . clipped_weights`` by the weights."""
    positive = vec3(ti.max(w[0], 0.0), ti.max(w[1], 0.0), ti.max(w[2], 0.0))
    total = positive[0] + positive[1] + positive[2]
    shared = 0.0
    if total >= CLIP_EPS:
        shared = (g[0] * positive[0] + g[1] * positive[1] + g[2] * positive[2]) / (total * total)
    else:
        total = CLIP_EPS
    out = vec3(0.0)
    for i in ti.static(range(3)):
        if w[i] >= 0.0:
            out[i] = g[i] / total - shared
    return out
