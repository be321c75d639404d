// What keys and buttons do.
import { CopyAs } from "./copy_as.js";
import { ChannelCard, focusedName } from "./channel_card.js";
import { byId } from "./dom.js";
import { DownloadDialog } from "./download.js";
import { WIDE_PX } from "./finder.js";
import { toggleFullScreen } from "./full_screen.js";
import { Spectra } from "./spectra.js";
import { keysOf, showHelp } from "./keys.js";
import { layoutActions, setColumns } from "./layout_actions.js";
import { LoudestDialog } from "./loudest.js";
import { live, pan, pause, pausedAt, play, zoom } from "./navigation.js";
import { hashOf, namesOf, viewOf } from "./view.js";

/** @typedef {import("./page.js").Page} Page */

const STATUS_MS = 250;
/** A longer step of a cursor. */
const FAR_PX = 20;
/** Buttons that are called as their actions. */
const BUTTONS = [
  "pause",
  "earlier",
  "later",
  "in",
  "out",
  "go",
  "time",
  "theme",
  "copy",
  "save",
];

/** @param {Page} page */
function downloadOf(page) {
  return new DownloadDialog(byId("download", HTMLDialogElement), {
    get: page.signIn.fetch,
    shown: () => ({
      channels: namesOf({ ...page.view, closeUp: null, trigger: null })
        .flatMap((name) => page.channels.get(name) ?? []),
      fromS: page.edgeS - page.view.spanS,
      toS: page.edgeS,
      trend: page.trend,
      time: page.view.time,
      plots: page.plots.cards,
      look: page.look,
    }),
  });
}

/** @param {Page} page */
function copyAsOf(page) {
  return new CopyAs(byId("copy-as", HTMLDialogElement), () => ({
    names: namesOf({ ...page.view, closeUp: null, trigger: null }),
    live: page.view.endS === null,
    fromS: page.edgeS - page.view.spanS,
    toS: page.edgeS,
    trend: page.trend,
    rateOf: (name) => page.channels.get(name)?.sample_rate,
    // Of a live view, too, at this moment: later it shows something else.
    hash: hashOf({ ...page.view, ...pausedAt(page.edgeS) }),
  }));
}

/** What is done to the plot that has the focus, or to all. @param {Page} page */
function plotActionsOf(page) {
  return {
    next: () => page.plots.focus(1),
    previous: () => page.plots.focus(-1),
    axis: () => page.plots.setFocused("axis"),
    limits: () => page.plots.setFocused("limits"),
    into: () => {
      if (page.plots.pickIntoFocused()) return;
      page.status.note(
        "Channels go into plots over time: choose one with j and k first",
      );
    },
    remove: () => page.plots.actFocused("remove"),
    up: () => page.plots.actFocused("up"),
    down: () => page.plots.actFocused("down"),
    ...layoutActions(page),
    full: () => {
      const element = page.plots.focused?.element ?? document.documentElement;
      toggleFullScreen(element).catch(({ message }) =>
        page.status.note(`Full screen: ${message}`)
      );
    },
  };
}

/** Opens cards of channels; their buttons are in the list and in the plots. @param {Page} page */
function cardsOf(page) {
  const card = new ChannelCard(byId("channel", HTMLDialogElement), {
    get: page.signIn.fetch,
    channels: page.channels,
    time: () => page.view.time,
  });
  document.addEventListener("click", ({ target }) => {
    const button = /** @type {Element} */ (target).closest("[data-card]");
    if (button instanceof HTMLElement) card.open(button.dataset.card ?? "");
  });
  return () => {
    const name = focusedName();
    if (name === undefined) page.status.note("Pick a channel first");
    else card.open(name);
  };
}

/** @param {Page} page @returns {Record<string, () => void>} */
function cursorActionsOf({ cursors }) {
  return {
    a: () => cursors.place(0),
    b: () => cursors.place(1),
    cursors: () => cursors.toggle(),
    left: () => cursors.nudge(-1),
    right: () => cursors.nudge(1),
    farLeft: () => cursors.nudge(-FAR_PX),
    farRight: () => cursors.nudge(FAR_PX),
  };
}

/** @param {Page} page @returns {Record<string, () => void>} */
function actionsOf(page) {
  const copyAs = copyAsOf(page);
  const download = downloadOf(page);
  const pannedTo = (
    /** @type {-1 | 1} */ direction,
    /** @type {number} */ newestS,
  ) => page.go(pan(page.view, page.edgeS, { direction, newestS }));
  return {
    ...plotActionsOf(page),
    find: () => page.showFinder(true),
    pause: () => page.go(pause(page.view, page.edgeS)),
    live: () => page.go(live(page.view)),
    earlier: () => pannedTo(-1, Infinity),
    later: () => pannedTo(1, page.feed.newestS),
    in: () => page.go(zoom(page.view, page.edgeS, -1)),
    out: () => page.go(zoom(page.view, page.edgeS, 1)),
    go: () => page.goTo.open(),
    play: () => playOrPause(page),
    hour: () => page.change({ spanS: 3600, endS: null, speed: null }),
    save: () => {
      page.change({ saves: !page.isSaving });
      page.saySaver();
    },
    time: () => page.change({ time: page.view.time === "utc" ? "gps" : "utc" }),
    theme: () => {
      const order = /** @type {const} */ (["auto", "dark", "light"]);
      const at = order.indexOf(page.view.theme);
      page.change({ theme: order[(at + 1) % order.length] });
    },
    copy: () => copyAs.open(),
    download: () => download.open(),
    operator: () => page.change({ operator: !page.view.operator }),
    help: () => showHelp(byId("help", HTMLDialogElement)),
    ...cursorActionsOf(page),
    card: cardsOf(page),
    wall: () => page.change({ wall: !page.view.wall }),
    leave: () => {
      if (page.view.wall) page.change({ wall: false });
      const { card } = page.target;
      if (page.finder.isOpen && innerWidth < WIDE_PX) page.showFinder(false);
      else if (!card) {
        page.watching.acknowledge(page.plots.focused?.spec);
      }
      page.target.choose(null);
      card?.element.focus();
    },
  };
}

/** Plays on from what is paused, or pauses what plays. @param {Page} page */
function playOrPause(page) {
  const { endS, speed } = page.view;
  if (endS === null) {
    return page.status.note("It is live: pause, or go to a time (g), to play");
  }
  page.go(
    speed === null
      ? play(page.edgeS, page.goTo.speed)
      : pause(page.view, page.edgeS),
  );
}

/** Makes the page follow keys, buttons, the address, the theme and the window. @param {Page} page */
export function listen(page) {
  const button = (/** @type {string} */ id) => byId(id, HTMLButtonElement);
  const spectra = new Spectra(page);
  page.plots.onSpectra = (card) => spectra.open(card);
  const actions = { ...actionsOf(page), ...spectra.actions };
  document.addEventListener("keydown", keysOf(actions));
  for (const name of BUTTONS) button(name).onclick = () => actions[name]();
  const loudest = new LoudestDialog(byId("loudest", HTMLDialogElement), page);
  byId("finder", HTMLElement).querySelector(".found")?.after(loudest.button());
  const columns = byId("columns", HTMLSelectElement);
  columns.onchange = () => {
    setColumns(page, Number(columns.value));
    // Keys act on the page again.
    columns.blur();
  };
  button("cursors-open").onclick = actions.cursors;
  button("layouts-open").onclick = actions.layouts;
  button("download-open").onclick = actions.download;
  button("operator-open").onclick = actions.operator;
  button("help-open").onclick = actions.help;
  button("find").onclick = () => page.showFinder(!page.finder.isOpen);
  const { connection } = /** @type {any} */ (navigator);
  connection?.addEventListener?.("change", () => {
    if (page.view.saves !== null) return;
    page.change({}, { keepAddress: true });
    page.saySaver();
  });
  addEventListener("hashchange", () => {
    const view = viewOf(location.hash);
    if (view && hashOf(view) !== hashOf(page.view)) {
      page.change(view, { keepAddress: true });
    }
  });
  matchMedia("(prefers-color-scheme: dark)")
    .addEventListener("change", () => page.applyTheme());
  new ResizeObserver(() => page.resize()).observe(byId("plots", HTMLElement));
  const head = document.querySelector("header.top");
  new ResizeObserver(([{ borderBoxSize: [{ blockSize }] }]) =>
    document.documentElement.style.setProperty("--head", `${blockSize}px`)
  ).observe(/** @type {Element} */ (head));
  setInterval(() => {
    page.sayStatus();
    page.finder.heard(page.feed.series);
  }, STATUS_MS);
}
