// The file of --channel-notes from its start through its changes: what the log, the metrics and the notes say.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { ChannelNotes } from "../../src/channels/channel_notes.ts";
import { finish } from "../../src/channels/sliced_work.ts";
import { WatchedNotes } from "../../src/notes/watched_notes.ts";
import { Folder, logLines } from "../auth/auth_world.ts";

const A = { name: "A" };

function content(unit: string) {
  return { notes: [{ match: "A", unit }] };
}

function unitOf(notes: ChannelNotes): string | null {
  finish(notes.finding([A]));
  return notes.of(A)?.unit ?? null;
}

describe("the file of --channel-notes", () => {
  it("takes effect when it changes; a wrong one changes nothing, and is logged once", async () => {
    using folder = new Folder();
    const path = folder.write("notes", content("m"));
    const { lines, log } = logLines();
    const notes = new ChannelNotes();
    const watched = await WatchedNotes.open({ path, notes, log });
    try {
      const poll = async (times: number) => {
        for (let i = 0; i < times; i++) await watched.poll();
      };
      assert.equal(unitOf(notes), "m");
      folder.write("notes", content("s"));
      await poll(1);
      assert.equal(unitOf(notes), "s");
      folder.write("notes", '{"notes": [\n{"match": "A"}\n]}');
      await poll(5);
      assert.equal(unitOf(notes), "s");
      assert.deepEqual(notes.figures, { isValid: false, loads: 2, faults: 1 });
      folder.write("notes", content("s"));
      await poll(1);
      assert.deepEqual(notes.figures, { isValid: true, loads: 2, faults: 1 });
      const logged = lines.map((
        { level, event, notes, reason },
      ) => [level, event, notes ?? reason]);
      assert.deepEqual(logged, [
        ["info", "channel-notes-changed", 1],
        [
          "error",
          "channel-notes-invalid",
          "line 2: a note needs 'unit', 'description', 'range', or several of them",
        ],
        ["info", "channel-notes-valid", undefined],
      ]);
    } finally {
      watched.close();
    }
  });

  it("refuses the start where it is wrong, with the setting and the line", async () => {
    using folder = new Folder();
    const { log } = logLines();
    const open = (path: string) =>
      WatchedNotes.open({ path, notes: new ChannelNotes(), log });
    await assert.rejects(
      open(folder.write("wrong", '{"notes":\n5}')),
      {
        message:
          "the file of --channel-notes: line 2: notes must be a list of at most 50000",
      },
    );
    await assert.rejects(open(folder.at("none")), {
      message:
        "the file of --channel-notes cannot be read: there is no such file",
    });
    await assert.rejects(
      open(folder.write("large", " ".repeat(4 * 1024 * 1024 + 1))),
      /the file of --channel-notes is larger than 4194304 bytes/,
    );
  });
});
