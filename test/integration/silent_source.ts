// The embedded source, of which a test can silence one data topic for a while, as if its publisher had stopped.
// Invariant: a block that ended while its topic was silent is neither sent nor in the history.
import {
  EmbeddedSource,
  type EmbeddedSourceOptions,
} from "../../src/source/embedded_source.ts";
import type {
  BlockSink,
  HistoryReader,
  HistoryTopic,
} from "../../src/source/source.ts";

interface Silence {
  readonly topic: string;
  readonly fromMs: number;
  toMs: number;
}

export class SilentSource extends EmbeddedSource {
  readonly #silences: Silence[] = [];

  constructor(options: EmbeddedSourceOptions) {
    super(options);
  }

  /** Sends nothing of a topic from now on. */
  silence(topic: string): void {
    this.#silences.push({ topic, fromMs: Date.now(), toMs: Infinity });
  }

  /** Sends all topics again. */
  resume(): void {
    for (const one of this.#silences) one.toMs = Math.min(one.toMs, Date.now());
  }

  override start(sink: BlockSink): Promise<void> {
    const isSilent = this.#isSilent.bind(this);
    return super.start({
      onMessage: (topic, value, offset, timestampMs) => {
        if (isSilent(topic, timestampMs)) return;
        sink.onMessage(topic, value, offset, timestampMs);
      },
      onCaughtUp: (topic, atClockMs) => sink.onCaughtUp(topic, atClockMs),
      onDisturbed: (topic) => sink.onDisturbed(topic),
      onHole: (topic, from, to) => sink.onHole(topic, from, to),
      onRestart: (topic, offset) => sink.onRestart(topic, offset),
      onLost: (topic, isGone) => sink.onLost(topic, isGone),
    });
  }

  override openHistory(topics: readonly HistoryTopic[]): HistoryReader {
    const reader = super.openHistory(topics);
    return {
      read: async (names) =>
        (await reader.read(names)).map((read) => ({
          ...read,
          messages: read.messages.filter((message) =>
            !this.#isSilent(read.topic, message.timestampMs)
          ),
        })),
      close: () => reader.close(),
    };
  }

  #isSilent(topic: string, ms: number): boolean {
    return this.#silences.some((one) =>
      one.topic === topic && ms > one.fromMs && ms <= one.toMs
    );
  }
}
