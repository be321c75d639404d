// What the threads of a process with several workers may do, and what they know of Kafka's secrets.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";

const ROOT = new URL("../..", import.meta.url);
const MS = 20_000;
/** Nothing listens there; whether a connection is tried is what counts. */
const BROKER_PORT = 9;
const PORT = 8080;

describe("with several workers", { ignore: Deno.build.os !== "linux" }, () => {
  let directory: string;

  before(async () => {
    directory = await Deno.makeTempDir({ prefix: "qanat-group-" });
    await Deno.writeTextFile(`${directory}/kafka-token`, "t");
  });
  after(() => Deno.remove(directory, { recursive: true }));

  async function found(probed: "serving" | "reading") {
    const token = `${directory}/kafka-token`;
    const { stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        ..."run --no-prompt -P=start test/supervisor/group_probe_main.ts"
          .split(" "),
        probed,
        token,
        String(BROKER_PORT),
        "--workers=2",
        `--port=${PORT}`,
        `--kafka=127.0.0.1:${BROKER_PORT}`,
        "--kafka-sasl=plain",
        "--kafka-user=it-is-me",
        `--kafka-ca=${token}`,
      ],
      cwd: ROOT,
      env: { NO_COLOR: "1", QANAT_KAFKA_PASSWORD: "hunter2" },
      stdin: "null",
      signal: AbortSignal.timeout(MS),
    }).output();
    const text = new TextDecoder().decode(stderr);
    const line = text.split("\n").find((line) => line.startsWith('{"settings'));
    assert.ok(line, text);
    return JSON.parse(line);
  }

  it("one that serves has no secret of Kafka, cannot read its files, and cannot reach it", async () => {
    assert.deepEqual(await found("serving"), {
      settings: false,
      variable: "unset",
      token: "refused",
      broker: "refused",
      listen: "allowed",
    });
  });

  it("the one that reads has what it needs for Kafka", async () => {
    const { listen: _, ...others } = await found("reading");
    assert.deepEqual(others, {
      settings: true,
      variable: "unset",
      token: "allowed",
      broker: "allowed",
    });
  });
});
