// What one direction of the sky gives to every point, one a pixel; blending adds the directions up.
uniform sampler2D points;         // lifted a little off their surface [m]
uniform sampler2D normals;
uniform sampler2DShadow depth_map; // of the direction
uniform mat4 sky_matrix;
uniform vec3 way;                 // towards the sky
uniform float harmonics[9];       // of the direction
uniform float share;              // of the sky, for each direction, over the white of a Lambertian surface
layout(location = 0) out vec4 first;  // transfer of harmonics 0 to 3
layout(location = 1) out vec4 second; // 4 to 7
layout(location = 2) out vec4 third;  // 8, visible sky, whole hemisphere
void main() {
    ivec2 place = ivec2(gl_FragCoord.xy);
    vec3 p = (sky_matrix * vec4(texelFetch(points, place, 0).xyz, 1.0)).xyz * 0.5 + 0.5;
    float weight = share * max(dot(texelFetch(normals, place, 0).xyz, way), 0.0);
    float seen = weight * texture(depth_map, p);
    first = seen * vec4(harmonics[0], harmonics[1], harmonics[2], harmonics[3]);
    second = seen * vec4(harmonics[4], harmonics[5], harmonics[6], harmonics[7]);
    third = vec4(seen * harmonics[8], seen, weight, 0.0);
}
