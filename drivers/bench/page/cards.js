"use strict";

// Smart cards, their readers, and the citizen's telephone. Like the rest of the
// page this draws what the bench says.

const card = (action, more) => order("/api/card", { action, ...more });

function setUpCards() {
  seg("pcscd", [["PC/SC daemon up", "start"], ["killed", "kill", true]], (action) => order("/api/pcscd", { action }));
  $("fault-set").addEventListener("click", () => card("fault", { reader: $("fault-reader").value, ...JSON.parse($("fault").value) }));
  $("fault-clear").addEventListener("click", () => card("clear_faults", { reader: $("fault-reader").value }));
  setInterval(lookAtPhone, 1500);
  lookAtPhone();
}

function drawCards(s) {
  const d = s.pcscd;
  const state = $("pcscd-state");
  state.textContent = d.trouble ? "no readers" : d.running ? "readers up" : "daemon down" + (d.ended ? " (" + d.ended + ")" : "");
  state.className = "state" + (d.running ? "" : " stop");
  press("pcscd", d.running ? "start" : "kill");
  const pins = new Set(s.cards.map((c) => `PIN1 ${c.pins.pin1}, PIN2 ${c.pins.pin2}, PUK ${c.pins.puk}`));
  $("cards-facts").textContent = (pins.size === 1 ? `All cards: ${[...pins][0]}. ` : "") + (d.trouble || (d.socket ? "PCSCLITE_CSOCK_NAME=" + d.socket : ""));
  drawReader("card", s.readers.slot, s, "no card");
  drawReader("token", s.readers.token, s, "nothing plugged in");
  drawWallet(s);
}

function drawReader(id, reader, s, empty) {
  const held = s.cards.find((c) => c.name === reader.card);
  const box = $(id + "-in");
  box.hidden = !held;
  box.classList.toggle("turned", !!reader.upside_down);
  box.textContent = held ? (reader.upside_down ? "wrong way up" : held.token ? "" : held.holder.split(" ")[0]) : "";
  const bad = !s.pcscd.running || (held && reader.upside_down);
  $(id + "-lamp").className = "lamp" + (bad ? " bad" : held && held.verified ? " busy" : held ? " on" : "");
  $(id + "-says").textContent = !held ? empty : held.title + (reader.upside_down ? ", upside down" : held.verified ? ", PIN verified" : reader.reached ? "" : ", not reached");
}

let walletDrawn = "";

// drawWallet makes the list anew only when it says something new: a button must
// not vanish under the pointer.
function drawWallet(s) {
  const key = JSON.stringify([s.cards, s.authority, s.readers]);
  if (key === walletDrawn) return;
  walletDrawn = key;
  $("wallet").replaceChildren(...s.cards.map((c) => {
    const li = el("li", (c.token ? "token" : "") + (c.where !== "wallet" ? " used" : ""));
    const who = el("div", "who");
    const text = el("div");
    text.append(el("b", "", c.title), el("span", "", c.holder));
    who.append(el("span", "chip-gold"), text);
    li.append(who, triesLine(c), standing(s, c), buttons(s, c));
    return li;
  }));
}

function triesLine(c) {
  const p = el("p", "tries");
  for (const [name, pin] of [["PIN1", "pin1"], ["PIN2", "pin2"], ["PUK", "puk"]]) {
    const n = c.tries[pin];
    if (c.most[pin] > 0) p.append(`${name} `, el("b", n < c.most[pin] ? "out" : "", n === 0 ? "blocked" : String(n)), " · ");
  }
  p.append(count(c.commands, "command"));
  return p;
}

function standing(s, c) {
  const p = el("p", "tries");
  for (const [i, one] of s.authority.filter((a) => a.card === c.name).entries()) {
    if (i > 0) p.append(" · ");
    p.append(one.purpose + ": ", el("b", one.status === "good" ? "" : "out", one.status));
  }
  return p;
}

function buttons(s, c) {
  const box = el("div", "buttons");
  const add = (name, act, bad) => {
    const b = el("button", bad ? "quiet" : "", name);
    b.type = "button";
    b.setAttribute("aria-label", `${name}: ${c.title}, ${c.holder}`);
    b.addEventListener("click", act);
    box.append(b);
  };
  const reader = c.token ? "token" : "slot";
  if (c.where !== "wallet") {
    add(c.token ? "Pull out" : "Take out", () => card("remove", { reader: c.where }));
  } else if (s.readers[reader].card) {
    add("Swap in", () => card("swap", { card: c.name, reader }));
  } else {
    add(c.token ? "Plug in" : "Insert", () => card("insert", { card: c.name, reader }));
    if (!c.token) add("Upside down", () => card("upside_down", { card: c.name, reader }));
  }
  const mine = s.authority.filter((a) => a.card === c.name);
  if (mine.length > 0) {
    const act = (action) => () => order("/api/authority", { action, card: c.name });
    if (mine.some((a) => a.status === "suspended")) add("Resume", act("resume"), true);
    else if (mine.some((a) => a.status === "good")) add("Suspend", act("suspend"), true);
    if (mine.some((a) => a.status !== "revoked")) add("Revoke", act("revoke"), true);
  }
  if (["pin1", "pin2", "puk"].some((pin) => c.tries[pin] < c.most[pin])) add("Give tries back", () => card("tries", { card: c.name, ...c.most }), true);
  return box;
}

// ---- telephone

let phoneDrawn = "";

async function lookAtPhone() {
  let phone = null;
  try {
    const r = await fetch("/api/phone");
    if (r.ok) phone = await r.json();
  } catch {
    // drawn as away
  }
  const state = $("phone-state");
  state.hidden = phone !== null;
  state.textContent = "no answer";
  state.className = "state warn";
  if (!phone) return;
  const key = JSON.stringify(phone);
  if (key === phoneDrawn) return;
  phoneDrawn = key;
  const asan = (phone.asan || []).map(request);
  const sms = (phone.sms || []).map(message);
  $("phone").replaceChildren(...asan, ...sms);
  $("phone-none").hidden = asan.length + sms.length > 0;
}

function message(m) {
  const li = el("li", "", m.text);
  li.append(el("p", "", `SMS to ${m.to} · ${new Date(m.at).toLocaleTimeString("en-GB")}`));
  return li;
}

function request(a) {
  const li = el("li", "asan");
  li.append(el("p", "", `ASAN İmza · ${a.phone} · ${a.state}`), el("span", "code", a.control_code));
  if (a.state === "waiting") {
    const box = el("div", "buttons");
    for (const [name, answer] of [["Confirm", "confirm"], ["Refuse", "refuse"]]) {
      const b = el("button", "", name);
      b.type = "button";
      b.addEventListener("click", async () => {
        await order("/api/phone", { attempt: a.attempt, answer });
        lookAtPhone();
      });
      box.append(b);
    }
    li.append(box);
  }
  return li;
}

// ---- words

function cardWords(e) {
  const who = e.card || "";
  const where = e.reader === "token" ? "the USB port" : "the card slot";
  switch (e.kind) {
    case "card_in": return `${who} into ${where}${e.text ? ", " + e.text : ""}`;
    case "card_out": return `${who} out of ${where}${e.text ? ": " + e.text : ""}`;
    case "tries": return `${who}: ${e.text}`;
    case "fault": return `${who}: armed ${e.text}`;
    case "service": return `PC/SC daemon: ${e.text}`;
    case "command": return `${who}: ${e.code || "??"}h${e.n ? ", " + e.n + " bytes" : ""} → ${e.data || "no answer"}`;
    case "status": return `${who}: certificates ${e.text}`;
  }
  return e.kind;
}
