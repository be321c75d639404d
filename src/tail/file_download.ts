// Downloads a range into a file, with a line of progress.
// Invariant: the file is named FILE.part until the range is complete; whatever ends the download, the file is closed.
import { Download } from "./download.ts";
import { isBounded, type TailOptions } from "./options.ts";
import { Progress } from "./progress.ts";
import { type Outcome, readRetrying } from "./retrying.ts";
import { rowFileOf } from "./row_files.ts";
import { bytesText } from "./texts.ts";
import { terminalText } from "../text/terminal.ts";

const PROGRESS_MS = 200;
/** Returns to the start of the line; clears the rest of it. */
const LINE_START = "\r";
const CLEAR_LINE = "\x1b[K";

export interface FileDownloadOptions {
  /** Where the file is written. */
  readonly path: string;
  readonly format: NonNullable<TailOptions["file"]>["format"];
  readonly signal: AbortSignal;
  /** Prints progress, problems and the result. */
  readonly warn: (text: string) => void;
  /** Whether `warn` prints to a terminal, in which a line can be drawn again. */
  readonly isTerminal: boolean;
}

/** A file that cannot be written any more. */
class FileError extends Error {}

/** Downloads what the options select. */
export async function downloadFile(
  options: TailOptions,
  to: FileDownloadOptions,
): Promise<Outcome> {
  const { path } = to;
  if (!options.force && await exists(path)) {
    const detail = `${path} exists already; --force replaces it`;
    return { kind: "refused", detail };
  }
  const part = `${path}.part`;
  const target = await openPart(part);
  if (!(target instanceof Deno.FsFile)) return target;
  const progress = new Progress({
    start: options.query.start,
    end: options.query.end,
    duration: options.query.duration,
    nowMs: Date.now,
    clockMs: () => performance.now(),
  });
  const file = await rowFileOf(to.format, (bytes) => {
    progress.bytes += bytes.byteLength;
    writeAll(target, bytes, part);
  });
  const download = new Download(options, { file, progress });
  const outcome = await run(download, { options, to, progress, file, target });
  if (outcome.kind === "refused" && progress.bytes === 0) {
    await Deno.remove(part);
    return outcome;
  }
  const isComplete = outcome.kind === "complete" ||
    outcome.kind === "stopped" && !isBounded(options);
  if (isComplete) await Deno.rename(part, path);
  const gaps = [...download.gaps].map(([reason, n]) =>
    `, gaps: ${n} ${terminalText(reason)}`
  );
  to.warn(
    `${terminalText(isComplete ? path : `incomplete: ${part}`)}: ` +
      `${progress.rowCount} rows, ` +
      `${bytesText(progress.bytes)}${gaps.join("")}\n`,
  );
  return outcome;
}

/** Reads to the end while progress is drawn; closes `target`. */
async function run(
  download: Download,
  { options, to, progress, file, target }: {
    options: TailOptions;
    to: FileDownloadOptions;
    progress: Progress;
    file: { finish(): void };
    target: Deno.FsFile;
  },
): Promise<Outcome> {
  const { warn, signal } = to;
  const isDrawn = to.isTerminal && !options.plain;
  let note = "";
  const draw = () => warn(LINE_START + progress.line(note) + CLEAR_LINE);
  const timer = isDrawn ? setInterval(draw, PROGRESS_MS) : undefined;
  try {
    const outcome = await readRetrying(download.connection(), {
      retriesMax: options.retriesMax,
      signal,
      onRetry: (text) => {
        note = terminalText(text);
        if (!isDrawn) warn(note + "\n");
      },
    });
    if (download.hasBegun) file.finish();
    return outcome;
  } catch (error) {
    if (!(error instanceof FileError)) throw error;
    return { kind: "broken", detail: error.message };
  } finally {
    clearInterval(timer);
    target.close();
    if (isDrawn) warn(LINE_START + CLEAR_LINE);
  }
}

async function openPart(part: string): Promise<Deno.FsFile | Outcome> {
  try {
    return await Deno.open(part, { write: true, create: true, truncate: true });
  } catch (error) {
    const detail = `Cannot write ${part}: ${systemErrorText(error)}`;
    return { kind: "refused", detail };
  }
}

function writeAll(target: Deno.FsFile, bytes: Uint8Array, part: string): void {
  try {
    while (bytes.byteLength > 0) {
      bytes = bytes.subarray(target.writeSync(bytes));
    }
  } catch (error) {
    throw new FileError(`Cannot write ${part}: ${systemErrorText(error)}`);
  }
}

/** The operating system's message, without the path, which may contain any characters. */
export function systemErrorText(error: unknown): string {
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
