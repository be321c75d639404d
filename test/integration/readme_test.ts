// The README's commands, exactly as it prints them, in a clone and in a shell without `deno` on its path: the first one,
// then a broker, a publisher and Qanat.
// Invariant: only the ports are replaced; the whole group of processes of a block is ended.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { canRun } from "../../scripts/optional_parts.ts";
import { type Block, blocksRunBy } from "../pasted_blocks.ts";
import { freePort, PARTS, sleep } from "./chain.ts";
import { type PastedClone, pastedClone } from "./pasted_clone.ts";

const WAIT_MS = 120_000;
const POLL_MS = 100;
const runnable = canRun([PARTS.kafka, PARTS.npx]);
const BLOCKS = blocksRunBy("readme");

/** A block that runs. */
class Running {
  readonly #child: Deno.ChildProcess;
  readonly #readers: Promise<void>[];
  #text = "";
  #isEnded = false;
  #isStopped = false;

  constructor(clone: PastedClone, code: string, port: number) {
    // A session of its own, so that all its processes can be ended.
    this.#child = new Deno.Command("setsid", {
      args: ["bash", "-eu", "-c", code],
      cwd: clone.folder,
      env: {
        PATH: clone.path,
        INIT_CWD: clone.folder,
        QANAT_PORT: String(port),
        NO_COLOR: "1",
      },
      stdin: "null",
      stdout: "piped",
      stderr: "piped",
    }).spawn();
    this.#readers = [this.#child.stdout, this.#child.stderr].map((stream) =>
      this.#read(stream)
    );
    this.#child.status.then(() => this.#isEnded = true);
  }

  get text(): string {
    return this.#text;
  }

  /** Resolves once `isTrue`; rejects where the block ends before that. */
  async until(isTrue: () => boolean | Promise<boolean>): Promise<void> {
    const endMs = Date.now() + WAIT_MS;
    while (!await isTrue()) {
      assert.ok(!this.#isEnded, this.#text);
      assert.ok(Date.now() < endMs, this.#text);
      await sleep(POLL_MS);
    }
  }

  /** The exit code, once all its processes have ended. */
  async ends(): Promise<number> {
    const { code } = await this.#child.status;
    await Promise.all(this.#readers);
    return code;
  }

  async stop(): Promise<void> {
    if (this.#isStopped) return;
    this.#isStopped = true;
    // The group: npx passes no signal on.
    if (!this.#isEnded) Deno.kill(-this.#child.pid, "SIGTERM");
    await this.ends();
  }

  async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    for await (const part of stream) {
      this.#text += decoder.decode(part, { stream: true });
    }
  }
}

describe("README.md", { ignore: !runnable, skip: !runnable }, () => {
  const [port, kafkaPort] = [freePort(), freePort()];
  const url = `http://127.0.0.1:${port}`;
  const running: Running[] = [];
  let clone: PastedClone;

  before(async () => {
    clone = await pastedClone();
  });
  after(async () => {
    for (const one of running.reverse()) await one.stop();
    if (clone) await clone.remove();
  });

  function blockWith(pattern: RegExp): Block {
    const found = BLOCKS.filter(({ code }) => pattern.test(code));
    assert.equal(found.length, 1, `${pattern}`);
    return found[0]!;
  }

  function start({ code }: Block): Running {
    const one = new Running(
      clone,
      code.replaceAll("9092", `${kafkaPort}`)
        .replace("task kafka", `task kafka --port ${kafkaPort}`),
      port,
    );
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
