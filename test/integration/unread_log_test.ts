// No program reads the log: its pipe is full after some hundred lines.
// Invariant: the service continues, and stops, as if a program did (it hung at the 358th stream).
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { freePort, sleep } from "./chain.ts";

const ROUNDS = 4;
const STREAMS = 200;
const PATH = "/v1/events?channels=H1:QANAT-COUNT_I64_16";
const ANSWER_MAX_MS = 10_000;

describe("a log that no program reads", () => {
  it("delays neither clients nor the stop", async () => {
    const port = freePort();
    const url = `http://127.0.0.1:${port}`;
    const child = new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-prompt", "-P=start", "src/main.ts", `--port=${port}`],
      cwd: new URL("../..", import.meta.url),
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const ask = (path: string) =>
      fetch(url + path, { signal: AbortSignal.timeout(ANSWER_MAX_MS) });
    try {
      while (
        !await ask("/readyz").then(
          (r) => r.text().then(() => r.ok),
          () => false,
        )
      ) {
        await sleep(50);
      }
      for (let round = 0; round < ROUNDS; round++) {
        const streams = await Promise.all(
          Array.from({ length: STREAMS }, () => ask(PATH)),
        );
        for (const { status } of streams) assert.equal(status, 200);
        await Promise.all(streams.map((r) => r.body!.cancel()));
      }
      const metrics = await (await ask("/metrics")).text();
      assert.match(
        metrics,
        new RegExp(`qanat_clients_opened_total ${ROUNDS * STREAMS}\\n`),
      );
      child.kill("SIGTERM");
      assert.equal((await child.status).code, 0);
    } finally {
      // Of a child that has ended there is nothing left to kill.
      try {
        child.kill("SIGKILL");
      } catch { /* ended */ }
      await child.status;
      await child.stderr.cancel();
    }
  });
});
