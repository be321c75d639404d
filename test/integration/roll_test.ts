// Two instances behind the proxies as shipped, stopped and started one after the other under clients that know nothing
// but EventSource. Invariant: 5 s after an instance is ready every client gets rows; none is lost, none comes twice.
// QANAT_SECONDS=600 (the long tier) runs nginx and Caddy with 1, 3 and 20 s away; without, nginx with 3 s.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { EventSource } from "eventsource";
import { canRun } from "../../scripts/optional_parts.ts";
import { freePort, launchQanat, type Process, say, sleep } from "./chain.ts";
import {
  launchProxy,
  makeCertificate,
  PROXIES,
  PROXY_HOST,
} from "./proxies.ts";
import { assertConsecutive } from "./published.ts";

const isLong = Number(Deno.env.get("QANAT_SECONDS") ?? "20") >= 600;
const AWAY_S = isLong ? [1, 3, 20] : [3];
const CLIENTS = 100;
const BASE = "/qanat";
/** Of the embedded source, which makes the same rows in every instance. */
const CHANNELS = ["H1:GWOSC-4KHZ_R1_WHITENED", "L1:GWOSC-4KHZ_R1_WHITENED"];
const STRIDE_NS = 62_500_000n;
/** So long after an instance is ready everybody is inside again. */
const BACK_MS = 5000;
/** A client with a row that recent is inside. */
const RECENT_MS = 1500;
const SETTLE_MS = 2000;

/** One user: a connection and an EventSource of its own. */
class User {
  readonly rows = new Map<bigint, string>();
  readonly times: bigint[] = [];
  readonly gaps: string[] = [];
  lastRowMs = -Infinity;
  readonly #source: EventSource;
  readonly #http: Deno.HttpClient;

  constructor(url: string, certificate: string, index: number) {
    this.#http = Deno.createHttpClient({
      caCerts: [certificate],
      http1: index % 2 === 0,
      http2: index % 2 === 1,
    });
    this.#source = new EventSource(url, {
      fetch: (input, init) =>
        fetch(input, { ...init, client: this.#http } as RequestInit),
    });
    this.#source.addEventListener("gap", (e) => this.gaps.push(e.data));
    this.#source.onmessage = ({ data }) => {
      this.lastRowMs = performance.now();
      const timeNs = BigInt(JSON.parse(data).time);
      this.times.push(timeNs);
      this.rows.set(timeNs, data);
    };
  }

  get isInside(): boolean {
    return performance.now() - this.lastRowMs < RECENT_MS;
  }

  close(): void {
    this.#source.close();
    this.#http.close();
  }
}

for (const proxy of PROXIES.slice(0, isLong ? 2 : 1)) {
  const runnable = canRun([proxy.part]);
  describe(`a roll behind ${proxy.name}`, {
    ignore: !runnable,
    skip: !runnable,
  }, () => {
    let directory: string;
    let certificate: string;
    let balancer: Process;
    let port: number;
    const instances: { qanat: Process; url: string; port: number }[] = [];

    before(async () => {
      directory = await Deno.makeTempDir({ prefix: "qanat-roll-" });
      await Deno.chmod(directory, 0o755);
      await makeCertificate(directory);
      certificate = await Deno.readTextFile(`${directory}/qanat.pem`);
      for (let i = 0; i < 2; i++) instances.push(await start(freePort()));
      port = freePort();
      balancer = await launchProxy(proxy, {
        directory,
        port,
        qanatPorts: instances.map((instance) => instance.port),
        silence: "60s",
      });
      await sleep(1000);
    });
    after(async () => {
      await balancer?.stop();
      for (const { qanat } of instances) await qanat.stop();
      if (directory) await Deno.remove(directory, { recursive: true });
    });

    async function start(at: number): Promise<typeof instances[number]> {
      const instance = launchQanat([
        `--base-path=${BASE}`,
        "--trusted-proxies=127.0.0.1",
        `--allowed-hosts=${PROXY_HOST}`,
        "--clients-per-address-max=1000",
      ], at);
      await instance.qanat.answers(`${instance.url}${BASE}/readyz`);
      return instance;
    }

    async function restart(index: number, awayS: number): Promise<void> {
      const { qanat, port } = instances[index]!;
      const { code } = await qanat.stop();
      assert.equal(code, 0);
      await sleep(awayS * 1000);
      instances[index] = await start(port);
    }

    function open(): User[] {
      return Array.from({ length: CLIENTS }, (_, i) =>
        new User(
          `https://127.0.0.1:${port}${BASE}/v1/events?channels=${
            CHANNELS[i % 2]
          }`,
          certificate,
          i,
        ));
    }

    function assertInside(users: readonly User[], when: string): void {
      const outside = users.filter((user) => !user.isInside).length;
      assert.equal(outside, 0, `${outside} of ${CLIENTS} outside ${when}`);
    }

    function check(users: readonly User[], what: string): void {
      const seen = new Map<string, string>();
      let rows = 0;
      for (const [i, { gaps, times, rows: own }] of users.entries()) {
        assert.deepEqual(gaps, []);
        assertConsecutive(times, { strideNs: STRIDE_NS, countMin: 16 });
        rows += times.length;
        for (const [timeNs, data] of own) {
          const key = `${i % 2} ${timeNs}`;
          assert.equal(data, seen.get(key) ?? data, "both send the same row");
          seen.set(key, data);
        }
      }
      say(
        `${proxy.name}, ${what}: ${CLIENTS} clients, ${rows} rows, 0 lost, 0 twice, nobody outside`,
      );
    }

    for (const awayS of AWAY_S) {
      it(`each instance is away for ${awayS} s: nobody is left outside, no row is lost or twice`, async () => {
        const users = open();
        try {
          await sleep(SETTLE_MS);
          assertInside(users, "at the start");
          await restart(0, awayS);
          await sleep(SETTLE_MS);
          await restart(1, awayS);
          await sleep(BACK_MS);
          assertInside(users, `${BACK_MS} ms after both are back`);
        } finally {
          for (const user of users) user.close();
        }
        check(users, `a roll with ${awayS} s away`);
      });
    }

    it("while no instance is there clients keep coming, and are back 5 s after one is", async () => {
      const users = open();
      try {
        await sleep(SETTLE_MS);
        await Promise.all([restart(0, 3), restart(1, 3)]);
        await sleep(BACK_MS);
        assertInside(users, `${BACK_MS} ms after both are back`);
      } finally {
        for (const user of users) user.close();
      }
      check(users, "both away for 3 s at once");
    });

    it("who is no EventSource is told that no instance is there", async () => {
      await Promise.all(instances.map(({ qanat }) => qanat.stop()));
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
