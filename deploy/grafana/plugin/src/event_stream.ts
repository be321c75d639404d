// Reads `/v1/events` to its end, and continues after an interruption at the last id.
// Invariant: no row is given out twice; after abort() no request is open and no timer runs.
import { eventsOf, type StreamEvent } from "./event_lines.js";
import { type Parameters, type QanatApi, Refusal } from "./qanat_api.js";

/** Qanat sends a heartbeat after 15 s of silence. */
const SILENCE_MS = 45_000;
const RETRY_MS = 1000;
const RETRY_MAX_MS = 15_000;
/** The server's answers after which a later request may succeed. */
const PASSING = [408, 429, 500, 502, 503, 504];
/** Reasons after which the same request would not continue. */
const FINAL = ["revoked", "removed", "closed-by-operator", "gap"];

export interface StreamListener {
  /** Events in their order. Also called when nothing but a heartbeat came, with an empty list. */
  readonly onEvents: (events: readonly StreamEvent[]) => void;
  /** Why the stream is interrupted; it tries again by itself. */
  readonly onTrouble: (why: string) => void;
}

/** Resolves at the end of the range. Throws a refusal that another try would not change, or the reason of an end. */
export async function readEvents(
  api: QanatApi,
  parameters: Parameters,
  signal: AbortSignal,
  { onEvents, onTrouble }: StreamListener,
): Promise<void> {
  let after: string | null = null;
  let failures = 0;
  let retryMs = RETRY_MS;
  while (!signal.aborted) {
    let why: string;
    let waitMs: number | null = null;
    try {
      const attempt = after === null ? parameters : { ...parameters, after };
      const reason = await readOnce(api, attempt, signal, (events) => {
        for (const event of events) {
          if (event.id) after = event.id;
          retryMs = event.retryMs ?? retryMs;
        }
        failures = 0;
        onEvents(events);
      });
      if (reason === "complete") return;
      if (FINAL.includes(reason)) throw new Ended(reason);
      // Times begin again: an id of the old ones stands for nothing.
      if (reason === "time-reset") after = null;
      why = reason === "cut" ? "The connection broke" : endText(reason);
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Ended || isFinal(error)) throw error;
      if (error instanceof Refusal) waitMs = error.retryAfterMs;
      why = (error as Error).message;
    }
    const backoffMs = Math.min(retryMs * 2 ** failures, RETRY_MAX_MS);
    failures++;
    onTrouble(`${why}; trying again`);
    // Many panels do not reconnect at the same moment.
    await wait(waitMs ?? backoffMs * (1 + Math.random()) / 2, signal);
  }
}

class Ended extends Error {
  constructor(reason: string) {
    super(endText(reason));
  }
}

function endText(reason: string): string {
  return `Qanat ended the stream: ${reason}`;
}

function isFinal(error: unknown): boolean {
  return error instanceof Refusal && !PASSING.includes(error.status);
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

function wait(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener("abort", done);
    if (signal.aborted) done();
  });
}
