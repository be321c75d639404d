// Reads the file of --channel-notes at the start, and puts what changes in force.
// Invariant: a content that is not valid changes nothing but the log and the metrics.
import type { ChannelNotes } from "../channels/channel_notes.ts";
import type { NoteRules } from "../channels/note_rules.ts";
import { Turns } from "../files/turns.ts";
import { WatchedFiles } from "../files/watched_files.ts";
import type { Logger } from "../telemetry/log.ts";
import { NOTES_FILE_BYTES_MAX, parseNotes } from "./notes_file.ts";

const SETTING = "--channel-notes";

export interface WatchedNotesOptions {
  readonly path: string;
  readonly notes: ChannelNotes;
  readonly log: Logger;
}

/** The file of one thread; each thread that serves reads it by itself. */
export class WatchedNotes {
  readonly #files: WatchedFiles<NoteRules>;

  private constructor({ path, notes, log }: WatchedNotesOptions) {
    const { figures } = notes;
    this.#files = new WatchedFiles({
      files: [{ setting: SETTING, path, bytesMax: NOTES_FILE_BYTES_MAX }],
      parse: (text) => parseNotes(text, new Turns()),
      listener: {
        changed: (rules) => {
          notes.use(rules);
          log.info("channel-notes-changed", { notes: rules.size });
        },
        invalid: (reason) => {
          figures.isValid = false;
          figures.faults++;
          log.error("channel-notes-invalid", {
            setting: SETTING,
            reason,
            in_force: "what was read before",
          });
        },
        valid: () => {
          figures.isValid = true;
          log.info("channel-notes-valid");
        },
      },
    });
  }

  /** Reads the file and watches it from then on. Rejects with a message for the operator. */
  static async open(options: WatchedNotesOptions): Promise<WatchedNotes> {
    const watched = new WatchedNotes(options);
    try {
      options.notes.use(await watched.#files.load());
    } catch (error) {
      const { message } = error as Error;
      // That of an unreadable file names the setting already.
      const isNamed = message.includes(SETTING);
      throw new Error(isNamed ? message : `the file of ${SETTING}: ${message}`);
    }
    watched.#files.watch();
    return watched;
  }

  /** Looks at the file now. */
  poll(): Promise<void> {
    return this.#files.poll();
  }

  /** Stops to watch the file. Idempotent. */
  close(): void {
    this.#files.close();
  }
}
