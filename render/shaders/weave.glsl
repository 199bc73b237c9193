// Cloth down to its yarns; stands above surface and gbuffer. YARNS is 0 where no pixel is so small that it tells them apart.
const float PI = 3.14159265;
uniform int weave;          // 0 none, 1 plain, 2 twill 3/1, 3 five-end satin, 4 knit
uniform float weave_scale;  // one repeat [m]
uniform float yarn_width;   // share of their spacing that yarns fill; the rest is holes

// Yarns to a repeat, and what the yarns' shading is on average: cloth keeps its colour when one comes near.
const float REPEAT[5] = float[5](1.0, 2.0, 4.0, 5.0, 1.0);
const float MEAN_SHADE[5] = float[5](1.0, 0.91, 0.93, 0.935, 0.75);
const float COURSE = 0.8; // height of a knitted stitch in widths

float hash(vec2 p) {
    vec3 q = fract(vec3(p.xyx) * 0.1031);
    q += dot(q, q.yzx + 33.33);
    return fract((q.x + q.y) * q.z);
}

float noise(vec2 p) {
    vec2 i = floor(p), f = fract(p);
    f = f * f * (3.0 - 2.0 * f);
    return mix(mix(hash(i), hash(i + vec2(1, 0)), f.x), mix(hash(i + vec2(0, 1)), hash(i + vec2(1, 1)), f.x), f.y);
}

// 1 where warp yarn i lies over weft yarn j, -1 where under.
float over(float i, float j) {
    if (weave == 1) return mod(i + j, 2.0) < 0.5 ? 1.0 : -1.0;
    if (weave == 2) return mod(j - i, 4.0) < 2.5 ? 1.0 : -1.0;
    return mod(j - 2.0 * i, 5.0) > 0.5 ? 1.0 : -1.0;
}

// Height in yarn spacings at p (warp yarn number, weft yarn number); `yarn` is across and along the upper yarn,
// its number, and 1 where there is yarn.
float woven(vec2 p, out vec4 yarn) {
    vec2 cell = floor(p), f = p - cell - 0.5;
    float here = over(cell.x, cell.y);
    float warp = mix(here, over(cell.x, cell.y + (f.y < 0.0 ? -1.0 : 1.0)), smoothstep(0.0, 1.0, abs(f.y)));
    float weft = -mix(here, over(cell.x + (f.x < 0.0 ? -1.0 : 1.0), cell.y), smoothstep(0.0, 1.0, abs(f.x)));
    vec2 round_ = 1.0 - 4.0 * f * f / (yarn_width * yarn_width);
    vec2 body = 0.36 * yarn_width * sqrt(max(round_, 0.0)) + 0.16 * vec2(warp, weft);
    vec2 height = mix(vec2(-0.5), body, step(vec2(0.0), round_));
    bool upper = height.x >= height.y;
    yarn = upper ? vec4(f.x, p.y, cell.x, 0.0) : vec4(f.y, p.x, cell.y + 571.0, 0.0);
    yarn.w = max(round_.x, round_.y) > 0.0 ? 1.0 : 0.0;
    return max(height.x, height.y);
}

// The face of a single jersey: each stitch shows two legs that lean outwards and dive under the course above.
float knitted(vec2 p, out vec4 yarn) {
    float side = fract(p.x) - 0.5, height = -0.35;
    yarn = vec4(0.0, 0.0, floor(p.y), 1.0);
    for (int k = -1; k <= 1; k++) {
        float course = floor(p.y) + float(k);
        vec2 d = vec2(abs(side) - 0.26, COURSE * (p.y - course - 0.5));
        vec2 q = vec2(0.93 * d.x - 0.37 * d.y, 0.37 * d.x + 0.93 * d.y);
        float round_ = 1.0 - q.x * q.x / 0.042 - q.y * q.y / 0.50;
        float h = 0.30 * sqrt(max(round_, 0.0)) - 0.22 * q.y - (round_ > 0.0 ? 0.0 : 1.0);
        if (h > height) { height = h; yarn = vec4(2.2 * q.x * sign(side), 2.0 * q.y, course, 1.0); }
    }
    return height;
}

float relief(vec2 p, out vec4 yarn) { return weave == 4 ? knitted(p, yarn) : woven(p, yarn); }

// How the cloth looks here. `bend` tilts the normal along weft and warp; `cover` is 1 on yarn and 0 in a hole, `near`
// how far single yarns can be told apart. The result is a factor on the cloth's colour.
float cloth_shade(vec2 ux, vec2 uy, out vec2 bend, out float cover, out float near) {
    bend = vec2(0.0);
    cover = 1.0;
    near = 0.0;
    if (weave == 0) return 1.0;
    float footprint = max(length(ux), length(uy)); // [m] in a pixel
    float spacing = weave_scale / REPEAT[weave], shade = 1.0;
    near = 1.0 - smoothstep(0.20, 0.42, footprint / spacing);
#if YARNS
    if (near > 0.0) {
        // yarns are not quite straight, nor all of one thickness
        vec2 wander = 0.18 * vec2(noise(uv_metres * 210.0), weave == 4 ? 0.0 : noise(uv_metres.yx * 190.0 + 7.0));
        vec2 p = uv_metres / spacing / (weave == 4 ? vec2(1.0, COURSE) : vec2(1.0)) + wander;
        float e = max(0.04, 0.5 * footprint / spacing);
        vec4 yarn, unused;
        float h = relief(p, yarn);
        bend = near * 0.75 * vec2(h - relief(p + vec2(e, 0.0), unused), h - relief(p + vec2(0.0, e), unused)) / e;
        bend = clamp(bend, -1.2, 1.2);
        cover = yarn.w;
        float deep = smoothstep(-0.15, 0.52, h);
        // fibres wind around the yarn
        float fibres = 0.5 * noise(vec2(13.0 * yarn.x + 4.0 * yarn.y, 1.7 * yarn.y + 17.0 * yarn.z))
            + 0.5 * noise(vec2(29.0 * yarn.x + 8.0 * yarn.y, 3.1 * yarn.y + 31.0 * yarn.z));
        float tone = 0.10 * (hash(vec2(yarn.z, 3.0)) - 0.5) + 0.16 * (noise(vec2(0.21 * yarn.y, 5.3 * yarn.z)) - 0.5);
        float bold = weave == 3 ? 0.5 : 1.0; // silk's filaments lie smooth
        shade = (0.42 + 0.58 * deep) * (1.0 + bold * (0.55 * (fibres - 0.5) + tone)) / MEAN_SHADE[weave];
        shade = mix(1.0, shade, near);
    }
#endif
    if (weave == 2) { // a twill's ribs are seen from farther away than its yarns
        float ribs = (1.0 - smoothstep(0.25, 0.55, footprint / weave_scale)) * (1.0 - near);
        float a = 2.0 * PI * (uv_metres.y - uv_metres.x) / weave_scale;
        bend += ribs * 0.3 * sin(a) * vec2(-1.0, 1.0);
        shade *= 1.0 + 0.16 * ribs * cos(a);
    }
    // uneven yarns: long faint streaks, which are what one sees of a weave from across a room; none where they are
    // about as narrow as pixels, which would make a grid of them
    float far = 1.0 - smoothstep(0.0011, 0.0040, footprint);
    float streak = noise(uv_metres * vec2(450.0, 22.0)) + noise(uv_metres * vec2(26.0, 400.0));
    return shade * (1.0 + far * (weave == 1 ? 0.06 : 0.03) * (streak - 1.0));
}

// Directions of weft and warp on the surface [unit], from derivatives of place and of place in the cloth.
bool yarn_axes(vec3 px, vec3 py, vec2 ux, vec2 uy, out vec3 weft, out vec3 warp) {
    float det = ux.x * uy.y - ux.y * uy.x;
    if (abs(det) < 1e-16) return false;
    weft = normalize(px * uy.y - py * ux.y) * sign(det);
    warp = normalize(py * ux.x - px * uy.x) * sign(det);
    return true;
}
