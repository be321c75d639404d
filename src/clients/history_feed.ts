// Feeds one client with rows that the page ring does not have, at its pace, until the ring can go on.
// Invariant: a feed that is suspended has sent everything below its client's cursor; another one goes on from there.
import type { BlockStore } from "../blocks/block_store.ts";
import type { HistoryRows } from "../blocks/history_rows.ts";
import type { GapReason } from "../blocks/row_gap.ts";
import type { RowEncoder } from "../frames/row_encoder.ts";
import type { Logger } from "../telemetry/log.ts";
import type { Client, EndReason } from "./client.ts";

/** What feeding needs of the hub. */
export interface HistoryHost {
  /** Milliseconds, monotonic. */
  readonly clockMs: () => number;
  /** Whether a client may have one more frame. */
  canTake(client: Client): boolean;
  readonly log: Logger;
  readonly store: BlockStore;
  /** Tells a span without rows by the client's policy. */
  reportGap(client: Client, to: number, reason: GapReason): void;
  end(client: Client, reason: EndReason): void;
  slabIsShort(): void;
  /** The ring can go on with a client. */
  takeBack(client: Client): void;
}

/** What all feeds have in common. */
export interface FeedOptions {
  readonly host: HistoryHost;
  /** Does a slice of work once no other feed works. */
  readonly turn: <T>(work: () => T) => Promise<T>;
  readonly counters: { rows: number; reads: number; failures: number };
  readonly failureWaitMs: number;
}

/** How a feed ended. `back`: the ring can go on. `suspended`: its place was wanted. `over`: its client has ended. */
export type FeedEnd = "back" | "suspended" | "over";

/** Longest work in one turn of the event loop, ms, so that live rows never wait for the past. */
const SLICE_MS = 2;
const SHORT_RETRY_MS = 20;
const BACK_OFF_MIN_MS = 100;
const BACK_OFF_MAX_MS = 2000;

/** One client's reading of the past. */
export class HistoryFeed {
  readonly client: Client;
  readonly #options: FeedOptions;
  #standsSinceMs = Infinity;
  #isSuspended = false;
  #goOn: (() => void) | null = null;

  constructor(client: Client, options: FeedOptions) {
    this.client = client;
    this.#options = options;
  }

  /** Since when it has waited for a write of its client to finish, by the host's clock; Infinity while it does not. */
  get standsSinceMs(): number {
    return this.#standsSinceMs;
  }

  /** Ends a feed that stands still. */
  suspend(): void {
    this.#isSuspended = true;
    this.#goOn?.();
  }

  async run(): Promise<FeedEnd> {
    const { client } = this;
    const { group } = client;
    const past = this.#options.host.store.openHistory(
      group.shapes,
      group.timeline.strideNs,
      group.timeline.startNs(client.cursor),
    );
    try {
      return await this.#serve(past, group.encoderOf(past.timeline));
    } finally {
      past.close();
    }
  }

  async #serve(past: HistoryRows, rows: RowEncoder): Promise<FeedEnd> {
    const { client } = this;
    const { host, turn } = this.#options;
    while (client.ended === null) {
      if (!host.canTake(client)) {
        await this.#stand();
        if (this.#isSuspended) return "suspended";
        continue;
      }
      const next = await turn(() => this.#slice(past, rows));
      if (next === "back") return "back";
      if (next === "short") await pause(client, SHORT_RETRY_MS);
      if (typeof next === "string") continue;
      if (!await this.#read(past, next)) host.end(client, "error");
    }
    return "over";
  }

  /** Resolves after the client's next finished write, or when it leaves or is suspended. */
  #stand(): Promise<void> {
    this.#standsSinceMs = this.#options.host.clockMs();
    return new Promise((resolve) => {
      this.#goOn = () => {
        this.client.wakeHistory = this.#goOn = null;
        this.#standsSinceMs = Infinity;
        resolve();
      };
      this.client.wakeHistory = this.#goOn;
    });
  }

  /** Rows and gaps for a short while. What stopped it: topics to be read on, or a word. */
  #slice(
    past: HistoryRows,
    rows: RowEncoder,
  ): readonly string[] | "back" | "short" | "on" {
    const { client } = this;
    const { host, counters } = this.#options;
    const { timeline } = client.group;
    const endMs = performance.now() + SLICE_MS;
    while (client.ended === null && performance.now() < endMs) {
      if (!host.canTake(client)) return "on";
      const row = client.cursor;
      const { released, seenRow } = timeline;
      if (released >= 0 && timeline.isWhole(row)) return "back";
      const reached = released >= 0
        ? released
        : seenRow >= 0
        ? seenRow
        : Infinity;
      if (row >= reached) return "back";
      const limit = Math.min(client.endRow, reached);
      const isFill = row < client.fillTo;
      const step = isFill ? { kind: "row" } as const : past.next(row, limit);
      if (step.kind === "need") return step.topics;
      if (step.kind === "gap") {
        host.reportGap(client, step.to, step.reason);
      } else if (step.kind === "end") {
        // Without a clock, as in a replay, the end of the logs is all there is.
        if (limit === Infinity) return "back";
        host.reportGap(client, limit, "missing");
      } else if (
        !isFill && client.endsAtGaps && past.timeline.isShort(row)
      ) host.reportGap(client, row + 1, "missing");
      else {
        const frame = rows.encode(row, isFill);
        if (frame === null) {
          host.slabIsShort();
          return "short";
        }
        client.sendRow(frame, row, host.clockMs());
        frame.release();
        counters.rows++;
        if (client.cursor >= client.endRow) host.end(client, "complete");
      }
    }
    return "on";
  }

  /** Reads on, as often as it takes; false once it has failed for too long. */
  async #read(
    past: HistoryRows,
    topics: readonly string[],
  ): Promise<boolean> {
    const { client } = this;
    const { host, counters, failureWaitMs } = this.#options;
    const beganMs = host.clockMs();
    let backOffMs = BACK_OFF_MIN_MS;
    while (client.ended === null) {
      try {
        counters.reads++;
        await past.read(topics);
        return true;
      } catch (error) {
        counters.failures++;
        const { message } = error as Error;
        host.log.warn("past-read-failed", { topics, error: message });
        const waitedMs = host.clockMs() - beganMs;
        if (waitedMs > failureWaitMs) return false;
        await pause(client, backOffMs);
        backOffMs = Math.min(2 * backOffMs, BACK_OFF_MAX_MS);
      }
    }
    return true;
  }
}

/** Resolves after a while, or when the client leaves: no timer outlives it. */
function pause(client: Client, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer);
      client.wakeHistory = null;
      resolve();
    };
    const timer = setTimeout(end, ms);
    // It is called after each finished write, too.
    client.wakeHistory = () => {
      if (client.ended !== null) end();
    };
  });
}
