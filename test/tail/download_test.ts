// Downloads from a server that breaks connections.
import assert from "node:assert/strict";
import { afterEach, describe, it } from "@std/testing/bdd";
import { tableFromIPC } from "@uwdata/flechette";
import { END_OF_STREAM } from "../../src/arrow/row_template.ts";
import { Download } from "../../src/tail/download.ts";
import { parseTail } from "../../src/tail/options.ts";
import { Progress } from "../../src/tail/progress.ts";
import { type Outcome, readRetrying } from "../../src/tail/retrying.ts";
import { rowFileOf } from "../../src/tail/row_files.ts";
import {
  endMessage,
  FIRST_NS,
  gapMessage,
  joined,
  OTHER_SCHEMA,
  rowMessage,
  SCHEMA,
} from "./arrow_stream.ts";

const START_S = Number(FIRST_NS / 1_000_000_000n);
const rows = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, i) => rowMessage(from + i));

describe("Download", () => {
  let server: Deno.HttpServer | null = null;
  afterEach(async () => {
    await server?.shutdown();
    server = null;
  });

  /** Downloads from a server that gives one answer after the other; a body that is not whole just stops. */
  async function run(
    answers: readonly (readonly Uint8Array[] | Response)[],
    { args = ["--start", String(START_S), "--duration", "6"], retries = 9 } =
      {},
  ): Promise<{
    outcome: Outcome;
    bytes: Uint8Array;
    asked: string[];
    gaps: Map<string, number>;
    waits: number[];
  }> {
    const asked: string[] = [];
    server = Deno.serve({ port: 0, onListen() {} }, (request) => {
      asked.push(new URL(request.url).search);
      const answer = answers[asked.length - 1];
      if (answer === undefined) return new Response("", { status: 410 });
      if (answer instanceof Response) return answer;
      return new Response(joined(answer));
    });
    const port = (server.addr as Deno.NetAddr).port;
    const parsed = parseTail(
      ["A,B", "-o", "x.arrows", "-u", `http://127.0.0.1:${port}`, ...args],
      {},
    );
    assert.ok(parsed.kind === "options");
    const parts: Uint8Array[] = [];
    const file = await rowFileOf("arrows", (b) => parts.push(b.slice()));
    const { start, end, duration } = parsed.options.query;
    const progress = new Progress({
      start,
      end,
      duration,
      nowMs: Date.now,
      clockMs: () => 0,
    });
    const download = new Download(parsed.options, { file, progress });
    const waits: number[] = [];
    const outcome = await readRetrying(download.connection(), {
      retriesMax: retries,
      signal: new AbortController().signal,
      onRetry() {},
      random: () => 0.5,
      sleep: (ms) => {
        waits.push(ms);
        return Promise.resolve();
      },
    });
    file.finish();
    return {
      outcome,
      bytes: joined(parts),
      asked,
      gaps: download.gaps,
      waits,
    };
  }

  const whole = joined([SCHEMA, ...rows(0, 6), END_OF_STREAM]);

  it("continues after the newest row that it began with", async () => {
    const { outcome, bytes, asked } = await run([
      [SCHEMA, ...rows(0, 2)],
      [SCHEMA, ...rows(1, 6), END_OF_STREAM],
    ], { args: ["--latest", "--duration", "6"] });
    assert.deepEqual(outcome, { kind: "complete" });
    assert.deepEqual(bytes, whole);
    assert.deepEqual(asked.map((search) => decodeURIComponent(search)), [
      "?channels=A,B&duration=6&latest=1",
      `?channels=A,B&end=${START_S + 6}.000000000&start=${
        START_S + 1
      }.000000000`,
    ]);
  });

  it("continues after the last row; the file is one stream and has each row once", async () => {
    const half = rowMessage(2).subarray(0, 100);
    const { outcome, bytes, asked } = await run([
      [SCHEMA, ...rows(0, 2), half],
      [SCHEMA, ...rows(1, 4)],
      [SCHEMA, ...rows(3, 6), END_OF_STREAM],
    ]);
    assert.deepEqual(outcome, { kind: "complete" });
    assert.deepEqual(bytes, whole);
    assert.deepEqual(asked.map((search) => decodeURIComponent(search)), [
      `?channels=A,B&start=${START_S}&duration=6`,
      `?channels=A,B&start=${START_S + 1}.000000000&end=${
        START_S + 6
      }.000000000`,
      `?channels=A,B&start=${START_S + 3}.000000000&end=${
        START_S + 6
      }.000000000`,
    ]);
  });

  it("a duration from now ends that long after the first row, however often the connection breaks", async () => {
    const { outcome, asked } = await run([
      [SCHEMA, ...rows(0, 2)],
      [SCHEMA, ...rows(1, 6), END_OF_STREAM],
    ], { args: ["--duration", "6"] });
    assert.equal(outcome.kind, "complete");
    assert.match(asked[1]!, new RegExp(`&end=${START_S + 6}\\.000000000`));
  });

  it("reconnects after a drain, whose end of stream is not written to the file", async () => {
    const { outcome, bytes } = await run([
      [SCHEMA, ...rows(0, 3), endMessage("drain"), END_OF_STREAM],
      [SCHEMA, ...rows(2, 6), END_OF_STREAM],
    ]);
    assert.equal(outcome.kind, "complete");
    assert.deepEqual(bytes, whole);
  });

  it("waits as long as a full server says, and longer after each attempt without data", async () => {
    const full = () =>
      Response.json({ detail: "Full" }, {
        status: 503,
        headers: { "retry-after": "5" },
      });
    const { outcome, waits } = await run([
      full(),
      full(),
      full(),
      full(),
      [SCHEMA, ...rows(0, 1)],
      [SCHEMA, ...rows(0, 6), END_OF_STREAM],
    ]);
    assert.equal(outcome.kind, "complete");
    assert.deepEqual(waits, [5500, 6000, 7000, 8000, 1000]);
  });

  it("continues after a 429 once it has data, and waits for a minute at most", async () => {
    const early = () =>
      Response.json({ detail: "Too many streams" }, {
        status: 429,
        headers: { "retry-after": "86400" },
      });
    const { outcome, bytes, waits } = await run([
      [SCHEMA, ...rows(0, 2)],
      early(),
      [SCHEMA, ...rows(1, 6), END_OF_STREAM],
    ]);
    assert.equal(outcome.kind, "complete");
    assert.deepEqual(bytes, whole);
    assert.deepEqual(waits, [1000, 61_000]);
    const first = await run([early()]);
    assert.deepEqual(first.outcome, {
      kind: "refused",
      detail: "Too many streams",
    });
  });

  it("gives up after attempts without data; the rows so far are a complete file", async () => {
    const gone = () => Response.json({ detail: "Not ready" }, { status: 503 });
    const { outcome, bytes } = await run([
      [SCHEMA, ...rows(0, 2)],
      gone(),
      gone(),
    ], { retries: 2 });
    assert.deepEqual(outcome, {
      kind: "broken",
      detail: "Not ready; gave up",
    });
    assert.equal(tableFromIPC(bytes).numRows, 2);
  });

  it("reports the server's reason when it refuses", async () => {
    const { outcome } = await run([
      Response.json({
        detail: "No such channel: A",
        unknown: [{ name: "A", near: ["AA"] }],
      }, { status: 404 }),
    ]);
    assert.deepEqual(outcome, {
      kind: "refused",
      detail: "No such channel: A. Near: AA",
    });
  });

  it("ends when the channels change, and at a gap with `gaps=fail`", async () => {
    const changed = await run([
      [SCHEMA, ...rows(0, 2)],
      [OTHER_SCHEMA, END_OF_STREAM],
    ]);
    assert.equal(changed.outcome.kind, "broken");
    const failed = await run([[SCHEMA, ...rows(0, 2), endMessage("gap")]]);
    assert.deepEqual(failed.outcome, {
      kind: "broken",
      detail: "the server ended the stream: gap",
    });
  });

  it("counts the gaps that the server reported", async () => {
    const { gaps } = await run([
      [SCHEMA, rowMessage(0), gapMessage(3, "missing"), END_OF_STREAM],
    ]);
    assert.deepEqual([...gaps], [["missing", 1]]);
  });
});

describe("CsvFile", () => {
  it("writes one line per sample time, in order, with empty cells where a channel has no sample", async () => {
    let text = "";
    const file = await rowFileOf(
      "csv",
      (b) => text += new TextDecoder().decode(b),
    );
    file.schema(SCHEMA);
    file.batch(rowMessage(0));
    file.batch(rowMessage(2));
    file.finish();
    const at = (s: number, ms: number) =>
      FIRST_NS + BigInt(s) * 1_000_000_000n + BigInt(ms) * 1_000_000n;
    assert.deepEqual(text.split("\n"), [
      "time,A,B",
      `${at(0, 0)},-0,-9007199254740993`,
      `${at(0, 250)},0.25,`,
      `${at(0, 500)},0.5,-9007199254740992`,
      `${at(0, 750)},0.75,`,
      `${at(2, 0)},2,`,
      `${at(2, 250)},2.25,`,
      `${at(2, 500)},2.5,`,
      `${at(2, 750)},2.75,`,
      "",
    ]);
  });
});
