// The command line of `deno task tail`.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { isBounded, parseTail } from "../../src/tail/options.ts";

function optionsOf(...args: string[]) {
  const parsed = parseTail(args, {});
  assert.equal(parsed.kind, "options", JSON.stringify(parsed));
  return (parsed as Extract<typeof parsed, { kind: "options" }>).options;
}

function complaintOf(...args: string[]): string {
  const parsed = parseTail(args, {});
  assert.equal(parsed.kind, "error");
  return (parsed as Extract<typeof parsed, { kind: "error" }>).message;
}

describe("parseTail()", () => {
  it("takes names apart or by commas, and hands the range on as it is", () => {
    const options = optionsOf("A,B", "C", "--start", "12.5", "--end=13");
    assert.deepEqual(options.query, {
      channels: "A,B,C",
      start: "12.5",
      end: "13",
    });
    assert.equal(options.url, "http://127.0.0.1:8080");
    assert.ok(isBounded(options));
  });

  it("takes the address from QANAT_URL, the flag wins, a slash at the end goes", () => {
    const env = { QANAT_URL: "http://a/qanat/" };
    const parsed = parseTail(["X"], env);
    assert.ok(parsed.kind === "options");
    assert.equal(parsed.options.url, "http://a/qanat");
    const flagged = parseTail(["X", "--url", "https://b"], env);
    assert.ok(flagged.kind === "options");
    assert.equal(flagged.options.url, "https://b");
  });

  it("tells the format by the file's name", () => {
    for (const format of ["arrows", "parquet", "csv"]) {
      const { file } = optionsOf("A", "-o", `x.${format}`);
      assert.deepEqual(file, { path: `x.${format}`, format });
    }
    assert.match(
      complaintOf("A", "-o", "x.hdf5"),
      /\.arrows, \.parquet, \.csv/,
    );
  });

  it("names what is wrong", () => {
    assert.match(complaintOf(), /Give channels or --match/);
    assert.match(complaintOf("A", "--end", "1", "--duration", "2"), /not both/);
    assert.match(complaintOf("A", "--url", "nonsense"), /not 'nonsense'/);
    assert.match(complaintOf("A", "--retries", "many"), /not 'many'/);
    assert.match(complaintOf("--list", "A"), /--match/);
    assert.match(complaintOf("A", "--frequency", "2"), /--frequency/);
  });

  it("takes dashes that `deno task` passes on", () => {
    assert.equal(optionsOf("--", "A", "-f").force, true);
  });
});
