// The search for a time in random logs: whatever clock their timestamps are from, no block of the time is skipped, and
// little is asked.
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { describe, it } from "@std/testing/bdd";
import { findStarts } from "../../src/kafka/find_starts.ts";
import type { LogAccess } from "../../src/kafka/kafka_protocol.ts";
import { LogSearch, type Stamp } from "../../src/kafka/log_search.ts";
import {
  batchBytes as batchBytesOf,
  newWork,
  rawTopic,
  recordBytes,
} from "./batches.ts";

const LOGS = 500;
const START_MS = 1_400_000_000_000;
const LATENCY_MS = 1000;
/** How far before the target reading may begin, in ms and in records. */
const ROOM_MS = 15_000;
const ROOM_RECORDS = 32;

interface Logged extends Stamp {
  readonly isReadable: boolean;
}

/** How a clock is off at a time since the log's beginning. */
const CLOCKS:
  readonly (readonly [string, (ms: number, endMs: number) => number])[] = [
    ["right", () => 0],
    ["0.2 s slow", () => -200],
    ["an hour slow", () => -3_600_000],
    ["an hour fast", () => 3_600_000],
    ["days slow", () => -10 * 86_400_000],
    ["drifting", (ms) => ms / 100],
    ["set back by an hour", (ms, endMs) => ms < endMs / 2 ? 3_600_000 : 0],
    ["set ahead by an hour", (ms, endMs) => ms < endMs / 2 ? 0 : 3_600_000],
    ["of no use", (ms) => (ms * 7919) % 86_400_000],
  ];

function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () =>
    (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32;
}

function logOf(seed: number) {
  const random = generator(seed);
  const [clock, offMs] = CLOCKS[seed % CLOCKS.length]!;
  const strideMs = [62.5, 250, 1000, 60_000][Math.floor(random() * 4)]!;
  const count = Math.floor(10 ** (random() * 4.3));
  const written: { atMs: number; blockMs: number }[] = [];
  let silentTo = -1;
  for (let i = 0; i < count; i++) {
    if (random() < 0.001) silentTo = i + Math.floor(random() * 5000);
    if (i < silentTo) continue;
    const delayMs = random() < 0.3 ? random() * LATENCY_MS : random() * 50;
    const atMs = (i + 1) * strideMs + delayMs;
    written.push({ atMs, blockMs: START_MS + i * strideMs });
  }
  written.sort((a, b) => a.atMs - b.atMs);
  const first = random() < 0.5 ? 0 : Math.floor(random() * 1e9);
  const unreadable = random() < 0.2 ? 0.1 : 0;
  const log = written.map(({ atMs, blockMs }, i): Logged => ({
    offset: first + i,
    timestampMs: Math.round(1.7e12 + atMs + offMs(atMs, count * strideMs)),
    blockMs,
    isReadable: random() >= unreadable,
  }));
  const spanMs = (log.at(-1)?.blockMs ?? START_MS) - START_MS;
  // Within the log most often, and sometimes before or after it.
  const wantedMs = START_MS + (random() * 1.2 - 0.1) * spanMs;
  return { clock, strideMs, first, log, wantedMs };
}

/** As a broker: the first offset whose time is no earlier, or −1. */
function lookedUp(log: readonly Logged[], timestampMs: number): number {
  return log.find((m) => m.timestampMs >= timestampMs)?.offset ?? -1;
}

describe("LogSearch", () => {
  it(`skips nothing and makes few requests, in ${LOGS} logs by ${CLOCKS.length} clocks`, () => {
    let looks = 0;
    let exact = 0;
    for (let seed = 1; seed <= LOGS; seed++) {
      const { clock, first, log, wantedMs, strideMs } = logOf(seed);
      const what = `seed ${seed}, ${log.length} records, clock ${clock}`;
      const search = new LogSearch(first, first + log.length, wantedMs);
      let asked = 0;
      while (search.step.kind !== "done") {
        asked++;
        const { step } = search;
        if (step.kind === "look-up") {
          search.lookedUp(lookedUp(log, step.timestampMs));
        } else {
          const from = step.offset - first;
          const found = log.slice(from, from + 16).filter((m) => m.isReadable);
          search.read(found.slice(0, 3));
        }
      }
      // One at the end, guesses with their look-ups, halvings, one at the beginning.
      const halvings = Math.ceil(Math.log2(log.length + 1));
      assert.ok(asked <= 8 + halvings, `${what}: asked ${asked} times`);
      const { offset, isCut } = search.step;
      const before = log.slice(0, offset - first);
      const passed = before.filter((m) =>
        m.blockMs >= wantedMs + LATENCY_MS + strideMs
      );
      assert.deepEqual(passed, [], what);
      const readable = log.filter((m) => m.isReadable);
      if (readable.length === log.length) {
        const isLate = Math.max(...log.slice(0, 3).map((m) => m.blockMs)) >
          wantedMs;
        assert.equal(isCut, first > 0 && (isLate || log.length === 0), what);
      }
      const early = log.slice(offset - first).filter((m) =>
        m.blockMs < wantedMs - ROOM_MS - LATENCY_MS
      );
      if (unreadableNone(log)) {
        assert.ok(
          early.length <= ROOM_RECORDS + 3,
          `${what}: ${early.length} records too early`,
        );
      }
      looks += asked;
      if (asked <= 3) exact++;
    }
    // Most clocks are off by the same all the time: the first guess is right.
    assert.ok(exact > LOGS * 0.6, `${exact} of ${LOGS} by the first guess`);
    assert.ok(looks < LOGS * 8, `${looks} questions`);
  });
});

function unreadableNone(log: readonly Logged[]): boolean {
  return log.every((m) => m.isReadable);
}

describe("findStarts()", () => {
  /** A log of 1000 blocks, one a second, in batches of one; topic `b` is refused. */
  function broker(batchBytes: number) {
    const asked: string[] = [];
    const log: LogAccess = {
      listOffsets: (topics) => {
        asked.push(`offsets ${topics.map((t) => t.topic)}`);
        return Promise.resolve(
          new Map(topics.map(({ topic, at }) => {
            const offset = at === "earliest"
              ? 0
              : at === "latest"
              ? 1000
              : Math.ceil(at / 1000) - 1;
            return [topic, { errorCode: topic === "b" ? 6 : 0, offset }];
          })),
        );
      },
      fetch: (topics, { maxBytes }) => {
        asked.push(`fetch ${topics.map((t) => t.topic)}`);
        return Promise.resolve(topics.map((t, i) => {
          const isWhole = i === 0 && maxBytes >= batchBytes ||
            t.maxBytes >= batchBytes;
          const record = recordBytes({
            offsetDelta: 0,
            timeDelta: t.offset * 1000,
            value: new TextEncoder().encode(String(t.offset)),
          });
          const made = { first: t.offset, lastDelta: 0 };
          const batch = batchBytesOf({ ...made, body: Buffer.from(record) });
          const batches = isWhole ? [batch] : [batch.subarray(0, 20)];
          return rawTopic(batches, { topic: t.topic });
        }));
      },
    };
    return { asked, log };
  }

  const wanted = (topic: string, second: number) => ({
    topic,
    fromMs: second * 1000,
    blockTime: (value: Uint8Array) =>
      Number(new TextDecoder().decode(value)) * 1000,
  });

  it("asks for all topics at once; a refused topic stops no other", async () => {
    const { asked, log } = broker(100);
    const topics = [wanted("a", 500), wanted("b", 500), wanted("c", 700)];
    const found = await findStarts(log, topics, newWork());
    assert.deepEqual(found.get("b"), { kind: "refused", errorCode: 6 });
    for (const [topic, second] of [["a", 500], ["c", 700]] as const) {
      const start = found.get(topic);
      assert.ok(start?.kind === "found" && !start.isCut, topic);
      assert.ok(start.offset <= second && start.offset > second - 16, topic);
    }
    assert.deepEqual(asked, [
      "offsets a,b,c",
      "offsets a,b,c",
      "fetch a,c",
      "offsets a,c",
      "fetch a,c",
    ]);
  });

  it("gets a batch that did not fit next to others by asking for more", async () => {
    const { log } = broker(3 * 1024 * 1024);
    const topics = [wanted("a", 5000), wanted("c", 5000)];
    const found = await findStarts(log, topics, newWork());
    for (const topic of ["a", "c"]) {
      assert.deepEqual(found.get(topic), {
        kind: "found",
        offset: 999,
        end: 1000,
        isCut: false,
      });
    }
  });
});
