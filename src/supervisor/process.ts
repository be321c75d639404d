// Connects a supervisor to this process: its settings, its standard output and error, its signals, its parent.
import { lookup } from "node:dns/promises";
import type { Config, Parsed } from "../config.ts";
import { isAddress } from "../settings/addresses.ts";
import { reportSettings } from "../settings/report_settings.ts";
import { jsonLogger, type Logger } from "../telemetry/log.ts";
import { LifeSigns } from "./life_signs.ts";
import { ParentWatch } from "./parent_watch.ts";
import { permissionsOf } from "./permissions.ts";
import { permissionsText } from "./permissions_text.ts";
import { ProcessOutput } from "./process_output.ts";
import { runWatchdog, type SignedThread } from "./run_watchdog.ts";
import { Supervisor, type WorkerThread } from "./supervisor.ts";
import { SETTINGS } from "../config.ts";
import type { Setting } from "../settings/setting.ts";
import { variableOf } from "../settings/setting_names.ts";
import { EXIT_UNWRITABLE } from "../settings/command.ts";
import { terminalText } from "../text/terminal.ts";
import { type IngestThread, WorkerGroup } from "./worker_group.ts";
import {
  readingPermissions,
  servingPermissions,
  workerPermissions,
} from "./worker_permissions.ts";

/** Wrong settings. */
const EXIT_SETTINGS = 2;

export interface ProcessOptions {
  readonly parsed: Parsed;
  /** Starts a thread that serves; `number` is from 0 on, and always 0 where there is one. */
  readonly startWorker: (
    permissions: Deno.PermissionOptionsObject,
    number: number,
  ) => WorkerThread;
  /** Starts the thread that reads, where several serve. */
  readonly startIngest: (
    permissions: Deno.PermissionOptionsObject,
  ) => IngestThread;
}

/** Runs until the process ends. */
export function superviseProcess(
  { parsed, startWorker, startIngest }: ProcessOptions,
) {
  const output = new ProcessOutput();
  if (parsed.kind === "text") return printAndExit(parsed.text, output);
  if (parsed.kind === "error") {
    output.complain(parsed.message + "\n");
    return output.exit(EXIT_SETTINGS);
  }
  const { config } = parsed;
  if (config.printPermissions) return void printPermissions(parsed, output);
  const log = jsonLogger((line) => output.logLine(line), config.logLevel);
  reportSettings(parsed, log);
  const supervisor = supervisorOf({
    config,
    log,
    output,
    startWorker,
    startIngest,
  });
  const onCrash = (event: ErrorEvent | PromiseRejectionEvent) => {
    event.preventDefault();
    const error = "reason" in event ? event.reason : event.error;
    supervisor.crashed(error?.stack ?? String(error));
  };
  addEventListener("error", onCrash);
  addEventListener("unhandledrejection", onCrash);
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(name, () => supervisor.signal(name));
  }
  // Without a usage log the signal ends the process, as when its terminal is closed.
  if (config.usageLog !== "") {
    Deno.addSignalListener("SIGHUP", () => supervisor.reopen());
  }
}

async function printPermissions(
  { config, flags }: Parsed & { readonly kind: "config" },
  output: ProcessOutput,
): Promise<void> {
  const addresses = new Map<string, readonly string[]>();
  for (const name of [config.host, config.operatorHost]) {
    const found = isAddress(name)
      ? []
      : await lookup(name, { all: true }).catch(() => []);
    addresses.set(name, found.map(({ address }) => address));
  }
  const permissions = permissionsOf(
    config,
    (name) => addresses.get(name) ?? [],
  );
  const printed = permissionsText({ config, permissions, flags });
  if ("wrong" in printed) {
    output.complain(printed.wrong + "\n");
    return output.exit(EXIT_SETTINGS);
  }
  return printAndExit(printed.text, output);
}

/** Exits with 0; with 1 where the text cannot be written, unless its reader has finished, as in `| head`. */
async function printAndExit(text: string, output: ProcessOutput) {
  try {
    await output.print(text);
  } catch (error) {
    if (!(error instanceof Deno.errors.BrokenPipe)) {
      const reason = terminalText((error as Error).message);
      output.complain(`Cannot write to standard output: ${reason}\n`);
      return output.exit(EXIT_UNWRITABLE);
    }
  }
  return output.exit(0);
}

interface SupervisedOptions {
  readonly config: Config;
  readonly log: Logger;
  readonly output: ProcessOutput;
  readonly startWorker: ProcessOptions["startWorker"];
  readonly startIngest: ProcessOptions["startIngest"];
}

function supervisorOf(
  { config, log, output, startWorker, startIngest }: SupervisedOptions,
): Supervisor {
  const signs = new LifeSigns();
  const { worker, threads } = workersOf({
    config,
    log,
    startWorker,
    startIngest,
    signs,
  });
  const parent = parentWatch(() => supervisor.parentGone());
  const supervisor = new Supervisor({
    config,
    signs: signs.buffer,
    worker,
    log,
    watch: (port) => {
      parent.begin();
      const watchdog = runWatchdog({
        config,
        port,
        threads,
        onGone: (verdict) => supervisor.gone(verdict),
      });
      return {
        close: () => {
          parent.close();
          watchdog.close();
        },
      };
    },
    writeLog: (bytes) => output.writeLog(bytes),
    print: (text) =>
      void output.print(text).catch((error: Error) =>
        log.warn("greeting-not-written", { error: error.message })
      ),
    complain: (text) => output.complain(text),
    exit: (code) => void output.exit(code),
  });
  return supervisor;
}

/** One worker, or several and the thread that reads for them; and the threads that are watched. */
function workersOf(
  { config, log, startWorker, startIngest, signs }:
    & Omit<SupervisedOptions, "output">
    & { readonly signs: LifeSigns },
): {
  readonly worker: WorkerThread;
  readonly threads: () => readonly SignedThread[];
} {
  if (config.workers === 1) {
    const permissions = workerPermissions(config, permissionsOf(config));
    const threads = [{ name: "", signs, isListening: true, isStarting: false }];
    return { worker: startWorker(permissions, 0), threads: () => threads };
  }
  hideSecrets();
  const group = new WorkerGroup({
    count: config.workers,
    startWorker: (number) => startWorker(servingPermissions(config), number),
    startIngest: () => startIngest(readingPermissions(config)),
    log,
  });
  return { worker: group, threads: () => group.threads };
}

/** From here on no thread can read them in the environment, which all threads share. */
function hideSecrets(): void {
  for (const [name, setting] of Object.entries<Setting<unknown>>(SETTINGS)) {
    if (setting.isSecret) Deno.env.delete(variableOf(name));
  }
}

function parentWatch(onGone: () => void): ParentWatch {
  return new ParentWatch({
    env: Deno.env.toObject(),
    parentPid: () => Deno.ppid,
    every: (call, ms) => {
      const timer = setInterval(call, ms);
      return { close: () => clearInterval(timer) };
    },
    onGone,
  });
}
