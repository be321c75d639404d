// The page: holds the view, and keeps plots, feed, buttons and address in step with it.
// Invariant: everything that is shown follows from the view; change(…) is the only way to change it.
import { ChannelBook } from "./channel_book.js";
import { gpsNow } from "./clock.js";
import { CloseUpPanel } from "./close_up.js";
import { CopyAs } from "./copy_as.js";
import { byId, colours } from "./dom.js";
import { Feed } from "./feed.js";
import { Finder } from "./finder.js";
import { labelButtons } from "./labels.js";
import { live, spanOf, zoomTo } from "./navigation.js";
import { OperatorPanel } from "./operator.js";
import { PlotList } from "./plot_list.js";
import { retryNow } from "./qanat.js";
import { SignIn } from "./sign_in.js";
import { SpanSelect } from "./span_select.js";
import { StatusLine } from "./status_line.js";
import { paletteOf } from "./theme.js";
import { TimeAxis } from "./time_axis.js";
import { isDataExpensive, trendOf } from "./trend_choice.js";
import { emptyView, firstView, hashOf, namesOf, viewOf } from "./view.js";

/** @typedef {import("./view.js").View} View */

/** From this width on the finder is open from the start. */
export const WIDE_PX = 1100;
/** The feed keeps so much more than one period of the close-up, s. */
const REACH_MARGIN_S = 2;

const part = (/** @type {string} */ id) => byId(id, HTMLElement);

export class Page {
  view = emptyView();
  /** What the view is drawn from: bins, or rows (null). @type {import("./qanat.d.ts").Trend | null} */
  trend = null;
  feed = new Feed();
  status = new StatusLine(this.feed);
  /** Grows with each change of the theme. */
  themeCount = 0;
  /** The time under the mouse, GPS s. @type {number | null} */
  hoverS = null;
  /** @type {CloseUpPanel | null} */
  closeUp = null;
  #closeUpKey = "";
  /** The view that the feed has been given. */
  #fedView = this.view;
  #palette = colours();
  #look = () => ({
    time: this.view.time,
    colours: this.#palette,
    colour: (/** @type {string} */ name) => this.#colourOf(name),
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
  axis = new TimeAxis(part("axis"), this.#look);
  plots = new PlotList(part("plots"), {
    look: this.#look,
    onPlots: (all) => this.change({ plots: all }),
    events: {
      onZoom: (fromS, toS) => this.zoomTo(fromS, toS),
      onReset: () => this.go(live(this.view)),
      onHover: (gpsS) => (this.hoverS = gpsS),
    },
  });
  finder = new Finder(part("finder"), {
    get: this.signIn.fetch,
    isPicked: (name) => this.view.plots.some((p) => p.name === name),
    onPick: (channel) => this.#pick(channel),
  });
  #spans = new SpanSelect(
    byId("span", HTMLSelectElement),
    (spanS) => this.go(spanOf(this.view, this.edgeS, spanS)),
  );
  #operator = new OperatorPanel(
    part("operator"),
    this.#look,
    this.signIn.fetch,
  );
  copyAs = new CopyAs(byId("copy-as", HTMLDialogElement), () => ({
    names: [...new Set(this.view.plots.map((p) => p.name))],
    live: this.view.endS === null,
    fromS: this.edgeS - this.view.spanS,
    toS: this.edgeS,
    spanS: this.view.spanS,
    trend: this.trend,
  }));

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
    let view = viewOf(location.hash);
    if (!view) {
      const first = firstView();
      await this.channels.learn(namesOf(first));
      const isThere = namesOf(first).every((name) => this.channels.has(name));
      view = isThere ? first : emptyView();
      if (!isThere) this.finder.show(true);
    }
    await this.change(view, { keepAddress: true });
  }

  /** The newest time that is shown, GPS s. */
  get edgeS() {
    return this.view.endS ?? gpsNow() - this.feed.delayS;
  }

  /** Whether bins replace samples, to save data. */
  get isSaving() {
    return this.view.saves ??
      isDataExpensive(/** @type {any} */ (navigator).connection ?? undefined);
  }

  /** @param {import("./navigation.js").Move} move */
  go({ changes, isHere }) {
    this.change(changes, { isHere });
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
   * @param {{ keepAddress?: boolean, isHere?: boolean }} [options] isHere: the span is on the screen already
   */
  async change(changes, { keepAddress = false, isHere = false } = {}) {
    this.view = { ...this.view, ...changes };
    const { view } = this;
    if (!keepAddress) history.replaceState(null, "", `#${hashOf(view)}`);
    this.applyTheme();
    const names = namesOf(view);
    if (names.some((name) => !this.channels.has(name))) {
      await this.channels.learn(names);
    }
    this.plots.show(this.view.plots);
    part("empty").hidden = this.plots.size > 0;
    part("axis").hidden = this.plots.size === 0;
    this.#chooseTrend();
    this.#applyCloseUp();
    this.#applyFeed(isHere);
    this.#operator.show(this.view.operator);
    part("operator").hidden = !this.view.operator;
    this.finder.mark();
    this.#label();
    this.resize();
  }

  applyTheme() {
    const palette = paletteOf(this.view.theme);
    if (palette === null) return;
    this.#palette = palette;
    this.themeCount++;
    this.plots.recolour();
  }

  sayStatus() {
    const { endS, time } = this.view;
    this.status.update({ isPaused: endS !== null, time });
  }

  resize() {
    this.axis.resize(this.plots.resize());
    this.closeUp?.resize();
  }

  /** @param {boolean} isOpen */
  showFinder(isOpen) {
    this.finder.show(isOpen);
    this.#label();
    this.resize();
    if (isOpen) this.finder.focus();
  }

  /** A channel has the same colour in all plots. @param {string} name */
  #colourOf(name) {
    const { series } = this.#palette;
    const at = Math.max(namesOf(this.view).indexOf(name), 0);
    return series[at % series.length];
  }

  /** Continues with what was refused before. */
  #signedIn() {
    retryNow();
    this.channels.forgetUnknown();
    this.finder.again();
    if (location.hash === "" && this.plots.size === 0) this.begin();
    else this.change({}, { keepAddress: true });
  }

  /** Adds a channel's plot, or removes all of its plots. @param {import("./series.js").Channel} channel */
  #pick(channel) {
    const { name } = channel;
    this.channels.add(channel);
    const { plots } = this.view;
    const rest = plots.filter((p) => p.name !== name);
    const isNew = rest.length === plots.length;
    this.change({ plots: isNew ? [...rest, { kind: "series", name }] : rest });
  }

  /** @param {string[]} names */
  #retry(names) {
    const shown = namesOf(this.view);
    if (names.some((n) => shown.includes(n) && !this.channels.has(n))) {
      this.change({}, { keepAddress: true });
    }
  }

  #chooseTrend() {
    const strides = namesOf(this.view).flatMap((name) =>
      this.channels.get(name)?.stride_ns ?? []
    );
    this.trend = trendOf({
      spanS: this.view.spanS,
      pixels: this.plots.pixels,
      saves: this.isSaving,
      strides,
    });
  }

  /** The close-up; null where there are no samples for it. */
  get #closeUpView() {
    return this.trend === null ? this.view.closeUp : null;
  }

  /** @param {boolean} isHere */
  #applyFeed(isHere) {
    const before = this.#fedView;
    const { feed, trend, view } = this;
    this.#fedView = view;
    const { endS, spanS } = view;
    const shown = namesOf(view).map((name) => this.channels.get(name))
      .filter((c) => c !== undefined);
    const close = this.#closeUpView;
    const reach = close ? close.everyS + close.widthS + REACH_MARGIN_S : 0;
    const isNew = shown.some(({ name }) => !feed.series.has(name));
    if (endS === null) {
      feed.show(shown, Math.max(spanS, reach), trend);
      if (feed.isHeld) feed.release();
      return;
    }
    const isInside = before.endS !== null && endS <= before.endS + 1e-6 &&
      endS - spanS >= before.endS - before.spanS - 1e-6;
    // The feed has these samples already: nothing to read.
    if ((isHere || isInside) && !isNew && feed.trend === trend) {
      feed.hold();
      return feed.keep(shown);
    }
    feed.show(shown, Math.max(spanS * 1.5, 4), trend);
    feed.load(endS - spanS * 1.25, endS + spanS * 0.25);
  }

  #applyCloseUp() {
    const view = this.#closeUpView;
    const key = JSON.stringify(view);
    part("closeup").hidden = view === null;
    part("credit").hidden = !namesOf(this.view).some((n) =>
      n.includes("GWOSC")
    );
    if (key === this.#closeUpKey) return;
    this.#closeUpKey = key;
    this.closeUp?.close();
    this.closeUp = view && new CloseUpPanel(part("closeup"), view, {
      look: this.#look,
      feed: this.feed,
      onClose: () => this.change({ closeUp: null }),
      onLook: (fromS, toS) => this.zoomTo(fromS, toS),
    });
  }

  #label() {
    labelButtons(this.view, this.isSaving, this.finder.isOpen);
    this.#spans.show(this.view.spanS);
  }
}
