// The dialog "Limits and trigger" of one plot: an upper and a lower limit, and the trigger of the page on its channel.
import { applyRow, closeButton, el, textField } from "./dom.js";
import { levelOf, levelText } from "./levels.js";
import { checked } from "./plot_options.js";
import { titleOf } from "./plot_spec.js";
import { TriggerForm } from "./trigger_form.js";

/** @typedef {import("./plot_options.js").YOptions} YOptions */

export class LimitsDialog {
  #dialog;
  #title = el("h2", { id: "limits-title" });
  #above = textField("limit-above", "none");
  #below = textField("limit-below", "none");
  #wrong = el("p", { class: "wrong", role: "alert" });
  /** @type {import("./view.js").PlotSpec | null} */
  #plot = null;
  /** @type {(y: YOptions | undefined) => void} */
  #onY = () => {};
  #trigger;

  /**
   * @param {HTMLDialogElement} dialog
   * @param {(spec: import("./trigger_spec.js").TriggerSpec) => void} onTrigger takes the trigger that the user arms
   */
  constructor(dialog, onTrigger) {
    this.#dialog = dialog;
    this.#trigger = new TriggerForm((spec) => {
      dialog.close();
      onTrigger(spec);
    });
    dialog.replaceChildren(
      el("header", {}, this.#title, closeButton(dialog)),
      el(
        "form",
        { onsubmit: (/** @type {Event} */ event) => this.#submit(event) },
        el("label", { htmlFor: "limit-above", textContent: "Upper limit" }),
        this.#above,
        el("label", { htmlFor: "limit-below", textContent: "Lower limit" }),
        this.#below,
        el("p", {
          class: "hint",
          textContent:
            "While samples are beyond a limit, the plot and the tab's title say so. The plot keeps the message until you acknowledge it: OK, or Esc.",
        }),
        this.#wrong,
        applyRow(
          el("button", {
            type: "button",
            textContent: "No limits",
            onclick: () => this.#end({}),
          }),
        ),
      ),
      this.#trigger.element,
    );
  }

  /**
   * @param {import("./view.js").PlotSpec} plot
   * @param {{ names: string[], trigger: import("./trigger_spec.js").TriggerSpec | null, onY: (y: YOptions | undefined) => void }} options
   *   names: of the plot's channels; trigger: that of the page; onY: takes the plot's options with what the user chose
   */
  open(plot, { names, trigger, onY }) {
    this.#plot = plot;
    this.#onY = onY;
    this.#trigger.fill(names, trigger);
    this.#title.textContent = `Limits and trigger of ${titleOf(plot)}`;
    this.#wrong.textContent = "";
    const { above, below } = plot.y ?? {};
    this.#above.value = above === undefined ? "" : levelText(above);
    this.#below.value = below === undefined ? "" : levelText(below);
    this.#dialog.showModal();
    this.#above.select();
  }

  /** @param {Event} event */
  #submit(event) {
    event.preventDefault();
    const [above, below] = [this.#above, this.#below].map(({ value }) => ({
      isEmpty: value.trim() === "",
      level: levelOf(value),
    }));
    const areLevels = [above, below].every(({ isEmpty, level }) =>
      isEmpty || level !== undefined
    );
    const { wrong } = checked({ above: above.level, below: below.level });
    this.#wrong.textContent = areLevels
      ? wrong
      : "A limit is a number such as -1.5 or 2e-21, or empty";
    if (this.#wrong.textContent !== "") return;
    this.#end({ above: above.level, below: below.level });
  }

  /** @param {import("./crossings.js").Limits} limits */
  #end({ above, below }) {
    this.#dialog.close();
    this.#onY(checked({ ...this.#plot?.y, above, below }).y);
  }
}
