// The dialog "Y axis" of one plot: linear or logarithmic, its ends, and where its labels count from.
import { applyRow, closeButton, el, textField } from "./dom.js";
import { checked } from "./plot_options.js";
import { titleOf } from "./plot_spec.js";

/** @typedef {import("./plot_options.js").YOptions} YOptions */
/** @typedef {{ spec: import("./view.js").PlotSpec, ends: { low: number, high: number } | null }} Plot */

export class YAxis {
  #dialog;
  #title = el("h2", { id: "y-axis-title" });
  #log = el("input", { type: "checkbox", id: "y-log" });
  #min = textField("y-min", "automatic");
  #max = textField("y-max", "automatic");
  #offset = textField("y-offset", "0");
  #wrong = el("p", { class: "wrong", role: "alert" });
  /** @type {Plot | null} */
  #plot = null;
  /** @type {(y: YOptions | undefined) => void} */
  #onY = () => {};

  /** @param {HTMLDialogElement} dialog */
  constructor(dialog) {
    this.#dialog = dialog;
    /**
     * @param {string} text
     * @param {() => void} onclick
     */
    const button = (text, onclick) =>
      el("button", { type: "button", textContent: text, onclick });
    dialog.replaceChildren(
      el(
        "header",
        {},
        this.#title,
        closeButton(dialog),
      ),
      el(
        "form",
        { onsubmit: (/** @type {Event} */ event) => this.#submit(event) },
        el("label", { htmlFor: "y-max", textContent: "Upper end" }),
        this.#max,
        el("label", { htmlFor: "y-min", textContent: "Lower end" }),
        this.#min,
        el("label", { htmlFor: "y-offset", textContent: "Labels count from" }),
        this.#offset,
        el("label", { class: "check" }, this.#log, "Logarithmic"),
        this.#wrong,
        applyRow(
          button("Lock as shown", () => this.#lock()),
          button("Automatic", () => this.#automatic()),
        ),
      ),
    );
  }

  /**
   * @param {Plot} plot
   * @param {(y: YOptions | undefined) => void} onY takes what the user chose
   */
  open(plot, onY) {
    this.#plot = plot;
    this.#onY = onY;
    const { y = {} } = plot.spec;
    this.#title.textContent = `Y axis of ${titleOf(plot.spec)}`;
    this.#wrong.textContent = "";
    this.#log.checked = y.log ?? false;
    this.#min.value = textOf(y.min);
    this.#max.value = textOf(y.max);
    this.#offset.value = textOf(y.offset);
    this.#dialog.showModal();
    this.#max.select();
  }

  /** @param {Event} event */
  #submit(event) {
    event.preventDefault();
    const min = numberOf(this.#min.value);
    const max = numberOf(this.#max.value);
    const offset = numberOf(this.#offset.value);
    const isNumber = ![min, max, offset].some(Number.isNaN);
    const { above, below } = this.#plot?.spec.y ?? {};
    const { y, wrong } = checked({
      above,
      below,
      log: this.#log.checked,
      ...(min === undefined ? {} : { min }),
      ...(max === undefined ? {} : { max }),
      ...(offset === undefined ? {} : { offset }),
    });
    this.#wrong.textContent = isNumber
      ? wrong
      : "An end is a number such as -1.5 or 2e-21, or empty";
    if (this.#wrong.textContent === "") this.#end(y);
  }

  /** Keeps the ends as they are drawn now. */
  #lock() {
    const ends = this.#plot?.ends;
    if (!ends) return;
    const [min, max] = [ends.low, ends.high].map((v) =>
      Number(v.toPrecision(6))
    );
    // Large integers near each other need all digits.
    const { low, high } = min < max ? { low: min, high: max } : ends;
    const { y } = checked({
      ...this.#plot?.spec.y,
      min: low,
      max: high,
    });
    this.#end(y);
  }

  #automatic() {
    const { above, below } = this.#plot?.spec.y ?? {};
    this.#end(checked({ above, below }).y);
  }

  /** @param {YOptions | undefined} y */
  #end(y) {
    this.#dialog.close();
    this.#onY(y);
  }
}

/** @param {number | undefined} value */
function textOf(value) {
  return value === undefined ? "" : String(value);
}

/** Undefined where it is empty; NaN where it is no number. @param {string} text */
function numberOf(text) {
  if (text.trim() === "") return undefined;
  const value = Number(text);
  return Number.isFinite(value) ? value : NaN;
}
