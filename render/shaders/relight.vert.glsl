#version 330
// Light of the softboxes at a vertex: its transfer times the studio's spherical harmonics, on both sides of the surface.
uniform vec3 environment[9];
uniform float through; // share of the light on one side that comes out of the other
in vec4 in_front_a; // transfer: harmonics 0 to 3
in vec4 in_front_b; // 4 to 7
in float in_front_c;
in vec4 in_back_a;
in vec4 in_back_b;
in float in_back_c;
in vec2 in_open;    // visible fraction of the hemisphere
out vec4 front;
out vec4 back;

vec3 lit(vec4 a, vec4 b, float c) {
    vec3 sum = c * environment[8];
    for (int i = 0; i < 4; i++) sum += a[i] * environment[i] + b[i] * environment[4 + i];
    return max(sum, 0.0);
}

void main() {
    vec3 right = lit(in_front_a, in_front_b, in_front_c), wrong = lit(in_back_a, in_back_b, in_back_c);
    front = vec4(right + through * wrong, max(in_open.x, 0.0));
    back = vec4(wrong + through * right, max(in_open.y, 0.0));
}
