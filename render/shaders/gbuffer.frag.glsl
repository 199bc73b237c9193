// Geometry and colour of the nearest surface, without light; drawn.glsl and weave.glsl stand above this text.
uniform vec4 base_color;
uniform int textured;
uniform sampler2D base_texture;
uniform int map_mode;
uniform sampler2D map_table;
uniform float mesh_id;
in float view_depth;
layout(location = 0) out vec4 normal_depth;
layout(location = 1) out vec4 albedo_id;
void main() {
    find_surface();
    vec3 n = normalize(normal) * (right_side ? 1.0 : -1.0);
    vec3 albedo = base_color.rgb;
    if (textured == 1) albedo *= pow(texel(base_texture), vec3(2.2));
    vec2 ux = uv_metres_dx, uy = uv_metres_dy, bend;
    float cover, near;
    if (map_mode == 0) {
        albedo *= cloth_shade(ux, uy, bend, cover, near);
        vec3 weft, warp;
        if (yarn_axes(position_dx, position_dy, ux, uy, weft, warp)) n = normalize(n + bend.x * weft + bend.y * warp);
    }
    if (map_mode == 1) albedo = pow(texture(map_table, vec2(map_value, 0.5)).rgb, vec3(2.2));
    if (map_mode == 2) albedo = vec3(0.42 * dot(albedo / max(base_color.rgb, 0.001), vec3(0.3333)));
    normal_depth = vec4(n, view_depth);
    albedo_id = vec4(albedo, mesh_id);
}
