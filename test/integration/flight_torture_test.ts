// Real Flight clients that cancel, stall, stop and die: Qanat keeps running, and nothing of them is left.
// test/integration/python/flight_torture.py is what they do.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { canRun } from "../../scripts/optional_parts.ts";
import {
  freePort,
  launchQanat,
  metric,
  PARTS,
  Process,
  say,
  sleep,
} from "./chain.ts";

const runnable = canRun([PARTS.python]);
/** Until the last stalled client is dropped. */
const WAIT_MS = 30_000;

describe(
  "Flight: clients that behave badly",
  { ignore: !runnable, skip: !runnable },
  () => {
    it("leave no stream, no connection and no slot behind", async () => {
      const flightPort = freePort();
      const { qanat, url } = launchQanat([
        `--flight-port=${flightPort}`,
        "--poison-slots",
        "--write-stall-ms=5000",
      ]);
      try {
        await qanat.answers(`${url}/readyz`);
        const response = await fetch(`${url}/v1/channels?match=H1:QANAT`);
        const { channels } = await response.json() as {
          channels: { name: string; stride_ns: string | number }[];
        };
        const names = channels.filter((c) => Number(c.stride_ns) <= 1e9)
          .map(({ name }) => name);
        const script = new Process("flight_torture.py", PARTS.python.program!, [
          "test/integration/python/flight_torture.py",
          `grpc://127.0.0.1:${flightPort}`,
          names.join(","),
        ]);
        assert.equal(await script.ends(), 0, script.log);
        const figures = [
          "qanat_clients",
          "qanat_flight_connections",
          "qanat_flight_calls",
          "qanat_flight_message_bytes",
          "qanat_slab_used_slots",
        ];
        const endMs = Date.now() + WAIT_MS;
        let left: number[];
        do {
          await sleep(500);
          left = await Promise.all(figures.map((name) => metric(url, name)));
        } while (left.some((n) => n > 0) && Date.now() < endMs);
        assert.deepEqual(left, figures.map(() => 0));
        const opened = await metric(url, "qanat_clients_opened_total");
        say(`flight torture: ${opened} streams`);
        // Some are cancelled before they are open.
        assert.ok(opened > Number(script.output) / 2, `${opened} streams`);
      } finally {
        assert.equal((await qanat.stop()).code, 0);
      }
    });
  },
);
