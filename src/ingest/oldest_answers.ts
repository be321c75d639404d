// Answers of the reading thread to what the others ask about the oldest blocks and trends of channels.
// Invariant: each question is answered once.
import {
  OldestBlocks,
  type OldestBlocksOptions,
} from "../blocks/oldest_blocks.ts";
import { NO_BINS } from "../trends/oldest_bins.ts";
import type { Port, ReadingMessage, ServingMessage } from "./messages.ts";
import type { TrendLender } from "./trend_leases.ts";

type Question = Extract<
  ServingMessage,
  { kind: "ask-oldest" | "ask-oldest-bins" }
>;

export class OldestAnswers {
  /** Null where this thread records none. */
  trends: Pick<TrendLender, "oldestBins"> | null = null;
  /** Of all threads, so that each topic is asked for once. */
  readonly #blocks: OldestBlocks;

  constructor(options: OldestBlocksOptions) {
    this.#blocks = new OldestBlocks(options);
  }

  async answer(
    port: Pick<Port<ReadingMessage, ServingMessage>, "send">,
    question: Question,
  ): Promise<void> {
    const { kind, request } = question;
    if (kind === "ask-oldest") {
      const oldestMs = await this.#blocks.of(question.topic);
      return port.send({ kind: "oldest", request, oldestMs });
    }
    const oldest = this.trends?.oldestBins(question.channel) ?? NO_BINS;
    port.send({ kind: "oldest-bins", request, oldest });
  }
}
