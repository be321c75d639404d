// A history that an upstream reads for a relay, at the relay's pace. When its stream breaks, the read fails, and the next one
// opens another stream where it was: at another upstream, if that one is used now.
// Invariant: the messages of a topic come in the order of its log; what is read before it is asked for is kept. Those of
// the last minute before a break come again.
import { BlockDecoder, newBlockLayout } from "../arrow/block_decoder.ts";
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

/** A block that comes so much later in the log than newer ones is not missed, ms. */
const LATE_MS = 60_000;

/** A topic, and how much later than newer blocks one of its blocks may come, ms. */
export interface UpstreamTopic extends HistoryTopic {
  readonly latencyMs: number;
}

interface Topic {
  readonly topic: string;
  readonly latencyMs: number;
  /** GPS ms from which on the next stream is asked for it. */
  fromMs: number;
  /** Reads that the caller has not asked for yet. */
  readonly reads: HistoryMessages[];
  messages: HistoryMessages["messages"][number][];
  isAtEnd: boolean;
}

/** One answer of an upstream. */
interface Stream {
  readonly abort: AbortController;
  readonly frames: FrameReader;
  /** By the number that it gave them. */
  readonly numbers: (Topic | undefined)[];
  reader: ReadableStreamDefaultReader<Uint8Array> | null;
  end: string | null;
}

/** The reader of one history. */
export class UpstreamHistory implements HistoryReader {
  readonly #upstreams: Upstreams;
  readonly #topics: Map<string, Topic>;
  readonly #decoder = new BlockDecoder();
  readonly #layout = newBlockLayout();
  /** Null before the first read, and after a failure. */
  #stream: Stream | null = null;
  #isClosed = false;

  constructor(upstreams: Upstreams, topics: readonly UpstreamTopic[]) {
    this.#upstreams = upstreams;
    this.#topics = new Map(
      topics.map((asked) => [
        asked.topic,
        { ...asked, reads: [], messages: [], isAtEnd: false },
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
    this.#isClosed = true;
    if (this.#stream !== null) abort(this.#stream);
  }

  async #readPiece(): Promise<void> {
    if (this.#isClosed) throw new Error("The history is closed");
    const stream = this.#stream ??= newStream();
    const timer = setTimeout(() => abort(stream), SILENT_MS);
    try {
      stream.reader ??= await this.#open(stream.abort.signal);
      const { value, done } = await stream.reader.read();
      if (done) {
        const reason = stream.end ?? "its connection was closed";
        throw new Error(`The upstream ended the history: ${reason}`);
      }
      stream.frames.push(value, (frame) => this.#take(stream, frame));
    } catch (error) {
      this.#drop(stream);
      throw error;
    } finally {
      clearTimeout(timer);
    }
  }

  /** The stream is broken: the next read opens one. */
  #drop(stream: Stream): void {
    abort(stream);
    this.#stream = null;
    // Reads that have not come to their end are read again.
    for (const topic of this.#topics.values()) topic.messages = [];
  }

  async #open(
    signal: AbortSignal,
  ): Promise<ReadableStreamDefaultReader<Uint8Array>> {
    const open = [...this.#topics.values()].filter((t) => !t.isAtEnd);
    const body = relayRequest(
      open.map(({ topic, fromMs }) => ({
        topic,
        sinceMs: Math.max(0, fromMs),
        lastMs: null,
      })),
    );
    const path = "/v1/blocks/history";
    const stream = await this.#upstreams.request(path, body, signal);
    const reader = stream.getReader();
    // It may have been closed in the meantime.
    if (signal.aborted) await reader.cancel().catch(() => {});
    return reader;
  }

  #take(stream: Stream, frame: Frame): void {
    const topic = stream.numbers[frame.topic];
    switch (frame.kind) {
      case FRAME.topic:
        stream.numbers[frame.topic] = this.#topics.get(payloadText(frame));
        return;
      case FRAME.message:
        topic?.messages.push({
          value: frame.payload,
          timestampMs: frame.first,
        });
        return;
      case FRAME.read:
        if (topic !== undefined) this.#takeRead(topic, frame);
        return;
      case FRAME.end:
        stream.end = payloadText(frame);
    }
  }

  #takeRead(topic: Topic, { first, second }: Frame): void {
    const { messages, latencyMs } = topic;
    topic.isAtEnd = first === 1;
    topic.reads.push({
      topic: topic.topic,
      messages,
      isAtEnd: topic.isAtEnd,
      isCut: second === 1,
    });
    topic.messages = [];
    const last = messages.at(-1)?.value;
    if (last === undefined) return;
    if (this.#decoder.decode(last, this.#layout) !== null) return;
    const beginMs = Number(this.#layout.timeNs) / 1e6;
    const againMs = beginMs - Math.max(LATE_MS, latencyMs);
    topic.fromMs = Math.max(topic.fromMs, againMs);
  }
}

/** Deno does not hear the signal any more once it has collected the Response, of which only the body is in use. */
function abort({ abort, reader }: Stream): void {
  abort.abort();
  reader?.cancel().catch(() => {});
}

function newStream(): Stream {
  return {
    abort: new AbortController(),
    frames: new FrameReader(),
    numbers: [],
    reader: null,
    end: null,
  };
}
