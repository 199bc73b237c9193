#version 330
uniform vec4 base_color;
uniform int textured;
uniform sampler2D base_texture;
uniform int map_mode;
uniform sampler2D map_table;
uniform float mesh_id;
in vec3 position;
in vec3 normal;
in vec2 uv_metres;
in vec2 uv;
centroid in vec3 light_front;
centroid in vec3 light_back;
centroid in vec2 open_sky;
in float map_value;
in float view_depth;
layout(location = 0) out vec4 normal_depth;
layout(location = 1) out vec4 albedo_id;
void main() {
    vec3 albedo = base_color.rgb;
    if (textured == 1) albedo *= pow(texture(base_texture, uv).rgb, vec3(2.2));
    if (map_mode == 1) albedo = pow(texture(map_table, vec2(map_value, 0.5)).rgb, vec3(2.2));
    normal_depth = vec4(normalize(normal) * (gl_FrontFacing ? 1.0 : -1.0), view_depth);
    if (map_mode == 2) albedo = vec3(0.42 * dot(albedo / max(base_color.rgb, 0.001), vec3(0.3333)));
    albedo_id = vec4(albedo, mesh_id);
}
