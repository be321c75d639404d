// Events of a text/event-stream, out of the chunks of a body.
// Invariant: what is kept between two chunks is at most one event, of at most EVENT_CHARS_MAX characters.

/** A row of Qanat has at most 16 MiB, as text at most about three times as much. */
const EVENT_CHARS_MAX = 64 * 1024 * 1024;

/** One event; a heartbeat has only an id. */
export interface StreamEvent {
  readonly type: string;
  readonly data: string;
  /** Null: the event has none, and the last one stays. */
  readonly id: string | null;
  /** Wait before a reconnect, ms. */
  readonly retryMs: number | null;
}

/** Reads the events of a body to its end. Throws when an event is too long. */
export async function* eventsOf(
  body: ReadableStream<Uint8Array>,
): AsyncGenerator<StreamEvent[]> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      const texts = (rest + decoder.decode(value, { stream: true }))
        .split("\n\n");
      rest = texts.pop()!;
      if (rest.length > EVENT_CHARS_MAX) {
        throw new Error("An event of the stream is too long");
      }
      if (texts.length > 0) yield texts.map(parsed);
    }
  } finally {
    // Also when the caller stops: the connection is closed.
    await reader.cancel().catch(() => {});
  }
}

function parsed(text: string): StreamEvent {
  let type = "message";
  let id: string | null = null;
  let retryMs: number | null = null;
  const data: string[] = [];
  for (const line of text.split("\n")) {
    const at = line.indexOf(": ");
    if (at <= 0) continue;
    const value = line.slice(at + 2);
    const name = line.slice(0, at);
    if (name === "event") type = value;
    else if (name === "data") data.push(value);
    else if (name === "id") id = value;
    else if (name === "retry") retryMs = Number(value);
  }
  return { type, data: data.join("\n"), id, retryMs };
}
