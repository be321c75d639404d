// A thread that overwrites a ring as fast as it can, for torn_reads.ts.
import {
  type SharedRingMemory,
  SharedRingWriter,
} from "../../src/memory/shared_ring.ts";
import { RECORD_BYTES, valueOf } from "./torn_values.ts";

export interface WritesRequest {
  readonly ringBytes: number;
  /** `late`: a page is given up after its bytes were written, which is wrong. */
  readonly order: "right" | "late";
}

const PAGE_BYTES = 65_536;
/** Without a turn of the event loop this thread cannot be ended. */
const RECORDS_PER_TURN = 4096;

const scope = self as unknown as {
  onmessage: (event: MessageEvent<WritesRequest>) => void;
  postMessage(memory: SharedRingMemory): void;
};

scope.onmessage = ({ data: { ringBytes, order } }) => {
  const ring = new SharedRingWriter(ringBytes, { pageBytes: PAGE_BYTES });
  // Records divide a page, so that the next one begins where this one ends.
  let next = 0;
  const fill = (position: number) => {
    const at = ring.byteOffset(position);
    const value = valueOf(position / RECORD_BYTES);
    ring.bytes.fill(value, at, at + RECORD_BYTES);
  };
  const write = () => {
    if (order === "late") fill(next);
    const position = ring.reserve(RECORD_BYTES);
    if (order === "right") fill(position);
    next = position + RECORD_BYTES;
    ring.publish();
  };
  write();
  scope.postMessage(ring.memory());
  setInterval(() => {
    for (let i = 0; i < RECORDS_PER_TURN; i++) write();
  }, 0);
};
