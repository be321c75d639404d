// A worker's part of what several threads have together: it answers the questions of the others, and requests of operators
// for the whole process. Invariant: a thread that hangs delays no answer by more than a second, and is named in it.
import type { GpsClock } from "../blocks/gps_clock.ts";
import type { SlicedWork } from "../channels/sliced_work.ts";
import type { ClientHub } from "../clients/client_hub.ts";
import type { ClientsQuery } from "../clients/client_search.ts";
import { endById } from "../clients/end_by_id.ts";
import { LimitError } from "../http/limits/limit_error.ts";
import type { RequestLimits } from "../http/limits/request_limits.ts";
import { jsonInSlices } from "../http/routes/json_slices.ts";
import type { ProcessAnswers } from "../http/service.ts";
import type { Logger } from "../telemetry/log.ts";
import { type Figure, figuresText } from "../telemetry/metrics/figures.ts";
import {
  missingAnswers,
  processMetricsText,
} from "../telemetry/metrics/worker_metrics.ts";
import {
  clientsOf,
  clientsPage,
} from "../telemetry/status/client_list_document.ts";
import { Ticker } from "../telemetry/ticker.ts";
import type { ThreadDelays } from "../threads/thread_delays.ts";
import {
  type ThreadMember,
  ThreadsBusyError,
} from "../threads/thread_member.ts";
import {
  READING_THREAD,
  type ThreadAnswers,
} from "../threads/thread_messages.ts";
import { gatheredFigures } from "./gathered_figures.ts";
import { gatheredStatus } from "./gathered_status.ts";
import { SharedWork } from "./shared_work.ts";
import {
  CLIENTS,
  END_CLIENT,
  type EndClient,
  FIGURES,
  type LiveFigures,
  LOAD,
  type Load,
  STATUS,
} from "./subjects.ts";

/** What it needs of the worker's instance. */
export interface ServingInstance {
  readonly config: { readonly eventLoopDelayMaxMs: number };
  readonly log: Logger;
  readonly clock: GpsClock;
  readonly hub: ClientHub;
  readonly requests: RequestLimits;
  readonly slab: { readonly committedBytes: number };
  notReady(): string[];
  statusInSlices(): SlicedWork<Record<string, unknown>>;
  figures(): Promise<Figure[]>;
}

export interface ServingGroupOptions {
  readonly instance: ServingInstance;
  readonly member: ThreadMember;
  readonly delays: ThreadDelays;
  /** Number of this worker. */
  readonly worker: number;
  /** Counts the workers that have had this number. */
  readonly life: number;
  /** Whether workers that were started together with this one do not serve yet. @default false */
  readonly isAwaitingOthers?: () => boolean;
  /** Monotonic, ms. @default performance.now */
  readonly clockMs?: () => number;
}

/** One worker among several. */
export class ServingGroup implements ProcessAnswers {
  readonly #options: ServingGroupOptions;
  readonly #clockMs: () => number;
  readonly #ticker: Ticker;
  /** A request that comes meanwhile gets the figures of the one before. */
  readonly #metrics = new SharedWork(() => this.#gatherMetrics());
  readonly #statusOfOthers = new SharedWork(() => this.#ask(STATUS));

  constructor(options: ServingGroupOptions) {
    this.#options = options;
    const { delays, member } = options;
    const clockMs = this.#clockMs = options.clockMs ??
      (() => performance.now());
    this.#ticker = new Ticker({
      clockMs,
      onTick: () => delays.tick(this.#ticker.delayMs, clockMs()),
      onSecond: () => void this.report(),
    });
    member.answer({
      [FIGURES]: () => this.#figures(),
      [STATUS]: () => this.#statusText(),
      [CLIENTS]: (body) => this.#clientsText(JSON.parse(body)),
      [END_CLIENT]: (body) => this.#endHere(JSON.parse(body)),
    });
  }

  /** Starts to tick, and to report once a second. */
  start(): void {
    this.#ticker.start();
  }

  close(): void {
    this.#ticker.close();
  }

  /** Sends the reading thread the figures of now. */
  async report(): Promise<void> {
    const { instance: { hub, slab }, member } = this.#options;
    const load: Load = {
      clients: hub.figures.clients,
      slabBytes: slab.committedBytes,
    };
    member.report(LOAD, JSON.stringify(load));
    member.report(FIGURES, await this.#figures());
  }

  notReady(): string[] {
    const { instance, delays, isAwaitingOthers } = this.#options;
    const reasons = instance.notReady();
    if (isAwaitingOthers?.()) reasons.push("other workers are still starting");
    const { thread, ms } = delays.largestOfOthers(this.#clockMs());
    const { eventLoopDelayMaxMs } = instance.config;
    if (ms > eventLoopDelayMaxMs) {
      reasons.push(
        `event loop delay of ${nameOf(thread)} is ${
          Math.round(ms)
        } ms, limit ${eventLoopDelayMaxMs} ms`,
      );
    }
    return reasons;
  }

  metrics(): Promise<{ text: string; contentType: string }> {
    return this.#metrics.result();
  }

  async #gatherMetrics(): Promise<{ text: string; contentType: string }> {
    const { member, worker } = this.#options;
    const own = await this.#figures();
    member.report(FIGURES, own);
    const answers = await this.#ask(FIGURES);
    const gathered = await gatheredFigures({ member, worker, own, answers });
    if (gathered === null) {
      throw new LimitError("works", {
        detail: "The thread that reads has not answered; try again later",
      });
    }
    const isReady = this.notReady().length === 0;
    return await processMetricsText({ ...gathered, isReady });
  }

  async status(): Promise<SlicedWork<Record<string, unknown>>> {
    const { instance, member, worker, delays } = this.#options;
    const [own, answers] = await Promise.all([
      this.#inSlices(instance.statusInSlices()),
      this.#statusOfOthers.result(),
    ]);
    return await gatheredStatus({
      member,
      worker,
      own: { ...own, ready: this.notReady().length === 0 },
      answers,
      delayMsOf: (thread) => delays.delayOf(thread, this.#clockMs()),
    });
  }

  async clients(query: ClientsQuery): Promise<Record<string, unknown>> {
    const [own, { answers, missing }] = await Promise.all([
      this.#inSlices(this.#clientsPage(query)),
      this.#ask(CLIENTS, JSON.stringify(query)),
    ]);
    const pages = answers.map(({ body }) => JSON.parse(body));
    return {
      ...clientsOf([own, ...pages], query),
      ...missing.length > 0 ? { no_answer_from: missing.map(nameOf) } : {},
    };
  }

  async endClient(
    id: string,
    by: Readonly<Record<string, unknown>>,
  ): ReturnType<ProcessAnswers["endClient"]> {
    const asked: EndClient = { id, by };
    const { answers, missing } = await this.#ask(
      END_CLIENT,
      JSON.stringify(asked),
    );
    if (answers.some(({ body }) => body === "true")) return { kind: "ended" };
    return missing.length === 0
      ? { kind: "unknown" }
      : { kind: "uncertain", missing: missing.map(nameOf) };
  }

  /** Throws a LimitError where there are too many questions at a time. */
  async #ask(subject: string, body = ""): Promise<ThreadAnswers> {
    try {
      return await this.#options.member.askAll(subject, body);
    } catch (error) {
      if (!(error instanceof ThreadsBusyError)) throw error;
      throw new LimitError("works", {
        detail: `${error.message}; try again later`,
      });
    }
  }

  /** What the other threads ask for is limited where it was asked. */
  #inSlices<T>(work: SlicedWork<T>): T | Promise<T> {
    const { requests } = this.#options.instance;
    return requests.slices.runShared(work, () => false);
  }

  async #figures(): Promise<string> {
    const { instance, member, life } = this.#options;
    const figures = [
      ...await instance.figures(),
      missingAnswers(member.missing),
    ];
    const live: LiveFigures = { life, figures };
    return figuresText(live);
  }

  async #statusText(): Promise<string> {
    const status = this.#options.instance.statusInSlices();
    return await this.#inSlices(textOf(status));
  }

  #clientsPage(query: ClientsQuery): ReturnType<typeof clientsPage> {
    const { clock, hub } = this.#options.instance;
    return clientsPage({ clock, hub, clockMs: this.#clockMs }, query);
  }

  async #clientsText(query: ClientsQuery): Promise<string> {
    return JSON.stringify(await this.#inSlices(this.#clientsPage(query)));
  }

  async #endHere({ id, by }: EndClient): Promise<string> {
    const { log, hub: { lifecycle } } = this.#options.instance;
    const work = endById({ lifecycle, log, id, by });
    return String(await this.#inSlices(work));
  }
}

function* textOf(
  status: SlicedWork<Record<string, unknown>>,
): SlicedWork<string> {
  return yield* jsonInSlices(yield* status);
}

/** How a thread is called in answers and in the log. */
export function nameOf(thread: number): string {
  return thread === READING_THREAD ? "the reading thread" : `worker ${thread}`;
}
