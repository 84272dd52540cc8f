"use strict";

// Doors, tamper loop and lamps of the cabinet: the part of the page for the I/O
// board. bench.js calls setUpPanel once and drawPanel with every state.

const panel = (action, more) => order("/api/panel", { action, ...more });

// Each switch: element, its state in the answer, and an action for each value.
const PANEL_SWITCHES = [
  ["service-door", "service_door", [["Service door closed", "closed", "close_service_door"], ["open", "open", "open_service_door", true]]],
  ["safe-door", "safe_door", [["Safe closed", "closed", "close_safe_door"], ["open", "open", "open_safe_door", true]]],
  ["cassette-contact", "cassette", [["Cassette switch in", "in", "insert_cassette"], ["out", "out", "remove_cassette", true]]],
  ["tamper", "tamper", [["Tamper loop whole", "whole", "mend_tamper"], ["open", "open", "open_tamper", true],
    ["cut", "cut", "cut_tamper", true], ["shorted", "short", "short_tamper", true]]],
  ["mains", "mains", [["Mains", "present", "restore_mains"], ["lost", "lost", "lose_mains", true]]],
];

const LAMP_NAMES = { acceptor: "Banknotes", printer: "Receipt", card: "Card", status: "In service" };

function setUpPanel() {
  for (const [id, , options] of PANEL_SWITCHES) {
    const actions = Object.fromEntries(options.map(([, value, action]) => [value, action]));
    seg(id, options.map(([name, value, , bad]) => [name, value, bad]), (value) => panel(actions[value]));
  }
  seg("panel-plug", [["Board plugged", "plug"], ["unplugged", "unplug", true]], (a) => panel(a));
  for (const b of document.querySelectorAll("[data-panel]")) b.addEventListener("click", () => order("/api/panel", JSON.parse(b.dataset.panel)));
  for (const [lamp, name] of Object.entries(LAMP_NAMES)) {
    const li = el("li");
    li.id = "lamp-" + lamp;
    li.append(el("span", "guide"), el("span", "", name));
    $("lamps").append(li);
  }
}

function drawPanel(p) {
  for (const [id, key] of PANEL_SWITCHES) press(id, p[key]);
  press("panel-plug", p.plugged ? "plug" : "unplug");

  const open = [["service_door", "service door"], ["safe_door", "safe"]].filter(([k]) => p[k] === "open").map(([, n]) => n + " open");
  if (p.cassette === "out") open.push("cassette out");
  if (p.tamper !== "whole") open.push("tamper loop " + p.tamper);
  if (p.mains === "lost") open.push("mains lost");
  const out = $("panel-state");
  out.textContent = (open.join(", ") || "closed") + (p.plugged ? "" : " · unplugged");
  out.className = "state" + (open.length || !p.plugged ? " stop" : "");
  $("door-outer").classList.toggle("open", p.service_door === "open");
  $("door-outer").classList.toggle("tampered", p.tamper !== "whole");
  $("door-safe").classList.toggle("open", p.safe_door === "open");
  $("door-says").textContent = out.textContent;

  for (const lamp of Object.keys(LAMP_NAMES)) {
    const l = p.lamps[lamp];
    const dot = $("lamp-" + lamp).firstChild;
    dot.className = "guide " + l.shows;
    dot.style.animationDuration = l.period_ms ? l.period_ms + "ms" : "";
    $("lamp-" + lamp).title = l.shows;
  }
  $("panel-facts").textContent = `${p.channels} channels · ${p.outputs.length ? "lamps wired to " + p.outputs.join(", ") : "the host has not set it up"} · ` +
    count(p.commands, "command") + (p.troubles.length ? ` · ${p.troubles.join("; ")}` : "");
}
