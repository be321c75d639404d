// A source that a test controls: blocks of the embedded channels, at the pace and by the clock that the test chooses.
import type { Clocks } from "../src/blocks/gps_clock.ts";
import { unixMsOfGpsMs } from "../src/blocks/gps_time.ts";
import { Catalog } from "../src/channels/catalog.ts";
import type { Channel } from "../src/channels/channel.ts";
import { ChannelAdmission } from "../src/channels/channel_admission.ts";
import { parseConfig } from "../src/config.ts";
import type { Config } from "../src/config.ts";
import type { Logger } from "../src/telemetry/log.ts";
import { EmbeddedBlocks } from "../src/source/embedded_blocks.ts";
import type { EmbeddedChannel } from "../src/source/synthetic.ts";
import type {
  BlockSink,
  HistoryReader,
  HistoryTopic,
  ReadFrom,
  Source,
  SourceStatus,
} from "../src/source/source.ts";

export class DrivenSource implements Source {
  readonly catalog = new Catalog();
  readonly admission = new ChannelAdmission({ catalog: this.catalog });
  readonly blocks: EmbeddedBlocks;
  readonly wanted = new Set<string>();
  sink: BlockSink | null = null;

  constructor(channels: readonly EmbeddedChannel[]) {
    this.blocks = new EmbeddedBlocks(channels);
    for (const { channel } of channels) this.publish(channel);
  }

  /** Says what a channel is from now on, as its publisher would. */
  publish(channel: Channel): void {
    const fault = this.admission.put(channel.publisher, channel);
    if (fault) throw new Error(`${channel.name}: ${fault.detail}`);
  }

  /** Takes a channel back. */
  takeBack({ publisher, name }: Channel): void {
    this.admission.remove(publisher, name);
  }

  start(sink: BlockSink): Promise<void> {
    this.sink = sink;
    return Promise.resolve();
  }

  subscribe(topic: string, { ms }: ReadFrom): number {
    this.wanted.add(topic);
    return ms;
  }

  openHistory(_topics?: readonly HistoryTopic[]): HistoryReader {
    return {
      read: () => Promise.reject(new Error("This source has no past")),
      close: () => {},
    };
  }

  unsubscribe(topic: string): void {
    this.wanted.delete(topic);
  }

  status(): SourceStatus {
    return {
      kind: "embedded",
      ready: true,
      reachable: true,
      lastContactClockMs: Infinity,
      unreachable: [],
      topics: [],
      wideTopics: 0,
      counters: {},
    };
  }

  close(): Promise<void> {
    this.sink = null;
    return Promise.resolve();
  }
}

/** A clock that stands just behind the end of a block of 1/16 s. */
export class BlockClock implements Clocks {
  index: number;
  /** How far the wall clock is off. */
  wallAheadMs = 0;

  constructor(index: number) {
    this.index = index;
  }

  readonly nowMs = (): number =>
    unixMsOfGpsMs(this.index * 62.5) + 1 + this.wallAheadMs;

  /** Lets seconds pass, and calls in each. */
  pass(seconds: number, each: () => void): void {
    for (let i = 0; i < seconds; i++) {
      this.index += 16;
      each();
    }
  }

  readonly clockMs = (): number => this.index * 62.5 + 1;
}

export const silent: Logger = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
};

/**
 * The defaults with some settings changed. Rows are handed out within the call that brought them, and released slots are
 * poisoned, so that no test misses a frame that was released too early.
 */
export function configWith(changes: Partial<Config>): Config {
  const parsed = parseConfig([], {});
  if (parsed.kind !== "config") throw new Error("The defaults do not parse");
  return {
    ...parsed.config,
    sliceMs: Infinity,
    poisonSlots: true,
    ...changes,
  };
}
