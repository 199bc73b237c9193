// How the nearest surface is lit, apart from its material; shadow.glsl stands above this text.
uniform vec3 key_direction;
uniform vec3 rim_direction;
uniform sampler2DShadow rim_shadow;
uniform mat4 rim_matrix;
in vec3 position;
in vec3 normal;
centroid in vec4 light_front;
centroid in vec4 light_back;
layout(location = 0) out vec4 lit; // softboxes, visible sky, key light, rim light
void main() {
    float side = gl_FrontFacing ? 1.0 : -1.0;
    vec3 n = normalize(normal) * side, above = position + n * (0.0012 + 2.5 * least_blur);
    vec3 r = (rim_matrix * vec4(above, 1.0)).xyz * 0.5 + 0.5;
    vec4 soft = gl_FrontFacing ? light_front : light_back;
    float key = max(dot(n, key_direction), 0.0), rim = max(dot(n, rim_direction), 0.0);
    lit = vec4(dot(soft.rgb, vec3(0.2126, 0.7152, 0.0722)), soft.a,
               key * key_light(above, n, key > 0.0), rim > 0.0 ? rim * texture(rim_shadow, r) : 0.0);
}
