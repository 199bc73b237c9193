#version 330
// Places a mesh in front of the camera; cloth is drawn a few millimetres nearer so that skin never shows through.
uniform mat4 view;
uniform mat4 projection;
uniform float depth_bias; // [m]
in vec3 in_position;      // [m]
in vec3 in_normal;
in vec2 in_uv_metres;     // rest plane [m]
in vec2 in_uv;
in vec2 in_edges;         // distances to hem and seam [m]
in vec4 in_light_front;   // on the right side: diffuse light of the softboxes, visible fraction of the hemisphere
in vec4 in_light_back;    // and on the wrong side
in float in_map;          // 0..1
out vec3 position;
out vec3 normal;
out vec2 uv_metres;
out vec2 uv;
out vec2 edges;
centroid out vec4 light_front;
centroid out vec4 light_back;
out float map_value;
out float view_depth;

void main() {
    vec4 eye = view * vec4(in_position, 1.0);
    vec4 clip = projection * eye;
    vec4 nearer = projection * vec4(eye.xyz * (1.0 - depth_bias / length(eye.xyz)), 1.0);
    gl_Position = vec4(clip.xy, nearer.z / nearer.w * clip.w, clip.w);
    position = in_position;
    normal = in_normal;
    uv_metres = in_uv_metres;
    uv = in_uv;
    edges = in_edges;
    light_front = in_light_front;
    light_back = in_light_back;
    map_value = in_map;
    view_depth = -eye.z;
}
