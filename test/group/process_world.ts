// A process with a reading thread and several workers, all in one thread: everything between them is cloned.
import { setTimeout as later } from "node:timers/promises";
import { Qanat } from "../../src/app.ts";
import { accessOf } from "../../src/auth/access_of.ts";
import { Catalog } from "../../src/channels/catalog.ts";
import type { Config } from "../../src/config.ts";
import { GroupLink } from "../../src/group/group_link.ts";
import { ReadingGroup } from "../../src/group/reading_group.ts";
import type { Ingest } from "../../src/ingest/ingest.ts";
import { LogSource } from "../../src/ingest/log_source.ts";
import { TrendRecording } from "../../src/ingest/trend_recording.ts";
import type {
  Port,
  ReadingMessage,
  ServingMessage,
} from "../../src/ingest/messages.ts";
import type { UsageLog } from "../../src/telemetry/usage_log.ts";
import type {
  HubMessage,
  MemberMessage,
} from "../../src/threads/thread_messages.ts";
import { HeldOutlet } from "../clients/held_outlet.ts";
import {
  BlockClock,
  configWith,
  DrivenSource,
  silent,
} from "../driven_source.ts";
import { ingestOf, portPair } from "../ingest/through_log.ts";
import { TableProcess } from "../shares/table_pools.ts";
import { embeddedChannels } from "../../src/source/synthetic.ts";

export const FIRST = 23_671_510_000;
export const NAME = "H1:QANAT-COUNT_I64_16";
export const channels = (await embeddedChannels()).filter(({ channel }) =>
  channel.name === NAME
);

export type LogEntry = readonly [event: string, fields: object];

/** A worker. While it hangs, no message reaches it. */
export class TestWorker {
  isHanging = false;

  constructor(
    readonly number: number,
    readonly qanat: Qanat,
    readonly link: GroupLink,
    readonly end: () => void,
  ) {}

  /** Opens a stream of the one channel. */
  open(owner?: string): HeldOutlet {
    const channel = this.qanat.catalog.get(NAME, null)!;
    const admission = this.qanat.hub.admission.admit([channel], "events", {
      address: owner ?? "192.0.2.1",
    });
    if (admission.kind !== "ready") throw new Error(admission.kind);
    const outlet = new HeldOutlet();
    admission.open(outlet);
    return outlet;
  }
}

export class ProcessWorld {
  readonly clock = new BlockClock(FIRST);
  readonly source = new DrivenSource(channels);
  readonly log: LogEntry[] = [];
  readonly usage: Record<string, unknown>[] = [];
  readonly workers: TestWorker[] = [];
  readonly config: Config;
  reading!: ReadingGroup;
  /** It is not started: the workers record their trends themselves. */
  recording!: TrendRecording;
  #ingest!: Ingest;
  #pools!: TableProcess;
  #row = FIRST;

  private constructor(changes: Partial<Config>) {
    this.config = configWith({
      retentionMb: 1,
      lingerMs: 0,
      outageGraceMs: 0,
      usageLog: "usage",
      ...changes,
    });
  }

  static async start(
    workers = 2,
    changes: Partial<Config> = {},
  ): Promise<ProcessWorld> {
    const world = new ProcessWorld(changes);
    const { clock } = world;
    world.#ingest = await ingestOf(world.source, { clockMs: clock.clockMs });
    const usageLog = {
      counters: { lines: 0, lost: 0, failures: 0 },
      isFailing: false,
      write: (entry: Record<string, unknown>) => void world.usage.push(entry),
    };
    world.recording = await TrendRecording.of({
      ...world.config,
      ingest: world.#ingest,
      catalog: world.source.catalog,
      log: silent,
      clocks: clock,
    });
    world.reading = new ReadingGroup({
      trends: world.recording,
      settings: world.config,
      source: world.source,
      ring: { highWaterBytes: 0 },
      log: world.#logger(),
      memory: () => ({ rss: 9, heapTotal: 3, heapUsed: 2, external: 1 }),
      usageLog: usageLog as unknown as UsageLog,
      missedProbes: () => ({}),
      clockMs: clock.clockMs,
    });
    world.#pools = new TableProcess(workers);
    for (let number = 0; number < workers; number++) await world.begin(number);
    return world;
  }

  #logger() {
    const keep = (event: string, fields = {}) =>
      void this.log.push([event, fields]);
    return { ...silent, info: keep, warn: keep, error: keep };
  }

  /** Starts a worker, instead of the one before. */
  async begin(number: number): Promise<TestWorker> {
    const { clock, config } = this;
    const log = this.#logger();
    const [toReading, toWorker] = portPair<ServingMessage, ReadingMessage>();
    const [questions, answers] = portPair<MemberMessage, HubMessage>();
    const served = this.#ingest.serve(toWorker);
    const leave = this.reading.serve(number, answers);
    const held: { worker?: TestWorker } = {};
    const isHanging = () => held.worker?.isHanging;
    const link = new GroupLink(
      {
        source: toReading,
        questions: hanging({ source: questions, isHanging }),
      },
      log,
    );
    const source = new LogSource({
      port: link.source,
      catalog: new Catalog(),
      clockMs: clock.clockMs,
      now: () => ({ gpsMs: clock.index * 62.5 + 1, unixMs: clock.nowMs() }),
    });
    const ring = await source.join();
    const sessions = await link.sessions();
    const usageLog = link.usageLog(config.usageLog);
    const qanat = new Qanat({
      config,
      source,
      ring,
      log,
      access: await accessOf(config, source.catalog, log, sessions),
      sharePools: this.#pools.workers[number]!,
      reportsEachMinute: false,
      memory: () => ({ rss: 9, heapTotal: 3, heapUsed: 2, external: 1 }),
      clocks: clock,
      ...usageLog === undefined ? {} : { usageLog },
    });
    await link.begin(qanat);
    await qanat.start();
    const worker: TestWorker = new TestWorker(number, qanat, link, () => {
      served.ended();
      served.endLeases();
      leave();
    });
    this.workers[number] = held.worker = worker;
    await this.settle();
    return worker;
  }

  /** Ends a worker, by an exception or not. */
  async end(worker: TestWorker, isFailure: boolean): Promise<void> {
    await worker.link.end(isFailure);
    await this.settle();
    worker.end();
    worker.qanat.drain();
    await worker.qanat.close();
    this.#pools.start(worker.number);
  }

  /** Publishes rows; all workers have them afterwards. */
  async publish(count: number): Promise<void> {
    const [topic] = this.source.blocks.topics;
    for (let i = 0; i < count; i++) {
      this.clock.index = this.#row + 1;
      const block = this.source.blocks.blockOf(topic!, this.#row);
      const { sink } = this.source;
      sink!.onMessage(topic!, block, this.#row, this.clock.nowMs() - 10);
      sink!.onCaughtUp(topic!, this.clock.clockMs());
      this.#row++;
    }
    await this.settle();
  }

  /** What the reading thread does once a second. */
  tick(): void {
    this.#ingest.tick();
  }

  /** Until all messages have arrived. */
  async settle(): Promise<void> {
    for (let i = 0; i < 10; i++) await later(5);
  }

  async close(): Promise<void> {
    for (const worker of this.workers) {
      worker.isHanging = false;
      await this.end(worker, false);
    }
    this.reading.close();
    await this.recording.close();
    await this.#ingest.close();
  }
}

/** A port that keeps messages for its thread while that hangs. */
function hanging(
  { source, isHanging }: {
    readonly source: Port<MemberMessage, HubMessage>;
    readonly isHanging: () => boolean | undefined;
  },
): Port<MemberMessage, HubMessage> {
  const port: Port<MemberMessage, HubMessage> = {
    send: (message) => source.send(message),
    onMessage: null,
  };
  source.onMessage = (message) => {
    if (!isHanging()) port.onMessage?.(message);
  };
  return port;
}
