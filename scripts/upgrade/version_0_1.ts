// Qanat 0.1, out of the history of this repository: the commit before the one that began docs/upgrading.md.
// Invariant: what it writes is in the given folder.

const ROOT = new URL("../..", import.meta.url);
/** The first commit that has it is the first one after 0.1. */
const BEGAN_WITH = "docs/upgrading.md";

function git(args: readonly string[]): string | null {
  try {
    const { success, stdout } = new Deno.Command("git", {
      args: [...args],
      cwd: ROOT,
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).outputSync();
    return success ? new TextDecoder().decode(stdout).trim() : null;
  } catch {
    return null; // no git
  }
}

/** The last commit of 0.1; null where there is no history, as in a shallow clone or an archive. */
export function commitOf01(): string | null {
  const added = git(["log", "--diff-filter=A", "--format=%H", BEGAN_WITH]);
  const first = added?.split("\n").at(-1);
  const commit = first &&
    git(["rev-parse", "--verify", "--quiet", `${first}^`]);
  if (!commit) return null;
  const settings = git(["show", `${commit}:deno.json`]);
  return settings?.includes('"version": "0.1.0"') ? commit : null;
}

/** Writes its files into a folder, which must exist. */
export async function unpack01(commit: string, folder: string): Promise<void> {
  const { success, stderr } = await new Deno.Command("sh", {
    args: [
      "-euc",
      'git archive "$0" | tar -x -C "$1"',
      commit,
      folder,
    ],
    cwd: ROOT,
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
}
