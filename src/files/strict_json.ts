// JSON of files that operators write: as JSON.parse(), but a field that is given twice is an error instead of lost.
// Invariant: an error shows nothing of the text, which may contain secrets.
import type { Turns } from "./turns.ts";

/** Text that is not JSON, or is ambiguous. */
export class JsonTextError extends Error {
  override name = "JsonTextError";
}

const PARTS_PER_STEP = 1000;
/** Strings and structural characters of valid JSON. */
const PARTS = /"(?:[^"\\]|\\.)*"|[{}[\],:]/g;

/** Rejects with {@linkcode JsonTextError}. */
export async function parseStrictJson(
  text: string,
  turns: Turns,
): Promise<unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new JsonTextError(
      `it is not JSON${placeIn((error as Error).message)}`,
    );
  }
  const line = await repeatedField(text, turns);
  if (line !== null) throw new JsonTextError(`line ${line} repeats a field`);
  return value;
}

/** Where V8 found the error; its message also quotes the text. */
function placeIn(message: string): string {
  const place = /\(line (\d+) column (\d+)\)$/.exec(message);
  return place === null ? "" : `: line ${place[1]}, column ${place[2]}`;
}

/** The line of a field whose name its object has already; null where there is none. */
async function repeatedField(
  text: string,
  turns: Turns,
): Promise<number | null> {
  const objects: Set<string>[] = [];
  let last = "";
  let parts = 0;
  for (const { 0: part, index } of text.matchAll(PARTS)) {
    if (++parts % PARTS_PER_STEP === 0) await turns.pause();
    if (part === "{" || part === "[") objects.push(new Set());
    else if (part === "}" || part === "]") objects.pop();
    else if (part === ":") {
      const name = JSON.parse(last) as string;
      const names = objects.at(-1)!;
      if (names.has(name)) return text.slice(0, index).split("\n").length;
      names.add(name);
    }
    last = part;
  }
  return null;
}
