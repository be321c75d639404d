// TLS as people use it: certificates made by openssl, files swapped as Kubernetes does, and the clients curl, `deno task
// tail` and Python. Invariant: a stream that is open while the certificate is replaced loses nothing.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { canRun } from "../../scripts/optional_parts.ts";
import { launchQanat, PARTS, Process, say, sleep } from "./chain.ts";
import { makeCertificate } from "./proxies.ts";

const CHANNEL = "H1:QANAT-COUNT_I64_16";
const READY_MS = 30_000;
const runnable = canRun([PARTS.nginx, PARTS.curl]);

describe("TLS", { ignore: !runnable, skip: !runnable }, () => {
  let directory: string;
  let qanat: Process;
  let url: string;
  let generation = 0;

  /** Replaces the certificate by a new one; returns the path of a copy. */
  async function renew(): Promise<string> {
    const folder = `${directory}/..${++generation}`;
    await Deno.mkdir(folder);
    await makeCertificate(folder);
    await Deno.symlink(`..${generation}`, `${directory}/..new`);
    await Deno.rename(`${directory}/..new`, `${directory}/..data`);
    return `${folder}/qanat.pem`;
  }

  async function curl(path: string, ca: string, more: readonly string[] = []) {
    const { code, stdout } = await new Deno.Command(PARTS.curl.program!, {
      args: ["-sS", "--cacert", ca, ...more, `${url}${path}`],
      stderr: "null",
    }).output();
    return { code, text: new TextDecoder().decode(stdout) };
  }

  async function until(isSo: () => Promise<boolean>): Promise<void> {
    const endMs = Date.now() + READY_MS;
    while (!await isSo()) {
      if (Date.now() > endMs) throw new Error(`never so; ${qanat.log}`);
      await sleep(100);
    }
  }

  before(async () => {
    directory = await Deno.makeTempDir({ prefix: "qanat-tls-" });
    const first = await renew();
    await Deno.symlink("..data/qanat.pem", `${directory}/tls.crt`);
    await Deno.symlink("..data/qanat.key", `${directory}/tls.key`);
    const launched = launchQanat([
      `--tls-cert=${directory}/tls.crt`,
      `--tls-key=${directory}/tls.key`,
    ]);
    qanat = launched.qanat;
    url = `https://127.0.0.1:${launched.port}`;
    await until(async () => (await curl("/readyz", first)).code === 0);
  });
  after(async () => {
    await qanat?.stop();
    if (directory) await Deno.remove(directory, { recursive: true });
  });

  it("prints its https address, and refuses clients that do not trust the certificate, and TLS 1.1", async () => {
    await qanat.says(/^Qanat is serving on https:/m);
    const other = `${directory}/other`;
    await Deno.mkdir(other);
    await makeCertificate(other);
    assert.notEqual((await curl("/healthz", `${other}/qanat.pem`)).code, 0);
    const old = await curl("/healthz", `${directory}/tls.crt`, [
      "--tls-max",
      "1.1",
    ]);
    assert.notEqual(old.code, 0);
  });

  it("a certificate that is replaced under streams: they continue, new connections get it, resumes lose nothing", async () => {
    const before = `${directory}/..${generation}/qanat.pem`;
    const path = `/v1/events?channels=${CHANNEL}`;
    const tailed = new Process("tail", Deno.execPath(), [
      "run",
      "--no-prompt",
      "-P=tail",
      "--lock=src/tail/deno.lock",
      "src/tail.ts",
      CHANNEL,
      `--url=${url}`,
      `--cacert=${before}`,
      "--plain",
      "--duration=8",
    ]);
    const stream = curl(path, before, ["-N", "-m", "8"]);
    await sleep(2000);
    const next = await renew();
    await until(async () => (await curl("/healthz", next)).code === 0);
    assert.notEqual((await curl("/healthz", before)).code, 0);
    const { text } = await stream;
    const ids = idsOf(text);
    assertConsecutive(ids);
    assert.ok(ids.length > 60, `${ids.length} rows`);
    const resumed = await curl(`${path}&after=${ids.at(-1)}`, next, [
      "-N",
      "-m",
      "2",
    ]);
    const more = idsOf(resumed.text);
    assert.equal(more[0]! - ids.at(-1)!, more[1]! - more[0]!);
    assert.equal(await tailed.ends(), 0, tailed.log);
    const lines = tailed.output.trim().split("\n").length;
    assert.ok(lines > 120, `${lines} lines`);
    say(`TLS: ${ids.length} rows over a change of the certificate, 0 lost`);
  });

  it("pyarrow reads a stream over TLS", {
    ignore: !canRun([PARTS.python]),
    skip: !canRun([PARTS.python]),
  }, async () => {
    const { code, stdout, stderr } = await new Deno.Command(
      PARTS.python.program!,
      {
        args: [
          "-c",
          `import ssl, urllib.request, pyarrow.ipc as ipc
context = ssl.create_default_context(cafile="${directory}/tls.crt")
url = "${url}/v1/arrow?channels=${CHANNEL}&duration=2"
with urllib.request.urlopen(url, context=context) as answer:
    print(sum(batch.num_rows for batch in ipc.open_stream(answer)))`,
        ],
      },
    ).output();
    assert.equal(code, 0, new TextDecoder().decode(stderr));
    assert.equal(new TextDecoder().decode(stdout).trim(), "32");
  });

  it("a bad pair at the start ends it with exit code 2 and the setting's name", async () => {
    for (
      const [cert, key, message] of [
        ["tls.crt", "none", /--tls-key.*no such file/],
        ["tls.crt", "other/qanat.key", /--tls-key does not belong/],
        ["none", "tls.key", /--tls-cert.*no such file/],
      ] as const
    ) {
      const { qanat: bad } = launchQanat([
        `--tls-cert=${directory}/${cert}`,
        `--tls-key=${directory}/${key}`,
      ]);
      assert.equal(await bad.ends(), 2);
      assert.match(bad.log, message);
    }
  });
});

function idsOf(text: string): bigint[] {
  return [...text.matchAll(/^id: (\d+)\ndata/gm)].map((m) => BigInt(m[1]!));
}

function assertConsecutive(ids: readonly bigint[]): void {
  const strideNs = ids[1]! - ids[0]!;
  ids.slice(1).forEach((id, i) => assert.equal(id - ids[i]!, strideNs));
}
