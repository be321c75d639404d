// What the page does with spectra: opens their settings, adds plots of two channels, keeps references.
import { byId } from "./dom.js";
import { keyOf, onceEach, withSpectral } from "./plot_actions.js";
import { channelsOf } from "./plot_spec.js";
import { SpectralDialog } from "./spectral_dialog.js";

/** @typedef {import("./plot_card.js").PlotCard} PlotCard */

export class Spectra {
  #page;
  #dialog = new SpectralDialog(byId("spectra", HTMLDialogElement));

  /** @param {import("./page.js").Page} page */
  constructor(page) {
    this.#page = page;
  }

  /** What keys do. @returns {Record<string, () => void>} */
  get actions() {
    return {
      spectra: () => this.open(),
      reference: () => this.toggleReference(),
    };
  }

  /** Opens the settings of a plot; without one, those of the plot that has the focus, or of the first of spectra. @param {PlotCard} [card] */
  open(card = this.#card((c) => c.spec.kind !== "series")) {
    const { channels, status, view } = this.#page;
    if (!card) return status.note("There is no plot yet");
    const { name } = card.spec;
    const channel = channels.get(name);
    if (!channel) return status.note(channels.whyUnknown(name));
    const shown = new Set(view.plots.flatMap(channelsOf));
    const others = [...shown].filter((other) =>
      other !== name &&
      channels.get(other)?.sample_rate === channel.sample_rate
    );
    this.#dialog.open({
      spec: card.spec,
      rate: Math.max(
        ...channelsOf(card.spec).map((n) => channels.get(n)?.sample_rate ?? 1),
      ),
      others,
      hasReference: card.hasReference,
      onOptions: (options) => {
        const key = keyOf(card.spec);
        this.#show(
          this.#page.view.plots.map((plot) =>
            keyOf(plot) === key ? withSpectral(plot, options) : plot
          ),
        );
      },
      onPair: (kind, other, options) =>
        this.#addPair(
          card,
          withSpectral({ kind, name, more: [other] }, options),
        ),
      onReference: () => this.#page.status.note(card.toggleReference()),
    });
  }

  /** Keeps the reference of the plot that has the focus, or of the first that can have one, or removes it. */
  toggleReference() {
    const card = this.#card((c) => c.hasReference !== null);
    this.#page.status.note(
      card && card.hasReference !== null
        ? card.toggleReference()
        : "There is no spectrum that could be kept as a reference: add one (◺)",
    );
  }

  /**
   * The plot that has the focus; else the first one of these; else the first.
   * @param {(card: PlotCard) => boolean} isOne
   */
  #card(isOne) {
    const { plots } = this.#page;
    const cards = [...plots.cards];
    return plots.focused ?? cards.find(isOne) ?? cards[0];
  }

  /**
   * @param {PlotCard} card
   * @param {import("./plot_spec.js").PlotSpec} spec
   */
  #addPair(card, spec) {
    const { plots } = this.#page.view;
    const at = plots.findIndex((p) => keyOf(p) === keyOf(card.spec));
    this.#show(onceEach(plots.toSpliced(at + 1, 0, spec)));
  }

  /** @param {import("./plot_spec.js").PlotSpec[]} plots */
  #show(plots) {
    this.#page.change({ plots });
  }
}
