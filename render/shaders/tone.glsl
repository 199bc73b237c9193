// From linear light to a screen's sRGB, as render.develop does on the processor.
vec3 tone_map(vec3 c) { // Khronos PBR Neutral
    const float start = 0.8 - 0.04, desaturation = 0.15, d = 1.0 - start;
    c = max(c, 0.0);
    float low = min(c.r, min(c.g, c.b));
    c -= low < 0.08 ? low - 6.25 * low * low : 0.04;
    float peak = max(c.r, max(c.g, c.b));
    if (peak < start) return c;
    float rolled = 1.0 - d * d / (peak + d - start);
    float g = 1.0 - 1.0 / (desaturation * (peak - rolled) + 1.0);
    return mix(c * rolled / peak, vec3(rolled), g);
}

// sRGB of linear light at a pixel of a picture of this height, rounded by a fine even noise, so that the backdrop's
// gradients show no steps.
vec3 developed(vec3 light, vec2 pixel, int height) {
    vec3 c = clamp(tone_map(light), 0.0, 1.0);
    // 1.055 c^(1/2.4) - 0.055 by roots, which cost far less; least squares over 0.0031..1, off by 5e-5 at most
    vec3 r2 = sqrt(c), r4 = sqrt(r2), r8 = sqrt(r4);
    vec3 srgb = 0.64236838 * r2 + 0.71210732 * r4 - 0.33686863 * r8 - 0.01756403 * c;
    srgb = clamp(mix(srgb, 12.92 * c, lessThanEqual(c, vec3(0.0031308))), 0.0, 1.0);
    vec2 seen = vec2(floor(pixel.x), float(height) - 1.0 - floor(pixel.y));
    float grain = fract(52.9829189 * fract(dot(seen, vec2(0.06711056, 0.00583715))));
    return floor(min(srgb * 255.0 + grain, 255.0)) / 255.0;
}
