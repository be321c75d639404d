// Every byte that every client gets, over both outlets, with memory so small that slots and pages are reused all the time.
import assert from "node:assert/strict";
import http from "node:http";
import { describe, it } from "@std/testing/bdd";
import { Qanat } from "../../src/app.ts";
import { RowTemplate } from "../../src/arrow/row_template.ts";
import { samplesIn } from "../../src/channels/channel.ts";
import { honoApp } from "../../src/http/routes/hono_app.ts";
import { PROVEN_RUNTIMES } from "../../src/http/transport/proven_runtimes.ts";
import { serve } from "../../src/http/server.ts";
import { embeddedChannels } from "../../src/source/synthetic.ts";
import {
  BlockClock,
  configWith,
  DrivenSource,
  silent,
} from "../driven_source.ts";

const ROWS = 240;
const CLIENTS_PER_OUTLET = 100;
const STRIDE_NS = 62_500_000n;
const FIRST = 23_671_510_000;

const channels = (await embeddedChannels()).filter(({ channel }) =>
  channel.strideNs === STRIDE_NS && channel.sampleRate <= 4096
);
const byName = new Map(channels.map((c) => [c.channel.name, c]));

interface Reader {
  readonly names: readonly string[];
  readonly format: "events" | "arrow";
  readonly isSlow: boolean;
  /** Resolves when slow readers continue. */
  readonly stalled: Promise<void>;
  bytes: Uint8Array[];
  ended: boolean;
}

/** Shortest text by trial: not the code under test. */
function numberText(value: number | bigint, isFloat32: boolean): string {
  if (typeof value === "bigint") return `"${value}"`;
  if (!Number.isFinite(value)) return "null";
  if (Object.is(value, -0)) return "-0";
  if (!isFloat32) return String(value);
  for (let precision = 1;; precision++) {
    const short = Number(value.toPrecision(precision));
    if (Math.fround(short) === value) return String(short);
  }
}

const texts = new Map<string, string>();

function channelText(name: string, row: number): string {
  const key = `${name} ${row}`;
  let text = texts.get(key);
  if (text === undefined) {
    const { channel, samples } = byName.get(name)!;
    const count = samplesIn(channel, STRIDE_NS);
    const values = Array.from(
      samples(row * count, count) as ArrayLike<number | bigint>,
      (v) => numberText(v, channel.dataType === "float32"),
    );
    text = `"${name}":[${values}]`;
    texts.set(key, text);
  }
  return text;
}

function eventText(names: readonly string[], row: number): string {
  const start = BigInt(row) * STRIDE_NS;
  return `id: ${start + STRIDE_NS}\ndata: {"time":"${start}","channels":{${
    names.map((name) => channelText(name, row))
  }}}\n\n`;
}

const decoder = new TextDecoder();

/** Checks events one by one; returns rows and gaps. */
function checkEvents(reader: Reader, isWhole: boolean): [number, number] {
  const text = decoder.decode(joined(reader.bytes));
  let at = text.indexOf("\n\n") + 2;
  assert.match(text.slice(0, at), /^retry: \d+\nevent: hello\ndata: /);
  let expected = -1;
  let rows = 0;
  let gaps = 0;
  while (at < text.length) {
    const rest = text.slice(at, at + 200);
    const gap = /^id: (\d+)\nevent: gap\ndata: (.*)\n\n/.exec(rest);
    const end = /^event: end\n/.exec(rest);
    if (end) break;
    if (gap) {
      const { from, to } = JSON.parse(gap[2]!);
      if (expected >= 0) {
        assert.equal(Number(BigInt(from) / STRIDE_NS), expected);
      }
      expected = Number(BigInt(to) / STRIDE_NS);
      at += gap[0].length;
      gaps++;
      continue;
    }
    const id = /^id: (\d+)\n(\n)?/.exec(rest);
    if (!id && !isWhole) break;
    assert.ok(id, `not an event: ${JSON.stringify(rest)}`);
    const row = Number(BigInt(id[1]!) / STRIDE_NS) - 1;
    if (id[2]) {
      at += id[0].length;
      continue;
    }
    const wanted = eventText(reader.names, row);
    const got = text.slice(at, at + wanted.length);
    if (got.length < wanted.length && !isWhole) {
      assert.ok(wanted.startsWith(got), `row ${row} differs`);
      break;
    }
    assert.ok(got === wanted, `row ${row} differs for ${reader.names}`);
    if (expected >= 0) assert.equal(row, expected);
    expected = row + 1;
    rows++;
    at += wanted.length;
  }
  return [rows, gaps];
}

/** Checks an Arrow body byte by byte; a jump in time is a gap. */
function checkArrow(reader: Reader, isWhole: boolean): [number, number] {
  const members = reader.names.map((name) => byName.get(name)!);
  const template = new RowTemplate(members.map(({ channel }) => ({
    name: channel.name,
    dataType: channel.dataType,
    rate: String(channel.sampleRate),
    samples: samplesIn(channel, STRIDE_NS),
  })));
  const bytes = joined(reader.bytes);
  const { schemaMessage, emptyBatch, byteLength } = template;
  assert.deepEqual(bytes.subarray(0, schemaMessage.length), schemaMessage);
  const wanted = new Uint8Array(byteLength);
  let rows = 0;
  let gaps = 0;
  let last = -1;
  let at = schemaMessage.length;
  // Bytes of the metadata of messages that report neither a gap nor an end.
  template.begin(wanted, 0, 0n);
  const ofEmpty = new DataView(emptyBatch.buffer).getInt32(4, true);
  const ofRow = new DataView(wanted.buffer).getInt32(4, true);
  while (at + 8 < bytes.length) {
    const view = new DataView(bytes.buffer, at);
    const before = view.getInt32(4, true) - ofEmpty;
    if (startsWith(bytes, at + 8 + before, emptyBatch.subarray(8))) {
      at += before + emptyBatch.length;
      continue;
    }
    const told = view.getInt32(4, true) - ofRow;
    const text = decoder.decode(bytes.subarray(at + 8, at + 8 + told));
    if (told > 0) assert.match(text, /qanat\.gap/);
    const isCut = at + told + byteLength > bytes.length;
    if (isCut) {
      assert.ok(!isWhole, "cut short");
      break;
    }
    // The time is the first buffer of the body, behind prefix and metadata.
    const row = Number(
      view.getBigInt64(8 + view.getInt32(4, true), true) / STRIDE_NS,
    );
    template.begin(wanted, 0, BigInt(row) * STRIDE_NS);
    members.forEach(({ channel, samples }, i) => {
      const count = samplesIn(channel, STRIDE_NS);
      const values = samples(row * count, count);
      template.setPresent(wanted, 0, i);
      wanted.set(
        new Uint8Array(values.buffer, values.byteOffset, values.byteLength),
        template.valuesByteOffset(i),
      );
    });
    assert.ok(
      startsWith(bytes, at + 8 + told, wanted.subarray(8)),
      `row ${row} differs`,
    );
    assert.ok(row > last, `row ${row} after ${last}`);
    assert.equal(
      last >= 0 && row !== last + 1,
      told > 0,
      "a gap, and reported",
    );
    if (told > 0) gaps++;
    last = row;
    rows++;
    at += told + byteLength;
  }
  return [rows, gaps];
}

function startsWith(bytes: Uint8Array, at: number, part: Uint8Array): boolean {
  if (at + part.length > bytes.length) return false;
  for (let i = 0; i < part.length; i++) {
    if (bytes[at + i] !== part[i]) return false;
  }
  return true;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** The first way is the one that PROVEN_RUNTIMES rests on, so it is tried on every version. */
const RUNTIMES = [
  ["on native handles", PROVEN_RUNTIMES.at(-1)!],
  ["by socket.write()", "deno 0.0.0"],
] as const;

describe("recycled memory", () => {
  for (const [how, runtime] of RUNTIMES) {
    it(`never changes a byte under any client, fast or slow, over either outlet; sockets are written ${how}`, async () => {
      const source = new DrivenSource(channels);
      const clock = new BlockClock(FIRST);
      const qanat = new Qanat({
        config: configWith({
          port: 0,
          retentionMb: 1,
          slabMb: 8,
          inFlightFrames: 2,
          lingerMs: 0,
        }),
        source,
        log: silent,
        clocks: clock,
      });
      await qanat.start();
      const server = await serve(qanat, { runtime });
      const app = honoApp(qanat, { addressOf: () => "", alreadySent: null });
      const stall = Promise.withResolvers<void>();
      let seed = 99;
      const random = () =>
        (seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0) / 2 ** 32;
      const readers: {
        reader: Reader;
        done: Promise<void>;
        leave: () => void;
      }[] = [];
      for (let i = 0; i < 2 * CLIENTS_PER_OUTLET; i++) {
        const isSlow = i % 10 === 3 || i % 10 === 8;
        // Slow ones take wide rows: enough to fill the kernel's buffers, which hide a stall of 4 MB.
        const names = channels.map((c) => c.channel.name)
          .filter(() => isSlow || random() < 0.12)
          .slice(0, isSlow ? 100 : 5).sort();
        if (names.length === 0) names.push("H1:GWOSC-4KHZ_R1_WHITENED");
        const reader: Reader = {
          names,
          format: i % 4 < 2 ? "events" : "arrow",
          isSlow,
          stalled: stall.promise,
          bytes: [],
          ended: false,
        };
        const path = `/v1/${reader.format}?channels=${
          names.map(encodeURIComponent)
        }`;
        readers.push(
          i % 2 ? viaSocket(server.port, path, reader) : viaStream(
            await app.fetch(new Request("http://x" + path)),
            reader,
          ),
        );
      }
      while (qanat.hub.figures.clients < 2 * CLIENTS_PER_OUTLET) await pause(5);
      // A block before the first row: from here on every partition is present.
      for (const topic of source.wanted) {
        const before = source.blocks.blockOf(topic, FIRST - 1);
        source.sink!.onMessage(topic, before, FIRST - 1, 0);
        source.sink!.onCaughtUp(topic, clock.clockMs());
      }
      for (let row = FIRST; row < FIRST + ROWS; row++) {
        clock.index = row + 1;
        for (const topic of source.wanted) {
          source.sink!.onMessage(
            topic,
            source.blocks.blockOf(topic, row),
            row,
            0,
          );
        }
        for (const topic of source.wanted) {
          source.sink!.onCaughtUp(topic, clock.clockMs());
        }
        await pause(row % 8 === 0 ? 12 : 4);
      }
      stall.resolve();
      await pause(1500);
      // Some leave without a word, in the middle of whatever is being written to them.
      for (let i = 0; i < readers.length; i += 7) readers[i]!.leave();
      qanat.drain();
      await server.close(1500);
      await Promise.all(readers.map((r) => r.done));
      let rows = 0;
      let gaps = 0;
      let whole = 0;
      for (const { reader } of readers) {
        const check = reader.format === "events" ? checkEvents : checkArrow;
        const [r, g] = check(reader, false);
        rows += r;
        gaps += g;
        if (r === ROWS) whole++;
      }
      assert.ok(
        whole > CLIENTS_PER_OUTLET,
        `only ${whole} clients got every row`,
      );
      assert.ok(gaps > 0, "no slow client was passed by");
      assert.ok(qanat.ring.reclaimedPages > 8, "the ring went round");
      await qanat.close();
      assert.equal(qanat.slab.usedSlots, 0);
    });
  }
});

function viaSocket(port: number, path: string, reader: Reader) {
  const { promise, resolve } = Promise.withResolvers<void>();
  const request = http.get(
    { host: "127.0.0.1", port, path, agent: false },
    async (response) => {
      response.on("error", () => resolve());
      response.on("close", () => resolve());
      try {
        for await (const chunk of response) {
          reader.bytes.push(new Uint8Array(chunk));
          if (reader.isSlow && reader.bytes.length === 3) await reader.stalled;
        }
        reader.ended = true;
      } catch {
        // Closed as too slow, or left.
      }
      resolve();
    },
  );
  request.on("error", () => resolve());
  return { reader, done: promise, leave: () => request.destroy() };
}

function viaStream(response: Response, reader: Reader) {
  assert.equal(response.status, 200);
  const body = response.body!.getReader();
  const done = (async () => {
    try {
      for (;;) {
        const { value, done } = await body.read();
        if (done) break;
        reader.bytes.push(value);
        if (reader.isSlow && reader.bytes.length === 3) await reader.stalled;
      }
      reader.ended = true;
    } catch {
      // Closed as too slow, or left.
    }
  })();
  return { reader, done, leave: () => void body.cancel().catch(() => {}) };
}
