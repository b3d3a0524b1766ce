// Keeps the operator page up to date: asks for what is new every two seconds, and
// draws the plots. The page says all of it without this, as tables.
"use strict";

const SVG = "http://www.w3.org/2000/svg";
const KEPT = 300;
const [WIDTH, HEIGHT, RIGHT, TOP, BOTTOM] = [560, 160, 6, 8, 4];
const TIMES = ["−10 min", "−5 min", "0"];
const CALLS = 0, ERRORS = 1, P50 = 2, P99 = 3, GUESTS = 4, CONNECTIONS = 5;

const language = document.documentElement.lang;
const samples = [];
const hidden = new Set();
const written = new Map();
let every = 2000;
let moment = null; // number of the sample that is pointed at
let paused = false;
let missed = 0;
let timer;

const number = new Intl.NumberFormat(language, { maximumSignificantDigits: 3 });
const clock = new Intl.DateTimeFormat(language, { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23", timeZone: "UTC" });

/** Microseconds as people read them. */
function duration(value) {
  if (value >= 1e6) return `${number.format(value / 1e6)} s`;
  return `${number.format(value / 1e3)} ms`;
}

const rate = (at) => (point) => (point[at] * 1000) / every;
const gauge = (at) => (point) => point[at];
const PLOTS = {
  calls: { lines: [rate(CALLS)], format: (value) => number.format(value) },
  latency: { lines: [gauge(P50), gauge(P99)], format: duration },
  errors: { lines: [rate(ERRORS)], format: (value) => number.format(value) },
  use: { lines: [gauge(CONNECTIONS), gauge(GUESTS)], format: (value) => number.format(value) },
};

function element(name, attributes, parent) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  parent.append(made);
  return made;
}

/** The names of all scopes that there are samples of, in a fixed order. */
function names() {
  const all = new Set();
  for (const sample of samples) for (const name of Object.keys(sample.scopes)) all.add(name);
  return [...all].sort();
}

/** The next 1, 2 or 5 times a power of ten, above zero. */
function ceiling(value) {
  if (!(value > 0)) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value);
}

function draw(holder, all) {
  const kind = PLOTS[holder.dataset.plot];
  const shown = all.filter((name) => !hidden.has(name));
  const last = samples.at(-1)?.number ?? 0;
  const x = (of) => WIDTH - RIGHT - ((last - of) / (KEPT - 1)) * (WIDTH - RIGHT);
  const values = (name, line) => samples.map((sample) => [sample.number, sample.scopes[name] ? line(sample.scopes[name]) : null]);
  let most = 0;
  for (const name of shown) for (const line of kind.lines) for (const [, value] of values(name, line)) most = Math.max(most, value ?? 0);
  const top = ceiling(most);
  const y = (value) => HEIGHT - BOTTOM - (value / top) * (HEIGHT - TOP - BOTTOM);

  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  svg.setAttribute("preserveAspectRatio", "none");
  for (const part of [0, 0.5, 1]) {
    const at = y(top * part);
    element("line", { class: part ? "grid" : "axis", x1: 0, x2: WIDTH, y1: at, y2: at, "vector-effect": "non-scaling-stroke" }, svg);
  }
  for (const name of shown) {
    kind.lines.forEach((line, which) => {
      let path = "";
      let open = false;
      let alone = null;
      for (const [at, value] of values(name, line)) {
        if (value === null) {
          open = false;
          continue;
        }
        path += `${open ? "L" : "M"}${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
        open = true;
        alone = [at, value];
      }
      // A line of one point is not seen.
      if (alone && !path.includes("L")) path += `h1`;
      element("path", { class: `${series(all, name)}${which ? " second" : ""}`, d: path || "M0 0", "vector-effect": "non-scaling-stroke" }, svg);
    });
  }
  const sample = pointed();
  if (moment !== null && sample) {
    element("line", { class: "moment", x1: x(sample.number), x2: x(sample.number), y1: TOP, y2: HEIGHT - BOTTOM, "vector-effect": "non-scaling-stroke" }, svg);
  }
  holder.querySelector("svg")?.remove();
  holder.frame.prepend(svg);
  for (const [part, label] of holder.labels) label.textContent = kind.format(top * part);
  readout(holder, kind, shown, all, sample);
}

function series(all, name) {
  return `s${all.indexOf(name) % 8}`;
}

function pointed() {
  return samples.find((sample) => sample.number === moment) ?? samples.at(-1);
}

/** The figures of the moment, in words. */
function readout(holder, kind, shown, all, sample) {
  const words = shown.filter((name) => sample?.scopes[name]).map((name) => {
    const figures = kind.lines.map((line) => line(sample.scopes[name]));
    const said = figures.map((value) => (value === null ? "–" : kind.format(value)));
    return [name, `${name} ${said.join(" · ")}`];
  });
  const out = holder.querySelector(".readout");
  const when = document.createElement("span");
  when.className = "when";
  when.textContent = sample ? clock.format(sample.at) : "…";
  out.replaceChildren(when, ...words.map(([name, text]) => {
    const span = document.createElement("span");
    span.className = series(all, name);
    span.textContent = text;
    return span;
  }));
  const title = document.getElementById(holder.getAttribute("aria-labelledby")).textContent;
  holder.frame.setAttribute("aria-label", `${title}: ${words.map(([, text]) => text).join("; ")}`);
}

/** The frame of a plot: labels stay HTML, so that they are not stretched. */
function prepare(holder) {
  holder.frame = document.createElement("div");
  holder.frame.className = "frame";
  holder.frame.tabIndex = 0;
  holder.frame.setAttribute("role", "img");
  holder.labels = [1, 0.5, 0].map((part) => {
    const label = document.createElement("span");
    label.className = `tick tick-${part * 10}`;
    holder.frame.append(label);
    return [part, label];
  });
  const times = document.createElement("div");
  times.className = "times";
  times.append(...TIMES.map((text) => Object.assign(document.createElement("span"), { textContent: text })));
  const out = document.createElement("div");
  out.className = "readout";
  holder.append(holder.frame, times, out);
  holder.frame.addEventListener("pointermove", (event) => {
    const box = holder.querySelector("svg").getBoundingClientRect();
    const across = ((event.clientX - box.left) / box.width) * WIDTH;
    const back = Math.round(((WIDTH - RIGHT - across) / (WIDTH - RIGHT)) * (KEPT - 1));
    point((samples.at(-1)?.number ?? 0) - back);
  });
  holder.frame.addEventListener("pointerleave", () => point(null));
  holder.frame.addEventListener("blur", () => point(null));
  holder.frame.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1, PageUp: -30, PageDown: 30 }[event.key];
    if (!step) return;
    event.preventDefault();
    point((moment ?? samples.at(-1)?.number ?? 0) + step);
  });
}

function point(at) {
  const first = samples[0]?.number;
  moment = at === null || first === undefined ? null : Math.min(Math.max(at, first), samples.at(-1).number);
  drawAll();
}

function drawAll() {
  const all = names();
  for (const holder of plots) draw(holder, all);
}

/** One button a scope, which shows and hides its lines. */
function legend() {
  const all = names();
  const holder = document.getElementById("legend");
  const known = [...holder.children].map((button) => button.textContent);
  if (known.join("\n") === all.join("\n")) return;
  holder.replaceChildren(...all.map((name) => {
    const button = document.createElement("button");
    button.type = "button";
    button.className = series(all, name);
    button.textContent = name;
    button.setAttribute("aria-pressed", String(!hidden.has(name)));
    button.addEventListener("click", () => {
      if (!hidden.delete(name)) hidden.add(name);
      button.setAttribute("aria-pressed", String(!hidden.has(name)));
      drawAll();
    });
    return button;
  }));
}

/** Puts in what the server wrote, unless somebody is just using the part. */
function replace(id, html) {
  const part = document.getElementById(id);
  if (!part || written.get(id) === html) return;
  const inUse = part !== document.activeElement && part.contains(document.activeElement);
  const selection = getSelection();
  const marked = !selection.isCollapsed && part.contains(selection.anchorNode);
  if (inUse || marked) return;
  part.innerHTML = html;
  written.set(id, html);
}

async function ask() {
  const after = samples.at(-1)?.number ?? 0;
  const reply = await fetch(`/live?after=${after}`, { headers: { accept: "application/json" }, cache: "no-store" });
  if (reply.status === 401) {
    location.reload();
    return;
  }
  if (!reply.ok) throw new Error(`the server answers ${reply.status}`);
  const live = await reply.json();
  every = live.every;
  if (live.last < after) {
    // Another process by now, whose numbers begin again.
    samples.length = 0;
    return ask();
  }
  samples.push(...live.samples);
  samples.splice(0, Math.max(0, samples.length - KEPT));
  for (const [id, html] of Object.entries(live.parts)) replace(id, html);
  legend();
  drawAll();
}

async function round() {
  try {
    if (!paused && !document.hidden) await ask();
    missed = 0;
  } catch {
    missed += 1;
  }
  document.getElementById("stale").hidden = missed < 3;
  timer = setTimeout(round, every);
}

const plots = [...document.querySelectorAll("[data-plot]")];
plots.forEach(prepare);
document.getElementById("plots").hidden = false;
const pause = document.getElementById("pause");
pause.addEventListener("click", () => {
  paused = !paused;
  pause.textContent = paused ? pause.dataset.on : pause.dataset.off;
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) {
    clearTimeout(timer);
    round();
  }
});
drawAll();
round();
