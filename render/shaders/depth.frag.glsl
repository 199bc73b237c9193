// Sheer cloth lets part of the light through: it keeps only its share of the depth map's texels.
// SHEER is 0 for cloth that keeps all.
uniform float opacity;
void main() {
#if SHEER
    // even over any square of 2 x 2 and of 4 x 4 (Bayer 1973), which the filters then average: no stripes remain
    ivec2 p = ivec2(gl_FragCoord.xy), fine = p & 1, wide = (p >> 1) & 1;
    int rank = 4 * (2 * (fine.x ^ fine.y) + fine.y) + 2 * (wide.x ^ wide.y) + wide.y;
    if (float(rank) + 0.5 > 16.0 * opacity) discard;
#endif
}
