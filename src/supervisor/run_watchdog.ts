// Runs the watchdog of this process: with a timer, the system's clock, and probes of the process's own listener.
import type { Config } from "../config.ts";
import type { LifeSigns } from "./life_signs.ts";
import { TcpProbe } from "./tcp_probe.ts";
import { TlsProbe } from "./tls_probe.ts";
import { CHECK_MS, type Verdict, Watchdog } from "./watchdog.ts";

export interface RunWatchdogOptions {
  readonly config: Config;
  /** The port that the worker listens on. */
  readonly port: number;
  readonly signs: LifeSigns;
  readonly onGone: (verdict: Verdict) => void;
}

/** Watches until it is closed; with `--watchdog-probes-max 0` it does nothing. */
export function runWatchdog(
  { config, port, signs, onGone }: RunWatchdogOptions,
): { close(): void } {
  const { host, basePath, tlsCert, watchdogProbesMax } = config;
  const address = { host, port, basePath };
  if (watchdogProbesMax === 0) return { close() {} };
  const watchdog = new Watchdog({
    signs,
    probe: () => tlsCert === "" ? new TcpProbe(address) : new TlsProbe(address),
    probesMax: watchdogProbesMax,
    nowMs: () => performance.now(),
    onMissed: (part) => signs.countMissed(part),
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
