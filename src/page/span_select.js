// The list of spans in the bar.
// Invariant: the list contains the span that is shown, round or not.
import { SPANS_S } from "./navigation.js";
import { spanText } from "./trend_choice.js";

export class SpanSelect {
  #select;
  #spans = "";

  /**
   * @param {HTMLSelectElement} select
   * @param {(spanS: number) => void} onChoose
   */
  constructor(select, onChoose) {
    this.#select = select;
    select.onchange = () => {
      onChoose(Number(select.value));
      // Keys move the plots again.
      select.blur();
    };
  }

  /** @param {number} spanS */
  show(spanS) {
    const all = SPANS_S.includes(spanS) ? SPANS_S : [spanS, ...SPANS_S];
    const key = all.join(" ");
    if (this.#spans !== key) {
      this.#spans = key;
      this.#select.replaceChildren(
        ...all.map((s) => new Option(spanText(s), String(s))),
      );
    }
    this.#select.value = String(spanS);
  }
}
