// An instance whose page ring begins behind a log, for clients that resume from that log. Clocks and timers are the test's.
// Invariant: the log never changes, so what a client gets depends on its request alone.
import assert from "node:assert/strict";
import { Qanat } from "../../src/app.ts";
import { unixMsOfGpsMs } from "../../src/blocks/gps_time.ts";
import type { ClientOptions } from "../../src/clients/client_options.ts";
import type { GroupClient } from "../../src/clients/selection_group.ts";
import type { Config } from "../../src/config.ts";
import type {
  StreamFormat,
  StreamShape,
} from "../../src/frames/stream_format.ts";
import { embeddedChannels } from "../../src/source/synthetic.ts";
import type {
  HistoryMessages,
  HistoryReader,
  HistoryTopic,
  ReadFrom,
} from "../../src/source/source.ts";
import {
  BlockClock,
  configWith,
  DrivenSource,
  silent,
} from "../driven_source.ts";
import { FrozenTime } from "../frozen_time.ts";
import { HeldTurns } from "../held_turns.ts";
import { HeldOutlet } from "./held_outlet.ts";

/** Rows that only the log has, and the first one of the page ring. */
export const ROWS = 300;
export const FIRST = 23_671_510_000;
export const START = FIRST - ROWS;
export const STRIDE_NS = 62_500_000n;
/** Of two partitions. */
export const NAMES = ["H1:QANAT-COUNT_I64_16", "H1:QANAT-SINE_F32_256"];
const LIVE_ROWS = 2;
const STRIDE_MS = 62.5;
/** The end of the log, which has the live rows, too. */
export const END = FIRST + LIVE_ROWS;
const channels = await embeddedChannels();

/** A log of two partitions, some blocks of which may be missing. */
export class LoggedSource extends DrivenSource {
  readers = 0;
  opened = 0;
  reads = 0;
  /** Messages of one topic in one read. */
  readRows = 32;
  /** While it is set, reads fail. */
  failure: Error | null = null;
  /** Topics and block indexes that the log does not have. */
  readonly missing = new Set<string>();
  readonly #readMs: number;

  /** `readMs`: how long a read takes. */
  constructor(names: readonly string[] = NAMES, readMs = 0) {
    super(channels.filter(({ channel }) => names.includes(channel.name)));
    this.#readMs = readMs;
  }

  override subscribe(topic: string, _from: ReadFrom): number {
    return super.subscribe(topic, {
      kind: "block-time",
      ms: FIRST * STRIDE_MS,
    });
  }

  override openHistory(topics: readonly HistoryTopic[] = []): HistoryReader {
    const next = new Map(topics.map(({ topic, fromMs }) => {
      const row = Math.floor(fromMs / STRIDE_MS);
      return [topic, Math.min(END, Math.max(START, row))];
    }));
    let isOpen = true;
    this.readers++;
    this.opened++;
    return {
      read: async (asked) => {
        this.reads++;
        if (this.failure) throw this.failure;
        if (this.#readMs > 0) {
          await new Promise((resolve) => setTimeout(resolve, this.#readMs));
        }
        return asked.map((topic) => this.#read(topic, next));
      },
      close: () => {
        if (isOpen) this.readers--;
        isOpen = false;
      },
    };
  }

  #read(topic: string, next: Map<string, number>): HistoryMessages {
    const messages = [];
    let row = next.get(topic)!;
    for (let i = 0; i < this.readRows && row < END; i++, row++) {
      if (this.missing.has(`${topic} ${row}`)) continue;
      messages.push({
        value: this.blocks.blockOf(topic, row),
        timestampMs: unixMsOfGpsMs((row + 1) * STRIDE_MS),
      });
    }
    next.set(topic, row);
    return { topic, messages, isAtEnd: row >= END, isCut: false };
  }
}

/** Publishes the rows of the page ring. */
export function publishLive(
  { blocks, sink }: LoggedSource,
  clock: BlockClock,
): void {
  for (let row = FIRST; row < END; row++) {
    clock.index = row + 1;
    for (const topic of blocks.topics) {
      sink!.onMessage(topic, blocks.blockOf(topic, row), row, 0);
    }
    for (const topic of blocks.topics) {
      sink!.onCaughtUp(topic, clock.clockMs());
    }
  }
}

/** What a client asks for. */
export interface ResumeRequest extends Partial<ClientOptions> {
  /** The last row that it has. */
  readonly lastRow: number;
  readonly format?: StreamFormat | StreamShape;
  readonly names?: readonly string[];
}

export interface Resumed {
  readonly request: ResumeRequest;
  readonly outlet: HeldOutlet;
  readonly client: GroupClient;
}

export class ResumingWorld {
  readonly source: LoggedSource;
  readonly qanat: Qanat;
  readonly clock = new BlockClock(FIRST);
  readonly turns = new HeldTurns();
  readonly time: FrozenTime;
  readonly #live: GroupClient[] = [];

  constructor(source: LoggedSource, changes: Partial<Config> = {}) {
    this.source = source;
    this.time = new FrozenTime(this.clock);
    this.qanat = new Qanat({
      config: configWith({
        retentionMb: 1,
        lingerMs: 0,
        historyReadersMax: 2,
        historyStallMs: 5000,
        resumeWindowMs: 60_000,
        addressSharePercent: 100,
        ...changes,
      }),
      source,
      log: silent,
      clocks: this.clock,
      later: this.turns.later,
    });
  }

  get history() {
    return this.qanat.hub.history;
  }

  /** Lets a client read live, so that the timeline stays, and publishes the rows of the page ring. */
  async start(): Promise<void> {
    await this.qanat.start();
    for (const names of [NAMES, NAMES.slice(0, 1)]) {
      const { client } = this.#open({ names }, {});
      this.#live.push(client);
    }
    publishLive(this.source, this.clock);
    await this.quiet();
  }

  resume(request: ResumeRequest, isStalled = false): Resumed {
    const { lastRow, format, names, ...options } = request;
    const { client, outlet } = this.#open(
      { ...format ? { format } : {}, ...names ? { names } : {}, isStalled },
      { afterNs: BigInt(lastRow + 1) * STRIDE_NS, ...options },
    );
    return { request, client, outlet };
  }

  #open(
    { format = "events", names = NAMES, isStalled = false }: {
      readonly format?: StreamFormat | StreamShape;
      readonly names?: readonly string[];
      readonly isStalled?: boolean;
    },
    options: Partial<ClientOptions>,
  ) {
    const admission = this.qanat.hub.admission.admit(
      [...names].sort().map((name) => this.source.catalog.get(name, null)!),
      format,
      { address: "10.0.0.1", ...options },
    );
    assert.ok(admission.kind === "ready", JSON.stringify(admission));
    const outlet = new HeldOutlet();
    outlet.isStalled = isStalled;
    return { outlet, client: admission.open(outlet) };
  }

  /** Lets all that is under way come to a stop. */
  async quiet(): Promise<void> {
    await this.time.settle(this.turns);
  }

  /** Lets clients read to their end, or to the newest row. */
  async readOn(resumed: readonly Resumed[]): Promise<void> {
    const isDone = ({ client }: Resumed) =>
      client.ended !== null ||
      client.phase.kind === "live" && client.cursor === END;
    for (let i = 0; i < 1000 && !resumed.every(isDone); i++) {
      for (const { outlet } of resumed) {
        outlet.isStalled = false;
        outlet.finish();
      }
      await this.quiet();
    }
    assert.ok(
      resumed.every(isDone),
      JSON.stringify(resumed.map(({ client }) => client.phase.kind)),
    );
  }

  async close(): Promise<void> {
    this.qanat.drain();
    await this.quiet();
    this.time.restore();
    await this.qanat.close();
    const { histories, resumes, waiting } = this.history;
    assert.deepEqual(
      { histories, resumes, waiting, readers: this.source.readers },
      { histories: 0, resumes: 0, waiting: 0, readers: 0 },
    );
  }
}

/** All bytes that a client was sent. */
export function bytesOf({ outlet }: Resumed): Promise<Uint8Array> {
  return new Blob(outlet.written as BlobPart[]).bytes();
}

/** The rows of a client of events, from their ids. */
export function rowsOf({ outlet }: Resumed): number[] {
  return [...outlet.text.matchAll(/^id: (\d+)\ndata: \{"time/gm)].map((m) =>
    Number(BigInt(m[1]!) / STRIDE_NS) - 1
  );
}
