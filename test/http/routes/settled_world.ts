// An instance with a source that a test drives, whose log can be read again, and requests by app.fetch in real time.
// Invariant: when it is closed, no history is open.
import { Qanat } from "../../../src/app.ts";
import type { AccessControl } from "../../../src/auth/access_control.ts";
import type { Catalog } from "../../../src/channels/catalog.ts";
import type { Config } from "../../../src/config.ts";
import { honoApp } from "../../../src/http/routes/hono_app.ts";
import type {
  HistoryReader,
  HistoryTopic,
} from "../../../src/source/source.ts";
import { embeddedChannels } from "../../../src/source/synthetic.ts";
import { BlockClock, configWith, silent } from "../../driven_source.ts";
import { GoldenSource } from "../../golden/golden_source.ts";

/** On the grid of 60 s. */
export const FIRST = 23_671_510_080;
export const STRIDE_NS = 62_500_000n;
export const A = "H1:QANAT-COUNT_I64_16";
export const B = "H1:QANAT-RAMP_I16_64";

const channels = (await embeddedChannels()).filter(({ channel }) =>
  [A, B].includes(channel.name)
);

/** A row's start as GPS seconds. */
export function gpsOf(row: number): string {
  const ns = String(BigInt(row) * STRIDE_NS).padStart(10, "0");
  return `${ns.slice(0, -9)}.${ns.slice(-9)}`;
}

/** What a request was answered. */
export interface Read {
  readonly status: number;
  readonly headers: Headers;
  readonly bytes: Uint8Array<ArrayBuffer>;
  /** False where the body broke off. */
  readonly isWhole: boolean;
}

/** Counts the readers that are open. */
class CountingSource extends GoldenSource {
  open = 0;
  opened = 0;

  override openHistory(topics: readonly HistoryTopic[] = []): HistoryReader {
    const reader = super.openHistory(topics);
    this.open++;
    this.opened++;
    let isOpen = true;
    return {
      read: (asked) => reader.read(asked),
      close: () => {
        if (isOpen) this.open--;
        isOpen = false;
      },
    };
  }
}

export interface SettledWorldOptions {
  readonly config?: Partial<Config>;
  /** When it starts: after the block before this one. @default FIRST */
  readonly row?: number;
  /** @default everyone may read everything */
  readonly access?: (catalog: Catalog) => Promise<AccessControl>;
}

export class SettledWorld implements AsyncDisposable {
  readonly source: CountingSource;
  readonly clock: BlockClock;
  readonly qanat: Qanat;
  /** Of the next block. */
  row: number;
  readonly #app: ReturnType<typeof honoApp>;
  #isClosed = false;

  private constructor(
    source: CountingSource,
    { row = FIRST, config }: SettledWorldOptions,
    access: AccessControl | undefined,
  ) {
    this.row = row;
    this.clock = new BlockClock(row);
    this.source = source;
    this.source.newest = row;
    this.source.oldest = FIRST - 16 * 60;
    this.qanat = new Qanat({
      config: configWith({
        retentionMb: 1,
        trendMatch: ".*",
        resumeWindowMs: 1000,
        lingerMs: 60_000,
        ...config,
      }),
      source: this.source,
      log: silent,
      clocks: this.clock,
      ...(access ? { access } : {}),
    });
    this.#app = honoApp(this.qanat, {
      addressOf: () => "192.0.2.1",
      alreadySent: null,
    });
  }

  /** All topics are read from the beginning. */
  static async start(
    options: SettledWorldOptions = {},
  ): Promise<SettledWorld> {
    const source = new CountingSource(channels);
    const control = await options.access?.(source.catalog);
    const world = new SettledWorld(source, options, control);
    await world.qanat.start();
    world.qanat.store.tick();
    world.#tick();
    return world;
  }

  topicOf(name: string): string {
    const { partitionId } = this.source.catalog.get(name, null)!;
    return `arrakis-${partitionId}`;
  }

  /** Publishes so many rows of all topics but some. */
  publish(count: number, except: readonly string[] = []): void {
    for (let i = 0; i < count; i++) {
      const row = this.row++;
      this.clock.index = row + 1;
      this.source.newest = row + 1;
      for (const topic of [...this.source.wanted]) {
        if (except.includes(topic)) continue;
        const value = this.source.blocks.blockOf(topic, row);
        this.source.sink!.onMessage(topic, value, row, -1);
      }
      for (const topic of [...this.source.wanted]) {
        this.source.sink!.onCaughtUp(topic, this.clock.clockMs());
      }
      this.#tick();
    }
  }

  /** Lets seconds pass without blocks. */
  pass(seconds: number): void {
    for (let i = 0; i < seconds; i++) {
      this.clock.index += 16;
      for (const topic of [...this.source.wanted]) {
        this.source.sink!.onCaughtUp(topic, this.clock.clockMs());
      }
      this.#tick();
    }
    this.row = this.clock.index;
  }

  ask(path: string, init: RequestInit = {}): Promise<Response> {
    const request = new Request(`http://qanat.test${path}`, init);
    return Promise.resolve(this.#app.fetch(request));
  }

  /** The whole answer. */
  async read(path: string, init: RequestInit = {}): Promise<Read> {
    const { status, headers, body } = await this.ask(path, init);
    const parts: Uint8Array<ArrayBuffer>[] = [];
    let isWhole = true;
    try {
      for await (const part of body ?? []) parts.push(part.slice());
    } catch {
      isWhole = false;
    }
    const bytes = await new Blob(parts).bytes();
    return { status, headers, bytes, isWhole };
  }

  get answers(): Readonly<Record<string, number>> {
    return { ...this.qanat.hub.figures.settledAnswers };
  }

  #tick(): void {
    this.qanat.store.tick();
    this.qanat.trends.tick();
    this.qanat.trends.run(Infinity);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.qanat.drain();
    await this.qanat.close();
    if (this.source.open > 0) throw new Error("A history was left open");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
