// Binds a supervisor to this process: its standard output and error, its signals, its end.
// Invariant: neither a closed pipe nor a full disk behind standard output or error stops the start or the service.
import type { Parsed } from "../config.ts";
import { jsonLogger, logLine } from "../telemetry/log.ts";
import { LogWriter } from "../telemetry/log_writer.ts";
import { reportSettings } from "../settings/report_settings.ts";
import { LifeSigns } from "./life_signs.ts";
import { ParentWatch } from "./parent_watch.ts";
import { runWatchdog } from "./run_watchdog.ts";
import { SerialOutput } from "./serial_output.ts";
import { Supervisor, type WorkerThread } from "./supervisor.ts";
import { within } from "./within.ts";

/** Wrong settings. */
const EXIT_SETTINGS = 2;
/** What standard output and error are given at an exit, when nobody may be reading them. */
const FLUSH_MAX_MS = 300;

export interface ProcessOptions {
  readonly parsed: Parsed;
  readonly startWorker: () => WorkerThread;
}

/** Runs until the process ends. */
export function superviseProcess({ parsed, startWorker }: ProcessOptions) {
  const encoder = new TextEncoder();
  const stdout = new SerialOutput((bytes) => Deno.stdout.write(bytes));
  const stderr = new SerialOutput((bytes) => Deno.stderr.write(bytes));
  const complain = (text: string) =>
    void stderr.write(encoder.encode(text)).catch(() => {});
  const lines = new LogWriter({
    write: (bytes) => stderr.write(bytes),
    lostLine: (count) => logLine("warn", "log-lines-lost", { count }),
  });
  const exit = async (code: number) => {
    const written = lines.flush().then(() =>
      Promise.all([stdout.settled(), stderr.settled()])
    );
    await within(FLUSH_MAX_MS, written);
    Deno.exit(code);
  };
  if (parsed.kind === "help") {
    stdout.write(encoder.encode(parsed.text + "\n")).catch(() => {});
    return exit(0);
  }
  if (parsed.kind === "error") {
    complain(parsed.message + "\n");
    return exit(EXIT_SETTINGS);
  }
  const { config } = parsed;
  const log = jsonLogger((line) => lines.line(line), config.logLevel);
  reportSettings(parsed, log);
  const signs = new LifeSigns();
  const parent = new ParentWatch({
    env: Deno.env.toObject(),
    parentPid: () => Deno.ppid,
    every: (call, ms) => {
      const timer = setInterval(call, ms);
      return { close: () => clearInterval(timer) };
    },
    onGone: () => {
      log.warn("parent-gone");
      supervisor.signal("SIGTERM");
    },
  });
  const supervisor = new Supervisor({
    config,
    signs: signs.buffer,
    watch: (port) => {
      parent.begin();
      const watchdog = runWatchdog({
        config,
        port,
        signs,
        onGone: (verdict) => supervisor.gone(verdict),
      });
      return {
        close: () => {
          parent.close();
          watchdog.close();
        },
      };
    },
    worker: startWorker(),
    log,
    writeLog: (bytes) => stderr.write(bytes),
    print: (text) => {
      stdout.write(encoder.encode(text)).catch((error: Error) =>
        log.warn("greeting-not-written", { error: error.message })
      );
    },
    complain,
    exit,
  });
  const crash = (event: ErrorEvent | PromiseRejectionEvent) => {
    event.preventDefault();
    const error = "reason" in event ? event.reason : event.error;
    supervisor.crashed(error?.stack ?? String(error));
  };
  addEventListener("error", crash);
  addEventListener("unhandledrejection", crash);
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(name, () => supervisor.signal(name));
  }
}
