#version 330
// Sheer cloth lets part of the light through: it keeps only its share of the depth map's texels.
uniform float opacity;
void main() {
    // interleaved gradient noise: even over any small neighbourhood, which the filters then average
    float noise = fract(52.9829189 * fract(dot(floor(gl_FragCoord.xy), vec2(0.06711056, 0.00583715))));
    if (noise > opacity) discard;
}
