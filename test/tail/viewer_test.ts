// Watching a stream: reconnecting with the last id, lines for a pipe, the drawing in a terminal.
import assert from "node:assert/strict";
import { afterEach, describe, it } from "@std/testing/bdd";
import { gpsMsOfUnixMs } from "../../src/blocks/gps_time.ts";
import { eventConnection } from "../../src/tail/event_reader.ts";
import { listChannels } from "../../src/tail/channel_list.ts";
import { LinePrinter } from "../../src/tail/line_printer.ts";
import { LiveScreen } from "../../src/tail/live_screen.ts";
import { parseTail } from "../../src/tail/options.ts";
import { type Outcome, readRetrying } from "../../src/tail/retrying.ts";
import { textColumns } from "../../src/text/columns.ts";
import { HOSTILE_NAMES } from "../hostile_names.ts";

const NOW_MS = 1_800_000_000_000;
const NOW_NS = BigInt(gpsMsOfUnixMs(NOW_MS)) * 1_000_000n;
const STRIDE_NS = 62_500_000n;

const HELLO = `retry: 1000\nevent: hello\ndata: ${
  JSON.stringify({
    version: 1,
    stride_ns: Number(STRIDE_NS),
    channels: [
      { name: "A", data_type: "float32", sample_rate: 64 },
      { name: "B", data_type: "int64", sample_rate: 16 },
    ],
  })
}\n\n`;

/** The row that ends `before` strides before now. */
function rowEvent(before: number, b: string[] | null = ["9"]): string {
  const endNs = NOW_NS - BigInt(before) * STRIDE_NS;
  const data = {
    time: String(endNs - STRIDE_NS),
    channels: { A: [1, 4, -2, 0.5], B: b },
    ...(b === null ? { missing: { B: "late" } } : {}),
  };
  return `id: ${endNs}\ndata: ${JSON.stringify(data)}\n\n`;
}

const end = (reason: string) =>
  `event: end\ndata: ${JSON.stringify({ reason })}\n\n`;

describe("watching a stream", () => {
  let server: Deno.HttpServer | null = null;
  afterEach(async () => {
    await server?.shutdown();
    server = null;
  });

  async function lines(
    answers: readonly string[],
    random = () => 0.5,
  ): Promise<{ outcome: Outcome; out: string; err: string; ids: string[] }> {
    const ids: string[] = [];
    server = Deno.serve({ port: 0, onListen() {} }, (request) => {
      ids.push(request.headers.get("last-event-id") ?? "");
      return new Response(answers[ids.length - 1] ?? "");
    });
    const { port } = server.addr as Deno.NetAddr;
    const parsed = parseTail(["A,B", "-u", `http://127.0.0.1:${port}`], {});
    assert.ok(parsed.kind === "options");
    let [out, err] = ["", ""];
    const printer = new LinePrinter({
      nowMs: () => NOW_MS,
      write: (text) => out += text,
      warn: (text) => err += text,
    });
    const connection = eventConnection(parsed.options, printer);
    const outcome = await readRetrying(connection, {
      retriesMax: 3,
      signal: new AbortController().signal,
      onRetry: (text) => printer.onRetry(text),
      random,
      sleep: () => Promise.resolve(),
    });
    return { outcome, out, err, ids };
  }

  it("prints one line per channel and row, with least, greatest and latency", async () => {
    const { outcome, out } = await lines([
      HELLO + rowEvent(2) + rowEvent(1, null) + end("complete"),
    ]);
    assert.equal(outcome.kind, "complete");
    const at = (strides: bigint) => {
      const text = String(NOW_NS - strides * STRIDE_NS);
      return `${text.slice(0, -9)}.${text.slice(-9)}`;
    };
    assert.deepEqual(out.split("\n"), [
      "gps_time\tchannel\tlast\tleast\tgreatest\tsamples\tlatency_ms",
      `${at(3n)}\tA\t0.5\t-2\t4\t4\t125`,
      `${at(3n)}\tB\t9\t9\t9\t1\t125`,
      `${at(2n)}\tA\t0.5\t-2\t4\t4\t63`,
      `${at(2n)}\tB\tnull: late\t\t\t0\t63`,
      "",
    ]);
  });

  it("prints the extremes of 64-bit integers with all their digits", async () => {
    const most = 2n ** 64n - 1n;
    const B = [most - 2n, most, most - 3n].map(String);
    const time = NOW_NS - STRIDE_NS;
    const data = JSON.stringify({ time: String(time), channels: { B } });
    const { out } = await lines([
      `${HELLO}id: ${NOW_NS}\ndata: ${data}\n\n${end("complete")}`,
    ]);
    const fields = out.split("\n")[1]!.split("\t");
    assert.deepEqual(fields.slice(1, 6), [
      "B",
      String(most - 3n),
      String(most - 3n),
      String(most),
      "3",
    ]);
  });

  it("continues after the last id, also that of a heartbeat, and prints one heading", async () => {
    const heartbeat = `id: ${NOW_NS}\n\n`;
    const { outcome, out, err, ids } = await lines([
      HELLO + rowEvent(1) + heartbeat,
      HELLO + end("drain"),
      HELLO + rowEvent(0) + end("complete"),
    ]);
    assert.equal(outcome.kind, "complete");
    assert.deepEqual(ids, ["", String(NOW_NS), String(NOW_NS)]);
    assert.equal(out.match(/gps_time/g)?.length, 1);
    assert.match(err, /the connection broke; next attempt in 1 s/);
    assert.match(err, /the server ended the stream: drain; next attempt in/);
  });

  it("comes back after a random part of the wait that the server asks for", async () => {
    const answers = [HELLO + `retry: 3000\n` + end("age"), end("complete")];
    for (const [random, seconds] of [[0, 1.5], [0.5, 3], [0.999, 4.497]]) {
      const { err } = await lines(answers, () => random!);
      await server?.shutdown();
      assert.match(err, new RegExp(`age; next attempt in ${seconds} s`));
    }
  });

  it("begins without an id after an end that makes the last id invalid", async () => {
    const { ids } = await lines([
      HELLO + rowEvent(1) + end("time-reset"),
      HELLO + end("complete"),
    ]);
    assert.deepEqual(ids, ["", ""]);
  });

  it("ends when the channel was removed, and prints gaps apart from rows", async () => {
    const gap = `id: ${NOW_NS}\nevent: gap\ndata: ${
      JSON.stringify({ from: "1000000000", to: "3000000000", reason: "slow" })
    }\n\n`;
    const { outcome, err } = await lines([HELLO + gap + end("removed")]);
    assert.deepEqual(outcome, {
      kind: "broken",
      detail: "the server ended the stream: removed",
    });
    assert.match(err, /^gap of 2\.0 s from GPS 1\.000000000: slow$/m);
  });
});

describe("hostile names and texts of a server", () => {
  const hostile = [...HOSTILE_NAMES, "\tx", "\ud800"];
  const hello = {
    stride_ns: Number(STRIDE_NS),
    channels: hostile.map((name) => ({
      name,
      data_type: "float32",
      sample_rate: 64,
    })),
  };
  const row = {
    startNs: NOW_NS - 2n * STRIDE_NS,
    endNs: NOW_NS - STRIDE_NS,
    channels: Object.fromEntries(
      hostile.map((name, i) => [name, i % 2 === 0 ? ["\x1b[2J"] : null]),
    ),
    missing: Object.fromEntries(hostile.map((name) => [name, "\x1b[2J\t"])),
  };

  it("leave a printed row one line of seven fields", () => {
    let [out, err] = ["", ""];
    const printer = new LinePrinter({
      nowMs: () => NOW_MS,
      write: (text) => out += text,
      warn: (text) => err += text,
    });
    printer.onHello(hello);
    printer.onRow(row);
    printer.onGap({ from: null, to: null, reason: "\x1b[2J\n" });
    printer.onRetry("the server says \x1b[2J\n");
    const lines = out.split("\n").slice(1, -1);
    assert.equal(lines.length, hostile.length);
    for (const line of lines) assert.equal(line.split("\t").length, 7, line);
    assert.doesNotMatch(out + err, /[^\P{Cc}\n\t]|\p{Cf}|\p{Cs}/u);
    assert.equal(err.split("\n").length, 3);
  });

  it("do not move the cursor, and no line is wider than the screen", () => {
    for (const columns of [60, 80, 200]) {
      let out = "";
      const screen = new LiveScreen({
        size: () => ({ columns, rows: 500 }),
        nowMs: () => NOW_MS,
        clockMs: () => 0,
        write: (text) => out = text,
      });
      screen.onHello(hello);
      screen.onRow(row);
      screen.onGap({ from: null, to: null, reason: "\x1b[2J\n" });
      screen.onRetry("the server says \x1b[2J\n");
      screen.draw();
      const lines = out.replaceAll("\x1b[K", "").replace("\x1b[J", "")
        .split("\n").slice(0, -1);
      assert.equal(lines.length, hostile.length + 3);
      for (const line of lines) {
        assert.doesNotMatch(line, /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/u);
        assert.ok(textColumns(line) <= columns, line);
      }
    }
  });

  it("leave a line of --list one line of five fields", async () => {
    const server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      () =>
        Response.json({
          channels: HOSTILE_NAMES.map((name) => ({
            name,
            data_type: "float32",
            sample_rate: 16,
            publisher: name,
            live: true,
          })),
          next: null,
        }),
    );
    try {
      const parsed = parseTail(
        ["--list", "-u", `http://127.0.0.1:${server.addr.port}`],
        {},
      );
      assert.ok(parsed.kind === "options");
      let out = "";
      await listChannels(parsed.options, {
        signal: new AbortController().signal,
        write: (text) => out += text,
      });
      const lines = out.split("\n").slice(0, -1);
      assert.equal(lines.length, HOSTILE_NAMES.length);
      for (const line of lines) assert.equal(line.split("\t").length, 5);
      assert.doesNotMatch(out, /[^\P{Cc}\n\t]|\p{Cf}|\p{Zl}|\p{Zp}/u);
    } finally {
      await server.shutdown();
    }
  });
});

describe("--list", () => {
  it("is no success without a channel (it ended with 0 and said nothing)", async () => {
    const server = Deno.serve(
      { hostname: "127.0.0.1", port: 0, onListen() {} },
      () => Response.json({ channels: [], next: null }),
    );
    const url = `http://127.0.0.1:${server.addr.port}`;
    const detailOf = async (...args: string[]) => {
      const parsed = parseTail(["--list", "-u", url, ...args], {});
      assert.ok(parsed.kind === "options");
      const { signal } = new AbortController();
      const write = (text: string) => assert.equal(text, "");
      const outcome = await listChannels(parsed.options, { signal, write });
      assert.ok(outcome.kind === "refused");
      return outcome.detail;
    };
    try {
      assert.equal(await detailOf(), "The server lists no channel");
      assert.equal(
        await detailOf("--match", "nothing", "--replay", "R"),
        "No channel in the replay context 'R' matches 'nothing'",
      );
    } finally {
      await server.shutdown();
    }
  });
});

describe("user and password of the URL", () => {
  for (const args of [["--list"], ["A"]]) {
    it(`are sent with each request of ${args[0]}, and are in no message`, async () => {
      const got: (string | null)[] = [];
      const server = Deno.serve(
        { hostname: "127.0.0.1", port: 0, onListen() {} },
        (request) => {
          got.push(request.headers.get("authorization"));
          return Response.json({ detail: "no" }, { status: 401 });
        },
      );
      const url = `http://user:hunter2@127.0.0.1:${server.addr.port}`;
      const parsed = parseTail([...args, "-u", url, "--retries", "0"], {});
      assert.ok(parsed.kind === "options");
      const { options } = parsed;
      let text = "";
      const signal = new AbortController().signal;
      const add = (more: string) => text += more;
      const outcomeOf = () =>
        options.list
          ? listChannels(options, { signal, write: add })
          : readRetrying(
            eventConnection(
              options,
              new LinePrinter({
                nowMs: () => NOW_MS,
                write: add,
                warn: add,
              }),
            ),
            { retriesMax: 0, signal, onRetry: add },
          );
      text += JSON.stringify(await outcomeOf());
      await server.shutdown();
      // The server has stopped.
      text += JSON.stringify(await outcomeOf());
      assert.deepEqual(got, [`Basic ${btoa("user:hunter2")}`]);
      assert.match(text, /no/);
      assert.ok(!text.includes("hunter2"), text);
    });
  }
});

describe("LiveScreen", () => {
  it("draws one line per channel over the last drawing, no wider than the terminal", () => {
    let out = "";
    const screen = new LiveScreen({
      size: () => ({ columns: 60, rows: 5 }),
      nowMs: () => NOW_MS,
      clockMs: () => 0,
      write: (text) => out += text,
    });
    screen.draw();
    const names = ["A", "B", "C", "D"];
    screen.onHello({
      stride_ns: Number(STRIDE_NS),
      channels: names.map((name) => ({
        name,
        data_type: "float32",
        sample_rate: 64,
      })),
    });
    screen.onRow({
      startNs: NOW_NS - 2n * STRIDE_NS,
      endNs: NOW_NS - STRIDE_NS,
      channels: { A: [1, 2], B: null, C: [0], D: [0] },
      missing: { B: "late" },
    });
    screen.onGap({ from: null, to: null, reason: "unknown-id" });
    out = "";
    screen.draw();
    assert.ok(
      out.startsWith("\x1b[2A\r"),
      "over the two lines of the last drawing",
    );
    const drawn = out.split("\n").map((line) =>
      line.replace("\x1b[2A\r", "").replace("\x1b[K", "")
    );
    assert.equal(drawn.pop(), "\x1b[J");
    assert.equal(
      drawn[0],
      "4 channels  0.0 rows/s  latency 63 ms  gaps 1",
    );
    assert.match(drawn[1]!, /^A +2 [⠀-⣿]+ 1 … 2$/);
    assert.match(drawn[2]!, /^and 3 more$/);
    assert.equal(drawn[3], "gap: unknown-id");
    for (const line of drawn) assert.ok(line.length <= 60, line);
    screen.onRetry("no connection");
    screen.draw();
    assert.match(out, /gaps 1\S+\nno connection/);
  });
});

describe("a unit on the screen", () => {
  it("is behind the range, and controls no terminal", () => {
    let drawn = "";
    const screen = new LiveScreen({
      size: () => ({ columns: 120, rows: 10 }),
      nowMs: () => NOW_MS,
      clockMs: () => 0,
      write: (text) => drawn = text,
    });
    const channel = { data_type: "float32", sample_rate: 16 };
    screen.onHello({
      stride_ns: Number(STRIDE_NS),
      channels: [
        { ...channel, name: "A", unit: "m/s²\u001b[2J" },
        { ...channel, name: "B" },
      ],
    });
    screen.onRow({
      startNs: NOW_NS - STRIDE_NS,
      endNs: NOW_NS,
      channels: { A: [1, 4], B: [1, 4] },
      missing: {},
    });
    screen.draw();
    assert.match(drawn, /^A .* 1 … 4 m\/s²\\x1b\[2J/m);
    assert.ok(drawn.includes(" 1 … 4\u001b[K\n"), drawn);
  });
});
