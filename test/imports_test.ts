// Holds the table of ARCHITECTURE.md true: which folder may import from which, and who uses which package.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";

const MAY: Record<string, readonly string[]> = {
  arrow: ["channels"],
  memory: [],
  text: [],
  settings: ["text", "telemetry"],
  channels: ["memory", "telemetry"],
  blocks: [
    "arrow",
    "memory",
    "channels",
    "source",
    "telemetry",
  ],
  kafka: ["channels", "source", "telemetry"],
  source: ["kafka", "channels", "arrow", "settings", "telemetry"],
  trends: ["blocks", "memory", "channels", "telemetry"],
  frames: ["arrow", "memory", "blocks", "trends", "channels"],
  clients: [
    "frames",
    "trends",
    "blocks",
    "channels",
    "arrow",
    "memory",
    "telemetry",
  ],
  http: [
    "clients",
    "channels",
    "frames",
    "trends",
    "blocks",
    "arrow",
    "page",
    "telemetry",
  ],
  tail: ["arrow", "blocks", "frames", "settings", "text"],
  supervisor: [
    "settings",
    "config.ts",
    "telemetry",
    "text",
    "page",
  ],
  page: [],
};
const ONLY_USER: Record<string, RegExp> = {
  "apache-arrow": /^arrow\//,
  "kafkajs": /^kafka\/kafkajs_/,
  "t-a-i": /^blocks\/gps_time\.ts/,
  "re2js": /^channels\/expression\.ts/,
  "prom-client": /^telemetry\/metrics\/prometheus\.ts/,
  "hyparquet-writer": /^tail\/parquet_file\.ts/,
  "eventsource-parser": /^tail\/event_reader\.ts/,
};
const SRC = new URL("../src/", import.meta.url);

function* files(folder: URL, prefix = ""): Iterable<string> {
  for (const entry of Deno.readDirSync(folder)) {
    if (entry.isDirectory) {
      yield* files(
        new URL(entry.name + "/", folder),
        prefix + entry.name + "/",
      );
    } else if (entry.name.endsWith(".ts")) yield prefix + entry.name;
  }
}

describe("imports of src/", () => {
  it("follow the table of folders, and each package has one owner", () => {
    for (const file of files(SRC)) {
      const folder = file.split("/")[0]!;
      const text = Deno.readTextFileSync(new URL(file, SRC)).slice(0, 20_000);
      for (const [, target] of text.matchAll(/from "([^"]+)"/g)) {
        const package_ = Object.keys(ONLY_USER).find((name) =>
          target === name || target!.startsWith(name + "/")
        );
        if (package_) {
          assert.match(file, ONLY_USER[package_]!, `${file} uses ${package_}`);
        }
        if (!target!.startsWith(".") || !MAY[folder]) continue;
        const wanted = new URL(target!, new URL(file, SRC)).pathname
          .slice(SRC.pathname.length).split("/")[0]!;
        if (wanted === folder) continue;
        assert.ok(
          MAY[folder].includes(wanted),
          `${file} must not import ${target}`,
        );
      }
    }
  });
});
