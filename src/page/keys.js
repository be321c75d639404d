// The keys, and the help that lists them.
// Invariant: no key acts while the user types into a field, or together with Ctrl, Alt or Meta.
import { el } from "./dom.js";

/** @type {readonly [string[], string, string][]} keys, action, what it does */
export const KEYS = [
  [["/"], "find", "find channels"],
  [[" "], "pause", "pause, resume"],
  [["Home", "0"], "live", "back to live"],
  [["ArrowLeft"], "earlier", "a quarter of the span earlier"],
  [["ArrowRight"], "later", "a quarter of the span later"],
  [["+", "="], "in", "shorter span"],
  [["-"], "out", "longer span"],
  [["g"], "go", "go to a time"],
  [["p"], "play", "play from here; pause"],
  [["h"], "hour", "show the last hour"],
  [["s"], "save", "data saver, on or off: bins instead of samples"],
  [["j"], "next", "next plot"],
  [["k"], "previous", "previous plot"],
  [["J"], "down", "move the plot down"],
  [["K"], "up", "move the plot up"],
  [["m"], "cursors", "show or remove cursors A and B"],
  [["a"], "a", "place cursor A at the mouse, or in the middle"],
  [["b"], "b", "place cursor B"],
  [[","], "left", "move the last cursor to the left"],
  [["."], "right", "move it to the right"],
  [["<"], "farLeft", "move it farther to the left"],
  [[">"], "farRight", "move it farther to the right"],
  [["y"], "axis", "set the plot's Y axis"],
  [["v"], "into", "put more channels into the plot"],
  [["u"], "limits", "limits of the plot; trigger"],
  [["n"], "spectra", "settings of the spectrum or spectrogram; coherence"],
  [["r"], "reference", "keep a spectrum as a reference, or remove it"],
  [["i"], "card", "about the channel of the plot, or of the list's entry"],
  [["x", "Delete"], "remove", "remove the plot"],
  [["X"], "clear", "remove all plots; the browser's Back restores them"],
  [["l"], "layouts", "layouts: save what is shown, or open one"],
  [["["], "fewer", "fewer columns"],
  [["]"], "more", "more columns, up to 4"],
  [
    ["f"],
    "full",
    "full screen, on or off: the plot that has the focus, or the page",
  ],
  [["w"], "wall", "wall display: no controls; w or Esc ends it"],
  [["t"], "time", "UTC or GPS time"],
  [["d"], "theme", "theme: as the system, dark or light"],
  [["c"], "copy", "copy as curl, JavaScript, pandas and more"],
  [["e"], "download", "download the shown span, or pictures of the plots"],
  [["o"], "operator", "operator's view"],
  [["?"], "help", "this list"],
  [["Escape"], "leave", "close what is open; acknowledge limits"],
];

/**
 * @param {Record<string, () => void>} actions
 * @returns {(event: KeyboardEvent) => void}
 */
export function keysOf(actions) {
  return (event) => {
    // Many keyboards have brackets on AltGr, which some systems report as Ctrl and Alt.
    const isCommand = event.metaKey ||
      ((event.ctrlKey || event.altKey) && !event.getModifierState("AltGraph"));
    if (isCommand || event.defaultPrevented) return;
    const target = /** @type {HTMLElement} */ (event.target);
    if (document.querySelector("dialog[open]")) return;
    const isTyping = target.matches("input, select, textarea");
    if (isTyping && event.key !== "Escape") return;
    if (isTyping) target.blur();
    if (event.key === " " && target.matches("button, a, summary")) return;
    const found = KEYS.find(([keys]) => keys.includes(event.key));
    const action = found && actions[found[1]];
    if (!action) return;
    event.preventDefault();
    action();
  };
}

/** @param {HTMLDialogElement} dialog */
export function showHelp(dialog) {
  const shown = { " ": "space", ArrowLeft: "←", ArrowRight: "→" };
  dialog.replaceChildren(
    el(
      "header",
      {},
      el("h2", { id: "help-title", textContent: "Keys" }),
      el("button", {
        type: "button",
        class: "icon",
        textContent: "×",
        "aria-label": "Close",
        onclick: () => dialog.close(),
      }),
    ),
    el(
      "dl",
      {},
      ...KEYS.flatMap(([keys, , text]) => [
        el(
          "dt",
          {},
          ...keys.flatMap((key, i) => [
            i > 0 ? " " : null,
            el("kbd", {
              textContent: shown[/** @type {keyof typeof shown} */ (key)] ??
                key,
            }),
          ]),
        ),
        el("dd", { textContent: text }),
      ]),
    ),
    el("p", {
      textContent:
        "Mouse: drag over a plot to zoom into a span, drag with Shift or the middle button to move the time, Ctrl and the wheel to zoom around the pointer, double-click to go back to live. Hover for values. Touch: drag to move the time, two fingers to zoom, double tap to go back to live, a long press for cursor A, then B. The browser's Back undoes a change of the time. The address holds the whole view: send it to share the view.",
    }),
  );
  dialog.showModal();
}
