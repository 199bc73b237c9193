// The demo shop's page: asks the server for what to show, tells it what the visitor does.
import { flat } from "/flats.js";

const $ = (id) => document.getElementById(id);
const money = new Intl.NumberFormat("en", { style: "currency", currency: "EUR" });
const percent = (p) => `${Math.round(100 * p)} %`;
const zoneName = (zone) => zone.replace("_girth", "").replace("crotch_height", "inside leg").replaceAll("_", " ");
let decision = null, firstItem = null, shown = null, size = null;

function make(tag, { className = "", text = "", ...rest } = {}, ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text) node.textContent = text;
  for (const [key, value] of Object.entries(rest)) node.setAttribute(key, value);
  node.append(...children);
  return node;
}

async function ask(path, query = {}) {
  const answer = await fetch(`${path}?${new URLSearchParams(query)}`);
  const value = await answer.json();
  if (!answer.ok) throw new Error([value.message, value.hint].filter(Boolean).join(": "));
  return value;
}

async function tell(path, value) {
  const answer = await fetch(path, { method: "POST", headers: { "Content-Type": "application/json", "X-Toile": "1" }, body: JSON.stringify(value) });
  const back = await answer.json();
  if (!answer.ok) throw new Error([back.message, back.hint].filter(Boolean).join(": "));
  return back;
}

const user = () => $("user").value.trim() || "guest";

/** What the visitor did; an item that the bandit put first earns its reward. */
function did(event, item, more = {}) {
  const rewarded = item === firstItem && decision && ["view", "like", "buy", "return"].includes(event);
  return tell("/api/event", { user: user(), item, event, ...more, ...(rewarded ? { decision } : {}) });
}

function guarded(action, place = $("status")) {
  return async (...values) => {
    try { await action(...values); } catch (error) { place.textContent = error.message; }
  };
}

function card(item) {
  const picture = make("button", { className: "picture", type: "button", "aria-label": `${item.label}: sizes, outfits, similar` });
  picture.append(flat(item));
  if (item.new) picture.append(make("span", { className: "flag", text: "New in" }));
  picture.addEventListener("click", () => open(item.item));
  const like = make("button", { type: "button", text: "Like", "aria-pressed": "false", "aria-label": `Like ${item.label}` });
  like.addEventListener("click", guarded(async () => {
    await did("like", item.item);
    like.setAttribute("aria-pressed", "true");
    $("status").textContent = `You like ${item.label}. What follows changes with it.`;
    await home(item.item);
  }));
  const look = make("button", { type: "button", text: "Your size", "aria-label": `Your size of ${item.label}` });
  look.addEventListener("click", () => open(item.item));
  return make("li", { className: "card", "data-item": item.item }, picture,
    make("div", { className: "text" }, make("p", { className: "label", text: item.label }),
      make("p", { className: "price", text: item.price === null ? "" : money.format(item.price) }),
      make("p", { className: "reason", text: item.reason || "" })),
    make("div", { className: "buttons" }, like, look));
}

/** Where the keyboard is among the cards, so that cards made anew can give it back. */
function focusedCard() {
  const within = document.activeElement?.closest("#items .card");
  return within && { item: within.dataset.item, button: [...within.querySelectorAll("button")].indexOf(document.activeElement) };
}

async function home(returnTo) {
  const asked = user();
  const value = await ask("/api/home", { user: asked });
  if (asked !== user()) return; // another visitor was chosen meanwhile: theirs is on its way
  const focus = focusedCard() || (returnTo && { item: returnTo, button: 0 });
  decision = value.decision;
  firstItem = value.items.length ? value.items[0].item : null;
  $("greeting").textContent = value.known_items ? "For you" : "Welcome";
  $("why").textContent = value.known_items ? `By ${value.known_items} items that you looked at, liked or bought.` : "Nothing is known of you yet: what suits newcomers.";
  $("items").replaceChildren(...value.items.map(card));
  document.body.dataset.state = "ready";
  document.body.dataset.user = asked;
  if (!focus || $("sheet").open) return;
  const same = $("items").querySelector(`[data-item="${CSS.escape(focus.item)}"]`);
  (same?.querySelectorAll("button")[Math.max(focus.button, 0)] || $("items")).focus({ preventScroll: true });
}

function sizeButton(row) {
  const button = make("button", { className: "size", type: "button", role: "radio", "aria-checked": String(row.best), tabindex: row.best ? "0" : "-1",
    "aria-label": `Size ${row.size}: ${percent(row.right)} right, ${percent(row.tight)} tight, ${percent(row.loose)} loose` });
  const bar = make("span", { className: "bar", "aria-hidden": "true" });
  for (const [name, p] of [["t", row.tight], ["r", row.right], ["l", row.loose]]) {
    const part = make("i", { className: name });
    part.style.height = `${100 * p}%`;
    bar.append(part);
  }
  button.append(make("b", { text: row.size }), bar, make("small", { text: percent(row.right) }));
  button.addEventListener("click", () => choose(row.size));
  return button;
}

function choose(name, focus = false) {
  size = name;
  for (const button of $("sizes").children) {
    const is = button.firstChild.textContent === name;
    button.setAttribute("aria-checked", String(is));
    button.tabIndex = is ? 0 : -1;
    if (is && focus) button.focus();
  }
  $("buy").textContent = name ? `Buy size ${name}` : "Buy";
}

function showSize(value) {
  $("size-section").hidden = !value.size;
  $("fit").hidden = !value.size;
  if (!value.size) return choose(null);
  $("advice").textContent = value.size.advice + (value.known_body ? "" : " Type your measurements to know better.");
  $("sizes").replaceChildren(...value.size.sizes.map(sizeButton));
  $("zones").replaceChildren(...value.size.zones.flatMap(({ zone, odds, ease_cm }) => {
    const bar = make("dd", { className: "odds", role: "img", "aria-label": `${percent(odds[0])} tight, ${percent(odds[1])} right, ${percent(odds[2])} loose` });
    ["t", "r", "l"].forEach((name, k) => { const part = make("i", { className: name }); part.style.width = `${100 * odds[k]}%`; bar.append(part); });
    return [make("dt", { text: zoneName(zone) }), bar, make("dd", { text: `${ease_cm > 0 ? "+" : ""}${ease_cm} cm ease` })];
  }));
  choose(value.size.best);
}

function small(item) {
  const button = make("button", { className: "picture small", type: "button", "aria-label": item.label });
  button.append(flat(item));
  button.addEventListener("click", () => open(item.item));
  return button;
}

const open = guarded(async (item) => {
  const value = await ask("/api/item", { user: user(), item });
  await did("view", item);
  shown = item;
  $("portrait").replaceChildren(flat(value));
  $("sheet-title").textContent = value.label;
  $("price").textContent = value.price === null ? "" : money.format(value.price);
  $("like").setAttribute("aria-pressed", "false");
  $("sheet-status").textContent = "";
  showSize(value);
  $("outfit-section").hidden = !value.outfits.length;
  $("outfits").replaceChildren(...value.outfits.map((o) => make("div", { className: "outfit" },
    make("div", { className: "pieces" }, ...o.items.map(small)), make("ul", {}, ...o.reasons.map((r) => make("li", { text: r }))))));
  $("alike-section").hidden = !value.alike.length;
  $("alike").replaceChildren(...value.alike.map((a) => make("li", {}, small(a), make("p", { text: a.label }))));
  if (!$("sheet").open) $("sheet").showModal();
  $("sheet").scrollTop = 0;
  $("sheet-title").parentElement.querySelector("#buy").focus({ preventScroll: true });
});

const inSheet = (action) => guarded(action, $("sheet-status"));

$("buy").addEventListener("click", inSheet(async () => {
  await did("buy", shown, size ? { size } : {});
  $("sheet-status").textContent = `Bought${size ? ` in size ${size}` : ""}. Nothing is charged: it is a demonstration.`;
}));
$("like").addEventListener("click", inSheet(async () => {
  await did("like", shown);
  $("like").setAttribute("aria-pressed", "true");
  $("sheet-status").textContent = "Liked.";
}));
$("return").addEventListener("click", inSheet(async () => {
  await did("return", shown, size ? { size } : {});
  $("sheet-status").textContent = "Returned: it counts against what led to it.";
}));
for (const button of document.querySelectorAll("[data-fit]")) {
  button.addEventListener("click", inSheet(async () => {
    await did("fit", shown, { value: button.dataset.fit, size });
    showSize(await ask("/api/item", { user: user(), item: shown }));
    $("sheet-status").textContent = `Size ${size} noted as ${button.dataset.fit}: sizes are worked out anew.`;
  }));
}
$("sizes").addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
  if (!step) return;
  event.preventDefault();
  const names = [...$("sizes").children].map((b) => b.firstChild.textContent);
  choose(names[(names.indexOf(size) + step + names.length) % names.length], true);
});
for (const button of document.querySelectorAll("[data-close]")) button.addEventListener("click", () => button.closest("dialog").close());
$("sheet").addEventListener("close", guarded(() => home(shown)));
$("user").addEventListener("change", guarded(() => { $("status").textContent = ""; return home(); }));

$("measure").addEventListener("click", () => { $("body-status").textContent = ""; $("body").showModal(); });
$("body-form").addEventListener("submit", (event) => {
  event.preventDefault();
  guarded(async () => {
    const typed = Object.fromEntries([...new FormData(event.target)].filter(([, v]) => v !== "").map(([k, v]) => [k, Number(v)]));
    await tell("/api/body", { user: user(), ...typed });
    $("body-status").textContent = "Kept. Open an item to see your size.";
  }, $("body-status"))();
});
$("forget").addEventListener("click", guarded(async () => {
  const { removed } = await tell("/api/forget", { user: user() });
  $("body-form").reset();
  $("body-status").textContent = `Forgotten: ${removed} entries removed.`;
  await home();
}, $("body-status")));

$("learnt").addEventListener("click", guarded(async () => {
  const value = await ask("/api/learnt");
  $("lessons-text").textContent = `A bandit (${value.policy}) chooses what comes first and writes down how likely its choice was. ` +
    (value.decisions ? `So far ${value.decisions} choices were answered, worth ${value.mean_reward} each (a purchase is 1).` : "No choice was answered yet.");
  const most = Math.max(...Object.values(value.weights).map(Math.abs), 1e-6);
  $("weights").replaceChildren(...Object.entries(value.weights).filter(([name]) => name !== "constant").flatMap(([name, w]) => {
    const bar = make("i", { className: w < 0 ? "minus" : "" });
    bar.style.width = `${100 * Math.abs(w) / most}%`;
    return [make("dt", { text: name }), make("dd", { className: "meter" }, bar), make("dd", { text: w.toFixed(3) })];
  }));
  $("lessons").showModal();
}));

guarded(async () => {
  const about = await ask("/api/about");
  $("simulated").hidden = !about.simulated;
  $("visitors").replaceChildren(...about.visitors.map((v) => make("option", { value: v })));
  $("size-section").hidden = !about.sizes;
  $("user").value = `guest-${Math.random().toString(36).slice(2, 7)}`;
  await home();
})();
