// Reads the file of --channel-notes: JSON of units, descriptions and ranges, by name or by expression.
// Invariant: what is returned is complete and within the limits; a refusal names the line and what would be right.
import {
  type ChannelNote,
  descriptionFault,
  isRange,
  unitFault,
} from "../channels/channel_note.ts";
import { textFault } from "../channels/channel_text.ts";
import { BadExpressionError, Expression } from "../channels/expression.ts";
import {
  NAME_SIZE_MAX,
  type NoteRule,
  NoteRules,
} from "../channels/note_rules.ts";
import {
  FieldFault,
  listOf,
  objectOf,
  textOf,
} from "../files/field_readers.ts";
import { type JsonStep, lineOfValue } from "../files/json_line.ts";
import { parseStrictJson } from "../files/strict_json.ts";
import type { Turns } from "../files/turns.ts";

/** Largest file, bytes. */
export const NOTES_FILE_BYTES_MAX = 4 * 1024 * 1024;
/** Most notes, and most of them that have an expression. */
export const NOTES_MAX = 50_000;
export const NOTE_EXPRESSIONS_MAX = 1000;

const TOP_FIELDS = ["notes"];
const NOTE_FIELDS = ["channel", "match", "unit", "description", "range"];

/** A file that is refused. */
export class NotesFileError extends Error {
  override name = "NotesFileError";
}

/** Rejects with {@linkcode NotesFileError}, or with the JsonTextError of text that is not JSON. */
export async function parseNotes(
  text: string,
  turns: Turns,
): Promise<NoteRules> {
  const value = await parseStrictJson(text, turns);
  try {
    return await rulesOf(value, turns);
  } catch (error) {
    if (!(error instanceof FieldFault)) throw error;
    const line = await lineOfValue(text, error.path, turns);
    throw new NotesFileError(`line ${line}: ${error.message}`);
  }
}

async function rulesOf(value: unknown, turns: Turns): Promise<NoteRules> {
  const file = objectOf(value, [], TOP_FIELDS);
  const byName = new Map<string, ChannelNote>();
  const rules: NoteRule[] = [];
  /** Where the rules are in the list. */
  const places: number[] = [];
  for (const [i, item] of listOf(file, "notes", [], NOTES_MAX).entries()) {
    await turns.pause();
    const path = ["notes", i];
    const entry = objectOf(item, path, NOTE_FIELDS);
    const note = noteOf(entry, path);
    if ((entry.channel === undefined) === (entry.match === undefined)) {
      throw new FieldFault(path, "a note needs either 'channel' or 'match'");
    }
    if (entry.channel !== undefined) {
      byName.set(nameOf(entry, path, byName), note);
      continue;
    }
    if (rules.length >= NOTE_EXPRESSIONS_MAX) {
      throw new FieldFault(
        [...path, "match"],
        `at most ${NOTE_EXPRESSIONS_MAX} notes can have 'match'; give others 'channel'`,
      );
    }
    rules.push({ expression: expressionOf(entry, path), note });
    places.push(i);
  }
  const made = new NoteRules(byName, rules);
  const costly = made.tooCostly();
  if (costly === null) return made;
  throw new FieldFault(
    ["notes", places[costly]!, "match"],
    `with this expression, one name can need more than ${NAME_SIZE_MAX} instructions; begin expressions with plain text, ` +
      "so that fewer of them are tried for a name",
  );
}

/** An exact name that no earlier note has. */
function nameOf(
  entry: Record<string, unknown>,
  path: readonly JsonStep[],
  taken: ReadonlyMap<string, unknown>,
): string {
  const name = textOf(entry, "channel", path);
  const fault = textFault(name);
  if (fault !== null) {
    throw new FieldFault([...path, "channel"], `channel ${fault}`);
  }
  if (!taken.has(name)) return name;
  throw new FieldFault(
    [...path, "channel"],
    `an earlier note has the channel ${name}; each has one`,
  );
}

function expressionOf(
  entry: Record<string, unknown>,
  path: readonly JsonStep[],
): Expression {
  const match = textOf(entry, "match", path);
  try {
    return new Expression(match);
  } catch (error) {
    if (!(error instanceof BadExpressionError)) throw error;
    throw new FieldFault(
      [...path, "match"],
      `match must be an RE2 expression: ${error.message}`,
    );
  }
}

function noteOf(
  entry: Record<string, unknown>,
  path: readonly JsonStep[],
): ChannelNote {
  const { unit, description, range } = entry;
  if (unit === undefined && description === undefined && range === undefined) {
    throw new FieldFault(
      path,
      "a note needs 'unit', 'description', 'range', or several of them",
    );
  }
  if (range !== undefined && !isRange(range)) {
    throw new FieldFault(
      [...path, "range"],
      "range must be two numbers, the lower one first",
    );
  }
  return {
    unit: lineOf(entry, "unit", path, unitFault),
    description: lineOf(entry, "description", path, descriptionFault),
    range: range ?? null,
  };
}

function lineOf(
  entry: Record<string, unknown>,
  field: "unit" | "description",
  path: readonly JsonStep[],
  faultOf: (text: string) => string | null,
): string | null {
  if (entry[field] === undefined) return null;
  const text = textOf(entry, field, path);
  const fault = faultOf(text);
  if (fault === null) return text;
  throw new FieldFault([...path, field], `${field} ${fault}`);
}
