// Checks that no text for people uses a phrase of `phrases.ts`.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { phrasesIn } from "./phrases.ts";
import { proseFiles } from "./prose.ts";

/**
 * How many phrases are left, by folder. Write no new ones: the numbers only fall, and at zero a folder is removed.
 */
const LEFT: Readonly<Record<string, number>> = {
  ".ci": 2,
  "ARCHITECTURE.md": 14,
  "CHANGELOG.md": 22,
  "CONTRIBUTING.md": 5,
  "README.md": 11,
  "bench": 9,
  "deploy": 20,
  "docs": 312,
  "mod.ts": 2,
  "scripts": 42,
  "src": 39,
  "src/arrow": 5,
  "src/blocks": 60,
  "src/channels": 30,
  "src/clients": 109,
  "src/frames": 22,
  "src/http": 89,
  "src/kafka": 60,
  "src/memory": 4,
  "src/page": 74,
  "src/settings": 11,
  "src/source": 11,
  "src/supervisor": 11,
  "src/tail": 21,
  "src/trends": 16,
  "test/arrow": 3,
  "test/blocks": 37,
  "test/channels": 12,
  "test/clients": 63,
  "test": 17,
  "test/frames": 5,
  "test/fuzz": 1,
  "test/http": 40,
  "test/integration": 126,
  "test/kafka": 28,
  "test/memory": 2,
  "test/page": 20,
  "test/settings": 2,
  "test/source": 5,
  "test/supervisor": 5,
  "test/tail": 15,
  "test/trends": 17,
};

/** This file holds the phrases themselves. */
const EXEMPT = new Set(["test/phrases.ts"]);

function folderOf(path: string): string {
  const parts = path.split("/");
  const depth = parts[0] === "src" || parts[0] === "test" ? 2 : 1;
  return parts.length > depth ? parts.slice(0, depth).join("/") : parts[0]!;
}

describe("text for people", () => {
  it("has no phrase of the list", () => {
    const found = new Map<string, string[]>();
    for (const path of proseFiles()) {
      if (EXEMPT.has(path)) continue;
      const folder = folderOf(path);
      const lines = phrasesIn(path);
      found.set(folder, [...found.get(folder) ?? [], ...lines]);
    }
    const more = [...found].filter(([folder, lines]) =>
      lines.length > (LEFT[folder] ?? 0)
    );
    assert.deepEqual(
      more.map(([folder, lines]) => [folder, lines.length, lines]),
      [],
      "write these in plain words",
    );
  });
});
