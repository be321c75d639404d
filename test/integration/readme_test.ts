// The README's commands, exactly as it prints them, in a clone and in a shell without `deno` on its path: the first one,
// then a broker, a publisher and Qanat.
// Invariant: only the ports are replaced; the whole group of processes of a block is ended, also where a test fails.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { canRun } from "../../scripts/optional_parts.ts";
import { type Block, blocksRunBy } from "../pasted_blocks.ts";
import { freePort, PARTS } from "./chain.ts";
import { type PastedClone, pastedClone } from "./pasted_clone.ts";
import { PastedProcess } from "./pasted_process.ts";

const runnable = canRun([PARTS.kafka, PARTS.npx]);
const BLOCKS = blocksRunBy("readme");

describe("README.md", { ignore: !runnable, skip: !runnable }, () => {
  const [port, kafkaPort] = [freePort(), freePort()];
  const url = `http://127.0.0.1:${port}`;
  const running: PastedProcess[] = [];
  let clone: PastedClone | undefined;

  before(async () => {
    clone = await pastedClone();
  });
  after(async () => {
    // One that cannot be stopped keeps none of the others.
    const stopped = await Promise.allSettled(
      running.reverse().map((one) => one.stop()),
    );
    await clone?.remove();
    for (const one of stopped) assert.equal(one.status, "fulfilled");
  });

  function blockWith(pattern: RegExp): Block {
    const found = BLOCKS.filter(({ code }) => pattern.test(code));
    assert.equal(found.length, 1, `${pattern}`);
    return found[0]!;
  }

  function start({ code }: Block): PastedProcess {
    const { folder, path } = clone!;
    const block = code.replaceAll("9092", `${kafkaPort}`)
      .replace("task kafka", `task kafka --port ${kafkaPort}`);
    const one = new PastedProcess("bash", ["-eu", "-c", block], {
      cwd: folder,
      env: {
        PATH: path,
        INIT_CWD: folder,
        QANAT_PORT: String(port),
        NO_COLOR: "1",
      },
    });
    running.push(one);
    return one;
  }

  async function isReady(): Promise<boolean> {
    try {
      const { ok, body } = await fetch(`${url}/readyz`);
      await body?.cancel();
      return ok;
    } catch {
      return false;
    }
  }

  async function channels(): Promise<number> {
    const response = await fetch(`${url}/v1/channels?limit=1`);
    return (await response.json()).channels.length;
  }

  it("the first command serves the included data, and prints the URL", async () => {
    const qanat = start(blockWith(/task start(?! -)/));
    await qanat.until(isReady);
    await qanat.until(() => qanat.text.includes(url));
    assert.equal(await channels(), 1);
    await qanat.stop();
  });

  it("a broker, a publisher and Qanat serve channels from Kafka", async () => {
    const broker = start(blockWith(/task kafka/));
    await broker.until(() => broker.text.includes("Kafka is ready on"));
    assert.match(
      broker.text,
      new RegExp(`port ${kafkaPort}, its controller on ${kafkaPort + 1};`),
    );
    const publisher = start(blockWith(/task publish/));
    await publisher.until(() => publisher.text.includes("Publishing"));
    const qanat = start(blockWith(/task start --kafka/));
    await qanat.until(isReady);
    await qanat.until(async () => await channels() === 1);
  });

  it("the list of settings ends by itself", async () => {
    const help = start(blockWith(/--help/));
    assert.equal(await help.ends(), 0);
    assert.match(help.text, /--kafka HOST:PORT/);
  });
});
