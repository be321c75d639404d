// Finds the line of a value in JSON text, for messages about what an operator wrote.
// Invariant: linear in the text, which must be valid JSON.
import type { Turns } from "./turns.ts";

/** A step into JSON: the name of a field, or the number of an item. */
export type JsonStep = string | number;

const PARTS_PER_STEP = 1000;
/** Strings, numbers and words, and structural characters. */
const PARTS = /"(?:[^"\\]|\\.)*"|[^\s{}[\],:]+|[{}[\],:]/g;

interface Level {
  readonly isList: boolean;
  /** The field or the item that is read now. */
  step: JsonStep;
}

/** The line, from 1, where the value at `path` begins; where there is none, that of the nearest one around it. */
export async function lineOfValue(
  text: string,
  path: readonly JsonStep[],
  turns: Turns,
): Promise<number> {
  const levels: Level[] = [];
  let bestDepth = -1;
  let bestAt = 0;
  let lastText = "";
  let parts = 0;
  for (const { 0: part, index } of text.matchAll(PARTS)) {
    if (++parts % PARTS_PER_STEP === 0) await turns.pause();
    const level = levels.at(-1);
    if (part === "]" || part === "}") levels.pop();
    else if (part === ",") {
      if (level?.isList) level.step = (level.step as number) + 1;
    } else if (part === ":") {
      if (level) level.step = JSON.parse(lastText) as string;
    } else {
      const depth = levels.length;
      const isOnPath = depth <= path.length &&
        levels.every(({ step }, i) => step === path[i]);
      if (isOnPath && depth > bestDepth) {
        bestDepth = depth;
        bestAt = index;
      }
      lastText = part;
      if (part === "[") levels.push({ isList: true, step: 0 });
      if (part === "{") levels.push({ isList: false, step: "" });
    }
  }
  return text.slice(0, bestAt).split("\n").length;
}
