// A serving thread's part of the questions between threads: asks the others through the reading thread, and answers.
// Invariant: a question is answered within a second even if the reading thread hangs.
import type { Logger } from "../telemetry/log.ts";
import type { Port } from "./port.ts";
import {
  type AnswerOf,
  BODY_CHARS_MAX,
  type HubMessage,
  type Later,
  laterBySystem,
  type MemberMessage,
  READING_THREAD,
  type ThreadAnswers,
} from "./thread_messages.ts";

/** Time after which the asker no longer waits. The reading thread answers earlier (`HUB_LIMIT_MS`). */
export const MEMBER_LIMIT_MS = 950;
/** After it, time for an answer that came while this thread was busy. */
export const LAST_LOOK_MS = 50;
/** Questions at a time. */
const ASKS_MAX = 64;

/** There are too many questions at a time already. */
export class ThreadsBusyError extends Error {
  override name = "ThreadsBusyError";
}

export interface ThreadMemberOptions {
  readonly port: Port<MemberMessage, HubMessage>;
  readonly log: Logger;
  /** @default setTimeout */
  readonly later?: Later;
}

type Welcome = Extract<HubMessage, { kind: "welcome" }>;

/** One serving thread. */
export class ThreadMember {
  /** Answers that were not given in time, by others. */
  missing = 0;
  /** Rejects when it is closed before. */
  readonly welcome: Promise<Welcome>;
  readonly #welcome = Promise.withResolvers<Welcome>();
  readonly #options: ThreadMemberOptions;
  readonly #asks = new Map<number, (answers: ThreadAnswers) => void>();
  #answers: Readonly<Record<string, AnswerOf>> = {};
  #lastId = 0;

  constructor(options: ThreadMemberOptions) {
    this.#options = options;
    this.welcome = this.#welcome.promise;
    // A thread that was closed early need not wait for it.
    this.welcome.catch(() => {});
    options.port.onMessage = (message) => this.#onMessage(message);
  }

  /** Answers questions of these subjects from now on, as well as of those before. */
  answer(answers: Readonly<Record<string, AnswerOf>>): void {
    this.#answers = { ...this.#answers, ...answers };
    const subjects = Object.keys(answers);
    this.#options.port.send({ kind: "ready", subjects });
  }

  /** Asks all other threads that answer questions. Rejects with a {@linkcode ThreadsBusyError}. */
  async askAll(subject: string, body = ""): Promise<ThreadAnswers> {
    const answers = await this.#ask(subject, body, "all");
    this.missing += answers.missing.length;
    return answers;
  }

  /**
   * Sends all other threads, and the reading one, what each of them must know. Resolves with those that have not confirmed
   * it in time; they get it when they run again. Not limited in number: call it for what must not be lost.
   */
  async inform(subject: string, body: string): Promise<readonly number[]> {
    const { missing } = await this.#send(subject, body, "all");
    this.missing += missing.length;
    return missing;
  }

  /** Asks the reading thread. Null if it does not answer. Rejects with a {@linkcode ThreadsBusyError}. */
  async askReading(subject: string, body = ""): Promise<string | null> {
    const { answers } = await this.#ask(subject, body, "reading");
    return answers[0]?.body ?? null;
  }

  /** Sends the reading thread something that it does not answer. */
  report(subject: string, body: string): void {
    this.#options.port.send({ kind: "report", subject, body });
  }

  /** Ends all questions without answers. */
  close(): void {
    this.#options.port.onMessage = null;
    this.#welcome.reject(
      new Error("Closed before the reading thread answered"),
    );
    for (const id of [...this.#asks.keys()]) this.#finish(id, NO_ANSWER);
  }

  #ask(
    subject: string,
    body: string,
    to: "reading" | "all",
  ): Promise<ThreadAnswers> {
    if (this.#asks.size >= ASKS_MAX) {
      return Promise.reject(
        new ThreadsBusyError(`${ASKS_MAX} questions at a time is the limit`),
      );
    }
    return this.#send(subject, body, to);
  }

  #send(
    subject: string,
    body: string,
    to: "reading" | "all",
  ): Promise<ThreadAnswers> {
    const { port, later = laterBySystem } = this.#options;
    const id = ++this.#lastId;
    const { promise, resolve } = Promise.withResolvers<ThreadAnswers>();
    let cancel = later(() => {
      cancel = later(() => this.#finish(id, NO_ANSWER), LAST_LOOK_MS);
    }, MEMBER_LIMIT_MS);
    this.#asks.set(id, (answers) => {
      cancel();
      resolve(answers);
    });
    port.send({ kind: "ask", id, subject, body, to });
    return promise;
  }

  #onMessage(message: HubMessage): void {
    switch (message.kind) {
      case "welcome":
        return this.#welcome.resolve(message);
      case "answers":
        return this.#finish(message.id, message.answers);
      case "ask":
        return void this.#answer(message);
    }
  }

  #finish(id: number, answers: ThreadAnswers): void {
    const done = this.#asks.get(id);
    this.#asks.delete(id);
    done?.(answers);
  }

  async #answer(
    { id, subject, body }: Extract<HubMessage, { kind: "ask" }>,
  ): Promise<void> {
    const { log, port } = this.#options;
    let text: string | null = null;
    try {
      const answerOf = this.#answers[subject];
      if (!answerOf) throw new Error("This thread has no answer to that");
      text = await answerOf(body);
      if (text.length > BODY_CHARS_MAX) {
        throw new Error(
          `The answer has ${text.length} characters, at most ${BODY_CHARS_MAX} are allowed`,
        );
      }
    } catch (error) {
      text = null;
      const { stack, message } = error as Error;
      log.error("thread-answer-failed", { subject, error: stack ?? message });
    }
    port.send({ kind: "answer", id, body: text });
  }
}

const NO_ANSWER: ThreadAnswers = { answers: [], missing: [READING_THREAD] };
