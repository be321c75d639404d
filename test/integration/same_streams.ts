// Compares what two instances have sent of a stream that was cut at some time.
// Invariant: they are the same only if every byte of the time that both cover is the same.
const ROW = new TextEncoder().encode("\n\nid: ");
const CONTINUATION = 0xffff_ffff;

/** Where the rows of a body begin: behind the hello or the schema. */
function rowStarts(body: Uint8Array, isArrow: boolean): number[] {
  return isArrow ? messageStarts(body).slice(1) : eventStarts(body);
}

function eventStarts(body: Uint8Array): number[] {
  const starts: number[] = [];
  for (let i = 0; i + ROW.length <= body.length; i++) {
    if (ROW.every((byte, k) => body[i + k] === byte)) starts.push(i + 2);
  }
  return starts;
}

/** Messages of Arrow begin with a continuation marker, eight bytes aligned; samples that look the same do no harm. */
function messageStarts(body: Uint8Array): number[] {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  const starts: number[] = [];
  for (let i = 0; i + 4 <= body.length; i += 8) {
    if (view.getUint32(i, true) === CONTINUATION) starts.push(i);
  }
  return starts;
}

/** Whether the shorter one is the beginning of the other. */
export function isSamePrefix(a: Uint8Array, b: Uint8Array): boolean {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    if (a[i] !== b[i]) return false;
  }
  return true;
}

/**
 * Whether two live streams of the same selection are the same: the same head, then the same bytes from the later one of
 * both first rows to the earlier one of both cuts. How many bytes of rows are the same; -1 when they differ.
 */
export function sameLive(
  a: Uint8Array,
  b: Uint8Array,
  isArrow: boolean,
): number {
  const [startsA, startsB] = [rowStarts(a, isArrow), rowStarts(b, isArrow)];
  // One was cut before its first row.
  if (startsA.length === 0 || startsB.length === 0) {
    return isSamePrefix(a, b) ? 0 : -1;
  }
  const [headA, headB] = [a.subarray(0, startsA[0]), b.subarray(0, startsB[0])];
  if (headA.length !== headB.length || !isSamePrefix(headA, headB)) return -1;
  const fromA = a.subarray(startsA[0]);
  const fromB = b.subarray(startsB[0]);
  for (
    const [starts, body, other] of [[startsA, a, fromB], [
      startsB,
      b,
      fromA,
    ]] as const
  ) {
    for (const start of starts) {
      const rows = body.subarray(start);
      // The time of a row lies within its first message, and no two rows have the same.
      if (isSamePrefix(rows, other)) return Math.min(rows.length, other.length);
    }
  }
  return -1;
}
