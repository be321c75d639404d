// Two instances behind the proxies as shipped, stopped and started one after the other under clients of all libraries
// that docs/recipes.md lists. Invariant: 5 s after an instance is ready every client gets rows; none is lost, none comes
// twice.
// QANAT_SECONDS=600 (the long tier) runs nginx and Caddy with 1, 3 and 20 s away; without, nginx with 3 s.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { canRun } from "../../scripts/optional_parts.ts";
import {
  freePort,
  launchQanat,
  metric,
  PARTS,
  type Process,
  say,
  sleep,
} from "./chain.ts";
import { type Client, LibraryClients } from "./library_clients.ts";
import {
  launchProxy,
  makeCertificate,
  PROXIES,
  PROXY_HOST,
} from "./proxies.ts";
import { assertConsecutive } from "./published.ts";
import { ResumeTab } from "./resume_page.ts";

const isLong = Number(Deno.env.get("QANAT_SECONDS") ?? "20") >= 600;
const AWAY_S = isLong ? [1, 3, 20] : [3];
const CLIENTS = 100;
const BASE = "/qanat";
/** Of the embedded source, which makes the same rows in every instance. */
const CHANNELS = ["H1:GWOSC-4KHZ_R1_WHITENED", "L1:GWOSC-4KHZ_R1_WHITENED"];
const STRIDE_NS = 62_500_000n;
/** By this time after an instance is ready all clients are connected again. */
const BACK_MS = 5000;
const SETTLE_MS = 2000;
/** A browser and a Python start among them. */
const OPEN_MS = 60_000;
/** Window over which an instance ends its clients. */
const SPREAD_S = 8;
/** How often the clients of the other instance are counted in it, ms. */
const COUNT_MS = 100;

for (const proxy of PROXIES.slice(0, isLong ? 2 : 1)) {
  const runnable = canRun([proxy.part]);
  describe(`a roll behind ${proxy.name}`, {
    ignore: !runnable,
    skip: !runnable,
  }, () => {
    let directory: string;
    let page: ResumeTab | null = null;
    let balancer: Process;
    let port: number;
    const instances: { qanat: Process; url: string; port: number }[] = [];

    before(async () => {
      directory = await Deno.makeTempDir({ prefix: "qanat-roll-" });
      await Deno.chmod(directory, 0o755);
      await makeCertificate(directory);
      if (canRun([PARTS.chromium])) {
        page = await ResumeTab.open(PARTS.chromium.program!);
      }
      for (let i = 0; i < 2; i++) instances.push(await start(freePort()));
      port = freePort();
      balancer = await launchProxy(proxy, {
        directory,
        port,
        qanatPorts: instances.map((instance) => instance.port),
        silence: "60s",
      });
    });
    after(async () => {
      await balancer?.stop();
      for (const { qanat } of instances) await qanat.stop();
      await page?.close();
      if (directory) await Deno.remove(directory, { recursive: true });
    });

    async function start(
      at: number,
      more: readonly string[] = [],
    ): Promise<typeof instances[number]> {
      const instance = launchQanat([
        ...more,
        `--base-path=${BASE}`,
        "--trusted-proxies=127.0.0.1",
        `--allowed-hosts=${PROXY_HOST}`,
        "--clients-per-address-max=1000",
        ...page === null ? [] : [`--cors-origin=${page.origin}`],
      ], at);
      await instance.qanat.answers(`${instance.url}${BASE}/readyz`);
      return instance;
    }

    async function restart(
      index: number,
      awayS: number,
      more: readonly string[] = [],
    ): Promise<void> {
      const { qanat, port } = instances[index]!;
      const { code } = await qanat.stop();
      assert.equal(code, 0);
      await sleep(awayS * 1000);
      instances[index] = await start(port, more);
    }

    /** How many streams an instance opened in each COUNT_MS, until `isOver`. */
    async function countOpened(
      url: string,
      isOver: () => boolean,
    ): Promise<number[]> {
      const counts: number[] = [];
      let before = await metric(`${url}${BASE}`, "qanat_clients_opened_total");
      while (!isOver()) {
        await sleep(COUNT_MS);
        const now = await metric(`${url}${BASE}`, "qanat_clients_opened_total");
        counts.push(now - before);
        before = now;
      }
      return counts;
    }

    /** Until the proxy, which notices late that an instance is back, sends it requests again. */
    async function untilServes(index: number): Promise<void> {
      const { url } = instances[index]!;
      const certificate = await Deno.readTextFile(`${directory}/qanat.pem`);
      using client = Deno.createHttpClient({ caCerts: [certificate] });
      const opened = () =>
        metric(`${url}${BASE}`, "qanat_clients_opened_total");
      const before = await opened();
      const end = Date.now() + OPEN_MS;
      while (await opened() === before) {
        assert.ok(Date.now() < end, `the proxy sends nothing to ${url}`);
        const answer = await fetch(
          `https://127.0.0.1:${port}${BASE}/v1/events?channels=${CHANNELS[0]}`,
          { client } as RequestInit,
        );
        await answer.body?.cancel();
        await sleep(COUNT_MS);
      }
    }

    /** 100 clients, all of them inside. */
    async function open(): Promise<LibraryClients> {
      const urls = Array.from(
        { length: CLIENTS },
        (_, i) =>
          `https://127.0.0.1:${port}${BASE}/v1/events?channels=${
            CHANNELS[i % 2]
          }`,
      );
      const clients = await LibraryClients.open(urls, {
        certificateFile: `${directory}/qanat.pem`,
        page,
      });
      try {
        await clients.allInside(OPEN_MS);
        return clients;
      } catch (error) {
        await clients.close();
        throw error;
      }
    }

    /** What 100 clients have, 5 s after what was done to the instances under them. */
    async function readDuring(
      doRoll: () => Promise<unknown>,
    ): Promise<readonly Client[]> {
      const clients = await open();
      try {
        await doRoll();
        await sleep(BACK_MS);
        const outside = await clients.outside();
        assert.equal(outside, "", `outside ${BACK_MS} ms after both are back`);
        return await clients.all();
      } finally {
        await clients.close();
      }
    }

    function check(clients: readonly Client[], what: string): void {
      assert.equal(clients.length, CLIENTS);
      const seen = new Map<string, number>();
      const counts = new Map<string, number>();
      let rows = 0;
      for (const { library, url, gaps, times, digests } of clients) {
        assert.deepEqual(gaps, [], library);
        assertConsecutive(times.map(BigInt), {
          strideNs: STRIDE_NS,
          countMin: 16,
          what: library,
        });
        counts.set(library, (counts.get(library) ?? 0) + 1);
        rows += times.length;
        times.forEach((time, i) => {
          const key = `${url} ${time}`;
          const digest = seen.get(key) ?? digests[i];
          assert.equal(
            digests[i],
            digest,
            `${library}: both send the same row`,
          );
          seen.set(key, digests[i]!);
        });
      }
      const mix = [...counts].map(([name, count]) => `${count} ${name}`);
      say(
        `${proxy.name}, ${what}: ${
          mix.join(", ")
        }: ${rows} rows, 0 lost, 0 twice, all connected`,
      );
    }

    for (const awayS of AWAY_S) {
      it(`each instance is away for ${awayS} s: every client reconnects, no row is lost or twice`, async () => {
        const clients = await readDuring(async () => {
          await restart(0, awayS);
          await sleep(SETTLE_MS);
          await restart(1, awayS);
        });
        check(clients, `a roll with ${awayS} s away`);
      });
    }

    it(`an instance that ends its clients over ${SPREAD_S} s: they come to the other one over that time, no row is lost or twice`, async () => {
      const more = [`--drain-spread-s=${SPREAD_S}`];
      let opened: readonly number[] = [];
      await restart(0, 0, more);
      await untilServes(0);
      const clients = await readDuring(async () => {
        let isOver = false;
        const counting = countOpened(instances[1]!.url, () => isOver);
        await restart(0, 1).finally(() => isOver = true);
        opened = await counting;
      });
      check(clients, `a window of ${SPREAD_S} s`);
      const total = opened.reduce((a, b) => a + b, 0);
      const filled = opened.filter((count) => count > 0).length;
      const most = Math.max(...opened);
      say(
        `${proxy.name}: ${total} clients came to the other instance in ${filled} parts of ${COUNT_MS} ms, at most ${most} in one`,
      );
      assert.ok(total >= CLIENTS / 4, `${total} came`);
      assert.ok(filled >= 12, `all came in ${filled} parts`);
      assert.ok(most <= total / 4, `${most} of ${total} came at once`);
    });

    it("while no instance is there clients keep coming, and are back 5 s after one is", async () => {
      const clients = await readDuring(() =>
        Promise.all([restart(0, 3), restart(1, 3)])
      );
      check(clients, "both away for 3 s at once");
    });

    it("a client that accepts no events gets an error if no instance is available", async () => {
      await Promise.all(instances.map(({ qanat }) => qanat.stop()));
      const certificate = await Deno.readTextFile(`${directory}/qanat.pem`);
      const client = Deno.createHttpClient({ caCerts: [certificate] });
      const answer = await fetch(
        `https://127.0.0.1:${port}${BASE}/v1/events?channels=${CHANNELS[0]}`,
        { client } as RequestInit,
      );
      await answer.body?.cancel();
      client.close();
      assert.ok([502, 503, 504].includes(answer.status), `${answer.status}`);
    });
  });
}
