// The reading thread's part of the questions between threads: passes each question on to all that serve, and answers for
// itself. Invariant: each question is answered within its limit of time; a thread without an answer is named.
import type { Logger } from "../telemetry/log.ts";
import type { Port } from "./port.ts";
import { ThreadDelays } from "./thread_delays.ts";
import {
  type HubMessage,
  type Later,
  laterBySystem,
  type MemberMessage,
  READING_THREAD,
  type ThreadAnswer,
} from "./thread_messages.ts";

/** Time for all answers to one question. The asker waits a little longer (`MEMBER_LIMIT_MS`). */
export const HUB_LIMIT_MS = 900;

/** Answers the questions of one subject. */
export type HubAnswerOf = (
  body: string,
  asker: number,
) => string | Promise<string>;

export interface ThreadHubOptions {
  readonly log: Logger;
  /** Answers of the reading thread, by subject, for the thread that asks. It does not answer others. */
  readonly answers?: Readonly<Record<string, HubAnswerOf>>;
  /** Takes reports, by subject. */
  readonly reports?: Readonly<
    Record<string, (thread: number, body: string) => void>
  >;
  /** Sees each answer of a serving thread before it is passed on. */
  readonly onAnswer?: (subject: string, answer: ThreadAnswer) => void;
  /** Is called when a thread has ended. */
  readonly onLeft?: (thread: number) => void;
  /** @default setTimeout */
  readonly later?: Later;
}

interface Member {
  readonly thread: number;
  readonly port: Port<HubMessage, MemberMessage>;
  /** Subjects that it answers. */
  readonly subjects: Set<string>;
}

type Ask = Extract<MemberMessage, { kind: "ask" }>;

/** A question that is not answered by all yet. */
interface Question {
  readonly asker: Member;
  readonly ask: Ask;
  readonly answers: ThreadAnswer[];
  /** Threads that have not answered. */
  readonly open: Set<number>;
  /** Threads that could not. */
  readonly failed: number[];
  cancelTimer: () => void;
}

/** In the middle of all threads. */
export class ThreadHub {
  readonly delays = new ThreadDelays(READING_THREAD);
  readonly #options: ThreadHubOptions;
  readonly #members = new Map<number, Member>();
  readonly #lives = new Map<number, number>();
  readonly #questions = new Map<number, Question>();
  #lastId = 0;

  constructor(options: ThreadHubOptions) {
    this.#options = options;
  }

  /** Questions that are not answered yet. */
  get openCount(): number {
    return this.#questions.size;
  }

  /** A serving thread from now on; one with the same number leaves. Returns how to end that. */
  serve(thread: number, port: Port<HubMessage, MemberMessage>): () => void {
    const before = this.#members.get(thread);
    if (before) this.#leave(before);
    const member: Member = { thread, port, subjects: new Set() };
    this.#members.set(thread, member);
    port.onMessage = (message) => this.#onMessage(member, message);
    const life = (this.#lives.get(thread) ?? 0) + 1;
    this.#lives.set(thread, life);
    port.send({ kind: "welcome", thread, life, delays: this.delays.buffer });
    return () => this.#leave(member);
  }

  close(): void {
    for (const member of [...this.#members.values()]) this.#leave(member);
  }

  #onMessage(member: Member, message: MemberMessage): void {
    switch (message.kind) {
      case "ready":
        for (const subject of message.subjects) member.subjects.add(subject);
        return;
      case "report":
        return this.#options.reports?.[message.subject]?.(
          member.thread,
          message.body,
        );
      case "ask":
        return this.#ask(member, message);
      case "answer":
        return this.#answered(message.id, member.thread, message.body);
    }
  }

  #ask(asker: Member, ask: Ask): void {
    const { subject, body, to } = ask;
    const { answers, later = laterBySystem } = this.#options;
    const id = ++this.#lastId;
    const others = to === "reading"
      ? []
      : [...this.#members.values()].filter((member) =>
        member.subjects.has(subject) && member !== asker
      );
    const own = answers?.[subject];
    const open = new Set(others.map(({ thread }) => thread));
    if (own) open.add(READING_THREAD);
    this.#questions.set(id, {
      asker,
      ask,
      answers: [],
      open,
      failed: [],
      cancelTimer: later(() => this.#finish(id), HUB_LIMIT_MS),
    });
    for (const { port } of others) {
      port.send({ kind: "ask", id, subject, body });
    }
    if (own) void this.#answerItself(id, own, { asker, ask });
    else if (open.size === 0) this.#finish(id);
  }

  async #answerItself(
    id: number,
    own: HubAnswerOf,
    { asker, ask }: Pick<Question, "asker" | "ask">,
  ): Promise<void> {
    let body: string | null = null;
    try {
      body = await own(ask.body, asker.thread);
    } catch (error) {
      const { subject } = ask;
      const { stack, message } = error as Error;
      this.#options.log.error("thread-answer-failed", {
        subject,
        error: stack ?? message,
      });
    }
    this.#answered(id, READING_THREAD, body);
  }

  #answered(id: number, thread: number, body: string | null): void {
    const question = this.#questions.get(id);
    if (!question?.open.delete(thread)) return;
    if (body === null) question.failed.push(thread);
    else {
      question.answers.push({ thread, body });
      if (thread !== READING_THREAD) {
        this.#options.onAnswer?.(question.ask.subject, { thread, body });
      }
    }
    if (question.open.size === 0) this.#finish(id);
  }

  #finish(id: number): void {
    const { asker, ask, answers, open, failed, cancelTimer } = this.#questions
      .get(id)!;
    this.#questions.delete(id);
    cancelTimer();
    const missing = [...failed, ...open].sort((a, b) => a - b);
    asker.port.send({
      kind: "answers",
      id: ask.id,
      answers: { answers, missing },
    });
  }

  #leave(member: Member): void {
    const { thread, port } = member;
    if (this.#members.get(thread) !== member) return;
    this.#members.delete(thread);
    this.delays.forget(thread);
    port.onMessage = null;
    for (const [id, { asker, cancelTimer }] of [...this.#questions]) {
      if (asker !== member) continue;
      cancelTimer();
      this.#questions.delete(id);
    }
    for (const id of [...this.#questions.keys()]) {
      this.#answered(id, thread, null);
    }
    this.#options.onLeft?.(thread);
  }
}
