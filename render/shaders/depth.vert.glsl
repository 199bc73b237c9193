#version 330
uniform mat4 transform;
in vec3 in_position;
void main() { gl_Position = transform * vec4(in_position, 1.0); }
