// How plots are placed in columns: as many as there is room for, and no place without a plot.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import {
  COLUMNS_MAX,
  columnsFor,
  columnWidth,
  isTall,
} from "../../src/page/plot_grid.js";

describe("columnsFor()", () => {
  const desk = { count: 20, width: 1560, windowPx: 1920 };

  it("is what the user chose, where the window has room", () => {
    for (const chosen of [1, 2, 3, 4]) {
      assert.equal(columnsFor(chosen, desk), chosen);
    }
    assert.equal(columnsFor(9, desk), COLUMNS_MAX);
  });

  it("is not more than there are plots, and one without a plot", () => {
    assert.equal(columnsFor(4, { ...desk, count: 3 }), 3);
    assert.equal(columnsFor(4, { ...desk, count: 0 }), 1);
  });

  it("leaves every column at least 280 px, and is one on a phone", () => {
    for (const width of [100, 280, 565, 566, 851, 852, 1137, 1138]) {
      const columns = columnsFor(4, { ...desk, width });
      assert.ok(columns === 1 || columnWidth(width, columns) >= 280);
      assert.ok(columnWidth(width, columns + 1) < 280 || columns === 4);
    }
    assert.equal(columnsFor(4, { ...desk, windowPx: 700 }), 1);
  });
});

describe("isTall()", () => {
  it("fills each place of the grid once, in the order of the view", () => {
    for (let columns = 1; columns <= COLUMNS_MAX; columns++) {
      for (let count = columns; count <= 21; count++) {
        const rows = Math.ceil(count / columns);
        const grid = Array.from({ length: rows * columns }, () => -1);
        let place = 0;
        for (let i = 0; i < count; i++) {
          // As the browser places them: the next place that is free.
          while (grid[place] !== -1) place++;
          grid[place] = i;
          if (isTall(i, { count, columns })) {
            assert.equal(grid[place + columns], -1, `${count} in ${columns}`);
            grid[place + columns] = i;
          }
        }
        assert.ok(!grid.includes(-1), `${count} in ${columns}: ${grid}`);
      }
    }
  });
});
