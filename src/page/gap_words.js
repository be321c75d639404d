// Reasons of gaps, and of the ends of streams, in plain words. docs/protocol.md explains each reason.

/** @type {Readonly<Record<string, string>>} */
const WORDS = {
  "awaited": "reading history",
  "retention": "older than the server keeps",
  "not-recorded": "trend not recorded",
  // Where the page would have to make the trend of more samples than it reads.
  "too-many-samples": "trend not recorded: zoom in for samples",
  "page-slow": "this page was too slow",
  "slow": "this page was too slow",
  "missing": "no data received",
  "late": "did not arrive in time",
  "unreachable": "its Kafka broker was away",
  "future": "its time stamps were in the future",
  "not-yet": "this time has not come yet",
  "stride-changed": "the channel's stride has changed",
  "unknown-id": "the server does not know where to continue",
};

/** @type {Readonly<Record<string, string>>} */
const END_WORDS = {
  "age": "the stream was open for as long as the server allows",
  "cancelled": "cancelled",
  "changed": "a channel has changed",
  "closed-by-operator": "the operator closed the stream",
  "complete": "complete",
  "connection": "the server does not answer",
  "cut": "the connection was cut",
  "drain": "the server stops",
  "error": "the server could not read the data",
  "expired": "the token has expired",
  "gap": "data are missing",
  "removed": "a channel was removed, or may not be read any more",
  "revoked": "the token is not accepted any more",
  "slow": "this page was too slow",
  "time-reset": "the publisher's time has jumped back",
};

/** A gap as a sentence for the user. @param {import("./qanat.d.ts").Gap} gap */
export function gapNote({ fromNs, toNs, reason }) {
  const ms = Number((toNs - fromNs) / 1_000_000n);
  return `Gap of ${ms / 1000} s: ${gapWords(reason)}`;
}

/** A reason in words; one that is not known as it is. @param {string} reason */
export function gapWords(reason) {
  return WORDS[reason] ?? reason;
}

/** The reason of a stream's end in words; one that is not known as it is. @param {string | undefined} reason */
export function endWords(reason) {
  return reason === undefined ? "?" : END_WORDS[reason] ?? reason;
}
