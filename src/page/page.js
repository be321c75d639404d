// The page: holds the view, and keeps plots, feed, buttons and address in step with it.
// Invariant: everything that is shown follows from the view; change(…) is the only way to change it.
import { Address } from "./address.js";
import { coloursFor } from "./channel_colours.js";
import { ChannelBook } from "./channel_book.js";
import { CloseUpPlace } from "./close_up_place.js";
import { Cursors } from "./cursors.js";
import { byId, colours } from "./dom.js";
import { Feed } from "./feed.js";
import { FeedView } from "./feed_view.js";
import { Finder, WIDE_PX } from "./finder.js";
import { labelButtons } from "./labels.js";
import { GoTo } from "./go_to.js";
import { endPlaying, goTo, live, play, spanOf, zoomTo } from "./navigation.js";
import { OperatorPanel } from "./operator.js";
import { PlotList } from "./plot_list.js";
import { PlotTarget } from "./plot_target.js";
import { retryNow } from "./qanat.js";
import { seriesColour } from "./series_colours.js";
import { SignIn } from "./sign_in.js";
import { Slide, timeAt } from "./slide.js";
import { SpanSelect } from "./span_select.js";
import { StatusLine } from "./status_line.js";
import { paletteOf } from "./theme.js";
import { TimeAxis } from "./time_axis.js";
import { isDataExpensive, saverText } from "./trend_choice.js";
import { emptyView, namesOf } from "./view.js";
import { viewAtStart } from "./view_at_start.js";
import { Watching } from "./watching.js";
import { YAxis } from "./y_axis.js";

/** @typedef {import("./view.js").View} View */

const part = (/** @type {string} */ id) => byId(id, HTMLElement);

export class Page {
  view = emptyView();
  watching = /** @type {Watching} */ (new Watching(this));
  feed = new Feed(this.watching.readers);
  status = new StatusLine(this.feed);
  /** Grows with each change of the theme. */
  themeCount = 0;
  #hover = /** @type {number | null} share of the width */ (null);
  #address = new Address();
  #palette = colours();
  look = () => ({
    time: this.view.time,
    colours: this.#palette,
    // A channel has the same colour in all plots.
    colour: (/** @type {string} */ name) => {
      const { isDark, series } = this.#palette;
      return seriesColour(series, this.view.colours.get(name) ?? 0, isDark);
    },
    cursors: this.view.cursors,
    trigger: this.watching.trigger.mark,
  });
  #closeUp = new CloseUpPlace(part("closeup"), {
    look: this.look,
    feed: this.feed,
    onClose: () => this.change({ closeUp: null }),
    onLook: (fromS, toS) => this.zoomTo(fromS, toS),
  });
  signIn = new SignIn(
    byId("sign-in", HTMLDialogElement),
    byId("session", HTMLButtonElement),
    () => this.#signedIn(),
  );
  channels = new ChannelBook({
    get: this.signIn.fetch,
    onNote: (text) => this.status.note(text),
    onRetry: (names) => this.#retry(names),
  });
  #shown = new FeedView(this.feed, this.channels, {
    onNewest: () => this.go(endPlaying(this.view, null)),
    onRefused: () => this.go(endPlaying(this.view, this.edgeS)),
  });
  goTo = new GoTo(byId("go-to", HTMLDialogElement), {
    get: this.signIn.fetch,
    page: this,
    onGo: (gpsS) =>
      this.go(goTo(this.view, { gpsS, newestS: this.feed.newestS })),
    onPlay: (edgeS, speed) => this.go(play(edgeS, speed)),
  });
  axis = new TimeAxis(part("axis"), this.look);
  plots = new PlotList(part("plots"), {
    look: this.look,
    onPlots: (all) => this.change({ plots: all }),
    onAxis: (card, onY) => this.#yAxis.open(card, onY),
    onInto: (card) => this.showFinder(true, card),
    onLimits: (card, onY) => this.watching.openLimits(card, onY),
    events: {
      onZoom: (fromS, toS) => this.zoomTo(fromS, toS),
      onReset: () => this.go(live(this.view)),
      onHover: (share) => (this.#hover = share),
      slide: new Slide(this),
      onCursor: (which, gpsS) => this.cursors.moveTo(which, gpsS),
    },
  });
  finder = new Finder(part("finder"), {
    get: this.signIn.fetch,
    isPicked: (name) => this.target.has(this.view.plots, name),
    onPick: (channel) => this.#pick(channel),
  });
  target = new PlotTarget(part("finder"), () => this.finder.mark());
  #spans = new SpanSelect(
    byId("span", HTMLSelectElement),
    (spanS) => this.go(spanOf(this.view, this.edgeS, spanS)),
  );
  cursors = new Cursors(part("cursors"), {
    shown: () => ({
      ...this.view,
      edgeS: this.edgeS,
      hoverS: this.hoverS,
      pixels: this.plots.pixels,
    }),
    onMove: (cursors) => this.slide({ cursors }),
  });
  #yAxis = new YAxis(byId("y-axis", HTMLDialogElement));
  #operator = new OperatorPanel(
    part("operator"),
    this.look,
    this.signIn.fetch,
  );

  constructor() {
    this.feed.onNote = (/** @type {string} */ text) => this.status.note(text);
    this.feed.onState = (state) => {
      this.signIn.notice(state);
      this.sayStatus();
    };
    this.feed.onStale = (/** @type {readonly string[]} */ names) => {
      this.channels.forget(names);
      this.change({});
    };
  }

  /** Shows what the address says, or the first view where the server has its channels. */
  async begin() {
    this.applyTheme();
    this.signIn.check();
    this.finder.show(innerWidth >= WIDE_PX);
    const view = await viewAtStart(this.channels, this.finder);
    await this.change(view, { keepAddress: true });
    if (this.isSaving) this.saySaver();
  }

  /** The newest time that is shown, GPS s. */
  get edgeS() {
    return this.playback?.edgeS ?? this.view.endS ?? this.feed.newestS;
  }

  /** The time under the mouse, GPS s. */
  get hoverS() {
    return timeAt(this.#hover, this.edgeS, this.view.spanS);
  }

  /** The panel of the close-up; null without one. */
  get closeUp() {
    return this.#closeUp.panel;
  }

  /** What plays; null while nothing does. */
  get playback() {
    return this.#shown.playback;
  }

  /** What the view is drawn from: bins, or rows (null). */
  get trend() {
    return this.#shown.trend;
  }

  /** Whether bins replace samples, so that less is sent. */
  get isSaving() {
    return this.view.saves ??
      isDataExpensive(/** @type {any} */ (navigator).connection ?? undefined);
  }

  /** @param {import("./navigation.js").Move} move */
  go({ changes, ...how }) {
    this.change(changes, how);
  }

  /**
   * @param {number} fromS
   * @param {number} toS
   */
  zoomTo(fromS, toS) {
    this.go(zoomTo(this.view, this.edgeS, { fromS, toS }));
  }

  /**
   * @param {Partial<View>} changes
   * @param {{ keepAddress?: boolean, isHere?: boolean, isSameStep?: boolean }} [how] isHere, isSameStep: as of a Move
   */
  async change(changes, how = {}) {
    const before = this.view;
    const next = { ...before, ...changes };
    const names = namesOf(next);
    const colours = coloursFor(names, next.colours);
    const view = this.view = { ...next, colours };
    if (!how.keepAddress) this.#address.keep(before, view, how);
    this.applyTheme();
    if (names.some((name) => !this.channels.has(name))) {
      await this.channels.learn(names);
    }
    this.plots.show(view.plots, view.columns);
    this.target.offer(this.plots.cards);
    this.watching.show(this.view);
    part("empty").hidden = this.plots.size > 0;
    part("axis").hidden = this.plots.size === 0;
    this.#shown.choose(view, {
      pixels: this.plots.pixels,
      saves: this.isSaving,
    });
    this.#closeUp.show(this.#shown.closeUp);
    part("credit").hidden = !names.some((name) => name.includes("GWOSC"));
    this.#shown.apply(view, how.isHere ?? false);
    this.#operator.show(this.view.operator);
    part("operator").hidden = !this.view.operator;
    this.#label();
    this.resize();
  }

  /** Without what other changes of the view need: a drag changes it with each picture. @param {Partial<View>} changes */
  slide(changes) {
    const before = this.view;
    this.view = { ...before, ...changes };
    this.#address.keep(before, this.view);
    this.cursors.say();
    this.#label();
  }

  /** Explains the data saver when it was switched. */
  saySaver() {
    this.status.note(saverText(this.isSaving, this.view.saves !== null));
  }

  applyTheme() {
    const palette = paletteOf(this.view.theme);
    if (palette === null) return;
    this.#palette = palette;
    this.themeCount++;
    this.plots.recolour();
  }

  sayStatus() {
    const isWaiting = this.playback?.isWaiting ?? false;
    const mark = this.watching.say();
    this.status.update({ ...this.view, isWaiting, mark });
    this.cursors.say();
  }

  resize() {
    this.axis.show(this.plots.arrange(this.view.columns));
    this.closeUp?.resize();
  }

  /**
   * @param {boolean} isOpen
   * @param {import("./plot_card.js").PlotCard | null} [into] the plot that picked channels go into; null: of their own
   */
  showFinder(isOpen, into = null) {
    this.finder.show(isOpen);
    this.target.choose(into);
    this.#label();
    this.resize();
    if (isOpen) this.finder.focus();
  }

  /** Continues with what was refused before. */
  #signedIn() {
    retryNow();
    this.channels.forgetUnknown();
    this.finder.again();
    if (location.hash === "" && this.plots.size === 0) this.begin();
    else this.change({}, { keepAddress: true });
  }

  /** @param {import("./series.js").Channel} channel */
  #pick(channel) {
    this.channels.add(channel);
    const plots = this.target.picked(this.view.plots, channel.name);
    if (typeof plots === "string") this.status.note(plots);
    else this.change({ plots });
  }

  /** @param {string[]} names */
  #retry(names) {
    const shown = namesOf(this.view);
    if (names.some((n) => shown.includes(n) && !this.channels.has(n))) {
      this.change({}, { keepAddress: true });
    }
  }

  #label() {
    labelButtons(this.view, this.isSaving, this.finder.isOpen);
    this.#spans.show(this.view.spanS);
  }
}
