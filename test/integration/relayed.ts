// QANAT_RELAY=1 runs suites through a relay: each Qanat that they start is an origin and a relay that reads from it.
// Not for suites about the instance that reads Kafka itself: its requests, workers, limits, clock and figures.
// Invariant: a relay has all settings of the suite but those of Kafka; its origin has these, and what both need.

/** Whether each Qanat that a suite starts is a relay. */
export const IS_RELAYED = Deno.env.get("QANAT_RELAY") === "1";

/** What the origin has of the settings of a suite, and the relay does not. */
const ORIGIN_ONLY = /^--kafka/;
/** What both have. */
const BOTH = /^--(workers|ready-grace-ms|log-level)\b/;
/** A suite that connects relays by itself. */
const OWN_RELAYS = /^--(upstream|relay-streams-max)\b/;
/** More than the relay of a test opens. */
const STREAMS_MAX = 256;

/** The arguments of an origin and of a relay that together are the instance of these; null: it stays one process. */
export function argsThroughRelay(
  args: readonly string[],
  originUrl: string,
): { readonly origin: string[]; readonly relay: string[] } | null {
  if (args.some((arg) => OWN_RELAYS.test(arg))) return null;
  return {
    origin: [
      `--relay-streams-max=${STREAMS_MAX}`,
      ...args.filter((arg) => ORIGIN_ONLY.test(arg) || BOTH.test(arg)),
    ],
    relay: [
      `--upstream=${originUrl}`,
      ...args.filter((arg) => !ORIGIN_ONLY.test(arg)),
    ],
  };
}
