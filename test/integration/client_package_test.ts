// The Python package of clients/python: compared with Arrakis's own client on the same broker, resumed after a restart
// of the server, built as a wheel, installed in an empty environment, type-checked, and used from gwpy.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { nowGpsNs } from "../../src/blocks/gps_time.ts";
import { canRun } from "../../scripts/optional_parts.ts";
import { freePort, launchQanat, PARTS, Process, say, sleep } from "./chain.ts";
import { type ParityWorld, startParityWorld } from "./parity_world.ts";
import { Restartable } from "./restartable.ts";

const runnable = canRun([PARTS.kafka, PARTS.python, PARTS.arrakisClients]);
/** How long is published before history is requested. */
const PAST_S = 14;
const RESTART_S = 8;
const README = new URL("../../clients/python/README.md", import.meta.url);

describe(
  "the Python package",
  { ignore: !runnable, skip: !runnable },
  () => {
    let world: ParityWorld;
    let beganMs: number;

    before(async () => {
      world = await startParityWorld({
        // So little is read ahead of clients that a range of history comes from Kafka.
        qanatArgs: ["--resume-window-ms=1000", "--linger-ms=0"],
      });
      beganMs = Date.now();
    });
    after(() => world?.close());

    /** Runs a program and returns the JSON of its last line. */
    async function python<T>(...args: string[]): Promise<T> {
      const process = new Process(args[0]!, PARTS.python.program!, args);
      const code = await process.ends();
      assert.equal(code, 0, process.log);
      say(`client package: ${process.output.trim()}`);
      return JSON.parse(process.output.trim().split("\n").at(-1)!);
    }

    const compare = (channels: readonly string[], ...args: string[]) =>
      python<{ blocks: number; masked: number; samples: number }>(
        "test/integration/python/client_package.py",
        `--arrakis=${world.chain.arrakisUrl}`,
        `--qanat=${world.chain.qanatUrl}`,
        `--channels=${channels.join(",")}`,
        ...args,
      );

    /** GPS seconds `s` from now, on a whole second. */
    const gps = (s: number) => Number(nowGpsNs() / 1_000_000_000n) + s;

    const published = (seconds: number) =>
      sleep(Math.max(0, beganMs + 1000 * seconds - Date.now()));

    it("equals Arrakis's client live", async () => {
      const { blocks } = await compare(world.names, "--duration=4");
      assert.ok(blocks >= 32, `${blocks} blocks in common`);
    });

    it("equals it where blocks lack channels, and with strides that differ", async () => {
      const mixed = [...world.names.slice(0, 4), ...world.otherNames];
      const { blocks, masked } = await compare(mixed, "--duration=4");
      assert.ok(blocks >= 8, `${blocks} blocks in common`);
      assert.ok(masked > 0, "no partial block was seen");
    });

    it("equals it in the past", async () => {
      await published(PAST_S);
      const start = gps(-10);
      const range = [`--start=${start}`, `--end=${start + 5}`];
      const { blocks } = await compare(world.names, ...range);
      assert.equal(blocks, 1 + 80);
    });

    it("gives the samples of a range that begins and ends within blocks", async () => {
      const start = gps(-9);
      const range = [`--start=${start + 0.03}`, `--end=${start + 3.1}`];
      await compare(world.names, "--cut", ...range);
    });

    it("equals it across the seam of past and live", async () => {
      const now = gps(0);
      const range = [`--start=${now - 6}`, `--end=${now + 4}`];
      const { blocks } = await compare(world.names, ...range);
      assert.equal(blocks, 1 + 160);
    });

    it("gives across the seam and from history what Arrakis's client got live, where blocks lack channels", async () => {
      const mixed = [...world.names.slice(0, 4), ...world.otherNames];
      const range = ["--duration=6", "--afterwards"];
      const { blocks, masked } = await compare(mixed, ...range);
      assert.equal(blocks, 2 * 20);
      assert.ok(masked > 0, "no partial block was seen");
    });

    it("continues after the last block when the server is started again", async () => {
      const port = freePort();
      const args = [`--kafka=${world.chain.brokerAddress}`];
      const server = new Restartable(
        () => launchQanat(args, port).qanat,
        () => {},
      );
      server.start();
      try {
        const url = `http://127.0.0.1:${port}`;
        await answers(`${url}/readyz`);
        const reader = new Process("reader", PARTS.python.program!, [
          "test/integration/python/client_package_resumed.py",
          ...[url, world.names[0]!, String(RESTART_S)],
        ]);
        await reader.says(/reading/);
        await sleep(1000);
        Deno.kill(server.pid!, "SIGKILL");
        assert.equal(await reader.ends(), 0, reader.log);
        const result = JSON.parse(reader.output.trim().split("\n").at(-1)!);
        assert.deepEqual(result, { blocks: RESTART_S * 16, masked: 0 });
      } finally {
        await server.close();
      }
    });

    it("takes at most five lines with gwpy, as the README has it", async () => {
      const readme = await Deno.readTextFile(README);
      const [, code] = /## With gwpy\n[\s\S]*?```python\n([\s\S]*?)```/
        .exec(readme)!;
      const lines = code!.split("\n").filter((line) => line.trim() !== "");
      assert.ok(lines.length <= 5, code);
    });

    it("is a source of gwpy", async () => {
      await published(PAST_S);
      const start = gps(-8);
      const [name] = world.names;
      const got = await python<{ samples: number; live: number }>(
        "test/integration/python/client_package_gwpy.py",
        ...[world.chain.qanatUrl, name!, String(start)],
      );
      assert.ok(got.samples > 0 && got.live === 3, JSON.stringify(got));
    });
  },
);

describe(
  "the Python package, where no Qanat answers",
  { ignore: !canRun([PARTS.python]), skip: !canRun([PARTS.python]) },
  () => {
    it("gives its token to no other server, waits for no day and for no row that does not come, and says what is wrong", async () => {
      const program = "test/integration/python/client_package_refused.py";
      const process = new Process(program, PARTS.python.program!, [program]);
      const code = await process.ends();
      assert.equal(code, 0, process.log);
      assert.deepEqual(JSON.parse(process.output), { checks: 9 });
    });
  },
);

describe(
  "the wheel of the Python package",
  { ignore: !runnable, skip: !runnable },
  () => {
    it("installs in an empty environment, and is typed", async () => {
      const directory = await Deno.makeTempDir({ prefix: "qanat-wheel-" });
      try {
        const run = async (program: string, ...args: string[]) => {
          const process = new Process(args.join(" "), program, args);
          const code = await process.ends();
          assert.equal(code, 0, process.output + process.log);
          return process.output;
        };
        const base = PARTS.python.program!;
        const source = `${directory}/source`;
        await run("cp", "-R", "clients/python", source);
        const wheels = `${directory}/wheels`;
        const pip = ["-m", "pip", "-q"];
        await run(base, ...pip, "wheel", "--no-deps", "-w", wheels, source);
        const [wheel] = [...Deno.readDirSync(wheels)];
        const path = `${wheels}/${wheel!.name}`;
        await run(base, "-m", "venv", `${directory}/venv`);
        const own = `${directory}/venv/bin/python`;
        await run(own, ...pip, "install", path);
        const imported = "import qanat_client as q; print(q.Client().url)";
        const url = await run(own, "-c", imported);
        assert.equal(url.trim(), "http://127.0.0.1:8080");
        assert.match(await run(own, "-c", WITHOUT_EXTRA), /qanat-client\[jup/);
        const files = await run(own, "-m", "zipfile", "-l", path);
        assert.match(files, /qanat_client\/widget\/live_plot\.js/);
        await run(own, ...pip, "install", "mypy==1.19.1");
        const config = `${source}/pyproject.toml`;
        const cache = `${directory}/cache`;
        const mypy = ["-m", "mypy", "--strict", "--cache-dir", cache];
        await run(own, ...mypy, "--config-file", config, `${source}/src`);
        // With the types of what the extra installs, too.
        const extra = `--python-executable=${PARTS.jupyter.program ?? own}`;
        const jupyter = `${source}/src/qanat_client/jupyter.py`;
        await run(own, ...mypy, "--config-file", config, extra, jupyter);
        const user = `${directory}/user.py`;
        await Deno.writeTextFile(user, USER_PROGRAM);
        await run(own, ...mypy, user);
      } finally {
        await Deno.remove(directory, { recursive: true });
      }
    });
  },
);

/** Prints what a plot in a notebook needs. */
const WITHOUT_EXTRA = `
try:
    import qanat_client.jupyter
except ImportError as error:
    print(error)
`;

/** Its types are those that a user sees. */
const USER_PROGRAM = `
from qanat_client import Client, Series

def newest(name: str) -> Series:
    for block in Client().stream([name], start="-2m", end="now"):
        time_ns: int = block.time_ns
    return Client().fetch(name)[name]
`;

/** Resolves once an address answers with a status of success. */
async function answers(url: string): Promise<void> {
  for (;;) {
    try {
      const response = await fetch(url);
      await response.body?.cancel();
      if (response.ok) return;
    } catch {
      // Not yet.
    }
    await sleep(100);
  }
}
