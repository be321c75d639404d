// The texts and states of the buttons in the page's head, and whether there are any.
import { byId } from "./dom.js";

const THEMES = { auto: "Auto", dark: "Dark", light: "Light" };
const button = (/** @type {string} */ id) => byId(id, HTMLButtonElement);

/**
 * @param {import("./view.js").View} view
 * @param {boolean} isSaving
 * @param {boolean} isFinding
 */
export function labelButtons(view, isSaving, isFinding) {
  const { endS, speed, time, theme, operator } = view;
  const isPaused = endS !== null && speed === null;
  button("pause").textContent = isPaused ? "Resume" : "Pause";
  button("pause").classList.toggle("primary", isPaused);
  button("time").textContent = time.toUpperCase();
  button("theme").textContent = THEMES[theme];
  button("operator-open").setAttribute("aria-pressed", String(operator));
  byId("columns", HTMLSelectElement).value = String(view.columns);
  document.body.classList.toggle("wall", view.wall);
  const hasCursors = view.cursors.some((s) => s !== null);
  button("cursors-open").setAttribute("aria-pressed", String(hasCursors));
  button("find").setAttribute("aria-expanded", String(isFinding));
  button("save").setAttribute("aria-pressed", String(isSaving));
}
