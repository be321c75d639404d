// Names in the heading of a CSV file: a CSV reader restores them, and a spreadsheet runs none of them.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { RowTemplate } from "../../src/arrow/row_template.ts";
import { CsvFile } from "../../src/tail/csv_file.ts";
import { HOSTILE_NAMES } from "../hostile_names.ts";

function headingOf(names: readonly string[]): string {
  const { schemaMessage } = new RowTemplate(names.map((name) => ({
    name,
    dataType: "float32",
    rate: "4",
    samples: 4,
  })));
  let text = "";
  const file = new CsvFile((bytes) => text += new TextDecoder().decode(bytes));
  file.schema(schemaMessage);
  return text;
}

/** The cells of one record, as RFC 4180 has them. */
function cellsOf(record: string): string[] {
  const cells: string[] = [];
  const cell = /(?:"((?:[^"]|"")*)"|([^",\n]*))(,|\n$)/gy;
  for (;;) {
    const match = cell.exec(record);
    if (match === null) return cells;
    cells.push(match[1]?.replaceAll('""', '"') ?? match[2]!);
    if (match[3] !== ",") return cells;
  }
}

describe("the heading of a CSV file", () => {
  it("leaves usual names unchanged", () => {
    const names = ["H1:GDS-CALIB_STRAIN", "A.mean"];
    assert.equal(headingOf(names), `time,${names.join(",")}\n`);
  });

  it("is one record with one cell per name", () => {
    const cells = cellsOf(headingOf(HOSTILE_NAMES));
    assert.equal(cells.length, HOSTILE_NAMES.length + 1);
    HOSTILE_NAMES.forEach((name, i) => {
      const cell = cells[i + 1]!;
      assert.equal(cell.replaceAll("'", ""), name.replaceAll("'", ""));
    });
  });

  it("has no cell that a spreadsheet runs, whichever separator it uses", () => {
    const names = [
      ...HOSTILE_NAMES,
      "=1+1",
      "+1",
      "-1",
      "@SUM(A1)",
      "\t=1",
      "\r=1",
      "x;=1+1",
      "x\t@SUM(A1)",
      '";=1',
      "a,=1",
    ];
    for (const name of names) {
      const heading = headingOf([name]);
      for (const separator of [",", ";", "\t", "\n", "\r"]) {
        for (const part of heading.split(separator)) {
          assert.doesNotMatch(part, /^"?[=+\-@]/, JSON.stringify(heading));
        }
      }
    }
    assert.equal(headingOf(["=cmd|x"]), `time,"'=cmd|x"\n`);
  });
});
