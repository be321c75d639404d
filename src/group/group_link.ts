// Makes a worker part of its process: what it gets from the reading thread before it serves, and sends it when it ends.
import type { SharedSessions } from "../auth/access_of.ts";
import { wallClock } from "../auth/access_control.ts";
import { EndedSessions, type ListedSession } from "../auth/ended_sessions.ts";
import { unixMsOfGpsMs } from "../blocks/gps_time.ts";
import { usageEntry } from "../clients/usage_entry.ts";
import type {
  Port,
  ReadingMessage,
  ServingMessage,
} from "../ingest/messages.ts";
import type { ProcessAnswers } from "../http/service.ts";
import type { Logger } from "../telemetry/log.ts";
import { ThreadDelays } from "../threads/thread_delays.ts";
import { ThreadMember } from "../threads/thread_member.ts";
import { nameOf, ServingGroup, type ServingInstance } from "./serving_group.ts";
import {
  END_SESSION,
  LAST_FIGURES,
  START,
  type StartAnswer,
  USAGE,
} from "./subjects.ts";
import type { WorkerWays } from "./thread_ways.ts";

/** Takes the lines of finished streams; the thread that writes them counts them. */
interface UsageSink {
  readonly counters: { lines: number; lost: number; failures: number };
  readonly isFailing: boolean;
  write(entry: Readonly<Record<string, unknown>>): void;
}

/** Time until the reading thread is asked again. */
const RETRY_MS = 100;

/** Why a stream ended whose worker has failed, in the usage log. */
const WORKER_ENDED = "worker-ended";

/** Of one worker, from its start to its end. */
export class GroupLink {
  /** To the log of the source. */
  readonly source: Port<ServingMessage, ReadingMessage>;
  readonly #member: ThreadMember;
  readonly #log: Logger;
  #instance: ServingInstance | null = null;
  #group: ServingGroup | null = null;
  #usage: UsageSink | undefined;
  /** The workers that have started together serve; a successor does not wait for others. */
  #isReady = true;
  /** The entries of all streams have been written. */
  #hasFailed = false;

  constructor({ source, questions }: WorkerWays, log: Logger) {
    this.source = source;
    this.#member = new ThreadMember({ port: questions, log });
    this.#log = log;
  }

  /** Not ready from now on until allServe(). Before begin(). */
  awaitOthers(): void {
    this.#isReady = false;
  }

  /** All that have started together serve. */
  allServe(): void {
    this.#isReady = true;
  }

  /** What the threads have together for sessions. Resolves when the reading thread has answered. */
  async sessions(): Promise<SharedSessions> {
    const ended = new EndedSessions();
    this.#member.answer({
      [END_SESSION]: (body) => {
        ended.add(JSON.parse(body), wallClock());
        return "";
      },
    });
    let text = await this.#member.askReading(START);
    // It may be busy with its start.
    while (text === null) {
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      text = await this.#member.askReading(START);
    }
    const { sessionSecret, endedSessions }: StartAnswer = JSON.parse(text);
    ended.addAll(endedSessions);
    const announce = (session: ListedSession) => this.#endSession(session);
    return { secret: sessionSecret, ended, announce };
  }

  /** `path`: that of the file, which the reading thread writes; "" for none. */
  usageLog(path: string): UsageSink | undefined {
    if (path === "") return undefined;
    return this.#usage = {
      counters: { lines: 0, lost: 0, failures: 0 },
      isFailing: false,
      write: (entry) => {
        if (!this.#hasFailed) this.#writeUsage(entry);
      },
    };
  }

  /** Answers for all threads from now on, through `instance`. */
  async begin(
    instance: ServingInstance & { process: ProcessAnswers | undefined },
  ): Promise<void> {
    const { thread, life, delays } = await this.#member.welcome;
    this.#instance = instance;
    instance.process = this.#group = new ServingGroup({
      instance,
      member: this.#member,
      worker: thread,
      life,
      delays: new ThreadDelays(thread, delays),
      isAwaitingOthers: () => !this.#isReady,
    });
    this.#group.start();
  }

  /**
   * Sends the last figures. `isFailure`: also the entries of the streams that are open. Resolves when the reading thread
   * has all that was sent, or does not answer: it stops listening as soon as it knows that this thread has ended.
   */
  async end(isFailure: boolean): Promise<void> {
    if (isFailure && !this.#hasFailed) {
      this.#hasFailed = true;
      this.#writeOpenStreams();
    }
    this.#group?.close();
    await this.#group?.report();
    await this.#member.askReading(LAST_FIGURES, "[]");
  }

  async #endSession(session: ListedSession): Promise<void> {
    const body = JSON.stringify(session);
    const missing = await this.#member.inform(END_SESSION, body);
    if (missing.length === 0) return;
    // Each has the message before any request that it takes later, but has not confirmed it.
    this.#log.warn("session-end-unconfirmed", {
      no_answer_from: missing.map(nameOf),
    });
  }

  #writeOpenStreams(): void {
    const { clock, hub } = this.#instance ?? {};
    if (!clock || !hub || !this.#usage) return;
    const now = {
      clockMs: hub.lifecycle.clockMs(),
      unixMs: unixMsOfGpsMs(clock.gpsMs()),
    };
    for (const client of hub.lifecycle.clients()) {
      const entry = usageEntry(client, now);
      this.#writeUsage({ ...entry, reason: WORKER_ENDED });
    }
  }

  #writeUsage(entry: Readonly<Record<string, unknown>>): void {
    this.#member.report(USAGE, JSON.stringify(entry));
  }
}
