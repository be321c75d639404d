// How every command takes its command line: --help and --version are answered, and a wrong line refused, before anything else happens.
// Invariant: standard output has that answer alone; a refusal is one line on standard error, and exit code 2.
import { terminalText } from "../text/terminal.ts";
import {
  type CommandHelp,
  HELP_FLAG,
  helpText,
  versionText,
} from "./command_help.ts";
import { FlagError, readFlags } from "./flags.ts";

/** What was asked for cannot be written to standard output. */
export const EXIT_UNWRITABLE = 1;
const EXIT_WRONG = 2;

/** What a command answers at once. */
export type Asked = "help" | "version";

/** The outcome of reading a command line. */
export type Parsed<T> =
  | { readonly kind: "options"; readonly options: T }
  | { readonly kind: Asked }
  | { readonly kind: "error"; readonly message: string };

/** What `read` returns, or the message of the {@linkcode FlagError} that it throws. */
export function parsedBy<T>(read: () => T | Asked): Parsed<T> {
  try {
    const options = read();
    if (options === "help") return { kind: "help" };
    if (options === "version") return { kind: "version" };
    return { kind: "options", options };
  } catch (wrong) {
    if (!(wrong instanceof FlagError)) throw wrong;
    return { kind: "error", message: `${wrong.message}; --help shows all` };
  }
}

/** What the last flags of a command for users ask for; null: nothing. */
export function askedBy(
  { help, version }: { readonly help?: boolean; readonly version?: boolean },
): Asked | null {
  return help ? "help" : version ? "version" : null;
}

/** The options; help, a version and a refusal end the process, with 0, 0 and 2. */
export function optionsOrExit<T>(help: CommandHelp, parsed: Parsed<T>): T {
  if (parsed.kind === "options") return parsed.options;
  if (parsed.kind === "error") return exit(parsed.message, EXIT_WRONG);
  try {
    const isHelp = parsed.kind === "help";
    write(Deno.stdout, isHelp ? helpText(help) : versionText());
  } catch (error) {
    // The reader of the pipe, as in `| head`, has finished.
    if (!(error instanceof Deno.errors.BrokenPipe)) {
      const reason = terminalText((error as Error).message);
      exit(`Cannot write to standard output: ${reason}`, EXIT_UNWRITABLE);
    }
  }
  return Deno.exit(0);
}

/** For a command that takes no flag except --help. */
export function helpOrExit(help: CommandHelp, args: readonly string[]): void {
  optionsOrExit(
    help,
    parsedBy(() => readFlags(args, HELP_FLAG).values.help ? "help" : {}),
  );
}

function exit(message: string, code: number): never {
  try {
    write(Deno.stderr, message + "\n");
  } catch { /* There is no other place to report it. */ }
  Deno.exit(code);
}

function write(
  to: { writeSync(bytes: Uint8Array): number },
  text: string,
): void {
  let bytes = new TextEncoder().encode(text);
  while (bytes.byteLength > 0) bytes = bytes.subarray(to.writeSync(bytes));
}
