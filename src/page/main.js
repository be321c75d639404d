// The page: holds the view, keeps plots, feed, buttons and address in step with it, and draws.
// Invariant: everything that is shown follows from the view; change(…) is the one way to change it.
import { gpsNow } from "./clock.js";
import { CloseUpPanel } from "./close_up.js";
import { CopyAs } from "./copy_as.js";
import { byId, colours } from "./dom.js";
import { Feed } from "./feed.js";
import { Finder } from "./finder.js";
import { keysOf, showHelp } from "./keys.js";
import { describe } from "./known.js";
import { live, pan, pause, spanOf, zoom, zoomTo } from "./navigation.js";
import { OperatorPanel } from "./operator.js";
import { PlotList } from "./plot_list.js";
import { SpanSelect } from "./span_select.js";
import { StatusLine } from "./status_line.js";
import { TimeAxis } from "./time_axis.js";
import { trendOf, wantsToSave } from "./trend_choice.js";
import { emptyView, firstView, hashOf, namesOf, viewOf } from "./view.js";

/** @typedef {import("./view.js").View} View */
/** @typedef {import("./series.js").Channel} Channel */

/** From this width on the finder is open from the start. */
const WIDE_PX = 1100;
/** The close-up's last time round may lie so much further back than its period. */
const REACH_MARGIN_S = 2;
/** Beside the plots: axis and padding. */
const PLOT_MARGIN_PX = 80;
/** Steps in which a span of bins moves. */
const STEPS = 2000;
const AGAIN_MS = 3000;
const UNKNOWN_AGAIN_MS = 30_000;
const CALM_MS = 250;
const NEW_MS = 700;
/** How quickly the edge follows the streams' delay, of the way a picture. */
const DELAY_SHARE = 0.03;

let view = emptyView();
/** What the view is drawn from: bins, or rows. @type {import("./qanat.d.ts").Trend | null} */
let trend = null;
/** What the feed was last told. */
let fed = view;
/** @type {Map<string, Channel>} */
const channels = new Map();
/** Names that the server does not know, and what it says; not asked again until a time of performance.now(). @type {Map<string, { why: string, untilMs: number }>} */
const unknown = new Map();
/** @type {CloseUpPanel | null} */
let closeUp = null;
let closeUpKey = "";
/** @type {number | null} */
let hoverS = null;
let palette = colours();
let themeCount = 0;

const part = (/** @type {string} */ id) => byId(id, HTMLElement);
const button = (/** @type {string} */ id) => byId(id, HTMLButtonElement);
const dark = matchMedia("(prefers-color-scheme: dark)");
const calm = matchMedia("(prefers-reduced-motion: reduce)");
const look = () => ({ time: view.time, colours: palette, colour: colourOf });

const feed = new Feed();
const status = new StatusLine(feed);
const axis = new TimeAxis(part("axis"), look);
const plots = new PlotList(part("plots"), {
  look,
  onPlots: (all) => change({ plots: all }),
  events: {
    onZoom: (fromS, toS) => go(zoomTo(view, edgeS(), { fromS, toS })),
    onReset: () => go(live(view)),
    onHover: (gpsS) => (hoverS = gpsS),
  },
});
const finder = new Finder(part("finder"), {
  isPicked: (name) => view.plots.some((p) => p.name === name),
  onPick: (channel) => {
    const { name } = channel;
    channels.set(name, channel);
    const rest = view.plots.filter((p) => p.name !== name);
    const isNew = rest.length === view.plots.length;
    change({ plots: isNew ? [...rest, { kind: "series", name }] : rest });
  },
});
const spans = new SpanSelect(
  byId("span", HTMLSelectElement),
  (spanS) => go(spanOf(view, edgeS(), spanS)),
);
const operator = new OperatorPanel(part("operator"), look);
const copyAs = new CopyAs(byId("copy-as", HTMLDialogElement), () => ({
  names: [...new Set(view.plots.map((p) => p.name))],
  live: view.endS === null,
  fromS: edgeS() - view.spanS,
  toS: edgeS(),
  spanS: view.spanS,
  trend,
}));

feed.onNote = (/** @type {string} */ text) => status.note(text);
feed.onState = () => sayStatus();
feed.onStale = (/** @type {readonly string[]} */ names) => {
  for (const name of names) channels.delete(name);
  change({});
};

/** The newest time that is shown, GPS s. */
function edgeS() {
  return view.endS ?? gpsNow() - feed.delayS;
}

/** The same channel has the same colour in all plots. @param {string} name */
function colourOf(name) {
  const at = Math.max(namesOf(view).indexOf(name), 0);
  return palette.series[at % palette.series.length];
}

/** @param {import("./navigation.js").Move} move */
function go({ changes, isHere }) {
  change(changes, { isHere });
}

/**
 * @param {Partial<View>} changes
 * @param {{ keepAddress?: boolean, isHere?: boolean }} [options] isHere: the span is on the screen already
 */
async function change(changes, { keepAddress = false, isHere = false } = {}) {
  view = { ...view, ...changes };
  if (!keepAddress) history.replaceState(null, "", `#${hashOf(view)}`);
  applyTheme();
  const names = namesOf(view);
  if (names.some((name) => !channels.has(name))) await know(names);
  plots.show(view.plots);
  part("empty").hidden = plots.size > 0;
  part("axis").hidden = plots.size === 0;
  chooseTrend();
  applyCloseUp();
  applyFeed(isHere);
  operator.show(view.operator);
  part("operator").hidden = !view.operator;
  finder.mark();
  label();
  resize();
}

/** Whether bins stand for samples, to save data. */
function saves() {
  return view.saves ??
    wantsToSave(/** @type {any} */ (navigator).connection ?? undefined);
}

function chooseTrend() {
  const strides = namesOf(view).flatMap((name) =>
    channels.get(name)?.stride_ns ?? []
  );
  const width = Math.max(part("plots").clientWidth - PLOT_MARGIN_PX, 200);
  trend = trendOf({
    spanS: view.spanS,
    pixels: width * devicePixelRatio,
    saves: saves(),
    strides,
  });
}

/** The close-up, where there are samples for it. */
function closeUpOf() {
  return trend === null ? view.closeUp : null;
}

/** @param {boolean} isHere */
function applyFeed(isHere) {
  const before = fed;
  fed = view;
  const { endS, spanS } = view;
  const wanted = namesOf(view).map((name) => channels.get(name))
    .filter((c) => c !== undefined);
  const close = closeUpOf();
  const reach = close ? close.everyS + close.widthS + REACH_MARGIN_S : 0;
  const isNew = wanted.some(({ name }) => !feed.series.has(name));
  if (endS === null) {
    feed.show(wanted, Math.max(spanS, reach), trend);
    if (feed.isHeld) feed.release();
    return;
  }
  // What is on the screen already only stands still.
  const isInside = before.endS !== null && endS <= before.endS + 1e-6 &&
    endS - spanS >= before.endS - before.spanS - 1e-6;
  if ((isHere || isInside) && !isNew && feed.trend === trend) {
    feed.hold();
    return feed.keep(wanted);
  }
  feed.show(wanted, Math.max(spanS * 1.5, 4), trend);
  feed.load(endS - spanS * 1.25, endS + spanS * 0.25);
}

/** Asks the server what it knows of names. @param {string[]} names */
async function know(names) {
  const nowMs = performance.now();
  const asked = names.filter((name) =>
    !channels.has(name) && nowMs >= (unknown.get(name)?.untilMs ?? 0)
  );
  if (asked.length === 0) return;
  try {
    const told = await describe(asked, (path) => fetch(path));
    for (const [name, channel] of told.found) {
      channels.set(name, channel);
      unknown.delete(name);
    }
    for (const [name, why] of told.unknown) {
      unknown.set(name, { why, untilMs: nowMs + UNKNOWN_AGAIN_MS });
    }
    if (told.unknown.size === 0) return;
    setTimeout(() => again([...told.unknown.keys()]), UNKNOWN_AGAIN_MS);
  } catch {
    status.note("The server does not answer; trying again");
    setTimeout(() => again(asked), AGAIN_MS);
  }
}

/** @param {string[]} names */
function again(names) {
  if (names.some((n) => namesOf(view).includes(n) && !channels.has(n))) {
    change({}, { keepAddress: true });
  }
}

function applyCloseUp() {
  const wanted = closeUpOf();
  const key = JSON.stringify(wanted);
  part("closeup").hidden = wanted === null;
  part("credit").hidden = !namesOf(view).some((n) => n.includes("GWOSC"));
  if (key === closeUpKey) return;
  closeUpKey = key;
  closeUp?.close();
  closeUp = wanted && new CloseUpPanel(part("closeup"), wanted, {
    look,
    feed,
    onClose: () => change({ closeUp: null }),
    onLook: (fromS, toS) => go(zoomTo(view, edgeS(), { fromS, toS })),
  });
}

function applyTheme() {
  const system = dark.matches ? "dark" : "light";
  const theme = view.theme === "auto" ? system : view.theme;
  if (document.documentElement.dataset.theme === theme) return;
  document.documentElement.dataset.theme = theme;
  palette = colours();
  themeCount++;
  plots.recolour();
}

function label() {
  const isPaused = view.endS !== null;
  button("pause").textContent = isPaused ? "Go on" : "Pause";
  button("pause").classList.toggle("primary", isPaused);
  button("time").textContent = view.time.toUpperCase();
  const themes = { auto: "Auto", dark: "Dark", light: "Light" };
  button("theme").textContent = themes[view.theme];
  button("operator-open").setAttribute("aria-pressed", String(view.operator));
  button("find").setAttribute("aria-expanded", String(finder.isOpen));
  button("save").setAttribute("aria-pressed", String(saves()));
  spans.show(view.spanS);
}

function sayStatus() {
  status.update({ isPaused: view.endS !== null, time: view.time });
}

function resize() {
  axis.resize(plots.resize());
  closeUp?.resize();
}

/** Why there is nothing at the right edge. @param {import("./series.js").Series} series */
function pendingOf(series) {
  const { state, ring, strideS, trend: bins } = series;
  if (view.endS !== null) return "";
  if (state.state === "waiting") {
    return `connection lost (${state.reason ?? "?"})`;
  }
  // What is there in a moment needs no words.
  const isNew = performance.now() - series.dataMs < NEW_MS;
  if (state.state === "connecting") return isNew ? "" : "connecting";
  if (state.state === "refused") return "refused";
  if (state.state === "ended") return `ended (${state.reason ?? "?"})`;
  if (ring.end === 0) return isNew ? "" : "waiting for the first row";
  const lateS = edgeS() - ring.endS;
  // The bin that is going on is not to come yet.
  return lateS > Math.max(2.5 * strideS, bins ? 10 : 1) ? "nothing came" : "";
}

/** What has failed, so that it is said once. @type {Set<string>} */
const failures = new Set();

/**
 * Draws a part of the page; what fails in it stops nothing else.
 * @param {string} name
 * @param {() => void} paint
 */
function attempt(name, paint) {
  try {
    paint();
  } catch (error) {
    const text = `The ${name} failed: ${/** @type {Error} */ (error).message}`;
    if (failures.has(text)) return;
    failures.add(text);
    // deno-lint-ignore no-console -- for who looks into it, with its stack
    console.error(text, error);
    status.note(text);
  }
}

const figures = { frames: 0, drawMs: 0 };
let drawnMs = 0;

function frame(/** @type {number} */ nowMs) {
  requestAnimationFrame(frame);
  if (calm.matches && nowMs - drawnMs < CALM_MS) return;
  drawnMs = nowMs;
  const begun = performance.now();
  feed.delayS += (feed.targetDelayS() - feed.delayS) * DELAY_SHARE;
  // Bins move by half a pixel or so, and are not painted again in between.
  const stepS = trend && view.endS === null ? view.spanS / STEPS : 0;
  const toS = stepS > 0 ? Math.floor(edgeS() / stepS) * stepS : edgeS();
  const fromS = toS - view.spanS;
  const isSaving = saves();
  const version = `${feed.version} ${themeCount} ${view.time}`;
  plots.draw((card) => {
    const { name } = card.spec;
    const series = feed.series.get(name);
    if (!series) return card.refuse(unknown.get(name)?.why ?? "");
    const pending = pendingOf(series);
    card.draw(series, {
      fromS,
      toS,
      version: version + pending,
      pending,
      hoverS,
      saves: isSaving,
    });
  });
  if (plots.size > 0) attempt("time axis", () => axis.draw(fromS, toS));
  attempt("close-up", () => closeUp?.draw(`${themeCount} ${view.time}`));
  figures.frames++;
  figures.drawMs += performance.now() - begun;
}

/** @param {boolean} isOpen */
function showFinder(isOpen) {
  finder.show(isOpen);
  label();
  resize();
  if (isOpen) finder.focus();
}

/** What keys and buttons do. @type {Record<string, () => void>} */
const actions = {
  find: () => showFinder(true),
  pause: () => go(pause(view, edgeS())),
  live: () => go(live(view)),
  earlier: () => go(pan(view, edgeS(), { direction: -1, newestS: Infinity })),
  later: () => {
    const newestS = gpsNow() - feed.delayS;
    go(pan(view, edgeS(), { direction: 1, newestS }));
  },
  in: () => go(zoom(view, edgeS(), -1)),
  out: () => go(zoom(view, edgeS(), 1)),
  hour: () => change({ spanS: 3600, endS: null }),
  save: () => change({ saves: !saves() }),
  time: () => change({ time: view.time === "utc" ? "gps" : "utc" }),
  theme: () => {
    const order = /** @type {const} */ (["auto", "dark", "light"]);
    change({ theme: order[(order.indexOf(view.theme) + 1) % order.length] });
  },
  copy: () => copyAs.open(),
  operator: () => change({ operator: !view.operator }),
  help: () => showHelp(byId("help", HTMLDialogElement)),
  next: () => plots.focus(1),
  previous: () => plots.focus(-1),
  remove: () => plots.actFocused("remove"),
  up: () => plots.actFocused("up"),
  down: () => plots.actFocused("down"),
  leave: () => {
    if (finder.isOpen && innerWidth < WIDE_PX) showFinder(false);
  },
};

function listen() {
  document.addEventListener("keydown", keysOf(actions));
  for (
    const name of [
      "pause",
      "earlier",
      "later",
      "in",
      "out",
      "time",
      "theme",
      "copy",
      "save",
    ]
  ) button(name).onclick = () => actions[name]();
  button("operator-open").onclick = actions.operator;
  button("help-open").onclick = actions.help;
  const { connection } = /** @type {any} */ (navigator);
  connection?.addEventListener?.("change", () => {
    if (view.saves === null) change({}, { keepAddress: true });
  });
  button("find").onclick = () => showFinder(!finder.isOpen);
  addEventListener("hashchange", () => {
    const wanted = viewOf(location.hash);
    if (wanted && hashOf(wanted) !== hashOf(view)) {
      change(wanted, { keepAddress: true });
    }
  });
  dark.addEventListener("change", applyTheme);
  new ResizeObserver(resize).observe(part("plots"));
  setInterval(sayStatus, 250);
}

async function begin() {
  applyTheme();
  listen();
  finder.show(innerWidth >= WIDE_PX);
  let wanted = viewOf(location.hash);
  if (!wanted) {
    const first = firstView();
    await know(namesOf(first));
    const isThere = namesOf(first).every((name) => channels.has(name));
    wanted = isThere ? first : emptyView();
    if (!isThere) finder.show(true);
  }
  await change(wanted, { keepAddress: true });
  requestAnimationFrame(frame);
}

/** For tests and the curious. */
Object.assign(globalThis, {
  qanatPage: {
    figures: () => ({ ...figures, rows: feed.rows, delayS: feed.delayS }),
    view: () => view,
    series: (/** @type {string} */ name) => feed.series.get(name),
    closeUpS: () => closeUp?.shownS,
    edgeS,
  },
});

begin();
