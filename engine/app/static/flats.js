// Flat drawings of garments, as in a line sheet: one drawing for each type, in the item's colour, pattern and cut.
const NS = "http://www.w3.org/2000/svg";
const WIDTH = { slim: 0.9, straight: 1, loose: 1.16, flared: 1.02, cropped: 1, long: 1 };
const LENGTH = { cropped: 0.8, long: 1.14 };
let drawn = 0;

/** Outline from its right half: nodes [x off the middle, y, optional control x, y], from the top middle to the bottom. */
function outline(nodes) {
  const at = (x, y) => `${(100 + x).toFixed(1)} ${y.toFixed(1)}`;
  let d = `M${at(nodes[0][0], nodes[0][1])}`;
  for (const [x, y, cx, cy] of nodes.slice(1)) d += cx === undefined ? `L${at(x, y)}` : `Q${at(cx, cy)} ${at(x, y)}`;
  for (let i = nodes.length - 1; i > 0; i--) {
    const [, , cx, cy] = nodes[i], [x, y] = nodes[i - 1];
    d += cx === undefined ? `L${at(-x, y)}` : `Q${at(-cx, cy)} ${at(-x, y)}`;
  }
  return d + "Z";
}

const both = (x1, y1, x2, y2) => `M${100 + x1} ${y1}L${100 + x2} ${y2}M${100 - x1} ${y1}L${100 - x2} ${y2}`;
const across = (x, y, sag = 0) => `M${100 - x} ${y}Q100 ${y + sag} ${100 + x} ${y}`;

/** A top: neck depth, sleeve (0 none to 1 long), width and hem. */
function top({ neck = 52, sleeve = 0.35, w = 1, hem = 186, flare = 0, shoulder = 56 }) {
  const out = shoulder + 14 + 26 * sleeve, down = 62 + 112 * sleeve, cuff = 24 - 9 * sleeve;
  const arm = sleeve > 0 ? [[out, down], [out - cuff, down + 5]] : [];
  return outline([[0, neck, 0, 0], [21, 36, 16, neck - 2], [shoulder, 47, 36, 42], ...arm, [46 * w, 88, 50 * w, 78],
    [(45 + flare) * w, hem, 43 * w, 130], [0, hem + 2, 20, hem + 3]]);
}

function bottom({ w = 1, hem = 210, flare = 0, waist = 34, legs = true, y = 34 }) {
  if (!legs) return outline([[0, y, 0, 0], [waist, y], [(48 + flare * 0.4) * w, 92, 46 * w, 62], [(46 + flare) * w, hem],
    [0, hem + 3, 24, hem + 4]]);
  return outline([[0, y, 0, 0], [waist, y], [48 * w, 82, 44 * w, 58], [(38 + flare) * w + 6, hem], [12 - flare * 0.2, hem],
    [0, 96, 5, 120]]);
}

function collar(y = 40) { return `M79 36L100 ${y + 14}L121 36L112 28Q100 33 88 28Z`; }
const buttons = (from, to, n) => Array.from({ length: n }, (_, k) => [100, from + (to - from) * k / (n - 1)]);

const DRAWN = {
  tee: (w, l) => ({ body: top({ w, hem: 36 + 150 * l }), lines: [across(19, 40, 26), both(46 * w, 88, 56, 47)] }),
  shirt: (w, l) => ({ body: top({ w, neck: 46, sleeve: 1, hem: 36 + 160 * l }), over: [collar()],
    lines: [`M100 54V${36 + 160 * l}`, both(84, 168, 97, 160), both(46 * w, 88, 56, 47)], dots: buttons(66, 24 + 160 * l, 6) }),
  blouse: (w, l) => ({ body: top({ w: w * 1.04, neck: 66, sleeve: 0.85, hem: 36 + 148 * l, flare: 6 }),
    lines: [both(79, 151, 95, 145), both(46 * w, 88, 56, 47), "M100 66V88"] }),
  sweater: (w, l) => ({ body: top({ w: w * 1.05, neck: 46, sleeve: 1, hem: 36 + 150 * l }),
    lines: [across(19, 39, 18), across(45 * w, 26 + 150 * l), both(84, 166, 98, 158), both(46 * w, 88, 56, 47)] }),
  knit: (w, l) => ({ body: top({ w, neck: 70, sleeve: 1, hem: 36 + 150 * l }),
    lines: ["M79 40L100 76L121 40", across(45 * w, 26 + 150 * l), both(84, 166, 98, 158), both(46 * w, 88, 56, 47)] }),
  jacket: (w, l) => ({ body: top({ w: w * 1.1, neck: 60, sleeve: 1, hem: 36 + 160 * l, shoulder: 60 }),
    over: ["M79 36L88 92L100 112L112 92L121 36L113 29L100 78L87 29Z"],
    lines: [`M100 112V${36 + 160 * l}`, both(20, 156, 40, 153), both(46 * w, 90, 60, 47)], dots: [[100, 122], [100, 146]] }),
  coat: (w, l) => ({ body: top({ w: w * 1.08, neck: 60, sleeve: 1, hem: 52 + 172 * l, flare: 8, shoulder: 60 }),
    over: ["M79 36L86 80L100 100L114 80L121 36L113 29L100 70L87 29Z"],
    lines: [`M104 100V${53 + 172 * l}`, both(20, 150, 38, 158), both(46 * w, 90, 60, 47)],
    dots: [[93, 112], [111, 112], [93, 136], [111, 136]] }),
  dress: (w, l, f) => ({ body: outline([[0, 58, 0, 0], [22, 34, 18, 56], [36, 38], [40 * w, 78, 33, 60], [33 * w, 112, 38 * w, 96],
    [46 * w, 146, 42 * w, 124], [(44 + f) * w, 36 + 178 * l], [0, 39 + 178 * l, 24, 40 + 178 * l]]),
    lines: [across(33 * w, 112, 4), both(19, 84, 17, 112)] }),
  skirt: (w, l, f) => ({ body: bottom({ w, legs: false, hem: 50 + 130 * l, flare: f + 4 }),
    lines: [across(35, 44, 2), both(17, 45, 20, 66)] }),
  trousers: (w, l, f) => ({ body: bottom({ w, hem: 36 + 176 * l, flare: f - 8 }),
    lines: [across(35.5, 44, 2), "M100 44V92", both(27, 60, (36 + f * 0.5) * w * 0.72, 36 + 174 * l)] }),
  jeans: (w, l, f) => ({ body: bottom({ w: w * 0.98, hem: 36 + 176 * l, flare: f - 10 }),
    lines: [across(35.5, 44, 2), "M100 44V92M100 88Q108 84 108 46", "M122 45Q124 60 143 62M78 45Q76 60 57 62"], dots: [[100, 39]] }),
  shorts: (w, l) => ({ body: bottom({ w: w * 1.05, hem: 44 + 92 * l, flare: 6 }), lines: [across(35.5, 44, 2), "M100 44V90"] }),
};
const ALIKE = { top: "tee", polo: "tee", jumper: "sweater", pullover: "sweater", cardigan: "knit", hoodie: "sweater",
  blazer: "jacket", overshirt: "shirt", pants: "trousers", chinos: "trousers", leggings: "trousers", sheath: "dress",
  gown: "dress", jumpsuit: "dress" };

function make(name, attributes, parent) {
  const node = document.createElementNS(NS, name);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (parent) parent.append(node);
  return node;
}

function isDark(rgb) {
  const [r, g, b] = [1, 3, 5].map((k) => parseInt(rgb.slice(k, k + 2), 16));
  return 0.3 * r + 0.59 * g + 0.11 * b < 105;
}

function weave(defs, id, pattern, ink) {
  const size = { striped: 12, checked: 22, dotted: 16, floral: 30 }[pattern];
  if (!size) return null;
  const p = make("pattern", { id, width: size, height: size, patternUnits: "userSpaceOnUse" }, defs);
  const stroke = { stroke: ink, "stroke-opacity": 0.42, fill: "none" };
  if (pattern === "striped") make("path", { d: "M0 3H12", "stroke-width": 3.2, ...stroke }, p);
  if (pattern === "checked") make("path", { d: "M0 6H22M6 0V22", "stroke-width": 6, ...stroke, "stroke-opacity": 0.24 }, p);
  if (pattern === "dotted") for (const [x, y] of [[4, 4], [12, 12]]) make("circle", { cx: x, cy: y, r: 2, fill: ink, "fill-opacity": 0.5 }, p);
  if (pattern === "floral") for (const [x, y, r] of [[8, 8, 3.2], [23, 21, 2.6]]) {
    for (let k = 0; k < 5; k++) make("circle", { cx: x + r * Math.cos(k * 1.2566), cy: y + r * Math.sin(k * 1.2566), r: r * 0.75, fill: ink, "fill-opacity": 0.45 }, p);
  }
  return `url(#${id})`;
}

/** The drawing of a card ({type, cut, pattern, rgb, label}) as an SVG element. */
export function flat(card) {
  const type = DRAWN[card.type] ? card.type : ALIKE[card.type] || "tee";
  const w = WIDTH[card.cut] || 1, l = Math.min(LENGTH[card.cut] || 1, 1.12), flare = card.cut === "flared" ? 20 : card.cut === "slim" ? -4 : 4;
  const shape = DRAWN[type](w, l, flare);
  const dark = isDark(card.rgb), ink = dark ? "#ffffff" : "#1d1b18", line = dark ? "#ffffff" : "#2a2723";
  const svg = make("svg", { viewBox: "0 0 200 240", role: "img", "aria-label": card.label });
  const id = `weave-${++drawn}`, cloth = weave(make("defs", {}, svg), id, card.pattern, ink);
  const edge = { stroke: dark ? "#0d0c0b" : "#3b3732", "stroke-width": 1.6, "stroke-linejoin": "round" };
  make("path", { d: shape.body, fill: card.rgb, ...edge }, svg);
  if (cloth) make("path", { d: shape.body, fill: cloth }, svg);
  if (card.pattern === "graphic") make("path", { d: type === "trousers" || type === "jeans" || type === "shorts" || type === "skirt"
    ? "M124 96l8 12-8 12-8-12z" : "M100 92l17 24-17 24-17-24z", fill: ink, "fill-opacity": 0.5 }, svg);
  for (const d of shape.over || []) make("path", { d, fill: card.rgb, ...edge }, svg);
  for (const d of shape.lines || []) make("path", { d, fill: "none", stroke: line, "stroke-opacity": 0.55, "stroke-width": 1.3, "stroke-linecap": "round" }, svg);
  for (const [x, y] of shape.dots || []) make("circle", { cx: x, cy: y, r: 1.9, fill: line, "fill-opacity": 0.75 }, svg);
  return svg;
}
