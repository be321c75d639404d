// The command line client's process: flags, signals, terminal, files, exit codes.
// Invariant: it knows the service by HTTP only; whatever ends it, a file is closed and the exit code says how it came out.
import { resolve } from "node:path";
import { channelViewer } from "./tail/viewer.ts";
import { Download } from "./tail/download.ts";
import { listChannels } from "./tail/channel_list.ts";
import {
  isBounded,
  parseTail,
  TAIL_HELP,
  type TailOptions,
} from "./tail/options.ts";
import { Progress } from "./tail/progress.ts";
import { type Outcome, readRetrying } from "./tail/retrying.ts";
import { rowFileOf } from "./tail/row_files.ts";
import { bytesText } from "./tail/texts.ts";
import { terminalText } from "./text/terminal.ts";

const PROGRESS_MS = 200;
const encoder = new TextEncoder();

function writeAll(
  to: { writeSync(bytes: Uint8Array): number },
  text: string,
): void {
  let bytes = encoder.encode(text);
  while (bytes.byteLength > 0) bytes = bytes.subarray(to.writeSync(bytes));
}

const print = (text: string) => {
  try {
    writeAll(Deno.stdout, text);
  } catch (error) {
    // `| head` has had enough.
    if (error instanceof Deno.errors.BrokenPipe) Deno.exit(0);
    complain(`Cannot write to standard output: ${reasonOf(error)}\n`);
    Deno.exit(1);
  }
};
const complain = (text: string) => {
  try {
    writeAll(Deno.stderr, text);
  } catch {
    // Nobody reads it, or its disk is full: the exit code says how it came out.
  }
};

async function main(): Promise<number> {
  const parsed = parseTail(Deno.args, {
    QANAT_URL: Deno.env.get("QANAT_URL"),
  });
  if (parsed.kind === "help") {
    print(TAIL_HELP + "\n");
    return 0;
  }
  if (parsed.kind === "error") {
    complain(parsed.message + "\n");
    return 2;
  }
  const { options } = parsed;
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => stop.abort());
  }
  const outcome = options.list
    ? await listChannels(options, { signal: stop.signal, write: print })
    : options.file !== null
    ? await download(options, {
      // `deno task` runs in the clone; the file belongs where it was called.
      path: resolve(Deno.env.get("INIT_CWD") ?? ".", options.file.path),
      format: options.file.format,
    }, stop.signal)
    : await channelViewer(options, {
      signal: stop.signal,
      write: print,
      complain,
      isTerminal: Deno.stdout.isTerminal(),
      size: () => Deno.consoleSize(),
    });
  return exitCode(outcome, options);
}

function exitCode(outcome: Outcome, options: TailOptions): number {
  if (outcome.kind === "complete") return 0;
  if (outcome.kind === "stopped") return isBounded(options) ? 130 : 0;
  complain(terminalText(outcome.detail) + "\n");
  return outcome.kind === "refused" ? 2 : 1;
}

async function download(
  options: TailOptions,
  { path, format }: NonNullable<TailOptions["file"]>,
  signal: AbortSignal,
): Promise<Outcome> {
  if (!options.force && await exists(path)) {
    return {
      kind: "refused",
      detail: `${path} is there already; --force replaces it`,
    };
  }
  const part = `${path}.part`;
  let target: Deno.FsFile;
  try {
    target = await Deno.open(part, {
      write: true,
      create: true,
      truncate: true,
    });
  } catch (error) {
    const detail = `Cannot write ${part}: ${reasonOf(error)}`;
    return { kind: "refused", detail };
  }
  const { start, end, duration } = options.query;
  const progress = new Progress({
    start,
    end,
    duration,
    nowMs: Date.now,
    clockMs: () => performance.now(),
  });
  const file = await rowFileOf(format, (bytes) => {
    progress.bytes += bytes.byteLength;
    let rest = bytes;
    try {
      while (rest.byteLength > 0) rest = rest.subarray(target.writeSync(rest));
    } catch (error) {
      throw new FileError(`Cannot write ${part}: ${reasonOf(error)}`);
    }
  });
  const run = new Download(options, { file, progress });
  const isTerminal = Deno.stderr.isTerminal() && !options.plain;
  let note = "";
  const draw = () => complain(`\r${progress.line(note)}\x1b[K`);
  const timer = isTerminal ? setInterval(draw, PROGRESS_MS) : undefined;
  let outcome: Outcome;
  try {
    outcome = await readRetrying(run.connection(), {
      retriesMax: options.retriesMax,
      signal,
      onTrouble: (text) => {
        note = terminalText(text);
        if (!isTerminal) complain(note + "\n");
      },
    });
    if (run.hasBegun) file.finish();
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    outcome = { kind: "broken", detail: error.message };
  } finally {
    clearInterval(timer);
    target.close();
  }
  if (isTerminal) complain("\r\x1b[K");
  if (outcome.kind === "refused" && progress.bytes === 0) {
    await Deno.remove(part);
    return outcome;
  }
  const isWhole = outcome.kind === "complete" ||
    outcome.kind === "stopped" && !isBounded(options);
  if (isWhole) await Deno.rename(part, path);
  const gaps = [...run.gaps].map(([reason, n]) =>
    `, gaps: ${n} ${terminalText(reason)}`
  );
  complain(
    `${terminalText(isWhole ? path : `incomplete: ${part}`)}: ` +
      `${progress.rowCount} rows, ` +
      `${bytesText(progress.bytes)}${gaps.join("")}\n`,
  );
  return outcome;
}

/** The disk took no more. */
class FileError extends Error {}

/** What the system says, without the path, which may hold anything. */
function reasonOf(error: unknown): string {
  return (error as Error).message.replace(/: open '[\s\S]*$/, "");
}

async function exists(path: string): Promise<boolean> {
  try {
    await Deno.stat(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

Deno.exit(await main());
