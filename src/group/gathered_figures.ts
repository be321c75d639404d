// The figures of all threads, as one worker has gathered them: of now, or the last ones of a thread that did not answer.
// Invariant: a worker that ends while it is asked is counted once: among the live ones, or among the predecessors.
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
import {
  type EndedFigures,
  LAST_FIGURES,
  type LastAnswer,
  type LiveFigures,
  type ReadingFigures,
} from "./subjects.ts";

export interface Gathering {
  readonly member: Pick<ThreadMember, "askReading">;
  /** Number of the worker that asked. */
  readonly worker: number;
  readonly answers: ThreadAnswers;
}

const NOTHING: EndedFigures = { lives: 0, figures: [] };

/**
 * `own`: text of the figures of the worker that asked. Null when the reading thread does not answer, without which the
 * counters of other workers and of those that have ended would seem to fall.
 */
export async function gatheredFigures(
  { own, ...gathering }: Gathering & { readonly own: string },
): Promise<ProcessFigures | null> {
  const { worker, answers: { answers, missing } } = gathering;
  if (missing.includes(READING_THREAD)) return null;
  const live = new Map([[worker, figuresOf<LiveFigures>(own)]]);
  let reading: ReadingFigures = { figures: [], ended: {} };
  for (const { thread, body } of answers) {
    if (thread === READING_THREAD) reading = figuresOf<ReadingFigures>(body);
    else live.set(thread, figuresOf<LiveFigures>(body));
  }
  const last = await lastFigures(gathering);
  if (last === null) return null;
  const numbers = new Set([
    ...live.keys(),
    ...missing,
    ...Object.keys(reading.ended).map(Number),
  ]);
  numbers.delete(READING_THREAD);
  const workers = [...numbers].sort((a, b) => a - b).map((number) =>
    figuresOfWorker(number, {
      answer: live.get(number) ?? null,
      last: last[number]?.last ?? null,
      ended: last[number]?.ended ?? reading.ended[number] ?? NOTHING,
    })
  );
  return { reading: reading.figures, workers };
}

function figuresOfWorker(
  worker: number,
  { answer, last, ended }: {
    readonly answer: LiveFigures | null;
    readonly last: LiveFigures | null;
    readonly ended: EndedFigures;
  },
): WorkerFigures {
  const newest = answer ?? last;
  // It has ended since it answered.
  const isEnded = newest !== null && newest.life <= ended.lives;
  return {
    worker,
    hasAnswered: answer !== null && !isEnded,
    now: newest === null || isEnded ? [] : newest.figures,
    ended: ended.figures,
  };
}

/** What is last known of the workers that did not answer. Null when the reading thread does not say. */
export async function lastFigures(
  { member, answers: { missing } }: Gathering,
): Promise<LastAnswer | null> {
  const workers = missing.filter((thread) => thread !== READING_THREAD);
  if (workers.length === 0) return {};
  const text = await member.askReading(LAST_FIGURES, JSON.stringify(workers));
  return text === null ? null : figuresOf<LastAnswer>(text);
}

/** The last figures of a worker that did not answer. */
export function lastOf(last: LastAnswer, worker: number): readonly Figure[] {
  return last[worker]?.last?.figures ?? [];
}
