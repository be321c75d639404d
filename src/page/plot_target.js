// Where a channel goes that is picked in the list: into a plot of its own, or into one that is there already.
// Invariant: the choice is visible above the list, and ends when its plot is removed.
import { el } from "./dom.js";
import { picked, pickedInto } from "./plot_actions.js";
import { CHANNELS_MAX, channelsOf, takesMore, titleOf } from "./plot_spec.js";

/** @typedef {import("./plot_card.js").PlotCard} PlotCard */
/** @typedef {import("./plot_spec.js").PlotSpec} PlotSpec */

const OWN = "a plot of its own";

export class PlotTarget {
  /** Null: a plot of its own. @type {PlotCard | null} */
  card = null;
  #select = el("select", { id: "target" });
  /** @type {PlotCard[]} */
  #cards = [];
  /** The titles that are offered. */
  #offered = " ";
  #onChoice;

  /**
   * @param {HTMLElement} parent
   * @param {() => void} onChoice called when the user has chosen another plot
   */
  constructor(parent, onChoice) {
    this.#onChoice = onChoice;
    parent.prepend(
      el("label", {}, "A picked channel goes into", this.#select),
    );
    this.#select.addEventListener("change", () => {
      this.choose(this.#cards[Number(this.#select.value)] ?? null);
    });
  }

  /** Offers the plots that are there now. @param {Iterable<PlotCard>} cards */
  offer(cards) {
    this.#cards = [...cards].filter(({ spec }) => takesMore(spec));
    const titles = this.#cards.map(({ spec }) =>
      spec.kind === "series" ? titleOf(spec) : `${titleOf(spec)}, ${spec.kind}`
    );
    const key = titles.join("\n");
    if (key !== this.#offered) {
      this.#offered = key;
      this.#select.replaceChildren(
        el("option", { value: "", textContent: OWN }),
        ...titles.map((textContent, i) =>
          el("option", { value: String(i), textContent })
        ),
      );
    }
    const isThere = this.card && this.#cards.includes(this.card);
    this.choose(isThere ? this.card : null);
  }

  /** @param {PlotCard | null} card null: a plot of its own */
  choose(card) {
    this.card?.element.classList.remove("target");
    card?.element.classList.add("target");
    this.card = card;
    this.#select.value = card ? String(this.#cards.indexOf(card)) : "";
    this.#onChoice();
  }

  /**
   * Whether a channel is picked already.
   * @param {readonly PlotSpec[]} plots
   * @param {string} name
   */
  has(plots, name) {
    return (this.card ? [this.card.spec] : plots)
      .some((plot) => channelsOf(plot).includes(name));
  }

  /**
   * The plots after a channel was picked; as text why they stay as they are.
   * @param {readonly PlotSpec[]} plots
   * @param {string} name
   */
  picked(plots, name) {
    if (!this.card) return picked(plots, name);
    return pickedInto(plots, this.card.spec, name) ??
      `A plot holds ${
        CHANNELS_MAX[this.card.spec.kind]
      } channels at most: remove one of them, or choose another plot`;
  }
}
