// Joins bytes.

/** The parts, one after another. */
export function concat(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((n, p) => n + p.byteLength, 0));
  let byteOffset = 0;
  for (const part of parts) {
    bytes.set(part, byteOffset);
    byteOffset += part.byteLength;
  }
  return bytes;
}
