// What a thread can give another one of an answer, instead of a copy.
import type { HistoryMessages } from "../source/source.ts";

/** The buffers that hold one value and nothing else. */
export function ownBuffers(answers: readonly HistoryMessages[]): ArrayBuffer[] {
  const buffers = new Set<ArrayBuffer>();
  for (const { messages } of answers) {
    for (const { value: { buffer, byteLength } } of messages) {
      const isOwn = buffer instanceof ArrayBuffer &&
        buffer.byteLength === byteLength;
      if (isOwn) buffers.add(buffer);
    }
  }
  return [...buffers];
}
