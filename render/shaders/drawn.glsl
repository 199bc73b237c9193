// What a fragment knows of its surface, handed on by mesh.vert.glsl; stands above weave, surface and gbuffer.
// found.glsl tells the same of surfaces that were drawn before.
in vec3 position;          // [m]
in vec3 normal;
in vec2 uv_metres;         // rest plane [m]: x along the weft, y along the warp
in vec2 uv;
in vec2 edges;             // distances to hem and seam [m]
centroid in vec4 light_front; // of the softboxes, and the sky in view
centroid in vec4 light_back;
in float map_value;
vec3 position_dx, position_dy, normal_dx, normal_dy; // steps from pixel to pixel
vec2 uv_metres_dx, uv_metres_dy, edges_dx, edges_dy;
vec4 light;                // on the side that is seen
bool right_side;

void find_surface() {
    position_dx = dFdx(position);
    position_dy = dFdy(position);
    normal_dx = dFdx(normal);
    normal_dy = dFdy(normal);
    uv_metres_dx = dFdx(uv_metres);
    uv_metres_dy = dFdy(uv_metres);
    edges_dx = dFdx(edges);
    edges_dy = dFdy(edges);
    right_side = gl_FrontFacing;
    light = right_side ? light_front : light_back;
}

vec3 texel(sampler2D picture) { return texture(picture, uv).rgb; }
