// Units and descriptions of the channels of a catalog.
// Invariant: notes are those of one content of the file, never of two; a channel has to be looked up, in slices, before it
// is asked for. Without a file they are those of the instance that blocks are read from.
import type { ChannelNote } from "./channel_note.ts";
import type { Channel } from "./channel.ts";
import type { SlicedWork } from "./sliced_work.ts";

/** The notes of some channels, in their order. */
export interface NoteList {
  /** Of the content that they are from. */
  readonly version: number;
  /** A channel without a note has null, or nothing. */
  readonly notes: readonly (ChannelNote | null)[];
}

/** The notes of one content of the file (note_rules.ts). */
export interface NotesByName {
  /** Notes in force. */
  readonly size: number;
  /** Looks up names. */
  finding(channels: Iterable<{ readonly name: string }>): SlicedWork<void>;
  /** The note of a name that has been looked up, null for none; undefined where it has not been. */
  known(name: string): ChannelNote | null | undefined;
}

/** What is read of a channel to find its note. */
export type Noted = Pick<Channel, "name" | "note">;

const NONE: readonly null[] = [];

/** Those of one catalog, and of all its views. */
export class ChannelNotes {
  /** Of the file; without one it is valid. */
  readonly figures = { isValid: true, loads: 0, faults: 0 };
  /** Another one for each content of the file. */
  #version = 0;
  #rules: NotesByName | null = null;
  readonly #listeners = new Set<() => void>();
  /** For streams that are being opened while the file changes. */
  #rulesBefore: NotesByName | null = null;

  /** Another one for each content of the file. */
  get version(): number {
    return this.#version;
  }

  /** Notes in force. */
  get size(): number {
    return this.#rules?.size ?? 0;
  }

  /** Puts a new content in force. Streams that are open keep the notes that they have been sent. */
  use(rules: NotesByName): void {
    this.#rulesBefore = this.#rules;
    this.#rules = rules;
    this.#version++;
    this.figures.loads++;
    for (const inform of this.#listeners) inform();
  }

  /** Another instance has noted something else about a channel. The file's notes count before these. */
  changedAtSource(): void {
    this.#version++;
  }

  /** Calls `listener` when the file has a new content, until the returned function is called. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Looks up the notes of channels. */
  *finding(
    channels: readonly Noted[],
  ): SlicedWork<void> {
    const rules = this.#rules;
    if (rules !== null) yield* rules.finding(channels);
  }

  /** The note of a channel that has been looked up. */
  of(channel: Noted): ChannelNote | null {
    const rules = this.#rules;
    if (rules === null) return channel.note ?? null;
    const known = rules.known(channel.name);
    if (known !== undefined) return known;
    return this.#rulesBefore?.known(channel.name) ?? null;
  }

  /** The notes of a selection, as they are at any time. */
  forChannels(
    channels: readonly Noted[],
  ): { readonly version: number; now(): NoteList } {
    return new NotesOfChannels(this, channels);
  }

  /** The notes of channels that have been looked up; where the file has changed since then, those from before. */
  listOf(channels: readonly Noted[]): NoteList {
    const rules = this.#rules;
    const version = this.#version;
    if (rules === null) {
      return { version, notes: channels.map(({ note = null }) => note) };
    }
    const notes = listFrom(rules, channels);
    if (notes !== null) return { version, notes };
    const before = this.#rulesBefore && listFrom(this.#rulesBefore, channels);
    return { version: version - 1, notes: before ?? NONE };
  }
}

class NotesOfChannels {
  readonly #all: ChannelNotes;
  readonly #channels: readonly Noted[];

  constructor(
    all: ChannelNotes,
    channels: readonly Noted[],
  ) {
    this.#all = all;
    this.#channels = channels;
  }

  get version(): number {
    return this.#all.version;
  }

  now(): NoteList {
    return this.#all.listOf(this.#channels);
  }
}

/** Null where one was not looked up. */
function listFrom(
  rules: NotesByName,
  channels: readonly Noted[],
): readonly (ChannelNote | null)[] | null {
  const notes: (ChannelNote | null)[] = [];
  for (const { name } of channels) {
    const note = rules.known(name);
    if (note === undefined) return null;
    notes.push(note);
  }
  return notes;
}
