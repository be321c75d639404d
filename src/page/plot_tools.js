// Buttons in the heading of a plot.
import { el } from "./dom.js";

/** Shows the buttons of a plot where they are for fingers. */
export function moreButton() {
  const button = el("button", {
    type: "button",
    class: "more",
    textContent: "⋯",
    title: "Buttons of this plot",
    "aria-expanded": "false",
    onclick: () => {
      const isOpen = button.getAttribute("aria-expanded") === "true";
      button.setAttribute("aria-expanded", String(!isOpen));
    },
  });
  return button;
}
