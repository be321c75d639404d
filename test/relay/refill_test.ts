// A relay whose upstream does not reach back to what the relay has delivered.
// Invariant: what the upstream still has as history reaches the clients, each row once; what it has not is a gap at once.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "@std/testing/bdd";
import type { HeldOutlet } from "../clients/held_outlet.ts";
import type { BlockClock } from "../driven_source.ts";
import type {
  HistoryReader,
  HistoryTopic,
  ReadFrom,
} from "../../src/source/source.ts";
import {
  FIRST,
  LoggedSource,
  open,
  RelayWorld,
  settle,
} from "./relay_world.ts";

const STRIDE_MS = 62.5;
const BEFORE = 40;
const AWAY = 200;
const AFTER = 40;
const ROWS_PER_SECOND = 16;

let world: RelayWorld;

beforeEach(() => {
  world = new RelayWorld();
});

afterEach(() => world.close());

/** A subscription begins 4 s ago at the earliest; history has the rest. */
class ShortSource extends LoggedSource {
  readonly log: Map<string, number[]>;
  readonly #clock: BlockClock;
  histories = 0;
  /** Rows before this one are in no history any more. */
  historyFrom = 0;

  constructor(clock: BlockClock, log: Map<string, number[]>) {
    super(clock, log);
    this.log = log;
    this.#clock = clock;
  }

  override subscribe(topic: string, { kind, ms }: ReadFrom): number {
    const backMs = (this.#clock.index - 4 * ROWS_PER_SECOND) * STRIDE_MS;
    const fromMs = Math.max(ms, backMs);
    super.subscribe(topic, { kind, ms: fromMs });
    return fromMs;
  }

  override openHistory(topics: readonly HistoryTopic[] = []): HistoryReader {
    this.histories++;
    const next = new Map(
      topics.map(({ topic, fromMs }) => [
        topic,
        Math.max(this.historyFrom, Math.ceil(fromMs / STRIDE_MS)),
      ]),
    );
    const isCut = topics.some(({ fromMs }) =>
      fromMs < this.historyFrom * STRIDE_MS
    );
    return {
      read: (names) =>
        Promise.resolve(names.map((topic) => {
          const from = next.get(topic)!;
          const rows = (this.log.get(topic) ?? []).filter((row) => row >= from)
            .slice(0, 7);
          next.set(topic, (rows.at(-1) ?? from - 1) + 1);
          return {
            topic,
            messages: rows.map((row) => ({
              value: this.blocks.blockOf(topic, row),
              timestampMs: -1,
            })),
            isAtEnd: rows.length === 0,
            isCut,
          };
        })),
      close: () => {},
    };
  }
}

const idsOf = ({ text }: HeldOutlet) =>
  [...text.matchAll(/^id: (\d+)\ndata: .*channels/gm)].map(([, id]) => id);

describe("a relay whose upstream begins again later than the relay ended", () => {
  const log = new Map<string, number[]>();

  /** Runs an origin, then another one after it was away. */
  async function run(historyFrom: number) {
    log.clear();
    let source = new ShortSource(world.clock, log);
    await world.instance(source, { host: "origin" });
    const upstream = world.upstream(["origin"]);
    const relay = await world.instance(upstream);
    const client = open(relay, "events", { gaps: "skip" });
    await settle();
    for (let i = 0; i < BEFORE + AWAY + AFTER; i++) {
      world.clock.index = FIRST + i + 1;
      source.publishRow(FIRST + i);
      if (i === BEFORE) {
        world.servers.delete("origin");
        world.cut();
      }
      if (i === BEFORE + AWAY) {
        source = new ShortSource(world.clock, log);
        source.historyFrom = historyFrom;
        await world.instance(source, { host: "origin" });
      }
      if (i % ROWS_PER_SECOND === 0) world.tick();
      await settle();
    }
    return { client, relay, source, upstream };
  }

  it("gives its clients the span between them from the history of the upstream", async () => {
    const { client, source, upstream } = await run(0);
    const ids = idsOf(client);
    const spans = ids.slice(1).map((id, i) => BigInt(id!) - BigInt(ids[i]!));
    assert.deepEqual(new Set(spans), new Set([62_500_000n]));
    assert.ok(ids.length > BEFORE + AWAY, `${ids.length} rows`);
    assert.doesNotMatch(client.text, /event: gap/);
    assert.equal(source.histories, 1);
    assert.equal(upstream.status().counters.upstream_refills, 1);
    assert.equal(upstream.status().counters.upstream_refills_failed, 0);
  });

  it("reports what no history has as a gap, and continues at once", async () => {
    const { client } = await run(FIRST + BEFORE + AWAY - 50);
    const [gap, ...others] = [
      ...client.text.matchAll(/^event: gap\n(?:id: .*\n)?data: (.*)$/gm),
    ];
    assert.deepEqual(others, []);
    const { from, to } = JSON.parse(gap![1]!);
    const lost = (BigInt(to) - BigInt(from)) / 62_500_000n;
    assert.ok(lost > AWAY - 60 && lost < AWAY - 40, `${lost} rows`);
    assert.ok(idsOf(client).length > BEFORE + 70);
  });
});
