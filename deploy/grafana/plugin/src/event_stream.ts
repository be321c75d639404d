// Reads `/v1/events` to its end, and continues after an interruption at the last id.
// Invariant: no row is given out twice; after abort() no request is open and no timer runs.
import { eventsOf, type StreamEvent } from "./event_lines.js";
import { type Parameters, type QanatApi, Refusal } from "./qanat_api.js";
import { Retries } from "./retries.js";

/** Qanat sends a heartbeat after 15 s of silence. */
const SILENCE_MS = 45_000;
/** Reasons after which the same request would not continue. */
const FINAL = ["revoked", "removed", "closed-by-operator", "gap"];

export interface StreamListener {
  /** Events in their order. Also called when nothing but a heartbeat came, with an empty list. */
  readonly onEvents: (events: readonly StreamEvent[]) => void;
  /** Why the stream is interrupted; it tries again by itself. */
  readonly onTrouble: (why: string) => void;
}

/**
 * Resolves at the end of the range. Throws a refusal that another try would not change, the reason of an end, and what went
 * wrong last where `failuresMax` attempts more in succession have brought nothing new.
 */
export async function readEvents(
  api: QanatApi,
  parameters: Parameters,
  signal: AbortSignal,
  { onEvents, onTrouble }: StreamListener,
  failuresMax = Infinity,
): Promise<void> {
  let after: string | null = null;
  const retries = new Retries(signal, failuresMax);
  while (!signal.aborted) {
    let failure: Error;
    try {
      const attempt = after === null ? parameters : { ...parameters, after };
      const reason = await readOnce(api, attempt, signal, (events) => {
        for (const { id, retryMs } of events) {
          if (retryMs !== null && retryMs > 0) retries.retryMs = retryMs;
          if (!id || id === after) continue;
          after = id;
          retries.succeeded();
        }
        onEvents(events);
      });
      if (reason === "complete") return;
      if (FINAL.includes(reason)) throw new Ended(reason);
      // Times begin again: an id of the old ones stands for nothing.
      if (reason === "time-reset") after = null;
      failure = new Error(
        reason === "cut" ? "The connection broke" : endText(reason),
      );
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Ended) throw error;
      failure = error as Error;
    }
    await retries.next(failure, onTrouble);
  }
}

/** The server has ended a stream that would not continue. */
export class Ended extends Error {
  constructor(reason: string) {
    super(endText(reason));
  }
}

function endText(reason: string): string {
  return `Qanat ended the stream: ${reason}`;
}

/** Returns the reason of the `end` event, or `cut` without one. */
async function readOnce(
  api: QanatApi,
  parameters: Parameters,
  signal: AbortSignal,
  onEvents: (events: readonly StreamEvent[]) => void,
): Promise<string> {
  const attempt = new AbortController();
  const abort = () => attempt.abort();
  signal.addEventListener("abort", abort);
  let silence = setTimeout(abort, SILENCE_MS);
  try {
    const response = await api.get(
      "/v1/events",
      parameters,
      attempt.signal,
      "text/event-stream",
    );
    // A range that is resumed at its end.
    if (response.status === 204) return "complete";
    for await (const events of eventsOf(response.body!)) {
      clearTimeout(silence);
      silence = setTimeout(abort, SILENCE_MS);
      onEvents(events);
      const end = events.find(({ type }) => type === "end");
      if (end !== undefined) return JSON.parse(end.data).reason;
    }
    return "cut";
  } catch (error) {
    if (error instanceof Refusal || signal.aborted) throw error;
    if (attempt.signal.aborted) return "cut";
    throw error;
  } finally {
    clearTimeout(silence);
    signal.removeEventListener("abort", abort);
    attempt.abort();
  }
}
