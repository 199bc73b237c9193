// Skin and cloth under the studio's lights. CLOTH is 0 or 1; drawn.glsl or found.glsl, and weave.glsl, shadow.glsl and
// tone.glsl stand above this text.
#if FINISHED
uniform int developed_height; // of the picture [px], of which this is the last pass
#endif
#if !FOUND
uniform vec3 eye;
#endif
uniform vec3 key_direction;
uniform vec3 key_radiance;
uniform vec3 rim_direction;
uniform vec3 rim_radiance;
uniform sampler2DShadow rim_shadow;
uniform mat4 rim_matrix;
uniform vec4 base_color;    // linear
uniform float roughness;
uniform float sheen;
uniform int textured;
uniform sampler2D base_texture;
uniform int map_mode;       // 1: colour by the scalar field, 2: neutral grey
uniform sampler2D map_table;
uniform sampler3D reflections; // the studio mirrored by ever rougher surfaces: azimuth, height, roughness
uniform float turn;         // of the studio about the vertical [rad]
out vec4 color;

// Straight specular reflectance: of skin, of tousled fibres, and of smooth filaments laid side by side.
const int RIM_TAPS = INTERLEAVED == 1 || SAMPLES < ENOUGH ? 1 : 4;
const float MOST_TURNED = 0.18; // squared roughness that a turning surface adds at most
const float SKIN_F0 = 0.035, CLOTH_F0 = 0.04, SATIN_F0 = 0.08;

float fifth(float x) { x = clamp(x, 0.0, 1.0); return x * x * x * x * x; }

vec3 linear_from_srgb(vec3 c) { return pow(c, vec3(2.2)); }

// A dip in the cloth at distance `at` from an edge: bends the normal, returns how dark the groove is.
float groove(inout vec3 n, vec3 gradient, float d, float at, float width, float slope, float footprint) {
    float w = max(width, 0.8 * footprint);
    float x = (d - at) / w;
    float bell = exp(-x * x);
    n = normalize(n - slope * (width / w) * 2.0 * x * bell * gradient);
    return bell * width / w;
}

// Seams draw the cloth in along a line; hems are turned up and stitched 2 cm from the edge.
float sewing(inout vec3 n, vec3 face) {
    vec3 px = position_dx, py = position_dy;
    vec2 ex = edges_dx, ey = edges_dy;
    vec3 r1 = cross(py, face), r2 = cross(face, px);
    float det = dot(px, r1);
    if (abs(det) < 1e-14) return 1.0;
    vec3 to_hem = (r1 * ex.x + r2 * ey.x) / det, to_seam = (r1 * ex.y + r2 * ey.y) / det;
    // between seams that meet, all three corners of a triangle are at no distance: it tells nothing of its inside
    float told = smoothstep(0.05, 0.3, length(to_seam));
    // along the cloth a distance changes by at most one metre a metre; more is a pixel seen edge-on
    to_hem /= max(length(to_hem), 1.0);
    to_seam /= max(length(to_seam), 1.0);
    float footprint = max(length(px), length(py));
    float seam = told * groove(n, to_seam, edges.y, 0.0, 0.0016, 0.55, footprint);
    float stitch = groove(n, to_hem, edges.x, 0.02, 0.0012, 0.35, footprint);
    float rim = exp(-edges.x / max(0.0010, 0.7 * footprint)) * min(1.0, 0.0010 / (0.7 * footprint));
    return 1.0 - 0.24 * seam - 0.15 * stitch - 0.18 * rim;
}

float charlie(float nh, float alpha) { // Estevez and Kulla 2017
    float inv = 1.0 / alpha;
    return (2.0 + inv) * pow(max(1.0 - nh * nh, 1e-4), 0.5 * inv) / (2.0 * PI);
}

float ggx(float nh, float nl, float nv, float alpha) { // D * V, with Hammon's approximation of Smith's V
    float a2 = alpha * alpha;
    float d = nh * nh * (a2 - 1.0) + 1.0;
    return a2 / (PI * d * d) * 0.5 / max(mix(2.0 * nl * nv, nl + nv, alpha), 1e-3);
}

// Ribbons of warp floats mirror like a brushed surface: sharp along the yarns, wide across them.
float ggx_along(vec3 h, vec3 n, vec3 warp, float nl, float nv, float alpha) {
    float along = 0.8 * alpha + 0.10, across = 2.0 * alpha + 0.16; // wider for the size of the light
    vec3 side = normalize(cross(warp, n));
    float a = dot(h, cross(n, side)) / along, b = dot(h, side) / across, nh = dot(n, h);
    float d = a * a + b * b + nh * nh;
    return 1.0 / (PI * along * across * d * d) * 0.5 / max(mix(2.0 * nl * nv, nl + nv, alpha), 1e-3);
}

// Squared roughness of what a pixel sees of a smooth surface that turns within it: else mirror images would sparkle
// (Tokuyoshi and Kaplanyan 2019).
float turned_within() { return min(0.5 * (dot(normal_dx, normal_dx) + dot(normal_dy, normal_dy)), MOST_TURNED); }

// What the studio's softboxes add to the mirror image, split into light and surface as by Karis (2013); the surface's
// part by his fit of 2014.
vec3 mirrored(vec3 n, vec3 v, float sky, float f0, float roughness) {
    float nv = clamp(dot(n, v), 0.0, 1.0);
    vec3 r = reflect(-v, n);
    float azimuth = atan(r.x, r.z) - turn;
    vec3 place = vec3(azimuth / (2.0 * PI), 0.5 + 0.5 * r.y, roughness);
    vec4 k = roughness * vec4(-1.0, -0.0275, -0.572, 0.022) + vec4(1.0, 0.0425, 1.04, -0.04);
    float a = min(k.x * k.x, exp2(-9.28 * nv)) * k.x + k.y;
    vec2 scale_bias = vec2(-1.04, 1.04) * a + k.zw;
    // a mirror image is hidden where little sky is seen (Lagarde and de Rousiers 2014)
    float open_ = clamp(pow(nv + sky, exp2(-16.0 * roughness - 1.0)) - 1.0 + sky, 0.0, 1.0);
    return texture(reflections, place).rgb * (f0 * scale_bias.x + scale_bias.y) * open_;
}

// Reflected radiance of one light; `wrap` bends light around the terminator as skin does.
vec3 lit_by(vec3 l, vec3 radiance, vec3 n, vec3 v, vec3 albedo, vec3 warp, float alpha) {
    vec3 h = normalize(l + v);
    float raw = dot(n, l), nl = max(raw, 0.0), nv = max(dot(n, v), 0.02);
    float nh = max(dot(n, h), 0.0), vh = max(dot(v, h), 0.0);
#if CLOTH
    float f0 = weave == 3 ? SATIN_F0 : CLOTH_F0, fresnel = f0 + (1.0 - f0) * fifth(1.0 - vh);
    vec3 diffuse = albedo * nl * (1.0 - 0.35 * sheen) * (1.0 - f0);
    vec3 soft = mix(vec3(1.0), albedo, 0.6) * sheen * charlie(nh, max(0.55 * roughness, 0.3)) * nl / (4.0 * (nl + nv - nl * nv) + 1e-3);
    float lobe = weave == 3 ? ggx_along(h, n, warp, nl, nv, alpha) : ggx(nh, nl, nv, alpha);
    vec3 gloss = vec3(min((weave == 3 ? 1.3 : 0.6) * fresnel * lobe * nl, 3.0)); // no sparks at grazing pixels
    return radiance * (diffuse + PI * 0.35 * soft + gloss);
#else
    float fresnel = SKIN_F0 + (1.0 - SKIN_F0) * fifth(1.0 - vh);
    vec3 wrap = vec3(0.26, 0.14, 0.10);
    vec3 diffuse = albedo * max((raw + wrap) / ((1.0 + wrap) * (1.0 + wrap)), 0.0);
    return radiance * (diffuse + 0.8 * fresnel * ggx(nh, nl, nv, alpha) * nl);
#endif
}

void main() {
    find_surface();
    vec3 v = normalize(eye - position);
    vec3 n = normalize(normal);
    float sky = clamp(light.a, 0.0, 1.0);
#if CLOTH
    if (!right_side) n = -n;
#endif
    float away = dot(n, v);
    if (away < 0.0) n = normalize(n - away * 1.02 * v); // smooth normals may turn from the eye at a silhouette
    vec3 flat_normal = n;
    vec3 albedo = base_color.rgb;
    if (textured == 1) albedo *= linear_from_srgb(texel(base_texture));
    if (map_mode == 1) albedo = linear_from_srgb(texture(map_table, vec2(map_value, 0.5)).rgb) * 0.92;
    if (map_mode == 2) albedo = vec3(0.42 * dot(albedo / max(base_color.rgb, 0.001), vec3(0.3333)));
    vec3 warp = vec3(0.0, 1.0, 0.0);
    float cover = 1.0, near = 0.0;
#if CLOTH
    vec3 weft;
    vec2 ux = uv_metres_dx, uy = uv_metres_dy, bend = vec2(0.0);
    if (map_mode == 0) albedo *= cloth_shade(ux, uy, bend, cover, near);
    if (yarn_axes(position_dx, position_dy, ux, uy, weft, warp)) n = normalize(n + bend.x * weft + bend.y * warp);
    albedo *= sewing(n, flat_normal);
#endif
    // what turns from a light needs no shadow map; what faces it is looked up a little above the surface, whose own
    // texels would else shade it
    float lift = 0.0004 + 0.7 * shadow_texel, rim = 0.0;
    bool to_key = dot(flat_normal, key_direction) > -0.3, to_rim = dot(flat_normal, rim_direction) > -0.3;
    float shadow = key_light(position + flat_normal * (lift + 2.0 * least_blur), flat_normal, to_key);
    vec3 r = (rim_matrix * vec4(position + flat_normal * (lift + 2.5 * least_blur), 1.0)).xyz * 0.5 + 0.5;
    vec2 turned = 1.5 * least_blur * quarter();
    for (int i = 0; i < RIM_TAPS; i++) {
        vec2 place = disc(i, RIM_TAPS);
        vec2 offset = vec2(place.x * turned.x - place.y * turned.y, place.x * turned.y + place.y * turned.x);
        rim += texture(rim_shadow, vec3(r.xy + offset, r.z)) / float(RIM_TAPS);
    }
    rim = to_rim ? rim : 0.0;

    // light that bounces between near surfaces of the same colour (Jimenez et al. 2016)
    vec3 ma = 2.0404 * albedo - 0.3324, mb = -4.7951 * albedo + 0.6417, mc = 2.7552 * albedo + 0.6903;
    vec3 often = max(vec3(1.0), (sky * ma + mb) * sky + mc);
    vec3 soft = light.rgb * often;
    soft *= 1.0 + 0.5 * (dot(n, key_direction) - dot(flat_normal, key_direction)); // relief also shows in soft light
    vec3 sum = albedo * soft;
    float nv = max(dot(n, v), 0.0), even = max(roughness * roughness, 0.02);
    float alpha = sqrt(even * even + turned_within());
#if CLOTH
    sum += sheen * 0.45 * fifth(1.0 - nv) * mix(vec3(1.0), albedo, 0.5) * soft;
    vec3 facing = n;
    if (weave == 3) facing = normalize(mix(n, cross(cross(warp, v), warp), 0.5)); // mirrors lie across the floats
    sum += mirrored(facing, v, sky, weave == 3 ? SATIN_F0 : CLOTH_F0, sqrt(alpha));
#else
    // none where a crease turns from the eye
    sum += mirrored(n, v, sky, SKIN_F0, sqrt(alpha)) * smoothstep(-0.05, 0.1, away);
#endif
    sum += lit_by(key_direction, key_radiance * shadow * mix(1.0, sky * often.g, 0.3), n, v, albedo, warp, alpha);
    sum += lit_by(rim_direction, rim_radiance * rim, n, v, albedo, warp, alpha);
    float opacity = base_color.a;
    if (opacity < 1.0) opacity = 1.0 - pow(1.0 - opacity, 1.0 / max(abs(dot(flat_normal, v)), 0.25));
    if (base_color.a < 1.0) opacity = mix(opacity, 0.04 + 0.94 * cover, near); // close by, light comes through the holes
#if FINISHED
    color = vec4(developed(sum, gl_FragCoord.xy, developed_height), 1.0);
#else
    color = vec4(sum * opacity, opacity);
#endif
}
