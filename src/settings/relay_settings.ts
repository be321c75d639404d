// Settings: reading from other instances, and serving instances that do so.
import { file, secret, whole } from "./readers.ts";
import { SettingError, type SettingsOf } from "./setting.ts";
import { upstreams } from "./upstream_reader.ts";

/** Relays: on both sides. */
export interface RelaySettings {
  /** Addresses of instances to read from; empty for another source. */
  readonly upstream: readonly string[];
  /** Empty for none. A secret. */
  readonly upstreamToken: string;
  /** Token for them, read at each request */
  readonly upstreamTokenFile: string;
  /** PEM certificates of authorities to trust for them, besides the usual ones */
  readonly upstreamCa: string;
  /** Streams of blocks to relays at one time; a relay uses about 4, and one for each history; 0: none. [streams] */
  readonly relayStreamsMax: number;
}

export const RELAY_SETTINGS = {
  upstream: upstreams(
    "other Qanats to read from instead of Kafka; the first one that answers is used",
  ),
  upstreamToken: {
    ...secret("token for them; safer by variable than by flag"),
    read: tokenOf,
  },
  upstreamTokenFile: file("token for them, read at each request"),
  upstreamCa: file(
    "PEM certificates of authorities to trust for them, besides the usual ones",
  ),
  relayStreamsMax: whole({
    unit: "streams",
    preset: 0,
    min: 0,
    max: 10_000,
    help:
      "streams of blocks to relays at one time; a relay uses about 4, and one for each history; 0: none",
  }),
} satisfies SettingsOf<RelaySettings>;

/** What a token has; no header can carry another one (RFC 6750 §2.1). */
export const TOKEN_CHARACTERS = "letters, digits and - . _ ~ + / =";

export function isToken(text: string): boolean {
  return /^[\w.~+/=-]*$/.test(text);
}

/** Throws a {@linkcode SettingError} for what is no token. */
function tokenOf(text: string): string {
  if (isToken(text)) return text;
  throw new SettingError(`of ${TOKEN_CHARACTERS}`);
}

/** What is wrong with these settings together, or null. */
export function relayFault(
  { upstream, upstreamToken, upstreamTokenFile, upstreamCa }: RelaySettings,
): string | null {
  if (upstreamToken !== "" && upstreamTokenFile !== "") {
    return "--upstream-token and --upstream-token-file do not go together: one of them gives the token";
  }
  if (upstreamToken !== "" && upstream.length === 0) {
    return "--upstream-token needs --upstream";
  }
  if (upstreamCa !== "" && !upstream.some((url) => url.startsWith("https:"))) {
    return "--upstream-ca needs an address of --upstream that begins with https:";
  }
  return null;
}
