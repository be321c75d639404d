// Telemetry has two floors (docs/decisions/0037): all folders use the lower one, so it must not import from them.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { codeOf, modulesIn, targetsIn } from "../source_imports.ts";

const FOLDER = "src/telemetry/";

describe("the files directly in src/telemetry", () => {
  it("import from each other and from src/text only", () => {
    for (const file of modulesIn(FOLDER)) {
      if (file.slice(FOLDER.length).includes("/")) continue;
      for (const target of targetsIn(codeOf(file), file)) {
        assert.match(
          target,
          /^src\/telemetry\/\w+\.ts$|^src\/text\/|^deno\.json$/,
          `${file} imports ${target}`,
        );
      }
    }
  });
});
