// The least depth of a shadow map about each of few places. SPREAD 0: in a tile of the map itself; 1: in the tiles
// around, as far as wide shadows reach.
uniform sampler2D key_depth;
out float nearest;
const int LOOKS = 8, AROUND = 2; // looks along each side of a tile, tiles to each side
void main() {
    ivec2 place = ivec2(gl_FragCoord.xy);
    nearest = 1.0;
#if SPREAD
    ivec2 last = textureSize(key_depth, 0) - 1;
    for (int j = -AROUND; j <= AROUND; j++)
        for (int i = -AROUND; i <= AROUND; i++)
            nearest = min(nearest, texelFetch(key_depth, clamp(place + ivec2(i, j), ivec2(0), last), 0).r);
#else
    int size = textureSize(key_depth, 0).x;
    for (int j = 0; j < LOOKS; j++)
        for (int i = 0; i < LOOKS; i++)
            nearest = min(nearest, texelFetch(key_depth, (place * LOOKS + ivec2(i, j)) * size / (TILES * LOOKS), 0).r);
#endif
}
