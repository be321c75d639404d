// Bodies as text that a person can compare: events as they are, everything else as lines a write.
// Invariant: two bodies have the same text only if they have the same bytes.
import { createHash } from "node:crypto";

/** Begins lines whose bytes a compression library has chosen; another version of it may choose others. */
export const PACKED = "z ";
const LINE_CHARS = 100;
const JSON_LINE_MAX = 300;

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex").slice(0, 16);
}

export function joined(
  parts: readonly Uint8Array[],
): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(parts.reduce((n, p) => n + p.byteLength, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.byteLength;
  }
  return all;
}

/** A text body. */
export function textBody(writes: readonly Uint8Array[]): string {
  const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })
    .decode(joined(writes));
  return text.endsWith("\n") ? text : text + "⏎ no line end\n";
}

/** A body that is not text, write by write. */
export function binaryBody(
  writes: readonly Uint8Array[],
  isPacked: boolean,
): string {
  const prefix = isPacked ? PACKED : "";
  const lines: string[] = [];
  for (const bytes of writes) {
    lines.push(`${prefix}write of ${bytes.byteLength} bytes, ${sha256(bytes)}`);
    for (const text of readable(bytes)) lines.push(`${prefix}  # ${text}`);
    const base64 = bytes.toBase64();
    for (let at = 0; at < base64.length; at += LINE_CHARS) {
      lines.push(`${prefix}  ${base64.slice(at, at + LINE_CHARS)}`);
    }
  }
  return lines.join("\n") + "\n";
}

/** A body of which only lengths and hashes are recorded. */
export function briefBody(writes: readonly Uint8Array[]): string {
  return writes.map((bytes) =>
    `write of ${bytes.byteLength} bytes, ${sha256(bytes)}\n`
  ).join("");
}

/** A JSON body: as a tree where it is long, and the hash of what was sent. */
export function jsonBody(writes: readonly Uint8Array[]): string {
  const bytes = joined(writes);
  const text = new TextDecoder().decode(bytes);
  if (text.length < JSON_LINE_MAX) return textBody(writes);
  const tree = JSON.stringify(JSON.parse(text), null, 1);
  return `${bytes.byteLength} bytes, ${sha256(bytes)}\n${tree}\n`;
}

/** What Qanat says in an Arrow message's metadata. */
function readable(bytes: Uint8Array): string[] {
  const text = new TextDecoder("latin1").decode(bytes);
  return [...text.matchAll(/qanat\.[a-z_]+|\{"[ -~]{6,}\}/g)].map(([all]) =>
    all
  );
}

/** Unpacks a gzip body, also one that was cut short; every piece is flushed. */
export async function gunzipped(
  bytes: Uint8Array<ArrayBuffer>,
): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  const packed = new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      controller.enqueue(bytes);
      controller.close();
    },
  });
  const reader = packed.pipeThrough(new DecompressionStream("gzip"))
    .getReader();
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      parts.push(value);
    }
  } catch {
    // A body that was cut short has no trailer; what came before counts.
  }
  return joined(parts);
}
