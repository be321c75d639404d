// The process: settings, source, server, signals.
import { nowGpsNs } from "./blocks/gps_time.ts";
import { Catalog, nameMatcher } from "./channels/catalog.ts";
import { type Config, parseConfig } from "./config.ts";
import { Qanat } from "./app.ts";
import { GcTime } from "./gc_time.ts";
import { serve } from "./http/server.ts";
import { jsonLogger, type Logger, logLine } from "./log.ts";
import { LogWriter } from "./log_writer.ts";
import { EmbeddedSource } from "./source/embedded_source.ts";
import { reportSettings } from "./settings/report_settings.ts";
import type { Source } from "./source/source.ts";
import { terminalText } from "./text/terminal.ts";

/** The whole stop must fit the promise of five seconds. */
const STOP_MAX_MS = 4500;
/** What the log is given at an exit, when nobody may be reading it. */
const LOG_FLUSH_MAX_MS = 300;

const encoder = new TextEncoder();

function print(text: string): void {
  Deno.stdout.writeSync(encoder.encode(text));
}

function complain(text: string): void {
  Deno.stderr.writeSync(encoder.encode(text));
}

async function sourceOf(config: Config, log: Logger): Promise<Source> {
  const catalog = new Catalog();
  if (config.kafka.length === 0) {
    return new EmbeddedSource({ catalog, nowGpsNs: () => nowGpsNs() });
  }
  // Loaded only here, so that the embedded source needs nothing of kafkajs.
  const { kafkaSourceOf } = await import("./source/kafka_settings.ts");
  return await kafkaSourceOf(config, catalog, log);
}

/** All of the embedded source is recorded, and of Kafka what is named. */
function trendMatchOf({ trendMatch, kafka }: Config): string {
  return trendMatch === "" && kafka.length === 0 ? ".*" : trendMatch;
}

async function main(): Promise<void> {
  const parsed = parseConfig(Deno.args, Deno.env.toObject());
  if (parsed.kind === "help") return print(parsed.text + "\n");
  if (parsed.kind === "error") {
    complain(parsed.message + "\n");
    Deno.exit(2);
  }
  const { config } = parsed;
  try {
    nameMatcher(config.trendMatch);
  } catch (error) {
    complain(
      `--trend-match must be an RE2 expression: ${
        terminalText((error as Error).message)
      }\n`,
    );
    return Deno.exit(2);
  }
  const lines = new LogWriter({
    write: (bytes) => Deno.stderr.write(bytes),
    lostLine: (count) => logLine("warn", "log-lines-lost", { count }),
  });
  const log = jsonLogger((line) => lines.line(line), config.logLevel);
  reportSettings(parsed, log);
  const exit = async (code: number): Promise<never> => {
    await within(LOG_FLUSH_MAX_MS, lines.flush());
    Deno.exit(code);
  };
  const crash = (event: ErrorEvent | PromiseRejectionEvent) => {
    event.preventDefault();
    const error = "reason" in event ? event.reason : event.error;
    log.error("crashed", { error: error?.stack ?? String(error) });
    exit(1);
  };
  addEventListener("error", crash);
  addEventListener("unhandledrejection", crash);
  let source: Source;
  try {
    source = await sourceOf(config, log);
  } catch (error) {
    complain(`Cannot set up Kafka: ${(error as Error).message}\n`);
    return exit(2);
  }
  const gc = new GcTime();
  const qanat = new Qanat({
    config: { ...config, trendMatch: trendMatchOf(config) },
    source,
    log,
    gc,
    logLines: lines,
    memory: () => Deno.memoryUsage(),
  });
  await qanat.start();
  const server = await serve(qanat).catch((error: Error) => {
    complain(
      `Cannot listen on ${config.host}:${config.port}: ${error.message}\n`,
    );
    return exit(1);
  });
  greet(qanat, `http://${config.host}:${server.port}${config.basePath}`);
  let stopping = false;
  const stop = (signal: string) => {
    if (stopping) return;
    stopping = true;
    log.info("stopping", { signal });
    const overdue = setTimeout(() => {
      log.error("stop-overdue", { afterMs: STOP_MAX_MS });
      exit(1);
    }, STOP_MAX_MS);
    qanat.drain();
    server.close(config.drainMs)
      .then(() => qanat.close())
      .then(() => {
        clearTimeout(overdue);
        log.info("stopped");
        return exit(0);
      }, (error: Error) => {
        log.error("stop-failed", { error: error.stack ?? error.message });
        return exit(1);
      });
  };
  Deno.addSignalListener("SIGINT", () => stop("SIGINT"));
  Deno.addSignalListener("SIGTERM", () => stop("SIGTERM"));
}

/** Waits for some work, but not for long. */
async function within(limitMs: number, work: Promise<void>): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const enough = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, limitMs);
  });
  await Promise.race([work, enough]);
  clearTimeout(timer);
}

function greet(qanat: Qanat, url: string): void {
  const { config, catalog } = qanat;
  const from = config.kafka.length > 0
    ? `Kafka at ${config.kafka.join(", ")}`
    : "embedded: GW150914 strain (GWOSC, doi:10.7935/K5MW2F23, CC BY 4.0) and synthetic channels";
  const name = catalog.get("H1:GWOSC-4KHZ_R1_WHITENED", null)?.name ??
    catalog.find({})[0]?.name ?? "CHANNEL";
  print(`Qanat is serving on ${url}
source: ${from}
channels: ${catalog.size}
look: open ${url}/ in a browser
try:
  curl -N '${url}/v1/events?channels=${name}'
  curl -N '${url}/v1/arrow?channels=${name}&duration=10' -o strain.arrows
`);
}

await main();
