// Compares a scenario's record with the one in test/golden/recorded/, or writes it when QANAT_GOLDEN=write.
// Invariant: a scenario without a record fails, and so does a single byte that differs.
import assert from "node:assert/strict";
import { PACKED } from "./recorded_body.ts";

const RECORDED = new URL("./recorded/", import.meta.url);
/** Where the packed bytes of the records come from. */
const PACKED_BY = { deno: "2.9.6", arch: "x86_64" };
const CONTEXT_CHARS = 160;

const isWriting = () => Deno.env.get("QANAT_GOLDEN") === "write";
const packsAlike = Deno.version.deno === PACKED_BY.deno &&
  Deno.build.arch === PACKED_BY.arch;

/** Holds that `text` is what was recorded under this name. */
export function golden(name: string, text: string): void {
  const file = new URL(`${name}.txt`, RECORDED);
  if (isWriting()) {
    Deno.mkdirSync(new URL(".", file), { recursive: true });
    return Deno.writeTextFileSync(file, text);
  }
  let recorded: string;
  try {
    recorded = Deno.readTextFileSync(file);
  } catch {
    assert.fail(
      `${name} was never recorded: QANAT_GOLDEN=write deno task test test/golden`,
    );
  }
  const difference = differenceOf(comparable(recorded), comparable(text));
  if (difference !== null) {
    assert.fail(
      `The output of the scenario '${name}' differs from test/golden/recorded/${name}.txt ${difference}\n` +
        "If the change is meant: QANAT_GOLDEN=write deno task test test/golden, and look at the diff",
    );
  }
}

/** Other versions of the compression libraries pack the same text into other bytes; what they hold is recorded, too. */
function comparable(text: string): string {
  if (packsAlike) return text;
  return text.split("\n").filter((line) => !line.startsWith(PACKED)).join("\n");
}

/** The first difference of two texts and the text around it; null if they are equal. */
export function differenceOf(recorded: string, now: string): string | null {
  if (recorded === now) return null;
  let at = 0;
  while (at < recorded.length && recorded[at] === now[at]) at++;
  const before = recorded.slice(0, at);
  const line = before.split("\n").length;
  const section = before.split("\n").findLast((l) => l.startsWith("=== "));
  const around = (text: string) =>
    text.slice(Math.max(0, at - CONTEXT_CHARS), at) + "▶" +
    text.slice(at, at + CONTEXT_CHARS);
  return `at offset ${at}, line ${line}${section ? `, in: ${section}` : ""}\n` +
    `--- recorded\n${around(recorded)}\n--- now\n${around(now)}\n---`;
}
