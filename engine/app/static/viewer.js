// The viewer page: fills in what the file says about itself and drives <model-viewer>.
const byId = (id) => document.getElementById(id);
const viewer = byId("viewer");
const NAMES = { beauty: "As sewn", strain: "Stretch map", pressure: "Contact pressure map" };
const KEYS = { s: "strain", p: "pressure" };
const HOME = { orbit: viewer.cameraOrbit, fov: viewer.fieldOfView };
let about = { title: "", maps: {}, variants: [], facts: [] };
let plain = null; // the variant shown while no map is on

const label = (name) => NAMES[name] || name.replaceAll("_", " ").replace(/^./, (c) => c.toUpperCase());

function element(tag, text, attributes = {}) {
  const node = document.createElement(tag);
  node.textContent = text;
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  return node;
}

function show(variant) {
  if (!(variant in about.maps)) plain = variant;
  viewer.variantName = variant;
  document.body.dataset.variant = variant || "";
  byId("variant").value = variant || "";
  for (const button of byId("maps").children) button.setAttribute("aria-checked", String(button.dataset.map === variant));
  const map = about.maps[variant];
  byId("legend").hidden = !map;
  if (!map) return;
  byId("legend-title").textContent = `${map.title} [${map.unit}]`;
  byId("legend-bar").style.background = `linear-gradient(to top, ${map.colors.join(", ")})`;
  const ticks = [1, 0.75, 0.5, 0.25, 0].map((t) => map.low + (map.high - map.low) * t);
  const text = (v) => (map.signed && v > 1e-9 ? "+" : "") + Number(v.toPrecision(3)).toString().replace("-", "\u2212");
  byId("legend-ticks").replaceChildren(...ticks.map((v) => element("li", text(v))));
}

const toggle = (map) => map in about.maps && show(viewer.variantName === map ? plain : map);

function describe() {
  document.title = `${about.title} · Toile`;
  byId("title").textContent = about.title;
  byId("subtitle").textContent = about.subtitle;
  byId("variant-field").hidden = about.variants.length < 2;
  byId("variant").replaceChildren(...about.variants.map((name) => element("option", label(name), { value: name })));
  byId("maps").replaceChildren(...Object.keys(about.maps).map((name) => {
    const button = element("button", label(name), { type: "button", role: "switch", class: "switch", id: `map-${name}` });
    button.dataset.map = name;
    button.addEventListener("click", () => toggle(name));
    return button;
  }));
  byId("facts").replaceChildren(...about.facts.flatMap((group) => {
    const list = element("dl", "");
    for (const [name, value] of group.rows) list.append(element("dt", name), element("dd", value));
    return [element("h2", group.title), list];
  }));
}

function turn(degrees) {
  const orbit = viewer.getCameraOrbit();
  viewer.cameraOrbit = `${orbit.theta + (degrees * Math.PI) / 180}rad ${orbit.phi}rad ${orbit.radius}m`;
}

function reset() {
  viewer.cameraOrbit = HOME.orbit;
  viewer.cameraTarget = "auto auto auto";
  viewer.fieldOfView = HOME.fov;
}

function spin() {
  viewer.autoRotate = !viewer.autoRotate;
  byId("spin").setAttribute("aria-pressed", String(viewer.autoRotate));
}

function play(on) {
  if (on) viewer.play();
  else viewer.pause();
  byId("play").setAttribute("aria-pressed", String(on));
}

const ACTIONS = {
  play: () => play(viewer.paused),
  "turn-left": () => turn(-30), "turn-right": () => turn(30), reset, spin,
  "zoom-in": () => viewer.zoom(2), "zoom-out": () => viewer.zoom(-2),
};
for (const [id, action] of Object.entries(ACTIONS)) byId(id).addEventListener("click", action);
byId("variant").addEventListener("change", (event) => show(event.target.value));
addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches("select, input")) return;
  const key = event.key.toLowerCase();
  if (key in KEYS) toggle(KEYS[key]);
  else if (key === "r") reset();
  else if (key === "t") spin();
  else if (key === " " && !byId("play").hidden && !event.target.matches("button")) {
    event.preventDefault();
    play(viewer.paused);
  }
  else if (key === "+" || key === "=") viewer.zoom(1);
  else if (key === "-") viewer.zoom(-1);
});

function fail(text) {
  document.body.dataset.state = "error";
  byId("message").textContent = text;
  byId("message").hidden = false;
}

viewer.addEventListener("load", () => {
  show(about.variants.length ? about.variants[0] : null);
  const moves = viewer.availableAnimations.length > 0;
  byId("play").hidden = byId("play-key").hidden = !moves;
  if (moves) play(!matchMedia("(prefers-reduced-motion: reduce)").matches);
  document.body.dataset.state = "ready";
});
viewer.addEventListener("error", () => fail("The model cannot be shown in this browser. Check that WebGL is switched on."));

try {
  about = await (await fetch("/about.json")).json();
  describe();
  viewer.src = "/model.glb";
} catch (error) {
  fail(`The viewer lost its server: ${error.message}. Run "toile view" again.`);
}
