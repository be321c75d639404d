// A thread that copies records out of a ring which another thread overwrites. All bytes of a record have the value that
// follows from its number, so that a copy with any other byte is torn.
import {
  type SharedRingMemory,
  SharedRingReader,
} from "../../src/memory/shared_ring.ts";
import { RECORD_BYTES, valueOf } from "./torn_values.ts";

export interface TornReadsReport {
  readonly copies: number;
  /** Copies that the second look refused. */
  readonly refused: number;
  /** Torn copies that were taken for whole ones. */
  readonly unnoticed: number;
}

interface Request {
  readonly memory: SharedRingMemory;
  /** `wrong`: without the second look. */
  readonly order: "right" | "wrong";
  readonly copies: number;
}

const scope = self as unknown as {
  onmessage: (event: MessageEvent<Request>) => void;
  postMessage(report: TornReadsReport): void;
};

scope.onmessage = ({ data: { memory, order, copies } }) => {
  const ring = new SharedRingReader(memory);
  const copy = new Uint8Array(RECORD_BYTES);
  let made = 0;
  let refused = 0;
  let unnoticed = 0;
  while (made < copies) {
    // The oldest record that may be held: it is overwritten next.
    const head = ring.headPosition;
    let position = Math.max(0, head - ring.capacityBytes);
    while (position < head && !ring.holds(position)) position += RECORD_BYTES;
    if (position >= head) continue;
    const at = ring.byteOffset(position);
    copy.set(ring.bytes.subarray(at, at + RECORD_BYTES));
    made++;
    ring.copied();
    if (order === "right" && !ring.holds(position)) refused++;
    else if (isTorn(copy, valueOf(position / RECORD_BYTES))) unnoticed++;
  }
  scope.postMessage({ copies: made, refused, unnoticed });
};

function isTorn(copy: Uint8Array, value: number): boolean {
  for (let i = 0; i < copy.length; i++) if (copy[i] !== value) return true;
  return false;
}
