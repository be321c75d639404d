// Checks which files read the wall clock: all others use the monotonic clock (docs/decisions/0027).
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";

/** Why each of them may. */
const MAY: Readonly<Record<string, string>> = {
  "auth/access_control.ts": "credentials expire by the wall clock",
  "blocks/gps_clock.ts": "the clock of an instance",
  "blocks/gps_time.ts": "GPS time now, for sources and commands",
  "net/server_certificate.ts": "certificates expire by the wall clock",
  "kafka/kafkajs_repairs.ts":
    "kafkajs keeps the end of a throttling so; a request that waits longer than 6 s fails",
  "kafka/metadata.ts":
    "records have the wall clock of their publishers; one that is far ahead counts as the oldest",
  "telemetry/log.ts": "the time of a log line",
  "telemetry/usage_log.ts": "the time of a line",
  "supervisor/supervisor.ts": "a time in a line of the log",
  "tail/file_download.ts": "another process",
  "tail/viewer.ts": "another process",
  "token.ts": "another process",
};
const WALL = /\bDate\.now\b|\bnew Date\(\)/;
const SRC = new URL("../src/", import.meta.url);

function* files(folder: URL, prefix = ""): Iterable<string> {
  for (const entry of Deno.readDirSync(folder)) {
    const name = prefix + entry.name;
    // What browsers run has its own clock.
    if (entry.isDirectory && name !== "page") {
      yield* files(new URL(entry.name + "/", folder), name + "/");
    } else if (entry.name.endsWith(".ts")) yield name;
  }
}

describe("the wall clock", () => {
  it("is read by the files that are listed, and by no other", () => {
    const found = [...files(SRC)].filter((file) =>
      WALL.test(Deno.readTextFileSync(new URL(file, SRC)))
    );
    assert.deepEqual(found.sort(), Object.keys(MAY).sort());
  });
});
