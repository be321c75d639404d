// Names as cells of CSV: a spreadsheet runs none of them, and a reader of CSV gets each as one cell.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { csvCell } from "../../src/text/csv_cell.ts";
import { HOSTILE_NAMES } from "../hostile_names.ts";

/** What a reader of CSV gets for a cell (RFC 4180). */
function readCell(cell: string): string {
  if (!cell.startsWith('"')) return cell;
  assert.match(cell, /^"(?:[^"]|"")*"$/);
  return cell.slice(1, -1).replaceAll('""', '"');
}

describe("a name as a cell", () => {
  it("begins with an apostrophe where a spreadsheet would run it", () => {
    const cases: readonly (readonly [string, string])[] = [
      ["=1+1", "'=1+1"],
      ["+1", "'+1"],
      ["-5V", "'-5V"],
      ["@SUM(A1)", "'@SUM(A1)"],
      ["\t=1", "'\t'=1"],
      ["\r=1", "'\r'=1"],
      ["\uff1d1", "'\uff1d1"],
      ["\uff0b1", "'\uff0b1"],
      ["\uff0d1", "'\uff0d1"],
      ["\uff20A1", "'\uff20A1"],
      // Where a semicolon or | separates cells.
      ["A;=1", "A;'=1"],
      ["A|-1", "A|'-1"],
    ];
    for (const [name, expected] of cases) {
      assert.equal(readCell(csvCell(name)), expected);
    }
  });

  it("stays as it is where it is a usual name, or has such a character later", () => {
    for (const name of ["H1:A-B_C.mean", "A+B", "A=1", "a@b", "H1:A [m/s²]"]) {
      assert.equal(readCell(csvCell(name)), name);
    }
    assert.equal(csvCell("H1:A-B_C.mean"), "H1:A-B_C.mean");
  });

  it("is one cell without a beginning of a formula, whatever the name", () => {
    for (const name of HOSTILE_NAMES) {
      const cell = csvCell(name);
      assert.equal(
        readCell(cell).replaceAll("'", ""),
        name.replaceAll("'", ""),
      );
      assert.doesNotMatch(
        readCell(cell),
        /^[=+\-@\uff1d\uff0b\uff0d\uff20\t\r\n]/,
      );
      assert.ok(cell.startsWith('"') || !/[",;\s]/.test(cell), cell);
    }
  });
});
