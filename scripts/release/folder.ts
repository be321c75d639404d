// Programs and files of a release: run a program to its end, write a folder.
import { dirname } from "node:path";

/** Where a program runs, and what it gets. */
export interface RunOptions {
  readonly cwd: string | URL;
  readonly env?: Record<string, string>;
}

/** Runs a program to its end. Throws with its output when it fails; returns its standard output. */
export async function run(
  program: string,
  args: readonly string[],
  { cwd, env = {} }: RunOptions,
): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(program, {
    args: [...args],
    cwd,
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
  }).output();
  const text = new TextDecoder();
  const out = text.decode(stdout);
  if (success) return out;
  const line = [program, ...args].join(" ");
  throw new Error(`${line} failed:\n${out}${text.decode(stderr)}`);
}

/** Writes texts into a folder, by their paths in it; objects become JSON. */
export async function writeFiles(
  folder: string,
  files: Readonly<Record<string, string | object>>,
): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    const path = `${folder}/${name}`;
    await Deno.mkdir(dirname(path), { recursive: true });
    const text = typeof content === "string"
      ? content
      : JSON.stringify(content, null, 2) + "\n";
    await Deno.writeTextFile(path, text);
  }
}
