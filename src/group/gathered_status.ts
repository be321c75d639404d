// The status of all threads, as one worker has gathered it, with a line for each worker.
import type { SlicedWork } from "../channels/sliced_work.ts";
import { type Figure, totalOf } from "../telemetry/metrics/figures.ts";
import { processStatus } from "../telemetry/status/process_status.ts";
import { READING_THREAD } from "../threads/thread_messages.ts";
import { type Gathering, lastFigures, lastOf } from "./gathered_figures.ts";

type Status = Readonly<Record<string, unknown>>;

export interface StatusGathering extends Gathering {
  /** Of the worker that asked. */
  readonly own: Status;
  /** How late the event loop of a thread is now, ms. */
  readonly delayMsOf: (thread: number) => number;
}

/** The document, in slices. The sums do not include a worker that did not answer; `workers` names it. */
export async function gatheredStatus(
  gathering: StatusGathering,
): Promise<SlicedWork<Record<string, unknown>>> {
  const { own, worker, answers: { answers, missing }, delayMsOf } = gathering;
  const all = answers.map(({ thread, body }) => ({
    thread,
    status: JSON.parse(body) as Status,
  }));
  const reading = all.find(({ thread }) => thread === READING_THREAD);
  const others = all.filter((each) => each !== reading);
  const last = await lastFigures(gathering) ?? {};
  const workers = [
    lineOf(worker, own),
    ...others.map(({ thread, status }) => lineOf(thread, status)),
    ...missing.filter((thread) => thread !== READING_THREAD).map((thread) =>
      lineOfMissing(thread, lastOf(last, thread), delayMsOf(thread))
    ),
  ].sort((a, b) => a.worker - b.worker);
  return processStatus({
    own,
    others: others.map(({ status }) => status),
    reading: reading?.status ?? {},
    workers,
  });
}

interface WorkerLine extends Record<string, unknown> {
  readonly worker: number;
}

function lineOf(worker: number, status: Status): WorkerLine {
  const { heap_used_bytes = null } = (status["memory"] ?? {}) as Status;
  return {
    worker,
    answered: true,
    clients: status["clients"],
    selections: status["selections"],
    event_loop_delay_ms: status["event_loop_delay_ms"],
    heap_used_bytes,
  };
}

/** From its last figures. */
function lineOfMissing(
  worker: number,
  figures: readonly Figure[],
  delayMs: number,
): WorkerLine {
  return {
    worker,
    answered: false,
    clients: totalOf(figures, "clients"),
    selections: totalOf(figures, "selections"),
    event_loop_delay_ms: delayMs,
    heap_used_bytes: totalOf(figures, "heap_used_bytes"),
  };
}
