#version 330
uniform mat4 view;
uniform mat4 projection;
uniform int behind;    // 1: as far away as can be
in vec3 in_position;
in float in_height; // 0 on the floor, 1 up the wall
out vec3 position;
out float height;
void main() {
    gl_Position = projection * view * vec4(in_position, 1.0);
    if (behind == 1) gl_Position.z = gl_Position.w;
    position = in_position;
    height = in_height;
}
