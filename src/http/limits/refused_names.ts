// Counts the requests that were refused for their host or origin, and logs each name once, with what would allow it on
// the port that refused it. Invariant: memory is bounded: after NAMES_MAX names, further ones are only counted.
import type { Logger } from "../../telemetry/log.ts";
import {
  type RequestTrace,
  traceFields,
} from "../../telemetry/request_trace.ts";

const NAMES_MAX = 100;
/**
 * Names for which a setting may be suggested. Untrusted clients choose these names, and operators paste the suggested line:
 * it must contain nothing that a shell runs (`$(id)`), no list (`a,*`), no wildcard and no flag.
 */
const HOST = "(?:[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?|\\[[0-9a-f:.]+\\])";
const PLAIN_HOST = new RegExp(`^(?:${HOST}|[0-9a-f:.]+)$`, "i");
const PLAIN_ORIGIN = new RegExp(`^https?://${HOST}(?::\\d{1,5})?$`, "i");
const NAME_CHARS_MAX = 300;

/** Whether a host may be part of a suggested command line. */
export function isPlainHost(host: string): boolean {
  return PLAIN_HOST.test(host);
}

/** Whether an origin may be part of a suggested command line. */
export function isPlainOrigin(origin: string): boolean {
  return PLAIN_ORIGIN.test(origin);
}

/** What would let a refused name through, on the port that refused it. */
export interface NameRemedy {
  /** The end of a sentence in the answer; "" for none. */
  readonly hint: string;
  /** More fields of the log line. */
  readonly fields: Readonly<Record<string, string>>;
}

export const NO_REMEDY: NameRemedy = { hint: "", fields: {} };

/** Refused names of one kind. */
export class RefusedNames {
  readonly #log: (name: string, fields: Record<string, unknown>) => void;
  readonly #logged = new Set<string>();
  #count = 0;

  /** `log` is called for each name that was not refused before. */
  constructor(log: (name: string, fields: Record<string, unknown>) => void) {
    this.#log = log;
  }

  /** Number of refused requests. */
  get count(): number {
    return this.#count;
  }

  /** Counts one more refused request. Returns the name, shortened. */
  add(
    name: string,
    { hint, fields }: NameRemedy = NO_REMEDY,
    trace?: RequestTrace,
  ): string {
    this.#count++;
    const shown = name.length > NAME_CHARS_MAX
      ? name.slice(0, NAME_CHARS_MAX) + "…"
      : name;
    // Another port may have another remedy.
    const key = `${shown}${hint}`;
    if (this.#logged.size < NAMES_MAX && !this.#logged.has(key)) {
      this.#logged.add(key);
      this.#log(shown, { ...fields, ...traceFields(trace) });
    }
    return shown;
  }
}

/** Refused values of Host. */
export function refusedHosts(log: Logger): RefusedNames {
  return new RefusedNames((host, fields) =>
    log.warn("host-refused", { host, ...fields })
  );
}

/** Refused values of Origin. */
export function refusedOrigins(log: Logger): RefusedNames {
  return new RefusedNames((origin, fields) =>
    log.warn("origin-refused", { origin, ...fields })
  );
}
