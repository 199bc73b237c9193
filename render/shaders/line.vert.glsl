#version 330
// The mesh's edges, drawn a little nearer than its surface.
uniform mat4 view;
uniform mat4 projection;
uniform float depth_bias; // [m]
in vec3 in_position;
void main() {
    vec4 eye = view * vec4(in_position, 1.0);
    vec4 clip = projection * eye;
    vec4 nearer = projection * vec4(eye.xyz * (1.0 - (depth_bias + 0.002) / length(eye.xyz)), 1.0);
    gl_Position = vec4(clip.xy, nearer.z / nearer.w * clip.w, clip.w);
}
