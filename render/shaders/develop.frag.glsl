// From a large linear picture to a small developed one; tone.glsl stands above this text.
uniform sampler2D linear_picture; // premultiplied
uniform sampler2D behind_picture; // of the small one's size
uniform int behind;      // 1: it is seen where the large picture is transparent
uniform int scale;       // pixels averaged into one, along each side
uniform int height;      // of the small picture [px]
uniform int transparent; // 1: divide by alpha
out vec4 color;

void main() {
    ivec2 place = ivec2(gl_FragCoord.xy);
    vec4 sum = vec4(0.0);
    for (int j = 0; j < scale; j++)
        for (int i = 0; i < scale; i++) sum += texelFetch(linear_picture, place * scale + ivec2(i, j), 0);
    sum /= float(scale * scale);
    if (behind == 1) sum.rgb += (1.0 - sum.a) * texelFetch(behind_picture, place, 0).rgb;
    if (transparent == 1) sum.rgb /= max(sum.a, 1e-4);
    color = vec4(developed(sum.rgb, gl_FragCoord.xy, height), clamp(sum.a, 0.0, 1.0));
}
