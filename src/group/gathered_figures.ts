// The figures of all threads, as one worker has gathered them: of now, or the last ones of a thread that did not answer.
import { type Figure, figuresOf } from "../telemetry/metrics/figures.ts";
import type {
  ProcessFigures,
  WorkerFigures,
} from "../telemetry/metrics/worker_metrics.ts";
import type { ThreadMember } from "../threads/thread_member.ts";
import {
  READING_THREAD,
  type ThreadAnswers,
} from "../threads/thread_messages.ts";
import { LAST_FIGURES, type ReadingFigures } from "./subjects.ts";

export interface Gathering {
  readonly member: Pick<ThreadMember, "askReading">;
  /** Number of the worker that asked. */
  readonly worker: number;
  readonly answers: ThreadAnswers;
}

/** `own`: text of the figures of the worker that asked. */
export async function gatheredFigures(
  { own, ...gathering }: Gathering & { readonly own: string },
): Promise<ProcessFigures> {
  const { worker, answers: { answers, missing } } = gathering;
  const now = new Map<number, readonly Figure[]>([[worker, figuresOf(own)]]);
  let reading: ReadingFigures = { figures: [], ended: {} };
  for (const { thread, body } of answers) {
    if (thread === READING_THREAD) reading = figuresOf<ReadingFigures>(body);
    else now.set(thread, figuresOf(body));
  }
  const last = await lastFigures(gathering);
  const numbers = new Set([
    ...now.keys(),
    ...missing,
    ...Object.keys(reading.ended).map(Number),
  ]);
  numbers.delete(READING_THREAD);
  const workers = [...numbers].sort((a, b) => a - b).map((
    number,
  ): WorkerFigures => ({
    worker: number,
    hasAnswered: now.has(number),
    now: now.get(number) ?? last[number] ?? [],
    ended: reading.ended[number] ?? [],
  }));
  return { reading: reading.figures, workers };
}

/** The last figures of the workers that did not answer. */
export async function lastFigures(
  { member, answers: { missing } }: Gathering,
): Promise<Readonly<Record<number, readonly Figure[]>>> {
  const workers = missing.filter((thread) => thread !== READING_THREAD);
  if (workers.length === 0) return {};
  const text = await member.askReading(LAST_FIGURES, JSON.stringify(workers));
  return text === null ? {} : figuresOf(text);
}
