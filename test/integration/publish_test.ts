// `deno task publish` against a real broker that is killed and comes back.
// Invariant: it continues automatically, and Kafka has every block from the first to the last.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { startKafka } from "../../scripts/kafka/broker.ts";
import { canRun } from "../../scripts/optional_parts.ts";
import { freePort, launchQanat, PARTS, Process, sleep } from "./chain.ts";

const NAME = "H1:QANAT-COUNT_I64_16";
const runnable = canRun([PARTS.kafka]);

describe("deno task publish", { ignore: !runnable, skip: !runnable }, () => {
  it("outlives the loss of its broker, and no block is missing", async () => {
    const directory = await Deno.makeTempDir({ prefix: "qanat-publish-" });
    const settings = { port: freePort(), dir: `${directory}/kafka` };
    let broker = await startKafka(settings);
    const publisher = new Process("publish", Deno.execPath(), [
      "run",
      "--no-prompt",
      "--frozen",
      "-P=publish",
      "src/publish.ts",
      `--kafka=${broker.address}`,
      `--match=^${NAME}$`,
    ]);
    const { qanat, url } = launchQanat([`--kafka=${broker.address}`]);
    try {
      await publisher.says(/Publishing 1 channels/);
      await sleep(2000);
      Deno.kill(broker.pid, "SIGKILL");
      await sleep(3000);
      await broker.stop().catch(() => {});
      broker = await startKafka(settings);
      await publisher.says(/Kafka takes blocks again/);
      await sleep(2000);
      assert.ok(publisher.isRunning, publisher.log);
      assert.match(publisher.output, /Cannot write to Kafka, trying again/);
      const { code } = await publisher.stop();
      assert.equal(code, 0, publisher.log);
      assert.match(
        publisher.output,
        /Published \d+ blocks, .* skipped 0 that Kafka refused and 0 that were/,
      );
      assert.doesNotMatch(publisher.log, /TimeoutNegativeWarning/);
      const blocks = Number(/Published (\d+)/.exec(publisher.output)![1]);
      assert.ok(blocks > 16 * 5, `${blocks} blocks`);
      const status = await (await fetch(`${url}/v1/status`)).json();
      assert.equal(status.ready, true);
      assert.doesNotMatch(qanat.log, /TimeoutNegativeWarning/);
    } finally {
      await publisher.stop();
      await qanat.stop();
      await broker.stop();
      await Deno.remove(directory, { recursive: true });
    }
  });
});
