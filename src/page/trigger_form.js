// The part of the dialog "Limits and trigger" that sets and arms the trigger of the page.
import { el, textField } from "./dom.js";
import { levelOf, levelText } from "./levels.js";
import { EDGES, HOLDOFF_MAX_S, HOLDOFF_S, PRE } from "./trigger_spec.js";

/** @typedef {import("./trigger_spec.js").TriggerSpec} TriggerSpec */

const EDGE_WORDS = {
  rising: "rises above the level",
  falling: "falls below the level",
  either: "crosses the level",
};

export class TriggerForm {
  #name = el("select", { id: "trigger-name" });
  #level = textField("trigger-level", "such as 3");
  #edge = el(
    "select",
    { id: "trigger-edge" },
    ...EDGES.map((value) =>
      el("option", { value, textContent: EDGE_WORDS[value] })
    ),
  );
  #pre = textField("trigger-pre", String(PRE * 100));
  #repeats = el("input", { type: "checkbox", id: "trigger-repeats" });
  #holdoff = textField("trigger-holdoff", String(HOLDOFF_S));
  #wrong = el("p", { class: "wrong", role: "alert" });
  #onTrigger;
  element;

  /** @param {(spec: TriggerSpec) => void} onTrigger */
  constructor(onTrigger) {
    this.#onTrigger = onTrigger;
    const label = (/** @type {string} */ id, /** @type {string} */ text) =>
      el("label", { htmlFor: id, textContent: text });
    this.element = el(
      "form",
      { onsubmit: (/** @type {Event} */ event) => this.#submit(event) },
      el("h3", { textContent: "Trigger: holds the view at an event" }),
      label("trigger-name", "Channel"),
      this.#name,
      label("trigger-edge", "Event: the channel"),
      this.#edge,
      label("trigger-level", "Level"),
      this.#level,
      label("trigger-pre", "Part of the view that is before the event, %"),
      this.#pre,
      el(
        "label",
        { class: "check" },
        this.#repeats,
        "Show later events, too",
      ),
      label("trigger-holdoff", "Hold-off after an event, s"),
      this.#holdoff,
      this.#wrong,
      el(
        "p",
        { class: "choice" },
        el("button", { type: "submit", class: "primary", textContent: "Arm" }),
      ),
    );
  }

  /**
   * @param {string[]} names of the plot's channels
   * @param {TriggerSpec | null} spec that of the page
   */
  fill(names, spec) {
    const own = spec && names.includes(spec.name) ? spec : null;
    this.#name.replaceChildren(
      ...names.map((name) => el("option", { value: name, textContent: name })),
    );
    this.#name.value = own?.name ?? names[0];
    this.#level.value = own && own.level === own.level
      ? levelText(own.level)
      : "";
    this.#edge.value = own?.edge ?? "rising";
    this.#pre.value = String(Number(((own?.pre ?? PRE) * 100).toFixed(6)));
    this.#repeats.checked = own?.repeats ?? false;
    this.#holdoff.value = String(own?.holdoffS ?? HOLDOFF_S);
    this.#wrong.textContent = "";
  }

  /** @param {Event} event */
  #submit(event) {
    event.preventDefault();
    const level = levelOf(this.#level.value);
    const percent = Number(this.#pre.value || PRE * 100);
    const holdoffS = Number(this.#holdoff.value || HOLDOFF_S);
    const wrong = level === undefined
      ? "The level is a number such as -1.5 or 2e-21"
      : !(percent >= 0 && percent <= 100)
      ? "The part before the event is 0 to 100 %"
      : !(holdoffS >= 0 && holdoffS <= HOLDOFF_MAX_S)
      ? `The hold-off is 0 to ${HOLDOFF_MAX_S} s`
      : "";
    this.#wrong.textContent = wrong;
    if (level === undefined || wrong !== "") return;
    const repeats = this.#repeats.checked;
    this.#onTrigger({
      name: this.#name.value,
      level,
      edge: EDGES.find((e) => e === this.#edge.value) ?? "rising",
      pre: Number((percent / 100).toFixed(6)),
      repeats,
      holdoffS: repeats ? holdoffS : HOLDOFF_S,
    });
  }
}
