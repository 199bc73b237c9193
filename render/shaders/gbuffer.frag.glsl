// Geometry and colour of the nearest surface, without light; weave.glsl stands above this text.
uniform vec4 base_color;
uniform int textured;
uniform sampler2D base_texture;
uniform int map_mode;
uniform sampler2D map_table;
uniform float mesh_id;
in vec3 position;
in vec3 normal;
in vec2 uv;
in float map_value;
in float view_depth;
layout(location = 0) out vec4 normal_depth;
layout(location = 1) out vec4 albedo_id;
void main() {
    vec3 n = normalize(normal) * (gl_FrontFacing ? 1.0 : -1.0);
    vec3 albedo = base_color.rgb;
    if (textured == 1) albedo *= pow(texture(base_texture, uv).rgb, vec3(2.2));
    vec2 ux = dFdx(uv_metres), uy = dFdy(uv_metres), bend;
    float cover, near;
    if (map_mode == 0) {
        albedo *= cloth_shade(ux, uy, bend, cover, near);
        vec3 weft, warp;
        if (yarn_axes(dFdx(position), dFdy(position), ux, uy, weft, warp)) n = normalize(n + bend.x * weft + bend.y * warp);
    }
    if (map_mode == 1) albedo = pow(texture(map_table, vec2(map_value, 0.5)).rgb, vec3(2.2));
    if (map_mode == 2) albedo = vec3(0.42 * dot(albedo / max(base_color.rgb, 0.001), vec3(0.3333)));
    normal_depth = vec4(n, view_depth);
    albedo_id = vec4(albedo, mesh_id);
}
