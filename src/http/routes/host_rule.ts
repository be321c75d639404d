// Refuses requests for host names that the instance does not answer to. Without this, any web page could reach a server
// on its reader's machine, by giving its own host name the address 127.0.0.1 (DNS rebinding): the Host header then has
// the page's name. Invariant: an instance on loopback answers only to loopback names and to allowed names.
// Why: docs/decisions/0025.
import type { MiddlewareHandler } from "hono";
import { plainAddress } from "../../shares/client_address.ts";
import { problem } from "../transport/problem.ts";
import {
  isPlainHost,
  type NameRemedy,
  NO_REMEDY,
  type RefusedNames,
} from "../limits/refused_names.ts";
import { traceOf } from "./request_ids.ts";

const HOST_CHARS_MAX = 260;

export interface HostRuleOptions {
  /** The name or address that the server was configured to listen on. */
  readonly host: string;
  /** Names and addresses in lower case; `*.example.org` allows all names below, `*` allows any. */
  readonly allowedHosts: readonly string[];
}

/** Decides which values of the Host header are answered. */
export class HostRule {
  readonly #host: string;
  readonly #isAnyAllowed: boolean;
  readonly #names: ReadonlySet<string>;
  /** `.example.org` */
  readonly #suffixes: readonly string[];
  #isLoopback: boolean;

  constructor({ host, allowedHosts }: HostRuleOptions) {
    this.#host = bareName(host);
    this.#isLoopback = isLoopbackName(this.#host);
    this.#isAnyAllowed = allowedHosts.includes("*");
    this.#names = new Set(allowedHosts.map(bareName));
    this.#suffixes = allowedHosts.filter((h) => h.startsWith("*."))
      .map((h) => h.slice(1));
  }

  /** Sets the address that the server really has: a configured name may resolve to loopback. */
  listensOn(address: string): void {
    this.#isLoopback = isLoopbackName(bareName(address));
  }

  get isLoopback(): boolean {
    return this.#isLoopback;
  }

  /** Whether a request with this Host header is answered. One without is: every browser sends the header. */
  admits(header: string | undefined): boolean {
    if (header === undefined || header === "" || this.#isAnyAllowed) {
      return true;
    }
    if (!this.#isLoopback && this.#names.size === 0) return true;
    const name = nameOf(header);
    if (name === null) return false;
    if (isLoopbackName(name) || name === this.#host) return true;
    if (this.#names.has(name)) return true;
    if (this.#suffixes.some((suffix) => name.endsWith(suffix))) return true;
    // An address cannot be rebound: it is a page's host only when the page was loaded from there. Probes of Kubernetes
    // and scrapes of Prometheus use the pod's address.
    return !this.#isLoopback && plainAddress(name) !== "";
  }
}

export interface HostCheckOptions {
  readonly basePath: string;
  /** What would allow a host, which may be part of a command line. */
  readonly remedyOf: (host: string) => NameRemedy;
}

/** Refuses requests by their Host header; probes are always answered. */
export function hostCheck(
  rule: HostRule,
  refused: RefusedNames,
  { basePath, remedyOf }: HostCheckOptions,
): MiddlewareHandler {
  const probes = [`${basePath}/healthz`, `${basePath}/readyz`];
  return async (c, next) => {
    const header = c.req.header("host");
    if (rule.admits(header) || probes.includes(c.req.path)) return await next();
    const name = nameOf(header!);
    const isPlain = name !== null && isPlainHost(name);
    const remedy = isPlain ? remedyOf(name) : NO_REMEDY;
    const host = refused.add(name ?? header!, remedy, traceOf(c));
    const why = rule.isLoopback
      ? `This instance listens on loopback and does not answer to the host '${host}'`
      : `This instance does not answer to the host '${host}'`;
    return problem("host_not_allowed", {
      detail: isPlain
        ? `${why}${remedy.hint}`
        : `The header Host has no valid host name: '${host}'`,
    });
  };
}

/** The setting that would allow a host on the port for clients. */
export function allowedHostsRemedy(
  allowedHosts: readonly string[],
  host: string,
): NameRemedy {
  return {
    hint: `; --allowed-hosts ${host} (QANAT_ALLOWED_HOSTS) would allow it`,
    fields: { admit: `--allowed-hosts ${[...allowedHosts, host].join(",")}` },
  };
}

/** The host of a Host header in lower case, without port, brackets and final dot; null when it is not valid. */
function nameOf(header: string): string | null {
  if (header.length > HOST_CHARS_MAX) return null;
  const parts = /^(?:\[([0-9a-f:.]+)\]|([^\s:/?#@\\[\]]+))(?::\d{0,5})?$/i
    .exec(header);
  return parts === null ? null : bareName(parts[1] ?? parts[2]!);
}

/** The canonical spelling of a name or an address. */
function bareName(name: string): string {
  return plainAddress(name) || name.toLowerCase().replace(/\.$/, "");
}

/** Whether the host of a Host header, or an address, names this machine. */
export function isLoopbackHost(text: string): boolean {
  return isLoopbackName(
    text.includes("::") ? bareName(text) : nameOf(text) ?? "",
  );
}

function isLoopbackName(name: string): boolean {
  return name === "localhost" || name.endsWith(".localhost") ||
    name === "::1" || name.startsWith("127.") && plainAddress(name) !== "";
}
