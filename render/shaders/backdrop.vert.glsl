#version 330
uniform mat4 view;
uniform mat4 projection;
in vec3 in_position;
in float in_height; // 0 on the floor, 1 up the wall
out vec3 position;
out float height;
void main() {
    gl_Position = projection * view * vec4(in_position, 1.0);
    position = in_position;
    height = in_height;
}
