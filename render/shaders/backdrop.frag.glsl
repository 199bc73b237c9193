// Seamless paper that runs from the floor up the wall; the floor catches the key light's shadow and the
// subject's occlusion. FLOOR is 0 or 1; tone.glsl stands above this text, and shadow.glsl where it is 1.
#if FINISHED
uniform int developed_height; // as in surface.frag.glsl
#endif
uniform vec3 floor_color;
uniform vec3 wall_color;
uniform vec3 edge_color;
uniform vec2 picture;      // [px]
uniform sampler2D floor_open; // visible sky on a square around the subject
uniform vec3 floor_frame;  // centre x, centre z, half width [m]
in vec3 position;
in float height;
out vec4 color;
void main() {
    vec3 paper = mix(floor_color, wall_color, smoothstep(0.0, 0.55, height));
    vec2 from_centre = gl_FragCoord.xy / picture - vec2(0.5, 0.52);
    paper = mix(paper, edge_color, smoothstep(0.20, 0.85, length(from_centre)));
    float light = 1.0;
#if FLOOR
    vec2 offset = (position.xz - floor_frame.xy) / floor_frame.z;
    float far = length(offset);
    float inside = 1.0 - smoothstep(0.25, 0.98, far);
    float sky = mix(1.0, texture(floor_open, offset * 0.5 + 0.5).r, inside);
    float shadow = mix(1.0, key_light(position + vec3(0.0, 0.004, 0.0), vec3(0.0, 1.0, 0.0), far < 1.5), 1.0 - smoothstep(0.35, 1.5, far));
    // softboxes give a little over half of the floor's light, the key light the rest
    light = 0.30 + 0.70 * (0.62 * pow(sky, 1.3) + 0.38 * shadow);
#endif
    color = vec4(paper * light, 0.0);
#if FINISHED
    color.rgb = developed(color.rgb, gl_FragCoord.xy, developed_height);
#endif
}
