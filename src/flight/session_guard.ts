// Watches one HTTP/2 connection for what costs the server more than it costs the client: pings, changes of settings,
// calls that are begun and reset. Invariant: each kind has a budget that refills with time; beyond it the connection is
// closed with ENHANCE_YOUR_CALM, and counted.
import type { ServerHttp2Session } from "node:http2";
import { setImmediate } from "node:timers";
import { ConnectionWrites } from "./connection_writes.ts";
import type { FlightClose } from "./flight_figures.ts";

/** What is counted against a budget. */
type Kind = Extract<FlightClose, "pings" | "settings" | "resets">;

/** Most at once, and how many are added in a second. */
const BUDGETS: Readonly<
  Record<Kind, readonly [most: number, aSecond: number]>
> = {
  // gRPC's clients send one in 10 s or less often.
  pings: [30, 1],
  settings: [30, 1],
  // A client may cancel all its streams at once, and open them again.
  // Fewer than nghttp2 allows, so that the reason is known.
  resets: [500, 20],
};
const ENHANCE_YOUR_CALM = 11;

/** A connection, and what remains of its budgets. */
export class SessionGuard {
  readonly session: ServerHttp2Session;
  /** The client's, in one spelling. */
  readonly address: string;
  /** What its calls write. */
  readonly writes: ConnectionWrites;
  /** Calls that are open. */
  calls = 0;
  /** When the last call ended, or the connection began, by the monotonic clock. */
  idleSinceMs: number;
  /** Whether it has ever had a call. */
  isUsed = false;
  readonly #left: Record<Kind, number> = {
    pings: BUDGETS.pings[0],
    settings: BUDGETS.settings[0],
    resets: BUDGETS.resets[0],
  };
  readonly #onClose: (reason: FlightClose) => void;
  #refilledMs: number;
  #isClosed = false;

  /** `onClose` is called at most once, when the connection is closed for a reason of the server. */
  constructor(
    session: ServerHttp2Session,
    options: {
      readonly address: string;
      readonly nowMs: number;
      readonly onClose: (reason: FlightClose) => void;
    },
  ) {
    this.session = session;
    this.writes = new ConnectionWrites(session);
    this.address = options.address;
    this.idleSinceMs = this.#refilledMs = options.nowMs;
    this.#onClose = options.onClose;
  }

  /** Counts one; closes the connection when the budget is used up. */
  count(kind: Kind): void {
    if (--this.#left[kind] < 0) this.close(kind, ENHANCE_YOUR_CALM);
  }

  /** Refills the budgets for the time since the last call. Called about once a second. */
  refill(nowMs: number): void {
    const seconds = (nowMs - this.#refilledMs) / 1000;
    this.#refilledMs = nowMs;
    for (const kind of Object.keys(BUDGETS) as Kind[]) {
      const [most, aSecond] = BUDGETS[kind];
      this.#left[kind] = Math.min(most, this.#left[kind] + aSecond * seconds);
    }
  }

  /**
   * Closes the connection with all its calls, in a later turn: the callbacks of what has arrived already come first.
   */
  close(reason: FlightClose, code: number): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#onClose(reason);
    setImmediate(() => {
      if (this.session.destroyed) return;
      this.session.goaway(code);
      this.session.destroy();
    });
  }
}
