// One reader of a history of an upstream, at its own pace. It shares the request with others that ask for the same; where
// they are too far ahead, or the request has ended, it continues with a request of its own.
// Invariant: the messages of a topic come in the order of its log, none is left out, and the end of a log is reported only
// while it is new.
import type {
  HistoryMessages,
  HistoryReader,
  HistoryTopic,
} from "../source/source.ts";
import type { SharedHistory, SharedRead } from "./shared_history.ts";
import { UpstreamError } from "./upstream_error.ts";

/** After a failure, perhaps at another upstream: a block that comes so much later in the log than newer ones is not missed, ms. */
const LATE_MS = 60_000;

/** A topic, and how much later than newer blocks one of its blocks may come, ms. */
export interface UpstreamTopic extends HistoryTopic {
  readonly latencyMs: number;
}

/** The histories of all readers. */
export interface SharedHistories {
  /**
   * A history that begins with what was asked for, and was opened after a time of the monotonic clock; where it is to be
   * new, one of which nothing has come yet. Throws where the upstream has just said that it has no stream.
   */
  join(topics: readonly HistoryTopic[], afterClockMs: number): SharedHistory;
  leave(history: SharedHistory): void;
  /** A piece of some history was read. */
  read(): void;
  /** A history has failed: no reader joins it any more. */
  failed(history: SharedHistory, error: UpstreamError): void;
}

/** The end of a log counts as new for so long after the history was asked for; twice as long each time that it was not. */
const NEW_MS = 2000;
/** Most bytes of reads that the caller has not asked for yet: an origin reads the oldest messages next. */
const WAITING_BYTES_MAX = 256 * 1024 * 1024;

interface Topic {
  readonly topic: string;
  readonly latencyMs: number;
  /** GPS ms at which the newest block that was read begins. */
  newestMs: number;
  /** GPS ms from which on it is asked for, when the reader continues. */
  fromMs: number;
  readonly isNew?: boolean | undefined;
  /** Reads that the caller has not asked for yet. */
  readonly reads: HistoryMessages[];
  /** Of these reads. */
  bytes: number;
  isAtEnd: boolean;
}

/** The reader of one history. */
export class UpstreamHistory implements HistoryReader {
  readonly #histories: SharedHistories;
  readonly #clockMs: () => number;
  readonly #topics: Map<string, Topic>;
  readonly #closed = Promise.withResolvers<never>();
  #isClosed = false;
  #shared: SharedHistory | null = null;
  /** Number of the next read of the shared history. */
  #next = 0;
  #newMs = NEW_MS;
  /** Of all reads that the caller has not asked for yet. */
  #waitingBytes = 0;
  /** The end of a log was not new. */
  #wasOld = false;
  /** When the last shared history was opened: the next one is a later one, so that the reading makes progress. */
  #openedClockMs = -Infinity;

  constructor(
    histories: SharedHistories,
    topics: readonly UpstreamTopic[],
    clockMs: () => number,
  ) {
    this.#histories = histories;
    this.#clockMs = clockMs;
    this.#topics = new Map(
      topics.map((asked) => [
        asked.topic,
        { ...asked, newestMs: -Infinity, reads: [], bytes: 0, isAtEnd: false },
      ]),
    );
    this.#closed.promise.catch(() => {});
  }

  async read(topics: readonly string[]): Promise<readonly HistoryMessages[]> {
    const asked = topics.flatMap((name) => this.#topics.get(name) ?? []);
    const lacks = ({ reads, isAtEnd }: Topic) => reads.length === 0 && !isAtEnd;
    while (asked.some(lacks)) await this.#advance();
    const answers = asked.flatMap(({ reads }) => reads.splice(0));
    for (const topic of asked) {
      this.#waitingBytes -= topic.bytes;
      topic.bytes = 0;
    }
    for (const { topic, isAtEnd } of asked) {
      const isAnswered = answers.some((answer) => answer.topic === topic);
      if (isAnswered || !isAtEnd) continue;
      answers.push({ topic, messages: [], isAtEnd: true, isCut: false });
    }
    return answers;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#closed.reject(new Error("The history was closed"));
    this.#leave();
  }

  /** Takes the next read, or waits for more. */
  async #advance(): Promise<void> {
    if (this.#isClosed) return await this.#closed.promise;
    const shared = this.#shared ??= this.#join();
    const found = shared.find(this.#next);
    if (found === "dropped" || found === "over") {
      for (const topic of this.#topics.values()) askAgain(topic, 0);
      return this.#leave();
    }
    try {
      if (found !== "later") {
        this.#next++;
        return this.#take(found, shared);
      }
      await Promise.race([shared.more(), this.#closed.promise]);
      this.#histories.read();
    } catch (error) {
      if (this.#isClosed) throw error;
      this.#leave();
      this.#histories.failed(shared, error as UpstreamError);
      for (const topic of this.#topics.values()) askAgain(topic, LATE_MS);
      throw error;
    }
  }

  #join(): SharedHistory {
    this.#next = 0;
    if (this.#wasOld) this.#newMs *= 2;
    this.#wasOld = false;
    const shared = this.#histories.join(
      [...this.#topics.values()].filter(({ isAtEnd }) => !isAtEnd)
        .map(({ topic, fromMs, isNew }) => ({ topic, fromMs, isNew })),
      this.#openedClockMs,
    );
    this.#openedClockMs = shared.openedClockMs;
    return shared;
  }

  #leave(): void {
    const shared = this.#shared;
    this.#shared = null;
    if (shared !== null) this.#histories.leave(shared);
  }

  #take(read: SharedRead, { openedClockMs }: SharedHistory): void {
    const topic = this.#topics.get(read.topic);
    if (topic === undefined || topic.isAtEnd) return;
    const { messages, isCut, newestMs } = read;
    topic.newestMs = Math.max(topic.newestMs, newestMs);
    const isOld = this.#clockMs() - openedClockMs > this.#newMs;
    // The log has more by now: it is asked for again from here on.
    this.#wasOld ||= read.isAtEnd && isOld;
    topic.isAtEnd = read.isAtEnd && !isOld;
    if (messages.length === 0 && !topic.isAtEnd) return;
    const { isAtEnd } = topic;
    topic.reads.push({ topic: topic.topic, messages, isAtEnd, isCut });
    topic.bytes += read.bytes;
    this.#waitingBytes += read.bytes;
    if (this.#waitingBytes <= WAITING_BYTES_MAX) return;
    throw new UpstreamError(
      `it sent more than ${WAITING_BYTES_MAX} bytes of topics that are to be read later`,
    );
  }
}

/** Where the next request for a topic begins: so much before its newest block. */
function askAgain(topic: Topic, lateMs: number): void {
  const { fromMs, latencyMs, newestMs } = topic;
  const againMs = newestMs - (lateMs === 0 ? 0 : Math.max(lateMs, latencyMs));
  topic.fromMs = Math.max(fromMs, againMs);
}
