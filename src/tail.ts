// The process of the command line client: flags, signals, terminal, exit codes.
// Invariant: it uses the service over HTTP only; the exit code says how the stream or download ended.
import { CredentialError } from "./tail/credential.ts";
import { channelViewer } from "./tail/viewer.ts";
import { downloadFile, systemErrorText } from "./tail/file_download.ts";
import { listChannels } from "./tail/channel_list.ts";
import {
  isBounded,
  parseTail,
  TAIL_HELP,
  type TailOptions,
} from "./tail/options.ts";
import type { Outcome } from "./tail/retrying.ts";
import { callersPath } from "./tail/server_options.ts";
import { optionsOrExit } from "./settings/command.ts";
import { terminalText } from "./text/terminal.ts";

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
    // The reader of the pipe, as in `| head`, has finished.
    if (error instanceof Deno.errors.BrokenPipe) Deno.exit(0);
    warn(`Cannot write to standard output: ${systemErrorText(error)}\n`);
    Deno.exit(1);
  }
};
const warn = (text: string) => {
  try {
    writeAll(Deno.stderr, text);
  } catch {
    // Standard error is closed, or its disk is full: the exit code still says how the stream ended.
  }
};

async function main(): Promise<number> {
  const asked = optionsOrExit(
    TAIL_HELP,
    parseTail(Deno.args, {
      QANAT_URL: Deno.env.get("QANAT_URL"),
      QANAT_TOKEN: Deno.env.get("QANAT_TOKEN"),
      INIT_CWD: Deno.env.get("INIT_CWD"),
    }),
  );
  const options = await withClient(asked);
  if (typeof options === "string") {
    warn(options + "\n");
    return 2;
  }
  try {
    await options.credential.headers();
  } catch (error) {
    if (!(error instanceof CredentialError)) throw error;
    warn(`${error.message}\n`);
    return 2;
  }
  const stop = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    Deno.addSignalListener(signal, () => stop.abort());
  }
  const outcome = options.list
    ? await listChannels(options, { signal: stop.signal, write: print })
    : options.file !== null
    ? await downloadFile(options, {
      path: pathOf(options.file.path),
      format: options.file.format,
      signal: stop.signal,
      warn,
      isTerminal: Deno.stderr.isTerminal(),
    })
    : await channelViewer(options, {
      signal: stop.signal,
      write: print,
      warn,
      isTerminal: Deno.stdout.isTerminal(),
      size: () => Deno.consoleSize(),
    });
  return exitCode(outcome, options);
}

/** Reads --cacert; a text says why that is not possible. */
async function withClient(options: TailOptions): Promise<TailOptions | string> {
  if (options.cacert === null) return options;
  try {
    const path = pathOf(options.cacert);
    const caCerts = [await Deno.readTextFile(path)];
    return { ...options, client: Deno.createHttpClient({ caCerts }) };
  } catch (error) {
    return `--cacert cannot be used: ${
      terminalText(systemErrorText(error as Error))
    }`;
  }
}

function pathOf(path: string): string {
  return callersPath(path, Deno.env.get("INIT_CWD"));
}

function exitCode(outcome: Outcome, options: TailOptions): number {
  if (outcome.kind === "complete") return 0;
  if (outcome.kind === "stopped") return isBounded(options) ? 130 : 0;
  warn(terminalText(outcome.detail) + "\n");
  return outcome.kind === "refused" ? 2 : 1;
}

Deno.exit(await main());
