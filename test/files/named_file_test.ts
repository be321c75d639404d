// Files that settings name.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { readNamedFile } from "../../src/files/named_file.ts";
import { Catalog } from "../../src/channels/catalog.ts";
import { kafkaSourceOf } from "../../src/source/kafka_settings.ts";
import { configWith, silent } from "../driven_source.ts";

const TOKEN = "eyJhbGciOiJub25lIn0.eyJzdWIiOiJodW50ZXIyIn0.";

describe("readNamedFile()", () => {
  it("names the setting and not its value, which may be the secret itself", async () => {
    for (
      const [path, reason] of [
        [TOKEN, "there is no such file"],
        [`${TOKEN}/x`, "there is no such file"],
        ["x".repeat(5000), ""],
        ["hunter2\0", ""],
        [new URL(".", import.meta.url).pathname, ""],
      ] as const
    ) {
      await assert.rejects(
        readNamedFile("--kafka-token-file", path),
        ({ message, cause }: Error) => {
          assert.ok(
            message.startsWith(
              `the file of --kafka-token-file cannot be read: ${reason}`,
            ),
            message,
          );
          assert.ok(!message.includes(path) && message.length < 100, message);
          return cause === undefined;
        },
      );
    }
  });
});

describe("kafkaSourceOf()", () => {
  it("names the setting whose file is not there", async () => {
    const config = configWith({ kafka: ["a:1"], kafkaCa: "/none/hunter2" });
    await assert.rejects(
      kafkaSourceOf(config, new Catalog(), silent),
      /^Error: the file of --kafka-ca cannot be read: there is no such file$/,
    );
  });
});
