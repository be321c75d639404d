// deploy/nginx.conf and deploy/Caddyfile, unchanged, in front of a started Qanat. Only addresses, paths and times are
// replaced. Invariant: what a client hears through a proxy, and when, is what it would hear without one.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { gpsMsOfUnixMs } from "../../src/blocks/gps_time.ts";
import { canRun } from "../../scripts/optional_parts.ts";
import { freePort, launchQanat, PARTS, type Process, sleep } from "./chain.ts";
import {
  launchProxy,
  makeCertificate,
  PROXIES,
  PROXY_HOST as HOST,
} from "./proxies.ts";
import { until } from "./until.ts";

const BASE = "/qanat";
const FAST = "H1:GWOSC-4KHZ_R1_WHITENED";
/** A row a second: between two there is silence. */
const QUIET = "H1:SLOW-SINE_F32_1";
/** The proxy's timeout for a silence, and one that is too short for this channel. */
const SILENCE_S = 3;
const STREAM_S = 8;
/** Rows whose latency is compared. */
const TIMED_ROWS = 32;

for (const proxy of PROXIES) {
  const runnable = canRun([proxy.part, PARTS.curl]);
  describe(`behind ${proxy.name}`, {
    ignore: !runnable,
    skip: !runnable,
  }, () => {
    let directory: string;
    let qanat: Process;
    let qanatUrl: string;
    let qanatPort: number;
    let running: Process;
    let port: number;

    before(async () => {
      directory = await Deno.makeTempDir({ prefix: "qanat-proxy-" });
      await Deno.chmod(directory, 0o755);
      await makeCertificate(directory);
      ({ qanat, url: qanatUrl, port: qanatPort } = launchQanat([
        `--base-path=${BASE}`,
        "--trusted-proxies=127.0.0.1",
        `--allowed-hosts=${HOST}`,
        "--heartbeat-ms=1000",
        "--write-stall-ms=2000",
      ]));
      qanatUrl += BASE;
      await qanat.answers(`${qanatUrl}/readyz`);
      ({ process: running, port } = await start(`${SILENCE_S}s`));
    });
    after(async () => {
      await running?.stop();
      await qanat?.stop();
      if (directory) await Deno.remove(directory, { recursive: true });
    });

    /** Starts the proxy with its file; resolves once it answers. */
    async function start(
      silence: string,
    ): Promise<{ process: Process; port: number }> {
      const places = {
        directory,
        port: freePort(),
        qanatPorts: [qanatPort],
        silence,
      };
      const process = await launchProxy(proxy, places);
      return { process, port: places.port };
    }

    /** curl through the proxy, by its name and certificate. */
    function curlCommand(
      toPort: number,
      path: string,
      args: readonly string[],
    ): Deno.Command {
      return new Deno.Command(PARTS.curl.program!, {
        args: [
          "--silent",
          "--no-buffer",
          "--cacert",
          `${directory}/qanat.pem`,
          "--resolve",
          `${HOST}:${toPort}:127.0.0.1`,
          ...args,
          `https://${HOST}:${toPort}${BASE}${path}`,
        ],
        stdin: "null",
        stdout: "piped",
        stderr: "null",
      });
    }

    async function curl(
      toPort: number,
      path: string,
      args: readonly string[] = [],
    ): Promise<{ code: number; bytes: Uint8Array; out: string }> {
      const { code, stdout } = await curlCommand(toPort, path, args).output();
      return { code, bytes: stdout, out: new TextDecoder().decode(stdout) };
    }

    /** How many ms behind its end the median of some rows came that a command reads. */
    async function latencyOf(command: Deno.Command): Promise<number> {
      const child = command.spawn();
      const latenciesMs: number[] = [];
      const texts = child.stdout.pipeThrough(
        new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>,
      );
      for await (const text of texts) {
        const nowMs = gpsMsOfUnixMs(Date.now());
        for (const [, id] of text.matchAll(/^id: (\d{19})$/gm)) {
          latenciesMs.push(nowMs - Number(id) / 1e6);
        }
        if (latenciesMs.length >= TIMED_ROWS) break;
      }
      child.kill();
      await child.status;
      return latenciesMs.sort((a, b) => a - b)[TIMED_ROWS / 2]!;
    }

    it("speaks HTTP/2 to the client, and the stream continues after its first rows", async () => {
      const args = ["--http2", "--include"];
      const path = `/v1/events?channels=${FAST}`;
      const child = curlCommand(port, path, args).spawn();
      let out = "";
      const texts = child.stdout.pipeThrough(
        new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>,
      );
      for await (const text of texts) {
        out += text;
        if (/^data: \{"time":/m.test(out)) break;
      }
      child.kill();
      assert.equal((await child.status).signal, "SIGTERM", out);
      assert.match(out, /^HTTP\/2 200/);
      assert.match(out, /^event: hello$/m);
    });

    it("rows are not held back: each comes when it is made, not in bundles", async () => {
      // 16 rows a second. Held back in pieces of 32 KiB they would come 20 at a time, the median of them 0.6 s late.
      const path = `/v1/events?channels=${FAST}`;
      const direct = new Deno.Command(PARTS.curl.program!, {
        args: ["--silent", "--no-buffer", qanatUrl + path],
        stdout: "piped",
      });
      const [throughMs, directMs] = await Promise.all([
        latencyOf(curlCommand(port, path, ["--http2"])),
        latencyOf(direct),
      ]);
      const text = `${throughMs} ms late, ${directMs} ms without the proxy`;
      assert.ok(throughMs < directMs + 300, text);
    });

    it("twenty streams share one HTTP/2 connection", async () => {
      const { out } = await curl(
        port,
        `/v1/events?channels=${FAST}&duration=1&after=[1-20]`,
        [
          "--http2",
          "--parallel",
          "--parallel-max",
          "20",
          "--write-out",
          "\nconnections %{num_connects} status %{http_code}\n",
        ],
      );
      const ends = [...out.matchAll(/connections (\d+) status (\d+)/g)];
      assert.equal(ends.length, 20);
      assert.deepEqual(new Set(ends.map((end) => end[2])), new Set(["200"]));
      const connections = ends.reduce((sum, end) => sum + Number(end[1]), 0);
      assert.equal(connections, 1);
      assert.equal(out.match(/^event: end$/gm)?.length, 20);
    });

    it("HTTP/1.1 works as well, and a bounded Arrow stream comes byte for byte", async () => {
      const start = Math.floor(Date.now() / 1000) - 315_964_800 - 5;
      const path = `/v1/arrow?channels=${FAST}&start=${start}&duration=4`;
      const through = await curl(port, path, ["--http1.1"]);
      assert.equal(through.code, 0);
      const direct = await fetch(qanatUrl + path);
      assert.deepEqual(through.bytes, await direct.bytes());
    });

    it("a stream outlives the timeouts of the proxy, busy or quiet", async () => {
      const quiet = curl(
        port,
        `/v1/events?channels=${QUIET}&duration=${STREAM_S}`,
        ["--http2", "--max-time", String(STREAM_S + 10)],
      );
      const busy = curl(
        port,
        `/v1/arrow?channels=${FAST}&duration=${STREAM_S}`,
        ["--http2", "--max-time", String(STREAM_S + 10)],
      );
      assert.ok(STREAM_S > 2 * SILENCE_S);
      const { code, out } = await quiet;
      assert.equal(code, 0);
      assert.equal(out.match(/^data: \{"time":/gm)?.length, STREAM_S);
      assert.match(out, /^data: \{"reason":"complete"\}$/m);
      assert.equal((await busy).code, 0);
      assert.equal((await busy).bytes.slice(-8).toHex(), "ffffffff00000000");
    });

    if (proxy.boundsSilence) {
      it("the timeout is one of silence: shorter than the heartbeat's interval it cuts a stream off", async () => {
        const strict = await start("300ms");
        try {
          const { code, out } = await curl(
            strict.port,
            `/v1/events?channels=${QUIET}&duration=${STREAM_S}`,
            ["--http2", "--max-time", String(STREAM_S + 10)],
          );
          assert.notEqual(code, 0);
          assert.doesNotMatch(out, /"complete"/);
        } finally {
          await strict.process.stop();
        }
      });
    }

    it("what Qanat compressed passes through untouched, and the proxy compresses nothing itself", async () => {
      const path = `/v1/events?channels=${QUIET}&duration=2`;
      const asked = ["--header", "accept-encoding: gzip", "--dump-header", "-"];
      const { out } = await curl(port, path, asked);
      const coding = /^content-encoding: (\S+)/im.exec(out)?.[1] ?? "none";
      const { stdout } = await new Deno.Command(PARTS.curl.program!, {
        args: ["--silent", ...asked, qanatUrl + path],
      }).output();
      const plain = new TextDecoder().decode(stdout);
      const own = /^content-encoding: (\S+)/im.exec(plain)?.[1] ?? "none";
      assert.equal(coding, own);
      const decoded = await curl(port, path, ["--compressed"]);
      assert.equal(decoded.code, 0);
      assert.match(decoded.out, /^data: \{"reason":"complete"\}$/m);
      if (own !== "none") {
        const raw = await curl(port, path, asked.slice(0, 2));
        assert.equal(raw.bytes.slice(0, 2).toHex(), "1f8b");
      }
    });

    it("Qanat sees the client's address, not the proxy's, nor one that the client made up", async () => {
      const { code } = await curl(port, `/v1/events?channels=${FAST}`, [
        "--interface",
        "127.0.0.2",
        "--header",
        "x-forwarded-for: 192.0.2.77",
        "--max-time",
        "1",
      ]);
      assert.equal(code, 28);
      await sleep(300);
      const { log } = qanat;
      const addresses = [...log.matchAll(/"address":"([^"]+)"/g)]
        .map((match) => match[1]);
      assert.ok(addresses.includes("127.0.0.2"), log);
      assert.ok(!addresses.includes("192.0.2.77"), log);
    });

    it("a selection that is too long for a URL is POSTed; a refusal comes as Qanat said it", async () => {
      const listed = await fetch(`${qanatUrl}/v1/channels?limit=50`);
      const { channels } = await listed.json() as {
        channels: { name: string }[];
      };
      const names = channels.map((channel) => channel.name);
      const body = JSON.stringify({ channels: names, duration: 1 });
      const file = `${directory}/body.json`;
      await Deno.writeTextFile(file, body + " ".repeat(200_000));
      const posted = await curl(port, "/v1/events", [
        "--header",
        "content-type: application/json",
        "--data",
        `@${file}`,
      ]);
      assert.equal(posted.code, 0);
      for (const name of names) assert.ok(posted.out.includes(`"${name}"`));
      const { out } = await curl(port, "/v1/events?channels=NONE", [
        "--write-out",
        "\n%{content_type} %{http_code}",
      ]);
      assert.match(out, /No such channel: NONE/);
      assert.match(out, /\napplication\/problem\+json.* 404$/);
    });

    it("a client that stops reading is seen by Qanat, which ends it", async () => {
      const startS = Math.floor(Date.now() / 1000) - 315_964_800 - 100;
      const path = `/v1/events?match=.*&start=${startS}`;
      const child = curlCommand(port, path, ["--http2"]).spawn();
      try {
        const reader = child.stdout.getReader();
        await reader.read();
        child.kill("SIGSTOP");
        await until("it is seen to stall", async () => {
          const metrics = await (await fetch(`${qanatUrl}/metrics`)).text();
          return /^qanat_clients_ended_total\{reason="stalled"\} 1$/m
            .test(metrics);
        });
        reader.releaseLock();
      } finally {
        child.kill("SIGKILL");
        await child.stdout.cancel();
        await child.status;
      }
    });

    it("keeps the figures to its own machine", async () => {
      const own = await curl(port, "/metrics");
      assert.match(own.out, /^qanat_ready 1$/m);
      const status = ["--write-out", "%{http_code}"];
      const other = await curl(port, "/metrics", [
        "--interface",
        "127.0.0.2",
        ...status,
      ]);
      assert.match(other.out, /403$/);
      assert.doesNotMatch(other.out, /qanat_ready/);
    });

    it("a client that disconnects is disconnected from Qanat, too", async () => {
      await curl(port, `/v1/events?channels=${FAST}`, ["--max-time", "1"]);
      await until("no client is left", async () => {
        const status = await fetch(`${qanatUrl}/v1/status`);
        return (await status.json() as { clients: number }).clients === 0;
      });
    });
  });
}
