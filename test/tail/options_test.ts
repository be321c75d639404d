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
  it("accepts names as arguments or with commas, and passes the range on unchanged", () => {
    const options = optionsOf("A,B", "C", "--start", "12.5", "--end=13");
    assert.deepEqual(options.query, {
      channels: "A,B,C",
      start: "12.5",
      end: "13",
    });
    assert.equal(options.url, "http://127.0.0.1:8080");
    assert.ok(isBounded(options));
  });

  it("fixes relative times at once, so that a retry asks for the same range", () => {
    const args = ["X", "--start=-60", "--end=-1.5"];
    const parsed = parseTail(args, {}, 1_479_469_445_250_000_000n);
    assert.ok(parsed.kind === "options");
    const { start, end } = parsed.options.query;
    assert.deepEqual({ start: Number(start), end: Number(end) }, {
      start: 1479469385.25,
      end: 1479469443.75,
    });
  });

  it("reads the address from QANAT_URL unless the flag is given, and drops a final slash", () => {
    const env = { QANAT_URL: "http://a/qanat/" };
    const parsed = parseTail(["X"], env);
    assert.ok(parsed.kind === "options");
    assert.equal(parsed.options.url, "http://a/qanat");
    const flagged = parseTail(["X", "--url", "https://b"], env);
    assert.ok(flagged.kind === "options");
    assert.equal(flagged.options.url, "https://b");
  });

  it("asks for the newest row with --latest", () => {
    const { query } = optionsOf("A", "--latest");
    assert.deepEqual(query, { channels: "A", latest: "1" });
  });

  it("derives the format from the ending of the file's name", () => {
    for (const format of ["arrows", "parquet", "csv"]) {
      const { file } = optionsOf("A", "-o", `x.${format}`);
      assert.deepEqual(file, { path: `x.${format}`, format });
    }
    assert.match(
      complaintOf("A", "-o", "x.hdf5"),
      /\.arrows, \.parquet, \.csv/,
    );
  });

  it("says which flag is wrong", () => {
    assert.match(complaintOf(), /Give channels or --match/);
    assert.match(complaintOf("A", "--end", "1", "--duration", "2"), /not both/);
    assert.match(complaintOf("A", "--start", "1", "--latest"), /not both/);
    assert.match(complaintOf("A", "--start=-20000d"), /--start is before GPS/);
    assert.match(complaintOf("A", "--url", "nonsense"), /not 'nonsense'/);
    assert.match(complaintOf("A", "--retries", "many"), /not 'many'/);
    assert.match(complaintOf("A", "--retries", "1_0"), /from 0 to 999999/);
    assert.match(complaintOf("--list", "A"), /--match/);
    assert.match(complaintOf("A", "--frequency", "2"), /--frequency/);
  });

  it("accepts the dashes that `deno task` passes on", () => {
    assert.equal(optionsOf("--", "A", "-f").force, true);
  });

  it("sends user and password of the URL as a header, and removes them from the URL", async () => {
    for (
      const [url, header] of [
        ["http://user:hunter2@h:1/qanat/", "user:hunter2"],
        ["http://user:p%40ss%3A%20%C3%BC@h:1/qanat", "user:p@ss: ü"],
        ["https://hunter2@h:1/qanat", "hunter2:"],
      ] as const
    ) {
      const options = optionsOf("A", "--url", url);
      assert.match(options.url, /^https?:\/\/h:1\/qanat$/);
      const { authorization } = await options.credential.headers();
      const bytes = Uint8Array.fromBase64(
        authorization!.replace("Basic ", ""),
      );
      assert.equal(new TextDecoder().decode(bytes), header);
    }
    assert.deepEqual(await optionsOf("A").credential.headers(), {});
  });

  it("shows no secret of a URL that it refuses, and names the flag or variable", () => {
    for (
      const url of [
        "ftp://user:hunter2@h",
        "http://user:hunter2@h:99999",
        "user:hunter2@h",
        "http://h/?token=hunter2",
        "http://h/#hunter2hunter2hunter2hunter2hunter2",
        "http://u:hunter2%zz@h",
      ]
    ) {
      const byFlag = complaintOf("A", "--url", url);
      assert.ok(byFlag.startsWith("--url must "), byFlag);
      const byVariable = parseTail(["A"], { QANAT_URL: url });
      assert.ok(byVariable.kind === "error");
      assert.ok(byVariable.message.startsWith("QANAT_URL must "));
      for (const text of [byFlag, byVariable.message]) {
        assert.ok(!text.includes("hunter2"), text);
      }
    }
  });

  it("refuses file names that no file system accepts, before it reads anything", () => {
    assert.match(
      complaintOf("A", "-o", `${"x".repeat(247)}.csv`),
      /--output must have a name of at most 250 bytes, not 251/,
    );
    assert.match(complaintOf("A", "-o", "a\nb.csv"), /control characters/);
    assert.equal(
      optionsOf("A", "-o", `${"d".repeat(300)}/${"x".repeat(246)}.csv`)
        .file?.format,
      "csv",
    );
  });
});
