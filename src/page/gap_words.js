// Reasons of gaps in plain words. docs/protocol.md explains each reason.

/** @type {Readonly<Record<string, string>>} */
const WORDS = {
  "retention": "older than the server keeps",
  "not-recorded": "not recorded",
  "page-slow": "this page was too slow",
  "slow": "this page was too slow",
  "missing": "no data received",
  "late": "arrived too late",
  "unreachable": "its Kafka broker was away",
  "future": "in the future",
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
