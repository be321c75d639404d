// JSON of files that operators write: as JSON.parse(), but a field that is given twice is an error instead of lost.
// Invariant: an error shows nothing of the text, which may contain secrets.
import type { Turns } from "./turns.ts";

/** Text that is not JSON, or is ambiguous. */
export class JsonTextError extends Error {
  override name = "JsonTextError";
}

const PARTS_PER_STEP = 1000;
/** A string, number, word or structural character of JSON. */
const PART =
  /"(?:[^"\\]|\\.)*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|[{}[\],:]/;
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
    const { message } = error as Error;
    const place = placeIn(message) ?? placeOf(await faultAt(text, turns), text);
    throw new JsonTextError(`it is not JSON: ${place}`);
  }
  const line = await repeatedField(text, turns);
  if (line !== null) throw new JsonTextError(`line ${line} repeats a field`);
  return value;
}

/** Where V8 found the error, if it says so; its message also quotes the text. */
function placeIn(message: string): string | null {
  const place = /\(line (\d+) column (\d+)\)$/.exec(message);
  return place && `line ${place[1]}, column ${place[2]}`;
}

function placeOf(index: number, text: string): string {
  const lines = text.slice(0, index).split("\n");
  return `line ${lines.length}, column ${lines.at(-1)!.length + 1}`;
}

/** Index of the first character that JSON cannot have there; the length of the text where its end is missing. */
async function faultAt(text: string, turns: Turns): Promise<number> {
  const blanks = /[ \t\n\r]*/y;
  const part = new RegExp(PART, "y");
  const closers: string[] = [];
  let wanted: Wanted | null = "value";
  let at = 0;
  for (let parts = 1;; parts++) {
    if (parts % PARTS_PER_STEP === 0) await turns.pause();
    blanks.lastIndex = at;
    at += blanks.exec(text)![0].length;
    part.lastIndex = at;
    const found = part.exec(text)?.[0] ?? "";
    wanted = found === "" ? null : wantedAfter(found, wanted, closers);
    if (wanted === null) return at;
    at += found.length;
  }
}

/** What may follow: a value, or the end of an empty array (`item`); a name, or the end of an empty object (`field`). */
type Wanted = "value" | "item" | "name" | "field" | "colon" | "next";

/** What may follow `part`; null where `part` itself may not be there. `closers`: of the objects and arrays that are open. */
function wantedAfter(
  part: string,
  wanted: Wanted,
  closers: string[],
): Wanted | null {
  const isEmpty = wanted === "item" && part === "]" ||
    wanted === "field" && part === "}";
  if (isEmpty || wanted === "next" && part === closers.at(-1)) {
    closers.pop();
    return "next";
  }
  switch (wanted) {
    case "next":
      if (part !== "," || closers.length === 0) return null;
      return closers.at(-1) === "}" ? "name" : "value";
    case "colon":
      return part === ":" ? "value" : null;
    case "name":
    case "field":
      return part.startsWith('"') ? "colon" : null;
    case "value":
    case "item":
      if ("}],:".includes(part)) return null;
      if (part === "{") closers.push("}");
      if (part === "[") closers.push("]");
      return part === "{" ? "field" : part === "[" ? "item" : "next";
  }
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
