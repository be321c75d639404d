// Hosts or origins that requests were refused for: all are counted, each is logged once.
// Invariant: bounded. Once NAMES_MAX names have been logged, further ones are only counted.
import type { Logger } from "../../telemetry/log.ts";

const NAMES_MAX = 100;
/**
 * What a setting may be suggested for. A stranger chooses these names, and an operator pastes the line that admits
 * them: nothing in it may be a shell's (`$(id)`), a list (`a,*`), a wildcard or a flag.
 */
const HOST = "(?:[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?|\\[[0-9a-f:.]+\\])";
const PLAIN_HOST = new RegExp(`^(?:${HOST}|[0-9a-f:.]+)$`, "i");
const PLAIN_ORIGIN = new RegExp(`^https?://${HOST}(?::\\d{1,5})?$`, "i");
const NAME_CHARS_MAX = 300;

/** Whether a host may stand in a command line that is suggested. */
export function isPlainHost(host: string): boolean {
  return PLAIN_HOST.test(host);
}

/** Whether an origin may stand in a command line that is suggested. */
export function isPlainOrigin(origin: string): boolean {
  return PLAIN_ORIGIN.test(origin);
}

/** The names of one kind. */
export class RefusedNames {
  readonly #log: (name: string) => void;
  readonly #logged = new Set<string>();
  #count = 0;

  /** `log`: writes the line for a name that was not refused before. */
  constructor(log: (name: string) => void) {
    this.#log = log;
  }

  /** Requests that were refused. */
  get count(): number {
    return this.#count;
  }

  /** One more request was refused. Returns the name, shortened to what may be shown. */
  add(name: string): string {
    this.#count++;
    const shown = name.length > NAME_CHARS_MAX
      ? name.slice(0, NAME_CHARS_MAX) + "…"
      : name;
    if (this.#logged.size < NAMES_MAX && !this.#logged.has(shown)) {
      this.#logged.add(shown);
      this.#log(shown);
    }
    return shown;
  }
}

/** Values of Host. A line says by which setting the host would be answered, if it is a plain one. */
export function refusedHosts(
  allowedHosts: readonly string[],
  log: Logger,
): RefusedNames {
  return new RefusedNames((host) =>
    log.warn("host-refused", {
      host,
      ...(isPlainHost(host)
        ? { admit: `--allowed-hosts ${[...allowedHosts, host].join(",")}` }
        : {}),
    })
  );
}

/** Values of Origin. A line says by which setting the origin's pages would be answered, if it is a plain one. */
export function refusedOrigins(
  corsOrigin: readonly string[],
  log: Logger,
): RefusedNames {
  return new RefusedNames((origin) =>
    log.warn("origin-refused", {
      origin,
      ...(origin === "null" ? { admit: "--cors-origin '*'" } : {}),
      ...(isPlainOrigin(origin)
        ? { admit: `--cors-origin ${[...corsOrigin, origin].join(",")}` }
        : {}),
    })
  );
}
