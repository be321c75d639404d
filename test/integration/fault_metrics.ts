// An instance whose source a fault has hit, and the answers of its /metrics, one every 15 s of a clock that the test controls.
// Invariant: nothing but the text of /metrics, and whether it came, leaves this file.
import { Qanat } from "../../src/app.ts";
import { topicOf } from "../../src/channels/channel.ts";
import type { SourceStatus, TopicStatus } from "../../src/source/source.ts";
import { embeddedChannels } from "../../src/source/synthetic.ts";
import { HeldOutlet } from "../clients/held_outlet.ts";
import {
  BlockClock,
  configWith,
  DrivenSource,
  silent,
} from "../driven_source.ts";
import { type Scrape, seriesIn } from "./recorded_series.ts";

const SECOND_STEPS = 16;
const SCRAPE_S = 15;
const TURNS = 10;
const FIRST = 23_671_510_000;
/** A row a second each, of two topics. */
const NAMES = ["H1:SLOW-SINE_F32_1", "L1:SLOW-SINE_F32_1"];
const channels = (await embeddedChannels()).filter(({ channel }) =>
  NAMES.includes(channel.name)
);

/** A source of Kafka's kind that reports what a test needs. */
class FaultySource extends DrivenSource {
  said: Partial<SourceStatus> = {};
  reconnects = 0;
  readonly #clock: BlockClock;
  #contactMs = 0;

  constructor(clock: BlockClock) {
    super(channels);
    this.#clock = clock;
  }

  topicStatus(topic: string): TopicStatus {
    return {
      topic,
      state: "reading",
      position: 10,
      highWatermark: 10,
      lastStableOffset: 10,
      partitions: 1,
    };
  }

  override status(): SourceStatus {
    const { reachable = true } = this.said;
    if (reachable) this.#contactMs = this.#clock.clockMs();
    return {
      ...super.status(),
      kind: "kafka",
      topics: [...this.wanted].map((topic) => this.topicStatus(topic)),
      lastContactClockMs: this.#contactMs,
      counters: { reconnects: this.reconnects, refused_records: 0 },
      ...this.said,
    };
  }
}

/** One instance with two clients, in simulated time. */
export class FaultWorld {
  readonly clock = new BlockClock(FIRST);
  readonly source = new FaultySource(this.clock);
  readonly qanat: Qanat;
  readonly scrapes: Scrape[] = [];
  /** Topics of which nothing comes. */
  readonly silent = new Set<string>();
  /** Of each topic every so many blocks one is left out; 0: none. */
  leftOutEvery = 0;
  /** Blocks before this one, of a second each, are never published any more. */
  oldestIndex = Math.ceil(FIRST / SECOND_STEPS);
  #tick = () => {};
  #seconds = 0;

  private constructor() {
    this.qanat = new Qanat({
      config: configWith({ retentionMb: 2, lingerMs: 0, watchdogProbesMax: 0 }),
      source: this.source,
      log: silent,
      clocks: this.clock,
      later: (turn) => queueMicrotask(turn),
    });
  }

  static async start(said: Partial<SourceStatus> = {}): Promise<FaultWorld> {
    const world = new FaultWorld();
    world.source.said = said;
    const { setInterval } = globalThis;
    // Its ticks follow the clock that the test controls.
    globalThis.setInterval = ((call: () => void) => {
      world.#tick = call;
      return 0;
    }) as unknown as typeof setInterval;
    try {
      await world.qanat.start();
    } finally {
      globalThis.setInterval = setInterval;
    }
    for (const name of NAMES) {
      const admission = world.qanat.hub.admission.admit(
        [world.source.catalog.get(name, null)!],
        "events",
        { address: "" },
      );
      if (admission.kind !== "ready") throw new Error(admission.kind);
      admission.open(new HeldOutlet());
    }
    return world;
  }

  /** The topic of one of the two clients. */
  get topic(): string {
    return topicOf(this.source.catalog.get(NAMES[0]!, null)!);
  }

  get topics(): string[] {
    return NAMES.map((name) => topicOf(this.source.catalog.get(name, null)!));
  }

  /** The newest block that is over. */
  get newestIndex(): number {
    return Math.floor(this.clock.index / SECOND_STEPS) - 1;
  }

  /** Lets time pass: blocks come, and /metrics is read. */
  async pass(seconds: number): Promise<void> {
    for (let s = 0; s < seconds; s++) {
      for (let step = 0; step < SECOND_STEPS; step++) {
        this.clock.index++;
        this.#tick();
      }
      this.#publish();
      // Turns of catching up and of closing clients.
      for (let turn = 0; turn < TURNS; turn++) await null;
      if (++this.#seconds % SCRAPE_S === 0) await this.#scrape();
    }
  }

  /** The process is stopped: nothing runs and no client gets an answer. */
  freeze(seconds: number): void {
    this.clock.index += seconds * SECOND_STEPS;
    const missed = Math.floor((this.#seconds + seconds) / SCRAPE_S) -
      Math.floor(this.#seconds / SCRAPE_S);
    this.#seconds += seconds;
    for (let i = 0; i < missed; i++) this.scrapes.push(null);
  }

  async close(): Promise<void> {
    this.qanat.drain();
    await this.qanat.close();
  }

  #publish(): void {
    const { reachable = true } = this.source.said;
    if (!reachable) return;
    const { sink, blocks, wanted } = this.source;
    for (const topic of wanted) {
      // Those of an outage come with the first fetch behind it.
      const newest = this.newestIndex;
      const oldest = Math.max(newest - 60, this.oldestIndex);
      for (let index = oldest; index <= newest; index++) {
        if (this.silent.has(topic)) continue;
        if (this.leftOutEvery > 0 && index % this.leftOutEvery === 0) continue;
        if (this.qanat.store.partition(topic)!.locate(index) >= 0) continue;
        sink!.onMessage(topic, blocks.blockOf(topic, index), index, 0);
      }
      sink!.onCaughtUp(topic, this.clock.clockMs());
    }
  }

  async #scrape(): Promise<void> {
    const { text } = await this.qanat.metrics();
    this.scrapes.push(seriesIn(text));
  }
}
