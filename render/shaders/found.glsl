// The surface at a pixel, from the number of the triangle that is seen there; stands above weave and surface.
// Barycentric coordinates are those of the pixel's ray (Moeller and Trumbore 1997), steps their exact derivatives.
uniform sampler2D seen;      // number of the triangle, counted through all meshes from 1
uniform isampler2D corners;  // of each triangle: its three vertices
uniform sampler2D vertices;  // VERTEX_TEXELS a vertex
uniform sampler2D lights;    // right and wrong side of each vertex
uniform sampler2D field;     // scalar at each vertex
uniform int first_triangle;
uniform vec3 ray_corner, ray_dx, ray_dy; // ray of the picture's corner, and its steps from pixel to pixel
uniform vec3 eye;
vec3 position, position_dx, position_dy, normal, normal_dx, normal_dy;
vec2 uv_metres, uv_metres_dx, uv_metres_dy, uv, uv_dx, uv_dy, edges, edges_dx, edges_dy;
float map_value;
vec4 light;
bool right_side;

ivec2 at(int i) { return ivec2(i % TABLE_WIDTH, i / TABLE_WIDTH); }

void find_surface() {
    int triangle = int(texelFetch(seen, ivec2(gl_FragCoord.xy), 0).r) - first_triangle;
    ivec3 corner = texelFetch(corners, at(triangle), 0).rgb;
    ivec3 row = corner * VERTEX_TEXELS;
    vec4 p0 = texelFetch(vertices, at(row.x), 0), p1 = texelFetch(vertices, at(row.y), 0), p2 = texelFetch(vertices, at(row.z), 0);
    vec3 a = p1.xyz - p0.xyz, b = p2.xyz - p0.xyz, s = eye - p0.xyz;
    vec3 ray = ray_corner + gl_FragCoord.x * ray_dx + gl_FragCoord.y * ray_dy;
    vec3 to_u = cross(b, s), to_v = cross(s, a), across = cross(b, a);
    float depth = dot(across, ray);
    right_side = depth > 0.0;
    float scale = 1.0 / (abs(depth) > 1e-14 ? depth : 1e-14);
    vec2 w = clamp(vec2(dot(to_u, ray), dot(to_v, ray)) * scale, 0.0, 1.0);
    vec2 dx = (vec2(dot(to_u, ray_dx), dot(to_v, ray_dx)) - w * dot(across, ray_dx)) * scale;
    vec2 dy = (vec2(dot(to_u, ray_dy), dot(to_v, ray_dy)) - w * dot(across, ray_dy)) * scale;
    position = p0.xyz + w.x * a + w.y * b;
    position_dx = dx.x * a + dx.y * b;
    position_dy = dy.x * a + dy.y * b;
    vec4 n0 = texelFetch(vertices, at(row.x + 1), 0), n1 = texelFetch(vertices, at(row.y + 1), 0), n2 = texelFetch(vertices, at(row.z + 1), 0);
    vec3 na = n1.xyz - n0.xyz, nb = n2.xyz - n0.xyz;
    normal = n0.xyz + w.x * na + w.y * nb;
    normal_dx = dx.x * na + dx.y * nb;
    normal_dy = dy.x * na + dy.y * nb;
    vec2 ua = vec2(p1.w - p0.w, n1.w - n0.w), ub = vec2(p2.w - p0.w, n2.w - n0.w);
    uv = vec2(p0.w, n0.w) + w.x * ua + w.y * ub;
    uv_dx = dx.x * ua + dx.y * ub;
    uv_dy = dy.x * ua + dy.y * ub;
#if CLOTH
    vec4 c0 = texelFetch(vertices, at(row.x + 2), 0);
    vec4 ca = texelFetch(vertices, at(row.y + 2), 0) - c0, cb = texelFetch(vertices, at(row.z + 2), 0) - c0;
    vec4 c = c0 + w.x * ca + w.y * cb, cx = dx.x * ca + dx.y * cb, cy = dy.x * ca + dy.y * cb;
    uv_metres = c.xy;
    uv_metres_dx = cx.xy;
    uv_metres_dy = cy.xy;
    edges = c.zw;
    edges_dx = cx.zw;
    edges_dy = cy.zw;
#endif
    ivec3 side = 2 * corner + (right_side ? 0 : 1);
    vec4 l0 = texelFetch(lights, at(side.x), 0);
    light = l0 + w.x * (texelFetch(lights, at(side.y), 0) - l0) + w.y * (texelFetch(lights, at(side.z), 0) - l0);
#if MAPPED
    float m0 = texelFetch(field, at(corner.x), 0).r;
    map_value = m0 + w.x * (texelFetch(field, at(corner.y), 0).r - m0) + w.y * (texelFetch(field, at(corner.z), 0).r - m0);
#endif
}

vec3 texel(sampler2D picture) { return textureGrad(picture, uv, uv_dx, uv_dy).rgb; }
