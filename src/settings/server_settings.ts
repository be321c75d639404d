// Settings: where the service listens, which requests it answers, and what it logs.
import { LOG_LEVELS, type LogLevel } from "../telemetry/log.ts";
import {
  basePath,
  choice,
  file,
  flag,
  host,
  hosts,
  origins,
  proxies,
  publicUrl,
  revision,
  whole,
} from "./readers.ts";
import type { SettingsOf } from "./setting.ts";
import { workers } from "./workers_setting.ts";

/** Address, allowed requests, log. */
export interface ServerSettings {
  /** 0: a free one. */
  readonly port: number;
  /** Address to listen on. */
  readonly host: string;
  /** Paths of the server's certificate and key; empty where it listens without TLS. */
  readonly tlsCert: string;
  /** PEM private key of --tls-cert */
  readonly tlsKey: string;
  /** Starts with a slash and does not end with one; empty for none. */
  readonly basePath: string;
  /** Host names that are answered, in lower case. */
  readonly allowedHosts: readonly string[];
  /** Origins whose pages may read; `*` alone: any. */
  readonly corsOrigin: readonly string[];
  /** Proxies whose X-Forwarded-For and -Proto are trusted */
  readonly trustedProxies: readonly string[];
  /** The service's address in browsers; empty when it is not known. */
  readonly publicUrl: string;
  /** The lowest level that is logged. */
  readonly logLevel: LogLevel;
  /** Empty when it is not known. */
  readonly revision: string;
  /** Print the command line with the fewest permissions for these settings, and end */
  readonly printPermissions: boolean;
  /** Threads that serve clients. */
  readonly workers: number;
}

export const SERVER_SETTINGS = {
  port: whole({
    unit: "",
    preset: 8080,
    min: 0,
    max: 65_535,
    help: "TCP port to listen on; 0: any free port",
  }),
  host: host("127.0.0.1", "address to listen on; 0.0.0.0: all IPv4 addresses"),
  tlsCert: file(
    "PEM certificate and its chain: listen with TLS; read again when it changes",
  ),
  tlsKey: file("PEM private key of --tls-cert"),
  basePath: basePath("path in front of every route, such as /qanat"),
  allowedHosts: hosts(
    "host names that requests may use; loopback names always work",
  ),
  corsOrigin: origins("other origins whose pages may read; *: any page"),
  trustedProxies: proxies(
    "proxies whose X-Forwarded-For and -Proto are trusted",
  ),
  publicUrl: publicUrl("HTTPS address of the service in browsers"),
  logLevel: choice("info", LOG_LEVELS, "lowest level that is logged"),
  revision: revision(
    "source revision of this build, shown in /v1/status and /metrics",
  ),
  printPermissions: flag(
    "print the command line with the fewest permissions for these settings, and end",
  ),
  workers: workers(
    "threads that serve clients, at most 64: a core and 32 MB each; with several, one more thread reads; auto: by cores",
  ),
} satisfies SettingsOf<ServerSettings>;
