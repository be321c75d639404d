// What layouts and columns do to the page.
// Invariant: the browser's Back undoes the opening of a layout, and the removal of all plots.
import { step } from "./address.js";
import { byId } from "./dom.js";
import { layoutText, viewOfLayout } from "./layout.js";
import { LayoutStore } from "./layout_store.js";
import { LayoutsDialog } from "./layouts_dialog.js";
import { COLUMNS_MAX } from "./plot_grid.js";

/** @typedef {import("./page.js").Page} Page */

/** @param {Page} page @returns {Record<string, () => void>} */
export function layoutActions(page) {
  const layouts = layoutsOf(page);
  return {
    layouts: () => layouts.open(),
    clear: () => removeAll(page),
    fewer: () => setColumns(page, page.view.columns - 1),
    more: () => setColumns(page, page.view.columns + 1),
  };
}

/**
 * Says where the window has no room for them.
 * @param {Page} page
 * @param {number} count
 */
export function setColumns(page, count) {
  const columns = Math.min(Math.max(count, 1), COLUMNS_MAX);
  page.change({ columns });
  const { columns: shown, size } = page.plots;
  if (shown >= Math.min(columns, size)) return;
  const words = shown === 1 ? "1 column" : `${shown} columns`;
  page.status.note(`The window has room for ${words} of plots`);
}

/** @param {Page} page */
function layoutsOf(page) {
  return new LayoutsDialog(byId("layouts", HTMLDialogElement), {
    store: new LayoutStore(() => localStorage, location.pathname),
    isPaused: () => page.view.endS !== null,
    shown: (keepsTime) =>
      layoutText(page.view, keepsTime ? Number(page.edgeS.toFixed(6)) : null),
    onOpen: ({ name, view }) => {
      show(page, viewOfLayout(page.view, view));
      page.status.note(`Layout “${name}”`);
    },
    onClear: () => removeAll(page),
  });
}

/** @param {Page} page */
function removeAll(page) {
  show(page, { ...page.view, plots: [], closeUp: null });
}

/**
 * @param {Page} page
 * @param {import("./view.js").View} view
 */
function show(page, view) {
  step(page.view, view);
  page.change(view, { keepAddress: true });
}
