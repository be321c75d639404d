// Reads single records of the log by their position.
// Invariant: what it returns was whole after it had been copied.
import type { SharedRingReader } from "../memory/shared_ring.ts";
import type { ReadFrom } from "../source/source.ts";
import { LOG_KIND, type LogHead, LogHeads, newLogHead } from "./log_record.ts";

const MESSAGE_BYTES_MIN = 64 * 1024;
/**
 * So many blocks in a row that are too old show that the log has none behind them that is not. Fewer do not: one that a
 * producer sends again may be older by any time than those before it.
 */
const TOO_OLD_BLOCKS = 32;

/** Records of a topic that were written before they were leased. */
export interface Backlog {
  /** In the order in which they are passed on. */
  readonly positions: readonly number[];
  /** They are complete from this ms on; Infinity where there is none. */
  readonly fromMs: number;
}

/** The records of one ring. */
export class LogReader {
  readonly #ring: SharedRingReader;
  readonly #heads: LogHeads;
  #message = new Uint8Array(MESSAGE_BYTES_MIN);

  constructor(ring: SharedRingReader) {
    this.#ring = ring;
    this.#heads = new LogHeads(ring.bytes);
  }

  /** Fills `head`; false when the record was overwritten. */
  readHead(position: number, head: LogHead): boolean {
    const ring = this.#ring;
    if (!ring.holds(position)) return false;
    this.#heads.read(ring.byteOffset(position), head);
    ring.copied();
    return ring.holds(position);
  }

  /** A copy of a record's payload, valid until the next one; null when it was overwritten meanwhile. */
  payload(position: number, head: LogHead): Uint8Array | null {
    const ring = this.#ring;
    const { payloadAt, payloadBytes } = head;
    if (payloadBytes > this.#message.byteLength) {
      this.#message = new Uint8Array(2 * payloadBytes);
    }
    const copy = this.#message.subarray(0, payloadBytes);
    const at = ring.byteOffset(position) + payloadAt;
    copy.set(ring.bytes.subarray(at, at + payloadBytes));
    ring.copied();
    return ring.holds(position) ? copy : null;
  }

  /**
   * A topic's records from `from` on, as far as the ring has them; `last` is the position of its newest one. Of the
   * reports that the end was reached only the newest, behind the others: a timeline begins where the end is first
   * reached. None from before a restart: the end of the new log is another one.
   */
  backlog(last: number, from: ReadFrom): Backlog {
    const head = newLogHead();
    const positions: number[] = [];
    let caughtUp = -1;
    let hasRestarted = false;
    /** Records up to the oldest block that is not too old. */
    let count = 0;
    let tooOld = 0;
    let oldestMs = Infinity;
    let fromMs: number | null = null;
    let position = last;
    while (position >= 0 && this.readHead(position, head)) {
      const { kind } = head;
      if (kind === LOG_KIND.start) {
        fromMs = Math.max(from.ms, head.first);
        break;
      }
      const ms = timeOf(head, from);
      if (kind === LOG_KIND.restart) hasRestarted = true;
      if (kind !== LOG_KIND.caughtUp) positions.push(position);
      else if (caughtUp < 0 && !hasRestarted) caughtUp = position;
      if (ms < from.ms) {
        if (++tooOld === TOO_OLD_BLOCKS) {
          fromMs = from.ms;
          break;
        }
      } else {
        count = positions.length;
        if (ms < Infinity) {
          tooOld = 0;
          oldestMs = ms;
        }
      }
      position = head.before;
    }
    fromMs ??= tooOld > 0 ? from.ms : oldestMs;
    positions.length = count;
    positions.reverse();
    if (caughtUp >= 0) positions.push(caughtUp);
    return { positions, fromMs };
  }
}

/** When a record's block begins, or its message was produced; Infinity where it has no time. */
function timeOf({ kind, second, blockMs }: LogHead, from: ReadFrom): number {
  if (kind !== LOG_KIND.block) return Infinity;
  return from.kind === "produced" ? second : blockMs;
}
