// Reads a JSON document of an issuer over HTTP.
// Invariant: time and bytes are limited before anything is parsed; a redirect is refused, never followed.

/** Largest document, bytes after decompression. */
export const DOCUMENT_BYTES_MAX = 65_536;

/** Reads the document at a URL. Rejects with an Error whose message says why. */
export type JsonReader = (url: string, signal: AbortSignal) => Promise<unknown>;

/** A reader by `fetch`. */
export async function readJson(
  url: string,
  signal: AbortSignal,
): Promise<unknown> {
  const response = await fetch(url, {
    redirect: "manual",
    signal,
    headers: { accept: "application/json" },
  });
  try {
    const { status } = response;
    if (status >= 300 && status < 400) {
      throw new Error("it redirects, which is not followed");
    }
    if (status !== 200) throw new Error(`it answers with status ${status}`);
    return parsed(await limitedBody(response));
  } finally {
    // Closes the connection of an answer that is not read to its end.
    await response.body?.cancel().catch(() => {});
  }
}

async function limitedBody({ body }: Response): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const reader = body?.getReader();
  if (!reader) return new Uint8Array();
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      bytes += value.byteLength;
      if (bytes > DOCUMENT_BYTES_MAX) {
        throw new Error(`it is larger than ${DOCUMENT_BYTES_MAX} bytes`);
      }
      chunks.push(value);
    }
  } finally {
    reader.releaseLock();
  }
  return joined(chunks, bytes);
}

function joined(chunks: readonly Uint8Array[], bytes: number): Uint8Array {
  const all = new Uint8Array(bytes);
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.byteLength;
  }
  return all;
}

function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new Error("it is not JSON");
  }
}
