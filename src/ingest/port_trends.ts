// Trends that the thread that reads records for this one.
// Invariant: each question is answered once; with null when this end is closed.
import type { Channel } from "../channels/channel.ts";
import type { OldestBins } from "../trends/oldest_bins.ts";
import type { LeasedTrends, TrendPort } from "../trends/shared_trends.ts";
import type { Port, ReadingMessage, ServingMessage } from "./messages.ts";
import { PortQuestions } from "./port_questions.ts";

/** The leases of one thread. */
export class PortTrends implements TrendPort {
  readonly #port: Pick<Port<ServingMessage, ReadingMessage>, "send">;
  readonly #asked = new Map<number, (leased: LeasedTrends | null) => void>();
  readonly #oldestBins = new PortQuestions<OldestBins>();
  #count = 0;
  #isClosed = false;

  constructor(port: Pick<Port<ServingMessage, ReadingMessage>, "send">) {
    this.#port = port;
  }

  lease(channels: readonly Channel[]): Promise<LeasedTrends | null> {
    if (this.#isClosed) return Promise.resolve(null);
    const request = this.#count++;
    return new Promise((resolve) => {
      this.#asked.set(request, resolve);
      this.#port.send({
        kind: "lease-trends",
        request,
        channels: channels.map(({ name, replayId }) => ({ name, replayId })),
      });
    });
  }

  endLease(id: number, count: number, isUsed: boolean): void {
    this.#port.send({ kind: "end-trend-lease", id, count, isUsed });
  }

  oldestBins({ name, replayId }: Channel): Promise<OldestBins | null> {
    return this.#oldestBins.ask((request) =>
      this.#port.send({
        kind: "ask-oldest-bins",
        request,
        channel: { name, replayId },
      })
    );
  }

  oldestBinsAnswered(
    { request, oldest }: Extract<ReadingMessage, { kind: "oldest-bins" }>,
  ): void {
    this.#oldestBins.answered(request, oldest);
  }

  answered(
    { request, leased }: Extract<ReadingMessage, { kind: "trends" }>,
  ): void {
    this.#asked.get(request)?.(leased);
    this.#asked.delete(request);
  }

  close(): void {
    this.#isClosed = true;
    this.#oldestBins.close();
    for (const resolve of this.#asked.values()) resolve(null);
    this.#asked.clear();
  }
}
