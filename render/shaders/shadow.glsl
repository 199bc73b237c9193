// Percentage-closer soft shadows (Fernando 2005) of a directional light with an angular size. FEW_TAPS is the number of
// samples of shadows whose edges are of one softness, or 0, and shadow_taps tells how many.
uniform sampler2D key_depth;
uniform sampler2DShadow key_shadow; // the same map, compared in hardware
uniform mat4 key_matrix;
uniform float key_extent;  // half the width of the shadow map [m]
uniform float key_softness; // tangent of the light's angular radius
uniform int shadow_taps;
uniform float shadow_texel;  // of the shadow maps [m]
uniform float least_blur;  // of shadow edges, in widths of the map; more where sheer cloth casts dithered shadows

// Turns the taps' pattern: from pixel to pixel by interleaved gradient noise (Jimenez 2014), and by quarters of the
// step between two taps inside each block of 2 x 2, whose average (by supersampling) thus has four times the taps.
float grain(vec2 pixel) {
    ivec2 p = ivec2(pixel);
    vec2 block = vec2(p / 2);
    float noise = fract(52.9829189 * fract(dot(block, vec2(0.06711056, 0.00583715))));
    return 6.2831853 * noise + 0.6 * float((p.x & 1) + 2 * (p.y & 1));
}

// `turn` is the cosine and sine of the pattern's angle.
vec2 disc(int i, int count, vec2 turn) {
    float r = sqrt((float(i) + 0.5) / float(count)), a = float(i) * 2.39996323;
    vec2 place = r * vec2(cos(a), sin(a));
    return vec2(place.x * turn.x - place.y * turn.y, place.x * turn.y + place.y * turn.x);
}

vec2 pattern_turn() {
    float turn = grain(gl_FragCoord.xy);
    return vec2(cos(turn), sin(turn));
}

// 1 where the key light reaches a point, 0 where it does not. Renderers on processors go once through a loop even if it
// is empty, and compute both sides of a branch: few samples are no loop once compiled.
float key_light(vec3 point, bool facing) {
    vec3 p = (key_matrix * vec4(point, 1.0)).xyz * 0.5 + 0.5;
    p.z = min(p.z, 0.9999); // beyond the map there is nothing in the way
    vec2 turn = pattern_turn();
#if FEW_TAPS
    float lit = 0.0;
    for (int i = 0; i < FEW_TAPS; i++)
        lit += texture(key_shadow, vec3(p.xy + 1.6 * least_blur * disc(i, FEW_TAPS, turn), p.z)) / float(FEW_TAPS);
    return facing ? lit : 0.0;
#else
    float search = 0.10 * key_softness / key_extent + 0.004;
    float blockers = 0.0, sum = 0.0;
    int taps = facing ? shadow_taps : 0;
    int looks = facing ? max(shadow_taps / 2, 6) : 0;
    for (int i = 0; i < looks; i++) {
        float d = texture(key_depth, p.xy + search * 2.5 * disc(i, looks, turn)).r;
        if (d < p.z) { blockers += 1.0; sum += d; }
    }
    // depth runs over 2 * key_extent metres, and so does the map's width
    float radius = clamp((p.z - sum / max(blockers, 1.0)) * key_softness, least_blur, 0.06);
    taps = blockers < 0.5 ? 0 : taps;
    float lit = facing && taps == 0 ? 1.0 : 0.0;
    for (int i = 0; i < taps; i++)
        lit += texture(key_shadow, vec3(p.xy + radius * disc(i, taps, turn), p.z)) / float(taps);
    return lit;
#endif
}
