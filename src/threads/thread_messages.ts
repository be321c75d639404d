// The messages by which the threads of one process ask each other: each serving thread has one way, to the reading thread,
// which passes questions and answers on. Invariant: a body is text, so its size is known before anything is done with it.

/** Number of the reading thread; serving threads count from 0. */
export const READING_THREAD = -1;

/** Longest body, UTF-16 units. The status of 10,000 partitions has 5 million. */
export const BODY_CHARS_MAX = 64 * 1024 * 1024;

/** What one thread answered. */
export interface ThreadAnswer {
  readonly thread: number;
  readonly body: string;
}

/** The answers to one question. */
export interface ThreadAnswers {
  /** In no order. */
  readonly answers: readonly ThreadAnswer[];
  /** Threads that did not answer in time, or could not. */
  readonly missing: readonly number[];
}

/** From a serving thread. */
export type MemberMessage =
  /** It answers questions of these subjects from now on, as well as of those before. */
  | { readonly kind: "ready"; readonly subjects: readonly string[] }
  /** Answered with `answers`. */
  | {
    readonly kind: "ask";
    readonly id: number;
    readonly subject: string;
    readonly body: string;
    /** The reading thread alone, or all threads except the one that asks. */
    readonly to: "reading" | "all";
  }
  /** `body`: null where it could not answer. */
  | {
    readonly kind: "answer";
    readonly id: number;
    readonly body: string | null;
  }
  /** For the reading thread; there is no answer. */
  | {
    readonly kind: "report";
    readonly subject: string;
    readonly body: string;
  };

/** From the reading thread. */
export type HubMessage =
  /** The first message. */
  | {
    readonly kind: "welcome";
    /** Number of the thread that gets it. */
    readonly thread: number;
    /** Counts the threads that have had this number, from 1 on. */
    readonly life: number;
    /** Memory of the ThreadDelays, shared by all threads. */
    readonly delays: SharedArrayBuffer;
  }
  | {
    readonly kind: "ask";
    readonly id: number;
    readonly subject: string;
    readonly body: string;
  }
  | {
    readonly kind: "answers";
    readonly id: number;
    readonly answers: ThreadAnswers;
  };

/** Answers the questions of one subject. */
export type AnswerOf = (body: string) => string | Promise<string>;

/** Calls back after some time; a call of its result cancels that. */
export type Later = (call: () => void, ms: number) => () => void;

/** By the timers of the system. */
export const laterBySystem: Later = (call, ms) => {
  const timer = setTimeout(call, ms);
  return () => clearTimeout(timer);
};
