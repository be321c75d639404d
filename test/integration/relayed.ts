// QANAT_RELAY=1 runs suites through a relay: each Qanat that they start is an origin and a relay that reads from it.
// Invariant: a test that makes no sense through a relay is named here or at the test, with the reason; it is printed.

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

/** `it`, or what leaves a test out through a relay and prints its name with the reason. */
export function unlessRelayed<T>(
  it: T,
  reason: string,
): T | ((name: string) => void) {
  return IS_RELAYED
    ? (name) => {
      const line = `left out through a relay: ${name}: ${reason}\n`;
      Deno.stdout.writeSync(new TextEncoder().encode(line));
    }
    : it;
}
