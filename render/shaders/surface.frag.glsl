// Skin and cloth under the studio's lights. CLOTH is 0 or 1; shadow.glsl stands above this text.
uniform vec3 eye;
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
uniform int weave;          // 0 none, 1 plain, 2 twill, 3 satin, 4 knit
uniform float weave_scale;  // [m]
in vec3 position;
in vec3 normal;
in vec2 uv_metres;
in vec2 uv;
in vec2 edges;               // distances to hem and seam [m]
centroid in vec3 light_front;
centroid in vec3 light_back;
centroid in vec2 open_sky;
in float map_value;
in float view_depth;
out vec4 color;

const float PI = 3.14159265;

float fifth(float x) { x = clamp(x, 0.0, 1.0); return x * x * x * x * x; }

float hash(vec2 p) {
    vec3 q = fract(vec3(p.xyx) * 0.1031);
    q += dot(q, q.yzx + 33.33);
    return fract((q.x + q.y) * q.z);
}

float noise(vec2 p) {
    vec2 i = floor(p), f = fract(p);
    f = f * f * (3.0 - 2.0 * f);
    return mix(mix(hash(i), hash(i + vec2(1, 0)), f.x), mix(hash(i + vec2(0, 1)), hash(i + vec2(1, 1)), f.x), f.y);
}

vec3 linear_from_srgb(vec3 c) { return pow(c, vec3(2.2)); }

// Height gradient (x weft, y warp) of one repeat, and how deep the gap between the yarns is there.
vec3 weave_relief(vec2 w) {
    vec2 a = 2.0 * PI * w;
    if (weave == 1) {
        float over = sign(sin(a.x * 0.5) * sin(a.y * 0.5));
        return vec3(-sin(a.x) * (over > 0.0 ? 1.0 : 0.3), -sin(a.y) * (over > 0.0 ? 0.3 : 1.0), 0.5 + 0.25 * (cos(a.x) + cos(a.y)));
    }
    if (weave == 2) {
        float s = a.x + a.y;
        return vec3(-sin(s), -sin(s), 0.5 + 0.5 * cos(s)) * vec3(0.9, 0.9, 1.0);
    }
    if (weave == 3) return vec3(-0.5 * sin(a.x * 2.0), 0.0, 0.8 + 0.2 * cos(a.x * 2.0));
    float leg = abs(fract(w.x) - 0.5); // knit: two slanted legs to a wale
    float slant = a.y + 4.0 * leg;
    return vec3(-1.2 * sin(2.0 * a.x), -0.6 * sin(slant), 0.5 + 0.3 * cos(2.0 * a.x) + 0.2 * cos(slant));
}

vec3 cloth_detail(inout vec3 n, vec3 albedo) {
    vec3 px = dFdx(position), py = dFdy(position);
    vec2 ux = dFdx(uv_metres), uy = dFdy(uv_metres);
    float det = ux.x * uy.y - ux.y * uy.x;
    vec2 w = uv_metres / weave_scale;
    float footprint = max(length(ux), length(uy)); // [m] in a pixel
    float clear = 1.0 - smoothstep(0.25, 0.55, footprint / weave_scale);
    if (abs(det) > 1e-16 && clear > 0.0) {
        vec3 t = normalize(px * uy.y - py * ux.y) * sign(det);
        vec3 b = normalize(py * ux.x - px * uy.x) * sign(det);
        vec3 relief = weave_relief(w);
        n = normalize(n - clear * 0.35 * (relief.x * t + relief.y * b));
        albedo *= mix(1.0, 0.78 + 0.30 * relief.z, clear);
    }
    // uneven yarns: long faint streaks, which are what one sees of a weave from across a room
    float far = 1.0 - smoothstep(0.003, 0.012, footprint);
    float streak = noise(uv_metres * vec2(900.0, 22.0)) + noise(uv_metres * vec2(26.0, 800.0));
    float amount = weave == 1 ? 0.06 : 0.03;
    return albedo * (1.0 + far * amount * (streak - 1.0));
}

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
    vec3 px = dFdx(position), py = dFdy(position);
    vec2 ex = dFdx(edges), ey = dFdy(edges);
    vec3 r1 = cross(py, face), r2 = cross(face, px);
    float det = dot(px, r1);
    if (abs(det) < 1e-14) return 1.0;
    vec3 to_hem = (r1 * ex.x + r2 * ey.x) / det, to_seam = (r1 * ex.y + r2 * ey.y) / det;
    // along the cloth a distance changes by at most one metre a metre; more is a pixel seen edge-on
    to_hem /= max(length(to_hem), 1.0);
    to_seam /= max(length(to_seam), 1.0);
    float footprint = max(length(px), length(py));
    float seam = groove(n, to_seam, edges.y, 0.0, 0.0016, 0.55, footprint);
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

// Reflected radiance of one light; `wrap` bends light around the terminator as skin does.
vec3 lit_by(vec3 l, vec3 radiance, vec3 n, vec3 v, vec3 albedo) {
    vec3 h = normalize(l + v);
    float raw = dot(n, l), nl = max(raw, 0.0), nv = max(dot(n, v), 0.02);
    float nh = max(dot(n, h), 0.0), vh = max(dot(v, h), 0.0);
    float alpha = max(roughness * roughness, 0.02);
    float fresnel = 0.04 + 0.96 * fifth(1.0 - vh);
#if CLOTH
    vec3 diffuse = albedo * nl * (1.0 - 0.35 * sheen);
    vec3 soft = mix(vec3(1.0), albedo, 0.6) * sheen * charlie(nh, max(0.55 * roughness, 0.3)) * nl / (4.0 * (nl + nv - nl * nv) + 1e-3);
    vec3 gloss = vec3(min(0.6 * fresnel * ggx(nh, nl, nv, alpha) * nl, 3.0)); // no sparks at grazing pixels
    return radiance * (diffuse + PI * 0.35 * soft + gloss);
#else
    vec3 wrap = vec3(0.26, 0.14, 0.10);
    vec3 diffuse = albedo * max((raw + wrap) / ((1.0 + wrap) * (1.0 + wrap)), 0.0);
    return radiance * (diffuse + 0.8 * fresnel * ggx(nh, nl, nv, alpha) * nl);
#endif
}

void main() {
    vec3 v = normalize(eye - position);
    vec3 n = normalize(normal);
    vec3 ambient = light_front;
    float sky = clamp(open_sky.x, 0.0, 1.0);
#if CLOTH
    if (!gl_FrontFacing) { n = -n; ambient = light_back; sky = clamp(open_sky.y, 0.0, 1.0); }
#endif
    float away = dot(n, v);
    if (away < 0.0) n = normalize(n - away * 1.02 * v); // smooth normals may turn from the eye at a silhouette
    vec3 flat_normal = n;
    vec3 albedo = base_color.rgb;
    if (textured == 1) albedo *= linear_from_srgb(texture(base_texture, uv).rgb);
    if (map_mode == 1) albedo = linear_from_srgb(texture(map_table, vec2(map_value, 0.5)).rgb) * 0.92;
    if (map_mode == 2) albedo = vec3(0.42 * dot(albedo / max(base_color.rgb, 0.001), vec3(0.3333)));
#if CLOTH
    if (map_mode == 0) albedo = cloth_detail(n, albedo);
    albedo *= sewing(n, flat_normal);
#endif
    float shadow = key_light(position + flat_normal * (0.0012 + 2.0 * least_blur));
    vec3 r = (rim_matrix * vec4(position + flat_normal * (0.0012 + 2.5 * least_blur), 1.0)).xyz * 0.5 + 0.5;
    float rim = 0.0, turn = grain(gl_FragCoord.xy);
    for (int i = 0; i < 4; i++) rim += 0.25 * texture(rim_shadow, vec3(r.xy + 1.5 * least_blur * disc(i, 4, turn), r.z));

    // light that bounces between near surfaces of the same colour (Jimenez et al. 2016)
    vec3 ma = 2.0404 * albedo - 0.3324, mb = -4.7951 * albedo + 0.6417, mc = 2.7552 * albedo + 0.6903;
    vec3 bounced = max(vec3(sky), ((sky * ma + mb) * sky + mc) * sky);
    vec3 light = ambient * bounced / max(sky, 0.02);
    light *= 1.0 + 0.5 * (dot(n, key_direction) - dot(flat_normal, key_direction)); // relief also shows in soft light
    vec3 sum = albedo * light;
    float nv = max(dot(n, v), 0.0);
#if CLOTH
    sum += sheen * 0.45 * fifth(1.0 - nv) * mix(vec3(1.0), albedo, 0.5) * light;
#else
    float grazing = fifth(1.0 - nv) * smoothstep(-0.05, 0.1, away); // none where a crease turns from the eye
    sum += (0.03 + 0.4 * grazing) * (1.0 - 0.7 * roughness) * light;
#endif
    sum += lit_by(key_direction, key_radiance * mix(shadow, shadow * bounced.g, 0.3), n, v, albedo);
    sum += lit_by(rim_direction, rim_radiance * rim, n, v, albedo);
    float alpha = base_color.a;
    if (alpha < 1.0) alpha = 1.0 - pow(1.0 - alpha, 1.0 / max(abs(dot(flat_normal, v)), 0.25));
    color = vec4(sum * alpha, alpha);
}
