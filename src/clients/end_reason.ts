// Why a client's stream ended, as the `end` event, the log and /metrics name it.

export type EndReason =
  | "client-left"
  | "complete"
  | "changed"
  | "removed"
  | "expired"
  | "revoked"
  | "time-reset"
  | "drain"
  | "age"
  | "slow"
  | "stalled"
  | "gap"
  | "error"
  | "closed-by-operator";

/** Ends after which an Arrow stream must look incomplete: it has no end-of-stream marker, and its body breaks off. */
export const CUT_SHORT: ReadonlySet<EndReason> = new Set<EndReason>([
  "gap",
  "error",
  "expired",
  "revoked",
  "slow",
  "stalled",
  "closed-by-operator",
]);

/** Ends after which the client is to continue on another instance. */
export const MOVED: ReadonlySet<EndReason> = new Set<EndReason>([
  "drain",
  "age",
]);
