// The Flight port over TLS, with unchanged clients and a token: arrakis.Client and pyarrow.flight trust a CA, the
// certificate is replaced while they read. Invariant: a stream that is open then loses nothing.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { canRun } from "../../scripts/optional_parts.ts";
import { freePort, launchQanat, PARTS, Process, sleep } from "./chain.ts";
import { makeCertificate } from "./proxies.ts";

const runnable = canRun([PARTS.python, PARTS.nginx, PARTS.curl]);
const CHANNEL = "H1:QANAT-COUNT_I64_16";
const STRIDE_NS = 62_500_000n;
const TOKEN = `qanat_${"a".repeat(43)}`;

describe("Flight over TLS", { ignore: !runnable, skip: !runnable }, () => {
  let directory: string;
  let qanat: Process;
  const port = freePort();
  const flightPort = freePort();

  /** Replaces the certificate by a new one; returns the path of a copy. */
  async function renew(name: string): Promise<string> {
    const folder = `${directory}/..${name}`;
    await Deno.mkdir(folder);
    await makeCertificate(folder);
    await Deno.symlink(`..${name}`, `${directory}/..new`);
    await Deno.rename(`${directory}/..new`, `${directory}/..data`);
    return `${folder}/qanat.pem`;
  }

  function reader(ca: string, rows: number, token = TOKEN): Process {
    return new Process("flight_tls.py", "env", [
      `GRPC_DEFAULT_SSL_ROOTS_FILE_PATH=${ca}`,
      PARTS.python.program!,
      "test/integration/python/flight_tls.py",
      `grpc+tls://127.0.0.1:${flightPort}`,
      CHANNEL,
      String(rows),
      token,
    ]);
  }

  async function curl(url: string, args: readonly string[]): Promise<number> {
    const { code } = await new Deno.Command(PARTS.curl.program!, {
      args: ["-sS", "-m", "5", ...args, url],
      stdout: "null",
      stderr: "null",
    }).output();
    return code;
  }

  let first: string;
  before(async () => {
    directory = await Deno.makeTempDir({ prefix: "qanat-flight-tls-" });
    first = await renew("first");
    await Deno.symlink("..data/qanat.pem", `${directory}/tls.crt`);
    await Deno.symlink("..data/qanat.key", `${directory}/tls.key`);
    const hash = await crypto.subtle.digest(
      "SHA-256",
      new TextEncoder().encode(TOKEN),
    );
    const tokens = [{
      name: "reader",
      sha256: new Uint8Array(hash).toHex(),
      read: "all",
    }];
    await Deno.writeTextFile(
      `${directory}/tokens.json`,
      JSON.stringify({ tokens }),
    );
    ({ qanat } = launchQanat([
      `--flight-port=${flightPort}`,
      `--tls-cert=${directory}/tls.crt`,
      `--tls-key=${directory}/tls.key`,
      "--auth=tokens",
      `--auth-token-file=${directory}/tokens.json`,
    ], port));
    const ready = `https://127.0.0.1:${port}/readyz`;
    for (let i = 0; await curl(ready, ["-f", "--cacert", first]) !== 0; i++) {
      if (i > 300) throw new Error(qanat.log);
      await sleep(100);
    }
  });
  after(async () => {
    await qanat?.stop();
    if (directory) await Deno.remove(directory, { recursive: true });
  });

  it("unchanged clients read with a token, also while the certificate is replaced", async () => {
    const open = reader(first, 120);
    await open.says(/(row \d+\s+){3}/);
    const second = await renew("second");
    let next = reader(second, 3);
    // Until the files have been read.
    while (await next.ends() === 0 && !/row/.test(next.output)) {
      assert.match(next.output, /error FlightUnavailableError/);
      next = reader(second, 3);
    }
    await open.ends();
    const times = [...open.output.matchAll(/^row (\d+)$/gm)]
      .map(([, time]) => BigInt(time!));
    assert.equal(times.length, 120, open.output + open.log);
    for (const [i, time] of times.entries()) {
      assert.equal(time, times[0]! + BigInt(i) * STRIDE_NS);
    }
    // The old one is not trusted any more.
    const stranger = reader(first, 3);
    await stranger.ends();
    assert.match(stranger.output, /^error FlightUnavailableError$/m);
  });

  it("a wrong token is refused, and so are TLS 1.1 and plain gRPC", async () => {
    const ca = `${directory}/tls.crt`;
    const wrong = reader(ca, 3, `qanat_${"b".repeat(43)}`);
    await wrong.ends();
    assert.match(wrong.output, /^error FlightUnauthenticatedError$/m);
    const url = `https://127.0.0.1:${flightPort}/`;
    const old = await curl(url, ["--cacert", ca, "--tls-max", "1.1"]);
    assert.equal(old, 35);
    const plain = await curl(`http://127.0.0.1:${flightPort}/`, [
      "--http2-prior-knowledge",
    ]);
    assert.notEqual(plain, 0);
  });
});
