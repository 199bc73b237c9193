// The page of `toile view FOLDER`: asks for picture after picture while the look is turned, and a finer one at rest.
const at = (id) => document.getElementById(id);
const picture = at("picture"), message = at("message"), modes = at("mode"), spin = at("spin");
const START = { azimuth: 30, elevation: 4, zoom: 0.92, x: 0, y: 0.035 }; // the toolbar lies below the feet
const REST = 200; // [ms] without a change
const QUICK = 1024, FINE = 1536; // longer side of pictures at most [px]
const MODE_NAMES = { beauty: "Cloth", wireframe: "Mesh", strain: "Stretch", pressure: "Pressure", tension: "Tension" };
let view = { ...START }, mode = "beauty", version = 0;
let wanted = "", shown = "", busy = false, rest = 0, spinning = 0;

const bound = (value, low, high) => Math.min(Math.max(value, low), high);

function tell(text) {
  message.textContent = text;
  message.hidden = !text;
}

// Asks for the view of now; `moving` if more will follow at once.
function look(moving) {
  const box = picture.getBoundingClientRect(), most = moving ? QUICK : FINE;
  const scale = Math.min(window.devicePixelRatio || 1, most / Math.max(box.width, box.height, 1));
  const size = { width: Math.max(Math.round(box.width * scale), 16), height: Math.max(Math.round(box.height * scale), 16) };
  wanted = new URLSearchParams({ ...view, ...size, mode, moving: moving ? 1 : 0, version }).toString();
  clearTimeout(rest);
  if (moving) rest = setTimeout(() => look(false), REST);
  fetchPictures();
}

// One request at a time; what was asked for meanwhile but the last is left out.
async function fetchPictures() {
  if (busy) return;
  busy = true;
  while (shown !== wanted) {
    const asked = wanted;
    try {
      const answer = await fetch(`/picture.jpg?${asked}`);
      if (!answer.ok) throw new Error((await answer.json()).message);
      const before = picture.src;
      picture.src = URL.createObjectURL(await answer.blob());
      await picture.decode();
      if (before) URL.revokeObjectURL(before);
      document.body.dataset.state = asked.includes("moving=0") ? "ready" : "moving";
    } catch (error) {
      tell(error.message);
    }
    shown = asked;
  }
  busy = false;
}

function change(by) {
  view = { ...view, ...by };
  view.elevation = bound(view.elevation, -20, 80);
  view.zoom = bound(view.zoom, 0.8, 60);
  view.x = bound(view.x, -0.8, 0.8);
  view.y = bound(view.y, -0.8, 0.8);
  look(true);
}

// Zooms by a factor and keeps what is `right` and `below` of the middle, in heights of the picture, where it is.
function zoom(by, right = 0, below = 0) {
  const next = bound(view.zoom * by, 0.8, 60), shift = 1 / view.zoom - 1 / next;
  change({ zoom: next, x: view.x + right * shift, y: view.y + below * shift });
}

function turnSlowly(on) {
  spin.setAttribute("aria-pressed", String(on));
  cancelAnimationFrame(spinning);
  let last = performance.now();
  const step = (now) => {
    change({ azimuth: (view.azimuth - (now - last) * 0.036) % 360 });
    last = now;
    spinning = requestAnimationFrame(step);
  };
  if (on) spinning = requestAnimationFrame(step);
}

picture.addEventListener("pointermove", (event) => {
  if (!event.buttons) return;
  const height = picture.clientHeight, { movementX: dx, movementY: dy } = event;
  if (event.shiftKey || event.buttons > 1) change({ x: view.x - dx / height / view.zoom, y: view.y - dy / height / view.zoom });
  else change({ azimuth: view.azimuth - dx * 0.4, elevation: view.elevation + dy * 0.25 });
});
picture.addEventListener("pointerdown", (event) => picture.setPointerCapture(event.pointerId));
picture.addEventListener("contextmenu", (event) => event.preventDefault());
picture.addEventListener("wheel", (event) => {
  event.preventDefault();
  const box = picture.getBoundingClientRect(), height = box.height;
  const right = (event.clientX - box.left - box.width / 2) / height, below = (event.clientY - box.top - height / 2) / height;
  zoom(Math.exp(-0.0015 * event.deltaY), right, below);
}, { passive: false });

const actions = {
  "turn-left": () => change({ azimuth: view.azimuth + 15 }),
  "turn-right": () => change({ azimuth: view.azimuth - 15 }),
  "zoom-in": () => zoom(1.3),
  "zoom-out": () => zoom(1 / 1.3),
  reset: () => change(START),
  spin: () => turnSlowly(spin.getAttribute("aria-pressed") !== "true"),
};
for (const [id, act] of Object.entries(actions)) at(id).addEventListener("click", act);
const keys = {
  ArrowLeft: actions["turn-left"], ArrowRight: actions["turn-right"], "+": actions["zoom-in"], "-": actions["zoom-out"],
  ArrowUp: () => change({ elevation: view.elevation + 5 }), ArrowDown: () => change({ elevation: view.elevation - 5 }),
  r: actions.reset, t: actions.spin,
};
document.addEventListener("keydown", (event) => {
  if (event.target === modes || event.ctrlKey || event.metaKey || !keys[event.key]) return;
  event.preventDefault();
  keys[event.key]();
});
modes.addEventListener("change", () => {
  mode = modes.value;
  look(false);
});
window.addEventListener("resize", () => look(true));

// Tells what there is to see, and looks again when the drape was saved again.
async function follow() {
  try {
    const state = await (await fetch("/state.json")).json();
    tell(state.fault);
    if (state.version !== version) {
      version = state.version;
      at("title").textContent = state.title;
      at("subtitle").textContent = state.cloth.join(", ");
      modes.replaceChildren(...state.modes.map((name) => new Option(MODE_NAMES[name] || name, name)));
      mode = modes.value = state.modes.includes(mode) ? mode : "beauty";
      look(false);
    }
  } catch {
    tell("The server has stopped.");
  }
  setTimeout(follow, 700);
}
follow();
