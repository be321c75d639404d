// Connections and the limit of file descriptors: the computed limits, and a real process that reaches the limit.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import {
  connectionBudget,
  countDescriptors,
  descriptorsWanted,
} from "../../src/net/descriptor_budget.ts";
import { RawClient } from "../http/transport/raw_client.ts";

const DEFAULTS = {
  connectionsMax: 0,
  clientsMax: 10_000,
  historyReadersMax: 4,
  kafka: [],
  upstream: [],
  operatorPort: 0,
  workers: 1,
};

describe("connectionBudget()", () => {
  it("changes nothing where there are enough descriptors, or their number is unknown", () => {
    for (const available of [1_048_576, descriptorsWanted(DEFAULTS), null]) {
      assert.deepEqual(connectionBudget(DEFAULTS, available), {
        connectionsMax: 11_000,
        clientsMax: 10_000,
        backlog: 4096,
        shortage: null,
      });
    }
  });

  it("keeps connections, a burst and the reserve below any limit, with connections left for requests other than streams", () => {
    for (let available = 120; available < 20_000; available += 97) {
      const budget = connectionBudget(DEFAULTS, available);
      const { connectionsMax, clientsMax, backlog } = budget;
      assert.ok(connectionsMax + 16 + 80 <= available, `${available}`);
      assert.ok(clientsMax <= connectionsMax - 8 && clientsMax > 0);
      assert.ok(backlog >= 128 && backlog <= 4096);
    }
  });

  it("reports a shortage in numbers", () => {
    assert.deepEqual(connectionBudget(DEFAULTS, 226).shortage, {
      descriptors_available: 226,
      descriptors_wanted: 15_176,
      connections_wanted: 11_000,
      connections_max: 128,
      clients_wanted: 10_000,
      clients_max: 120,
    });
  });

  it("keeps --connections-max, and leaves some of them for requests other than streams", () => {
    const budget = connectionBudget({ ...DEFAULTS, connectionsMax: 50 }, null);
    assert.equal(budget.connectionsMax, 50);
    assert.equal(budget.clientsMax, 42);
    assert.notEqual(budget.shortage, null);
  });
});

describe("the limits of several workers", () => {
  it("are those of one, with a backlog and some more descriptors for each", () => {
    const settings = { ...DEFAULTS, workers: 4 };
    assert.deepEqual(connectionBudget(settings, null), {
      connectionsMax: 11_000,
      clientsMax: 10_000,
      backlog: 1024,
      shortage: null,
    });
    assert.equal(
      descriptorsWanted(settings) - descriptorsWanted(DEFAULTS),
      144,
    );
  });
});

describe("countDescriptors()", () => {
  it("counts up to the number needed, and leaves none open", () => {
    for (let i = 0; i < 3; i++) assert.equal(countDescriptors(50), 50);
  });
});

const PATH = "/v1/events?channels=H1:QANAT-COUNT_I64_16";

/** Runs a module with few descriptors until it prints a port, calls back with the output, and ends the process. */
async function withDescriptors(
  descriptors: number,
  command: string[],
  use: (port: number, output: () => string) => Promise<void>,
): Promise<void> {
  const child = new Deno.Command("sh", {
    args: [
      "-c",
      `ulimit -n ${descriptors}; exec "$@"`,
      "sh",
      Deno.execPath(),
      "run",
      "--no-prompt",
      ...command,
    ],
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let output = "";
  const started = Promise.withResolvers<number>();
  const read = async (stream: ReadableStream<Uint8Array>) => {
    for await (const text of stream.pipeThrough(new TextDecoderStream())) {
      output += text;
      const port = /http:\/\/127\.0\.0\.1:(\d+)/.exec(output)?.[1];
      if (port !== undefined) started.resolve(Number(port));
    }
    started.reject(new Error(output));
  };
  const reading = [read(child.stdout), read(child.stderr)];
  try {
    await use(await started.promise, () => output);
  } finally {
    child.kill("SIGKILL");
    await child.status;
    await Promise.allSettled(reading);
  }
}

/** Requests a stream. Resolves with the status. */
async function open(client: RawClient): Promise<string> {
  await client.send(`GET ${PATH} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n`);
  const answer = client.until(/^HTTP\/1\.1 (200|503) /);
  return (await answer.catch(() => client.received)).slice(9, 12);
}

describe("a process with 256 descriptors", {
  ignore: Deno.build.os === "windows",
}, () => {
  it("serves again after 300 streams at once (it stopped accepting, silently)", async () => {
    const command = ["-P=start", "src/main.ts", "--port=0"];
    await withDescriptors(256, command, async (port, output) => {
      const clients: RawClient[] = [];
      let served = 0;
      // No more at a time than fit the kernel's queue.
      while (clients.length < 300) {
        const group = await Promise.all(
          Array.from({ length: 50 }, () => RawClient.connect(port)),
        );
        const answers = await Promise.all(group.map(open));
        served += answers.filter((status) => status === "200").length;
        clients.push(...group);
      }
      assert.ok(served > 60 && served <= 120, `served ${served}`);
      for (const { socket } of clients) socket.destroy();
      await Promise.all(clients.map(({ closed }) => closed));
      // The server refuses clients until it notices that the others have disconnected.
      let status = 0;
      while (status !== 200) {
        const response = await fetch(`http://127.0.0.1:${port}/healthz`);
        status = response.status;
        assert.ok(status === 200 || status === 503);
        await response.body?.cancel();
      }
      assert.match(output(), /"event":"connections-limited"/);
      assert.doesNotMatch(output(), /crashed|"level":"error"/);
    });
  });
});

describe(
  "node:net's listening handle",
  { ignore: Deno.build.os === "windows" },
  () => {
    it("accepts again after EMFILE only when listen() is called again", async () => {
      const script = `
      import net from "node:net";
      const server = net.createServer((socket) => socket.on("error", () => {}).end("hello"));
      server.on("error", () => {});
      server.listen({ port: 0, host: "127.0.0.1", backlog: 4096 }, () => {
        console.log("http://127.0.0.1:" + server.address().port);
        // The 60 sockets from before are open until their clients disconnect.
        if (Deno.args[0] === "again") setInterval(() => server._handle.listen(4096), 20);
      });`;
      const file = await Deno.makeTempFile({ suffix: ".mjs" });
      await Deno.writeTextFile(file, script);
      for (const mode of ["again", "never"]) {
        await withDescriptors(48, ["--allow-net", file, mode], async (port) => {
          const clients = await Promise.all(
            Array.from({ length: 60 }, () => RawClient.connect(port)),
          );
          for (const { socket } of clients) socket.destroy();
          await Promise.all(clients.map(({ closed }) => closed));
          const client = await RawClient.connect(port);
          const answer = await Promise.race([
            client.until(/hello/),
            new Promise<string>((resolve) => setTimeout(resolve, 1000, "none")),
          ]);
          assert.equal(answer, mode === "again" ? "hello" : "none", mode);
          client.socket.destroy();
        });
      }
      await Deno.remove(file);
    });
  },
);
