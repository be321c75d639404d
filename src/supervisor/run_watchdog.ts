// Runs the watchdog of this process: with a timer, the system's clock, and probes of the process's own listener.
import type { Config } from "../config.ts";
import type { LifeSigns } from "./life_signs.ts";
import { TcpProbe } from "./tcp_probe.ts";
import { TlsProbe } from "./tls_probe.ts";
import {
  CHECK_MS,
  type Verdict,
  Watchdog,
  type WatchedThread,
} from "./watchdog.ts";

/** A thread with its counters, to which the watchdog adds what was missed. */
export interface SignedThread extends WatchedThread {
  readonly signs: LifeSigns;
}

export interface RunWatchdogOptions {
  readonly config: Config;
  /** The port on which workers listen. */
  readonly port: number;
  /** Those to watch at this moment. */
  readonly threads: () => Iterable<SignedThread>;
  readonly onGone: (verdict: Verdict) => void;
}

/** Watches until it is closed; with `--watchdog-probes-max 0` it does nothing. */
export function runWatchdog(
  { config, port, threads, onGone }: RunWatchdogOptions,
): { close(): void } {
  const { host, basePath, tlsCert, watchdogProbesMax } = config;
  const address = { host, port, basePath };
  if (watchdogProbesMax === 0) return { close() {} };
  const watchdog = new Watchdog({
    threads,
    probe: () => tlsCert === "" ? new TcpProbe(address) : new TlsProbe(address),
    probesMax: watchdogProbesMax,
    nowMs: () => performance.now(),
    onMissed: (part, { signs }) => signs.countMissed(part),
    onGone,
  });
  const timer = setInterval(() => watchdog.check(), CHECK_MS);
  return {
    close: () => {
      clearInterval(timer);
      watchdog.close();
    },
  };
}
