// Qanat's /v1/arrow compared with Arrakis's own client and server on the same broker: live, past, and across the seam.
// Invariant: both get the same rows, bit for bit; test/integration/python/parity.py compares them.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { nowGpsNs } from "../../src/blocks/gps_time.ts";
import { canRun } from "../../scripts/optional_parts.ts";
import { type Chain, PARTS, Process, say, sleep } from "./chain.ts";
import { type ParityWorld, startParityWorld } from "./parity_world.ts";

const runnable = canRun([PARTS.kafka, PARTS.python]);
/** How long is published before history is requested. */
const PAST_S = 12;

describe(
  "parity with Arrakis",
  { ignore: !runnable, skip: !runnable },
  () => {
    let world: ParityWorld;
    let chain: Chain;
    let names: string[];
    let otherNames: string[];
    let beganMs: number;

    before(async () => {
      world = await startParityWorld({
        // So little is read ahead of clients that a range of history comes from Kafka.
        qanatArgs: ["--resume-window-ms=1000", "--linger-ms=0"],
      });
      ({ chain, names, otherNames } = world);
      beganMs = Date.now();
    });
    after(() => world?.close());

    async function compare(
      channels: readonly string[],
      ...args: string[]
    ): Promise<{ rows: number; nulls: number; samples: number }> {
      const process = new Process("parity.py", PARTS.python.program!, [
        "test/integration/python/parity.py",
        `--arrakis=${chain.arrakisUrl}`,
        `--qanat=${chain.qanatUrl}`,
        `--channels=${channels.join(",")}`,
        ...args,
      ]);
      const code = await process.ends();
      assert.equal(code, 0, process.log);
      say(`parity: ${args.join(" ")}: ${process.output.trim()}`);
      return JSON.parse(process.output);
    }

    /** GPS seconds `s` from now, on a whole second. */
    const gps = (s: number) => Number(nowGpsNs() / 1_000_000_000n) + s;

    /** Rows that were read from Kafka again. */
    async function pastRows(): Promise<number> {
      const response = await fetch(`${chain.qanatUrl}/metrics`);
      return Number((await response.text()).match(/past_rows_total (\d+)/)![1]);
    }

    async function published(seconds: number): Promise<void> {
      await sleep(beganMs + 1000 * seconds - Date.now());
    }

    it("live", async () => {
      const { rows } = await compare(names, "--duration=4");
      assert.ok(rows >= 32, `${rows} rows in common`);
    });

    it("live, with blocks that lack channels", async () => {
      const { rows, nulls } = await compare(otherNames, "--duration=4");
      assert.ok(rows >= 8, `${rows} rows in common`);
      assert.ok(nulls > 0, "no partial block was seen");
    });

    it("a range of history, from Kafka", async () => {
      await published(PAST_S);
      const before = await pastRows();
      const start = gps(-10);
      const { rows } = await compare(
        names,
        `--start=${start}`,
        `--end=${start + 5}`,
      );
      assert.equal(rows, 80);
      assert.equal(await pastRows() - before, 80);
    });

    it("a range whose ends lie off the grid", async () => {
      const start = gps(-9);
      await compare(
        names,
        `--start=${start + 0.03}`,
        `--end=${start + 3.1}`,
      );
    });

    it("across the seam", async () => {
      await published(PAST_S);
      const now = gps(0);
      const { rows } = await compare(
        names,
        `--start=${now - 6}`,
        `--end=${now + 4}`,
      );
      assert.equal(rows, 160);
    });

    it("strides that differ, live and past", async () => {
      const mixed = [...names.slice(0, 4), ...otherNames];
      const live = await compare(mixed, "--duration=4");
      assert.ok(live.rows >= 8, `${live.rows} rows in common`);
      await published(PAST_S + 4);
      const start = gps(-8);
      // publisher.py never leaves these out.
      const whole = otherNames.filter((name) =>
        !/_00(00|05|10|15)$/.test(name)
      );
      const past = await compare(
        [...names.slice(0, 4), ...whole],
        `--start=${start}`,
        `--end=${start + 4}`,
      );
      assert.equal(past.rows, 16);
    });
  },
);
