// Shadows of a directional light with an angular size: percentage-closer filtering (Reeves, Salesin and Cook 1987) over
// the disc that the light has seen from the receiver, as wide as what stands nearest to the light around there would
// cast it (Fernando 2005). TAPS samples are taken at places that are the same at every pixel: compilers know them, and
// edges have no noise. With INTERLEAVED 1 pixels of a block of 2 x 2, which are averaged later, turn them by quarters.
uniform sampler2D key_near; // depth of the nearest thing thereabouts
uniform sampler2DShadow key_shadow;
uniform mat4 key_matrix;
uniform float key_softness; // tangent of the light's angular radius
uniform float shadow_texel;  // of the shadow maps [m]
uniform float least_blur;  // of shadow edges, in widths of the map; more where sheer cloth casts dithered shadows
const float MOST_BLUR = 0.06, STEEPEST = 3.0;
const int SAMPLES = INTERLEAVED == 1 ? 4 * TAPS : TAPS, ENOUGH = 32; // fewer fill narrower edges without strands

// Place i of `count` even ones on the unit disc (Vogel 1979).
vec2 disc(int i, int count) {
    float r = sqrt((float(i) + 0.5) / float(count)), a = float(i) * 2.39996323;
    return r * vec2(cos(a), sin(a));
}

// Cosine and sine of this pixel's turn.
vec2 quarter() {
#if INTERLEAVED
    ivec2 p = ivec2(gl_FragCoord.xy) & 1;
    float way = float(1 - 2 * p.x);
    return p.x == p.y ? vec2(way, 0.0) : vec2(0.0, way);
#else
    return vec2(1.0, 0.0);
#endif
}

// 1 where the key light reaches a point of a surface with this normal, 0 where it does not.
float key_light(vec3 point, vec3 n, bool facing) {
    vec3 p = (key_matrix * vec4(point, 1.0)).xyz * 0.5 + 0.5;
    p.z = min(p.z, 0.9999); // beyond the map there is nothing in the way
    // depth runs over as many metres as the map is wide
    float radius = (p.z - texture(key_near, p.xy).r) * key_softness;
    float most = SAMPLES < ENOUGH ? 0.5 * float(SAMPLES) / float(textureSize(key_shadow, 0).x) : MOST_BLUR;
    radius = clamp(radius, least_blur, most);
    // samples beside the point lie on the surface, too
    vec3 tilt = mat3(key_matrix) * n;
    vec2 slope = clamp(-tilt.xy / min(tilt.z, -1e-4), -STEEPEST, STEEPEST);
    vec2 turn = radius * quarter();
    float lit = 0.0;
    for (int i = 0; i < TAPS; i++) {
        vec2 place = disc(i, TAPS);
        vec2 offset = vec2(place.x * turn.x - place.y * turn.y, place.x * turn.y + place.y * turn.x);
        lit += texture(key_shadow, vec3(p.xy + offset, p.z + dot(slope, offset)));
    }
    return facing ? lit / float(TAPS) : 0.0;
}
