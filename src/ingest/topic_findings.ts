// What the threads that share a source find out about its topics, kept by the reading thread for all of them: whether
// blocks come in time, and whose history cannot be read.
// Invariant: a thread that has got all() and each change since then knows what this one knows.
import { HistoryFailures } from "../blocks/history_failures.ts";

/** A part of it, as it is sent. */
export interface Findings {
  /** Topics with whether their blocks come in time; null: no thread reads it any more. */
  readonly live: readonly (readonly [topic: string, isLive: boolean | null])[];
  /** All topics whose history cannot be read; null: as before. */
  readonly failing: readonly string[] | null;
}

export interface TopicFindingsOptions {
  /** Calls back when the running code has returned. */
  readonly later: (call: () => void) => void;
  /** The changes of a turn. */
  readonly send: (changes: Findings) => void;
}

export class TopicFindings {
  readonly #options: TopicFindingsOptions;
  readonly #live = new Map<string, boolean>();
  readonly #failures = new HistoryFailures();
  #changed = new Map<string, boolean | null>();
  #hasFailuresChanged = false;
  #isDue = false;

  constructor(options: TopicFindingsOptions) {
    this.#options = options;
  }

  /** For a thread that joins. */
  all(): Findings {
    return { live: [...this.#live], failing: [...this.#failures.topics()] };
  }

  /** A thread reads a topic from now on: until its first block it does not deliver. */
  begin(topic: string): void {
    this.setLive(topic, false);
  }

  /** No thread reads a topic any more. */
  end(topic: string): void {
    if (!this.#live.delete(topic)) return;
    this.#changed.set(topic, null);
    this.#due();
  }

  /** The thread that counts a topic's blocks has found whether they come in time. */
  setLive(topic: string, isLive: boolean): void {
    if (this.#live.get(topic) === isLive) return;
    this.#live.set(topic, isLive);
    this.#changed.set(topic, isLive);
    this.#due();
  }

  /** A reader has failed to read the history of some topics. */
  readonly historyFailed = (
    reader: object,
    topics: readonly string[],
  ): void => {
    this.#failures.failed(reader, topics);
    this.#hasFailuresChanged = true;
    this.#due();
  };

  /** A reader of history has read, or is closed. */
  readonly historyOver = (reader: object): void => {
    if (!this.#failures.over(reader)) return;
    this.#hasFailuresChanged = true;
    this.#due();
  };

  #due(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    this.#options.later(() => this.#flush());
  }

  #flush(): void {
    this.#isDue = false;
    const live = [...this.#changed];
    const failing = this.#hasFailuresChanged
      ? [...this.#failures.topics()]
      : null;
    this.#changed = new Map();
    this.#hasFailuresChanged = false;
    this.#options.send({ live, failing });
  }
}
