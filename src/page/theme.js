// The theme of the page: dark, light, or that of the system.
import { colours } from "./dom.js";

const dark = matchMedia("(prefers-color-scheme: dark)");

/** Applies a theme; its colours, or null where it is shown already. @param {import("./view.js").View["theme"]} chosen */
export function paletteOf(chosen) {
  const system = dark.matches ? "dark" : "light";
  const theme = chosen === "auto" ? system : chosen;
  const { dataset } = document.documentElement;
  if (dataset.theme === theme) return null;
  dataset.theme = theme;
  return colours();
}
