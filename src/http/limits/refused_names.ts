// Counts the requests that were refused for their host or origin, and logs each name once.
// Invariant: memory is bounded: after NAMES_MAX names, further ones are only counted.
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

/** Refused names of one kind. */
export class RefusedNames {
  readonly #log: (name: string, trace: RequestTrace | undefined) => void;
  readonly #logged = new Set<string>();
  #count = 0;

  /** `log` is called for each name that was not refused before. */
  constructor(log: (name: string, trace: RequestTrace | undefined) => void) {
    this.#log = log;
  }

  /** Number of refused requests. */
  get count(): number {
    return this.#count;
  }

  /** Counts one more refused request. Returns the name, shortened. */
  add(name: string, trace?: RequestTrace): string {
    this.#count++;
    const shown = name.length > NAME_CHARS_MAX
      ? name.slice(0, NAME_CHARS_MAX) + "…"
      : name;
    if (this.#logged.size < NAMES_MAX && !this.#logged.has(shown)) {
      this.#logged.add(shown);
      this.#log(shown, trace);
    }
    return shown;
  }
}

/** Refused values of Host. The log line names the setting that would allow the host, if it is a plain one. */
export function refusedHosts(
  allowedHosts: readonly string[],
  log: Logger,
): RefusedNames {
  return new RefusedNames((host, trace) =>
    log.warn("host-refused", {
      host,
      ...(isPlainHost(host)
        ? { admit: `--allowed-hosts ${[...allowedHosts, host].join(",")}` }
        : {}),
      ...traceFields(trace),
    })
  );
}

/** Refused values of Origin. The log line names the setting that would allow the origin, if it is a plain one. */
export function refusedOrigins(
  corsOrigin: readonly string[],
  log: Logger,
): RefusedNames {
  return new RefusedNames((origin, trace) =>
    log.warn("origin-refused", {
      origin,
      ...(origin === "null" ? { admit: "--cors-origin '*'" } : {}),
      ...(isPlainOrigin(origin)
        ? { admit: `--cors-origin ${[...corsOrigin, origin].join(",")}` }
        : {}),
      ...traceFields(trace),
    })
  );
}
