// Sheer cloth lets part of the light through: it keeps only its share of the depth map's texels.
// SHEER is 0 for cloth that keeps all.
uniform float opacity;
void main() {
#if SHEER
    // interleaved gradient noise: even over any small neighbourhood, which the filters then average
    float noise = fract(52.9829189 * fract(dot(floor(gl_FragCoord.xy), vec2(0.06711056, 0.00583715))));
    if (noise > opacity) discard;
#endif
}
