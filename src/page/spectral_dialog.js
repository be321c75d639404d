// The dialog "Spectra" of one plot: window, segments and averages, axes, a reference, and plots of two channels.
import { applyRow, el } from "./dom.js";
import { checkedSpectral } from "./spectral_options.js";
import { WINDOW_TITLES } from "./spectral_windows.js";

/** @typedef {import("./spectral_options.js").SpectralOptions} SpectralOptions */
/**
 * @typedef {object} SpectralTarget
 * @property {import("./plot_spec.js").PlotSpec} spec
 * @property {number} rate Hz
 * @property {readonly string[]} others other channels of this rate that are shown
 * @property {boolean | null} hasReference null: its plot keeps none
 * @property {(options: SpectralOptions | undefined) => void} onOptions
 * @property {(kind: "coherence" | "transfer", name: string, options: SpectralOptions | undefined) => void} onPair
 * @property {() => void} onReference
 */

/** What the ends of the vertical axis are in. */
const ENDS = {
  spectrum: "of the density",
  transfer: "of the magnitude",
  spectrogram: "of the colours, dB",
};

export class SpectralDialog {
  #dialog;
  #title = el("h2", { id: "spectra-title" });
  #window = select("spectra-window", WINDOW_TITLES);
  #seconds = input("spectra-seconds", "automatic");
  #averages = input("spectra-averages", "automatic");
  #average = select("spectra-average", {
    mean: "Mean",
    median: "Median",
    exponential: "Exponential mean",
  });
  #frequency = select("spectra-frequency", {
    log: "Logarithmic",
    linear: "Linear",
  });
  #max = input("spectra-max", "automatic");
  #min = input("spectra-min", "automatic");
  #wrong = el("p", { class: "wrong", role: "alert" });
  #other = el("select", { id: "spectra-other" });
  #maxLabel = label("spectra-max");
  #minLabel = label("spectra-min");
  #averagesRow;
  #endsRow;
  #form;
  #reference = button("Keep as reference", () => this.#keep());
  #pair;
  /** @type {SpectralTarget | null} */
  #target = null;

  /** @param {HTMLDialogElement} dialog */
  constructor(dialog) {
    this.#dialog = dialog;
    this.#averagesRow = el(
      "div",
      { class: "fields" },
      label("spectra-averages", "Averages, half overlapping"),
      this.#averages,
      label("spectra-average", "Average"),
      this.#average,
    );
    this.#endsRow = el(
      "div",
      { class: "fields" },
      this.#maxLabel,
      this.#max,
      this.#minLabel,
      this.#min,
    );
    this.#form = this.#fields();
    this.#pair = el(
      "section",
      { class: "fields" },
      label("spectra-other", "With another channel"),
      this.#other,
      el(
        "p",
        { class: "choice" },
        button("Coherence", () => this.#addPair("coherence")),
        button("Transfer function", () => this.#addPair("transfer")),
      ),
    );
    dialog.replaceChildren(
      el(
        "header",
        {},
        this.#title,
        el("button", {
          type: "button",
          class: "icon",
          textContent: "×",
          "aria-label": "Close",
          onclick: () => dialog.close(),
        }),
      ),
      this.#form,
      this.#pair,
    );
  }

  #fields() {
    return el(
      "form",
      { onsubmit: (/** @type {Event} */ event) => this.#submit(event) },
      label("spectra-window", "Window"),
      this.#window,
      label("spectra-seconds", "Length of a segment, s"),
      this.#seconds,
      this.#averagesRow,
      label("spectra-frequency", "Axis of frequencies"),
      this.#frequency,
      this.#endsRow,
      this.#wrong,
      applyRow(
        button("Automatic", () => this.#end(undefined)),
        this.#reference,
      ),
    );
  }

  /** @param {SpectralTarget} target */
  open(target) {
    this.#target = target;
    const { hasReference, others, rate, spec } = target;
    const { kind, name, spectral = {} } = spec;
    this.#title.textContent = `Spectra of ${
      [name, ...spec.more ?? []].join(", ")
    }`;
    this.#wrong.textContent = "";
    this.#form.hidden = kind === "series";
    this.#averagesRow.hidden = kind === "spectrogram";
    this.#endsRow.hidden = !(kind in ENDS);
    // scipy and others define coherence and transfer functions by means.
    this.#average.options[1].hidden = kind !== "spectrum";
    this.#window.value = spectral.window ?? "hann";
    this.#seconds.value = String(spectral.seconds ?? "");
    this.#averages.value = String(spectral.averages ?? "");
    this.#average.value = spectral.average ?? "mean";
    this.#frequency.value = spectral.linear ? "linear" : "log";
    this.#min.value = String(spectral.min ?? "");
    this.#max.value = String(spectral.max ?? "");
    const of = kind in ENDS
      ? ENDS[/** @type {keyof typeof ENDS} */ (kind)]
      : "";
    this.#maxLabel.textContent = `Upper end ${of}`;
    this.#minLabel.textContent = `Lower end ${of}`;
    this.#reference.hidden = hasReference === null;
    this.#reference.textContent = hasReference
      ? "Remove the reference"
      : "Keep as reference";
    const isPair = kind === "coherence" || kind === "transfer";
    this.#pair.hidden = isPair;
    this.#other.replaceChildren(
      ...others.map((text) => el("option", { textContent: text, value: text })),
    );
    const hasOthers = others.length > 0;
    this.#other.disabled = !hasOthers;
    if (!hasOthers) {
      this.#other.append(el("option", {
        textContent: `show another channel of ${
          rate.toLocaleString("en")
        } Hz first`,
      }));
    }
    for (const one of this.#pair.querySelectorAll("button")) {
      one.disabled = !hasOthers;
    }
    this.#dialog.showModal();
    (this.#form.hidden ? this.#other : this.#window).focus();
  }

  /** @param {Event} event */
  #submit(event) {
    event.preventDefault();
    const target = this.#target;
    if (!target) return;
    const { options, wrong } = checkedSpectral(
      { ...this.#typed(), min: this.#min.value, max: this.#max.value },
      { kind: target.spec.kind, rate: target.rate },
    );
    this.#wrong.textContent = wrong;
    if (wrong === "") this.#end(options);
  }

  /** What may be set for every kind of plot. */
  #typed() {
    return {
      window: this.#window.value,
      seconds: this.#seconds.value,
      averages: this.#averages.value,
      average: this.#average.value,
      frequency: this.#frequency.value,
    };
  }

  /** @param {SpectralOptions | undefined} options */
  #end(options) {
    this.#dialog.close();
    this.#target?.onOptions(options);
  }

  #keep() {
    this.#dialog.close();
    this.#target?.onReference();
  }

  /** @param {"coherence" | "transfer"} kind */
  #addPair(kind) {
    const target = this.#target;
    if (!target) return;
    const typed = this.#typed();
    // The ends of the axis are not those of another kind, and a median is not defined for two channels.
    const average = typed.average === "median" ? "" : typed.average;
    const { options, wrong } = checkedSpectral(
      { ...typed, average, min: "", max: "" },
      { kind, rate: target.rate },
    );
    this.#wrong.textContent = wrong;
    if (wrong !== "") return;
    this.#dialog.close();
    target.onPair(kind, this.#other.value, options);
  }
}

/** @param {string} id @param {string} [text] */
function label(id, text = "") {
  return el("label", { htmlFor: id, textContent: text });
}

/**
 * @param {string} text
 * @param {() => void} onclick
 */
function button(text, onclick) {
  return el("button", { type: "button", textContent: text, onclick });
}

/** @param {string} id @param {string} placeholder */
function input(id, placeholder) {
  return el("input", {
    id,
    type: "text",
    autocomplete: "off",
    spellcheck: false,
    placeholder,
  });
}

/**
 * @param {string} id
 * @param {Record<string, string>} choices text by value
 */
function select(id, choices) {
  return el(
    "select",
    { id },
    ...Object.entries(choices).map(([value, textContent]) =>
      el("option", { value, textContent })
    ),
  );
}
