// Starts the page.
import { listen } from "./actions.js";
import { Drawing } from "./drawing.js";
import { Page } from "./page.js";

const page = new Page();
const drawing = new Drawing(page);

/** For tests, and for a look from the browser's console. */
Object.assign(globalThis, {
  qanatPage: {
    figures: () => ({
      frames: drawing.frames,
      drawMs: drawing.drawMs,
      rows: page.feed.rows,
      delayS: page.feed.delayS,
    }),
    view: () => page.view,
    series: (/** @type {string} */ name) => page.feed.series.get(name),
    closeUpS: () => page.closeUp?.shownS,
    closeUpRangeS: () => page.closeUp?.rangeS,
    edgeS: () => page.edgeS,
    trigger: () => page.watching.trigger.trigger,
  },
});

listen(page);
await page.begin();
drawing.begin();
dispatchEvent(new Event("qanat-begun"));
