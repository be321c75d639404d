// A history that a relay reads from an upstream whose connections break.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { UpstreamHistories } from "../../src/relay/upstream_histories.ts";
import { Upstreams } from "../../src/relay/upstreams.ts";
import {
  BLOCKS_CONTENT_TYPE,
  FRAME,
  frameBytes,
  textPayload,
} from "../../src/relay/wire.ts";
import type { HistoryReader } from "../../src/source/source.ts";
import { DrivenSource, silent } from "../driven_source.ts";
import { CHANNELS, FIRST } from "./relay_world.ts";

const STRIDE_MS = 62.5;
/** Further back than what comes again after a break. */
const ROWS = 2200;
const ROWS_OF_READ = 250;
/** Each answer breaks after so many reads, within the next one. */
const READS_OF_ANSWER = 6;
const ROWS_OF_MINUTE = 60_000 / STRIDE_MS;

interface Asked {
  readonly topic: string;
  readonly since_ms: number;
}

const source = new DrivenSource(CHANNELS);
const topics = source.blocks.topics.slice(0, 2);

/** An upstream whose answers break, each after some reads of each topic. */
function breaking(
  requests: Asked[][],
  end: "break" | "failed",
): HistoryReader {
  const answer: typeof fetch = (_, init) => {
    const asked = JSON.parse(init!.body as string).topics as Asked[];
    requests.push(asked);
    if (requests.length === 2) {
      return Promise.reject(new TypeError("connection refused"));
    }
    const frames = framesFor(asked, end);
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => {
        const next = frames.shift();
        if (next !== undefined) controller.enqueue(next);
        else controller.error(new TypeError("connection reset"));
      },
    });
    const headers = { "content-type": BLOCKS_CONTENT_TYPE };
    return Promise.resolve(new Response(body, { headers }));
  };
  const upstreams = new Upstreams({
    addresses: ["http://origin"],
    token: () => Promise.resolve(""),
    fetch: answer,
    clockMs: () => 0,
    log: silent,
  });
  return new UpstreamHistories({ upstreams, clockMs: () => 0 }).open(
    topics.map((topic) => ({ topic, fromMs: FIRST * STRIDE_MS, latencyMs: 0 })),
  );
}

function framesFor(asked: readonly Asked[], end: string): Uint8Array[] {
  const frames = [frameBytes(FRAME.hello, { payload: textPayload({}) })];
  asked.forEach(({ topic }, number) => {
    const payload = textPayload(topic);
    frames.push(frameBytes(FRAME.topic, { topic: number, payload }));
  });
  for (let read = 0; read <= READS_OF_ANSWER; read++) {
    for (const [number, { topic, since_ms }] of asked.entries()) {
      const first = Math.ceil(since_ms / STRIDE_MS) + read * ROWS_OF_READ;
      const after = Math.min(first + ROWS_OF_READ, FIRST + ROWS);
      for (let index = first; index < after; index++) {
        const payload = source.blocks.blockOf(topic, index).slice();
        frames.push(frameBytes(FRAME.message, { topic: number, payload }));
      }
      if (read === READS_OF_ANSWER) continue;
      const isAtEnd = after === FIRST + ROWS ? 1 : 0;
      if (first >= FIRST + ROWS) continue;
      frames.push(frameBytes(FRAME.read, { topic: number, first: isAtEnd }));
    }
  }
  if (end === "failed") {
    frames.push(frameBytes(FRAME.end, { payload: textPayload("failed") }));
  }
  return frames;
}

describe("a history of an upstream", () => {
  for (const end of ["break", "failed"] as const) {
    it(`continues after each failure where it was, a minute before (${end}; earlier, all later reads failed)`, async () => {
      const requests: Asked[][] = [];
      const history = breaking(requests, end);
      const got = new Map(topics.map((topic) => [topic, new Set<string>()]));
      const open = new Set(topics);
      let failures = 0;
      let messages = 0;
      while (open.size > 0) {
        assert.ok(failures < 100, "it does not come to its end");
        const answers = await history.read([...open]).catch(() => {
          failures++;
          return [];
        });
        for (const answer of answers) {
          for (const { value } of answer.messages) {
            messages++;
            got.get(answer.topic)!.add(value.toHex());
          }
          if (answer.isAtEnd) open.delete(answer.topic);
        }
      }
      history.close();
      for (const topic of topics) {
        const blocks = Array.from(
          { length: ROWS },
          (_, i) => source.blocks.blockOf(topic, FIRST + i).toHex(),
        );
        assert.deepEqual([...got.get(topic)!], blocks);
      }
      assert.ok(failures > 2, `${failures} failures`);
      assert.equal(requests.length, failures + 1);
      // Only the last minute before each break comes again.
      const again = (failures + 1) * topics.length * (ROWS_OF_MINUTE + 1);
      assert.ok(messages <= topics.length * ROWS + again, `${messages}`);
      const since = requests.map(([asked]) => asked!.since_ms);
      assert.deepEqual(since, since.toSorted((a, b) => a - b));
      assert.ok(since.at(-1)! > FIRST * STRIDE_MS, "it began again");
    });
  }

  it("reads nothing after it is closed", async () => {
    const requests: Asked[][] = [];
    const history = breaking(requests, "break");
    history.close();
    await assert.rejects(history.read(topics), /closed/);
    assert.equal(requests.length, 0);
  });
});
