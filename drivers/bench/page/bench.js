"use strict";

// The page draws what GET /api/state says and holds no truth of its own. Every
// event only makes it look again.

const $ = (id) => document.getElementById(id);

function el(tag, className, text) {
  const e = document.createElement(tag);
  if (className) e.className = className;
  if (text !== undefined) e.textContent = text;
  return e;
}

// ---- asking and ordering

let troubleTimer = 0;

function complain(text) {
  $("trouble").textContent = text;
  $("trouble").hidden = false;
  clearTimeout(troubleTimer);
  troubleTimer = setTimeout(() => { $("trouble").hidden = true; }, 5000);
}

async function order(path, body) {
  try {
    const r = await fetch(path, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    });
    const answer = await r.json();
    if (!r.ok) complain(answer.error);
    look();
    return r.ok ? answer : null;
  } catch {
    complain("The bench does not answer.");
    return null;
  }
}

let looking = false;
let lookAgain = false;

async function look() {
  if (looking) { lookAgain = true; return; }
  looking = true;
  try {
    const r = await fetch("/api/state");
    if (r.ok) draw(await r.json());
  } catch {
    chip("no answer", "stop");
  }
  looking = false;
  if (lookAgain) { lookAgain = false; setTimeout(look, 80); }
}

function chip(text, kind) {
  const c = $("link");
  c.textContent = text;
  c.className = "chip" + (kind ? " " + kind : "");
}

// ---- words

const NAMES = {
  0x10: "powered up", 0x11: "powered up, note in validator", 0x12: "powered up, note in stacker", 0x13: "initializing",
  0x14: "waiting for a note", 0x15: "reading", 0x17: "stacking", 0x18: "returning", 0x19: "disabled", 0x1a: "holding",
  0x1b: "busy", 0x1c: "rejecting", 0x41: "cassette full", 0x42: "cassette out", 0x43: "jam in validator",
  0x44: "jam in cassette", 0x45: "cheated", 0x46: "pause: two notes", 0x47: "failure", 0x80: "note in escrow",
  0x81: "stacked, not acknowledged", 0x82: "returned, not acknowledged", 0x84: "suspect note", 0x90: "counterfeit kept",
};

const hex = (n) => n.toString(16).toUpperCase().padStart(2, "0") + "h";
const worth = (v) => (v.minor % 100 ? (v.minor / 100).toFixed(2) : String(v.minor / 100)) + " " + v.currency;
const count = (n, word) => n + " " + word + (n === 1 ? "" : "s");

/** A note by its value, a coupon by its name. */
const named = (n) => n.kind === "coupon" ? "coupon" : worth(n.value);

function noteClass(n) {
  return "note" + (n.value.currency === "AZN" ? " azn" + n.value.minor / 100 : "");
}

const pad = (n, len) => String(n).padStart(len, "0");
function clock(us) {
  const d = new Date(us / 1000);
  return `${pad(d.getHours(), 2)}:${pad(d.getMinutes(), 2)}:${pad(d.getSeconds(), 2)}.${pad(d.getMilliseconds(), 3)}`;
}

// ---- switches

// seg fills a row of buttons of which one is pressed: [name, value, colour] each; true is the colour of trouble.
function seg(id, options, act) {
  const box = $(id);
  for (const [name, value, bad] of options) {
    const b = el("button", bad === true ? "bad" : bad || "", name);
    b.type = "button";
    b.dataset.value = value;
    b.addEventListener("click", () => act(value));
    box.append(b);
  }
}

function press(id, value) {
  for (const b of $(id).children) b.setAttribute("aria-pressed", String(b.dataset.value === value));
}

const validator = (action, more) => order("/api/validator", { action, ...more });
const printer = (action, more) => order("/api/printer", { action, ...more });

let last = null;

function setUp() {
  for (const n of [1, 5, 10, 20, 50, 100, 200]) {
    const b = el("button", "note azn" + n, n);
    b.type = "button";
    b.setAttribute("aria-label", `Insert ${n} manat`);
    b.addEventListener("click", () => insert({ denomination: n }));
    $("purse").append(b);
  }
  const coupon = el("button", "note", "Coupon");
  coupon.type = "button";
  coupon.addEventListener("click", () => validator("insert_coupon", {
    quality: $("quality").value === "refused" ? "refused" : "good", hold_out: $("hold-out").checked,
  }));
  $("purse").append(coupon);
  seg("firmware", [["Firmware new", ""], ["old: illegal", "illegal", "low"], ["old: silent", "silent", "low"]], (above_51) =>
    validator("set_quirks", { quirks: { ...last.validator.config.quirks, above_51 } }));
  seg("validator-power", [["Power", "power_on"], ["off", "power_off", true]], (a) => validator(a));
  seg("validator-plug", [["Plugged", "plug"], ["unplugged", "unplug", true]], (a) => validator(a));
  seg("cassette-switch", [["Cassette in", "insert_cassette"], ["out", "remove_cassette", true]], (a) =>
    validator(a, a === "remove_cassette" ? { bag: "bag " + (Object.keys(last.validator.world.bags || {}).length + 1) } : {}));
  seg("printer-power", [["Power", "power_on"], ["off", "power_off", true]], (a) => printer(a));
  seg("printer-plug", [["Plugged", "plug"], ["unplugged", "unplug", true]], (a) => printer(a));
  seg("cover", [["Cover closed", "close_cover"], ["open", "open_cover", true]], (a) => printer(a));
  seg("paper", [["Paper ok", "ok"], ["low", "low", "low"], ["out", "out", true]], async (v) => {
    if (v === "ok") return printer("load_roll");
    if (v === "out") return printer("paper_end");
    return printer("paper_low", { low: true });
  });
  seg("network", [["On", "on"], ["Off", "off", true], ["Silent", "blackhole", true], ["Slow", "slow", "low"]], (mode) =>
    order("/api/network", mode === "slow" ? { mode, delay_ms: 1500, bytes_per_s: 2000 } : { mode }));
  seg("central", [["Normal", "normal"], ["Slow", "slow", "low"], ["Fail", "fail", true], ["Drop answer", "drop_answer", true]], (mode) =>
    order("/api/central", { normal: { mode }, slow: { mode, delay_ms: 8000 }, fail: { mode, status: 503 }, drop_answer: { mode, count: 1 } }[mode]));

  setUpCards();

  for (const b of document.querySelectorAll("[data-validator]")) b.addEventListener("click", () => order("/api/validator", JSON.parse(b.dataset.validator)));
  for (const b of document.querySelectorAll("[data-printer]")) b.addEventListener("click", () => order("/api/printer", JSON.parse(b.dataset.printer)));
  setUpPanel();
  for (const id of ["full", "cutter", "jam"]) $(id).classList.add("alone");
  $("take").addEventListener("click", () => validator("take"));
  $("full").addEventListener("click", () => validator("set_full", { full: !last.validator.world.full }));
  $("cutter").addEventListener("click", () => printer(last.printer.cutter_blocked ? "free_cutter" : "block_cutter"));
  $("jam").addEventListener("click", () => printer(last.printer.jammed ? "clear_jam" : "jam_paper"));
  $("reset").addEventListener("click", async () => {
    const b = $("reset");
    if (b.dataset.sure) { // asked twice in place of a dialogue
      delete b.dataset.sure;
      b.textContent = "New day…";
      await order("/api/reset", {});
      return;
    }
    b.dataset.sure = "1";
    b.textContent = "Empty cassette, hand, tray and readers?";
    setTimeout(() => { delete b.dataset.sure; b.textContent = "New day…"; }, 4000);
  });
  $("ledger").addEventListener("toggle", ledger);
  $("frames").addEventListener("change", listen);
}

async function insert(note) {
  const q = $("quality").value;
  const body = { ...note, hold_out: $("hold-out").checked };
  switch (q) {
    case "foreign": if (!body.serial) body.currency = "EUR"; break;
    case "unreadable": if (!body.serial) body.kind = "unreadable"; break;
    case "jam_inside": body.quality = "jam_stacker"; body.in_cassette = true; break;
    default: body.quality = q;
  }
  const answer = await order("/api/notes", body);
  if (answer && !answer.taken) complain("The slot did not draw the note in: " + answer.why + ". It is in the customer's hand.");
}

async function ledger() {
  if (!$("ledger").open) return;
  try {
    const r = await fetch("/api/central");
    const body = await r.json();
    $("ledger-text").textContent = r.ok ? JSON.stringify(body, null, 1) : body.error;
  } catch {
    $("ledger-text").textContent = "no answer";
  }
}

// ---- drawing

function draw(s) {
  const first = last === null;
  last = s;
  drawValidator(s.validator);
  drawPrinter(s.printer);
  drawPanel(s.panel);
  drawStrips(s.strips);
  drawCards(s);

  press("network", s.network.mode);
  $("network-facts").textContent = `${s.network.listen} → ${s.network.central || "no central"} · ${count(s.network.connections, "connection")} · ` +
    `${s.network.bytes_up} bytes up, ${s.network.bytes_down} down`;
  press("central", s.central.mode);
  $("central-facts").textContent = { normal: "answers as it should", slow: "answers late", fail: "answers with an error", drop_answer: "does the work and loses the answer" }[s.central.mode];

  if (s.screen_url) {
    $("screen").href = s.screen_url;
    $("screen").hidden = false;
    $("no-screen").hidden = true;
  }
  if (first) for (const e of s.events) tell(e);
}

function drawValidator(v) {
  const w = v.world;
  const mode = !v.power ? "no power" : v.z1 ? NAMES[v.z1] || "state " + hex(v.z1) : v.mode;
  const says = v.z1 ? `${hex(v.z1)}${v.z2 !== undefined ? " " + hex(v.z2) : ""} ${mode}` : mode;
  const out = $("validator-state");
  out.textContent = v.plugged ? says : says + " · unplugged";
  const bad = !v.power || !v.plugged || (v.z1 >= 0x41 && v.z1 <= 0x47);
  const calm = [0x14, 0x19].includes(v.z1);
  out.className = "state" + (bad ? " stop" : calm ? "" : " warn");
  $("slot-lamp").className = "lamp" + (bad ? " bad" : v.z1 === 0x14 ? " on" : v.z1 === 0x19 ? "" : " busy");
  $("slot-says").textContent = mode;

  const shown = w.waiting || (w.path && w.path.place === "slot" ? w.path : null);
  $("tongue").hidden = !shown;
  if (shown) {
    $("tongue-note").className = noteClass(shown.note);
    $("tongue-note").textContent = named(shown.note);
  }

  press("validator-power", v.power ? "power_on" : "power_off");
  press("validator-plug", v.plugged ? "plug" : "unplug");
  press("firmware", v.config.quirks.above_51);
  press("cassette-switch", w.cassette_in ? "insert_cassette" : "remove_cassette");
  $("full").setAttribute("aria-pressed", String(w.full));

  const notes = w.cassette || [];
  $("cassette-total").textContent = count(notes.length, "note") + (v.cassette_total.length ? " · " + v.cassette_total.map(worth).join(" + ") : "");
  $("cassette-none").hidden = notes.length > 0;
  $("cassette-none").textContent = w.cassette_in ? "empty" : "taken out";
  $("cassette").replaceChildren(...v.cassette_count.map((d) => {
    const tr = el("tr");
    tr.append(el("td", "", d.kind === "coupon" ? "coupon" : worth(d.value) + (d.kind === "genuine" ? "" : " · " + d.kind)), el("td", "", "× " + d.count));
    return tr;
  }));
  const path = w.path && w.path.place !== "slot" ? ` · in the path: ${named(w.path.note)} (${w.path.place})` : "";
  $("vault-foot").textContent = `the unit's own counter: ${w.counter}${path}`;

  const hand = w.hand || [];
  $("hand-none").hidden = hand.length > 0;
  $("hand").replaceChildren(...hand.slice(-24).map((n) => {
    const li = el("li");
    const b = el("button", noteClass(n), named(n));
    b.type = "button";
    b.title = `${n.serial}: insert again`;
    b.addEventListener("click", () => insert({ serial: n.serial }));
    li.append(b);
    return li;
  }));
  const bags = Object.entries(w.bags || {});
  $("bags-title").hidden = bags.length === 0;
  $("bags").replaceChildren(...bags.map(([name, list]) => {
    const sum = list.filter((n) => n.kind === "genuine" && n.value.currency === "AZN").reduce((a, n) => a + n.value.minor, 0);
    return el("li", "", `${name}: ${count(list.length, "note")}, ${worth({ minor: sum, currency: "AZN" })}`);
  }));

  const types = (v.enabled || []).map((t) => t === 23 ? "coupons" : v.config.table[t] ? worth(v.config.table[t].value) : "type " + t);
  $("validator-facts").textContent = `${v.config.part} ${v.config.serial} · enabled: ${types.join(", ") || "nothing"}` +
    (v.troubles.length ? ` · armed: ${v.troubles.join("; ")}` : "");
}

function drawPrinter(p) {
  const out = $("printer-state");
  const says = !p.power ? "no power" : p.booting ? "starting" : p.condition;
  out.textContent = (p.busy ? says + " · busy" : says) + (p.plugged ? "" : " · unplugged");
  out.className = "state" + (!p.power || !p.plugged || p.offline ? " stop" : p.paper_low || p.busy ? " warn" : "");
  $("paper-lamp").className = "lamp" + (!p.power || p.offline || !p.plugged ? " bad" : p.buffered || p.backlog ? " busy" : " on");
  $("paper-says").textContent = says;
  press("printer-power", p.power ? "power_on" : "power_off");
  press("printer-plug", p.plugged ? "plug" : "unplug");
  press("cover", p.cover_open ? "open_cover" : "close_cover");
  press("paper", p.paper_end ? "out" : p.paper_low ? "low" : "ok");
  $("cutter").setAttribute("aria-pressed", String(p.cutter_blocked));
  $("cutter").textContent = p.cutter_blocked ? "Free cutter" : "Block cutter";
  $("jam").setAttribute("aria-pressed", String(p.jammed));
  $("jam").textContent = p.jammed ? "Clear paper jam" : "Jam paper";
  $("printer-facts").textContent = `${(p.roll_left / 8000).toFixed(1)} m of paper · ${count(p.cuts, "cut")} · ${count(p.power_ups, "power-up")} · ` +
    `${p.buffered} bytes in the buffer, ${p.backlog} on the line`;
  $("hanging").hidden = p.hanging === 0;
  if (p.hanging > 0) $("hanging-picture").src = `/api/strips/hanging.png?rows=${p.rows}`;
}

let stripsDrawn = "";

function drawStrips(strips) {
  const key = strips.slice(0, 12).map((s) => s.n + ":" + s.us).join();
  if (key === stripsDrawn) return;
  stripsDrawn = key;
  $("strips-none").hidden = strips.length > 0;
  $("strips").replaceChildren(...strips.slice(0, 12).map((s) => {
    const box = el("div", "strip " + s.end);
    const p = el("p");
    p.append(el("b", "", "Slip " + s.n), el("span", "", `${clock(s.us).slice(0, 8)} · ${s.end} · ${Math.round(s.height / 8)} mm`));
    for (const ext of ["png", "pbm", "bin"]) {
      const a = el("a", "", ext);
      a.href = `/api/strips/${s.n}.${ext}`;
      p.append(a);
    }
    const img = el("img");
    img.alt = "Slip " + s.n;
    img.loading = "lazy";
    img.src = `/api/strips/${s.n}.png?us=${s.us}`;
    img.width = s.width;
    img.height = s.height;
    box.append(p, img);
    return box;
  }));
}

// ---- events

const PLACES = { hand: "customer's hand", slot: "slot", head: "head", escrow: "escrow", transport: "transport", cassette: "cassette" };
const place = (p) => PLACES[p] || p.replace("bag:", "");
const KINDS = { bad_frame: "a frame with a wrong check sum", busy: "busy", ready: "ready", cleared: "buffers cleared by the host" };

function words(e) {
  if (e.source === "reader" || e.source === "authority") return cardWords(e);
  const note = e.note ? named(e.note) + " " + e.note.serial : "";
  switch (e.kind) {
    case "note": return `${note}: ${place(e.from)} → ${place(e.to)}`;
    case "inserted": return `${note} held to the slot`;
    case "not_taken": return `${note} not drawn in: ${e.text}`;
    case "stacked": return `${note} is stacked; 81h to be told`;
    case "stacked_sent": return `81h told (frame ${e.frame})`;
    case "acked": return `${e.code}h acknowledged by the host`;
    case "state": return `validator: ${e.code}h ${NAMES[parseInt(e.code, 16)] || e.text}`;
    case "power": return `${e.source}: power ${e.text}`;
    case "line": return `${e.source}: ${e.text}`;
    case "cassette": return `cassette ${e.text}`;
    case "strip": return `slip ${e.strip} came out (${e.text})`;
    case "status": return `printer: ${e.text}`;
    case "lost": return `printer: ${count(e.n, "byte")} found no room`;
    case "ignored": return `printer: ignored ${e.text}`;
    case "contact": return `cabinet: ${e.text}`;
    case "lamp": return `lamp: ${e.text}`;
    case "unknown": return `${e.source}: unknown command ${e.text}`;
    case "mode": return `${e.source}: ${e.text}`;
    case "reset": return "a new day: cassette, hand, tray and readers are empty";
    case "frame_in": return "→ " + e.hex;
    case "frame_out": return "← " + e.hex;
    case "answer": return "printer ← " + e.hex;
  }
  return KINDS[e.kind] || e.kind;
}

const FRAMES = ["frame_in", "frame_out", "answer", "command"];

let seen = 0;

function tell(e) {
  if (e.seq <= seen) return;
  seen = e.seq;
  const li = el("li");
  if (["acked", "stacked", "stacked_sent", "strip"].includes(e.kind)) li.className = "money";
  if (["bad_frame", "lost", "not_taken"].includes(e.kind) || (e.kind === "power" && e.text === "off")) li.className = "bad";
  if (FRAMES.includes(e.kind)) li.className = "frame";
  li.append(el("time", "", clock(e.us)), el("span", "", words(e)));
  $("log").prepend(li);
  while ($("log").childElementCount > 400) $("log").lastElementChild.remove();
}

let stream = null;

function listen() {
  if (stream) stream.close();
  stream = new EventSource("/api/events" + ($("frames").checked ? "?frames=1" : ""));
  stream.onopen = () => { chip("live", ""); look(); };
  stream.onerror = () => chip("no answer, trying again", "stop");
  stream.onmessage = (m) => {
    const e = JSON.parse(m.data);
    tell(e);
    if (!FRAMES.includes(e.kind)) look();
  };
}

setUp();
look().then(listen);
setInterval(look, 2000);
