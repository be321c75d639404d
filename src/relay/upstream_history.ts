// A history that an upstream reads for a relay, at the relay's pace.
// Invariant: the messages of a topic come in the order of its log; what is read before it is asked for is kept.
import type {
  HistoryMessages,
  HistoryReader,
  HistoryTopic,
} from "../source/source.ts";
import { relayRequest } from "./topic_request.ts";
import type { Upstreams } from "./upstreams.ts";
import { FRAME, type Frame, FrameReader, payloadText } from "./wire.ts";

/** Without a byte for so long, a read fails. */
const SILENT_MS = 30_000;

interface Topic {
  readonly topic: string;
  /** Reads that the caller has not asked for yet. */
  readonly reads: HistoryMessages[];
  messages: HistoryMessages["messages"][number][];
  isAtEnd: boolean;
}

/** The reader of one history. */
export class UpstreamHistory implements HistoryReader {
  readonly #upstreams: Upstreams;
  readonly #asked: readonly HistoryTopic[];
  readonly #topics: Map<string, Topic>;
  readonly #numbers: (Topic | undefined)[] = [];
  readonly #frames = new FrameReader();
  readonly #abort = new AbortController();
  #reader: ReadableStreamDefaultReader<Uint8Array> | null = null;
  #end: string | null = null;

  constructor(upstreams: Upstreams, topics: readonly HistoryTopic[]) {
    this.#upstreams = upstreams;
    this.#asked = topics;
    this.#topics = new Map(
      topics.map(({ topic }) => [
        topic,
        { topic, reads: [], messages: [], isAtEnd: false },
      ]),
    );
  }

  async read(topics: readonly string[]): Promise<readonly HistoryMessages[]> {
    const asked = topics.flatMap((name) => this.#topics.get(name) ?? []);
    const lacks = ({ reads, isAtEnd }: Topic) => reads.length === 0 && !isAtEnd;
    while (asked.some(lacks)) await this.#readPiece();
    const answers = asked.flatMap(({ reads }) => reads.splice(0));
    for (const { topic, isAtEnd } of asked) {
      const isAnswered = answers.some((answer) => answer.topic === topic);
      if (isAnswered || !isAtEnd) continue;
      answers.push({ topic, messages: [], isAtEnd: true, isCut: false });
    }
    return answers;
  }

  close(): void {
    this.#abort.abort();
  }

  async #readPiece(): Promise<void> {
    const timer = setTimeout(() => this.#abort.abort(), SILENT_MS);
    try {
      this.#reader ??= await this.#open();
      const { value, done } = await this.#reader.read();
      if (done) {
        const reason = this.#end ?? "its connection was closed";
        throw new Error(`The upstream ended the history: ${reason}`);
      }
      this.#frames.push(value, (frame) => this.#take(frame));
    } finally {
      clearTimeout(timer);
    }
  }

  async #open(): Promise<ReadableStreamDefaultReader<Uint8Array>> {
    const body = relayRequest(
      this.#asked.map(({ topic, fromMs }) => ({
        topic,
        sinceMs: Math.max(0, fromMs),
        lastMs: null,
      })),
    );
    const path = "/v1/blocks/history";
    const { signal } = this.#abort;
    const stream = await this.#upstreams.request(path, body, signal);
    return stream.getReader();
  }

  #take(frame: Frame): void {
    const topic = this.#numbers[frame.topic];
    switch (frame.kind) {
      case FRAME.topic:
        this.#numbers[frame.topic] = this.#topics.get(payloadText(frame));
        return;
      case FRAME.message:
        topic?.messages.push({
          value: frame.payload,
          timestampMs: frame.first,
        });
        return;
      case FRAME.read:
        if (topic === undefined) return;
        topic.isAtEnd = frame.first === 1;
        topic.reads.push({
          topic: topic.topic,
          messages: topic.messages,
          isAtEnd: topic.isAtEnd,
          isCut: frame.second === 1,
        });
        topic.messages = [];
        return;
      case FRAME.end:
        this.#end = payloadText(frame);
    }
  }
}
