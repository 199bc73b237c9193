#version 330
// Sheer cloth lets part of the light through: it keeps a random share of the depth map's texels.
uniform float opacity;
float hash(vec2 p) {
    vec3 q = fract(vec3(p.xyx) * 0.1031);
    q += dot(q, q.yzx + 33.33);
    return fract((q.x + q.y) * q.z);
}
void main() {
    if (opacity < 1.0 && hash(floor(gl_FragCoord.xy)) > opacity) discard;
}
