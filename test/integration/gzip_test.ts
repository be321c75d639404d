// gzip'ed events with clients as users have them: what tools unpack is the plain stream, live and to a checked end.
// Invariant: that a client was sent gzip is shown by Qanat's own count of bytes saved, or by the bytes themselves.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { EventSource } from "eventsource";
import { Buffer } from "node:buffer";
import { gunzipSync } from "node:zlib";
import { gpsMsOfUnixMs } from "../../src/blocks/gps_time.ts";
import { canRun } from "../../scripts/optional_parts.ts";
import { BrowserPage } from "./browser_page.ts";
import {
  launchQanat,
  metric,
  PARTS,
  Process,
  sleep,
  streamUrl,
} from "./chain.ts";

const NAMES = [
  "H1:GWOSC-4KHZ_R1_STRAIN",
  "H1:GWOSC-4KHZ_R1_WHITENED",
  "H1:QANAT-SINE_F32_16",
];
const TINY = "H1:QANAT-SINE_F32_16";
const ORIGIN = "https://page.example.org";
const STRIDE_NS = 62_500_000n;
const ROWS = 32;
const PATIENCE_MS = 20_000;
/** A row is to be read long before the stream has said so much that a packer's or reader's buffer is full. */
const LAG_MAX_MS = 2000;

const runnable = canRun([
  PARTS.curl,
  PARTS.python,
  PARTS.chromium,
  PARTS.node,
]);

describe("gzip'ed events", { ignore: !runnable, skip: !runnable }, () => {
  let qanat: Process;
  let url: string;
  let directory: string;

  before(async () => {
    directory = await Deno.makeTempDir({ prefix: "qanat-gzip-" });
    const launched = launchQanat([`--cors-origin=${ORIGIN}`]);
    qanat = launched.qanat;
    url = launched.url;
    await qanat.answers(`${url}/readyz`);
  });
  after(async () => {
    await qanat?.stop();
    if (directory) await Deno.remove(directory, { recursive: true });
  });

  /** Runs a client that is the only one; whatever is saved meanwhile was saved on it. */
  async function saves<T>(client: () => Promise<T>): Promise<T> {
    const endMs = Date.now() + PATIENCE_MS;
    while (await metric(url, "qanat_clients") > 0) {
      assert.ok(Date.now() < endMs, "a client of another test is left");
      await sleep(20);
    }
    const before = await metric(url, "qanat_bytes_saved_total");
    const result = await client();
    const saved = await metric(url, "qanat_bytes_saved_total") - before;
    assert.ok(saved > 0, "the client was not sent gzip");
    return result;
  }

  /** Rows as a client read them live: consecutive, whole, and not long after they ended. */
  function assertLive(rows: readonly LiveRow[]): void {
    assert.ok(rows.length >= ROWS, `${rows.length} rows`);
    rows.forEach(({ data, readMs }, i) => {
      const { time, channels } = JSON.parse(data);
      assert.deepEqual(Object.keys(channels), NAMES);
      assert.equal(channels[NAMES[1]!].length, 256);
      const endNs = BigInt(time) + STRIDE_NS;
      const lagMs = gpsMsOfUnixMs(readMs) - Number(endNs) / 1e6;
      assert.ok(lagMs < LAG_MAX_MS, `read ${lagMs} ms after its end`);
      if (i === 0) return;
      const previous = BigInt(JSON.parse(rows[i - 1]!.data).time);
      assert.equal(BigInt(time), previous + STRIDE_NS);
    });
  }

  async function run(program: string, ...args: string[]): Promise<string> {
    const process = new Process(program, program, args);
    assert.equal(await process.ends(), 0, process.log);
    return process.output;
  }

  /** A body as it comes from the wire. */
  async function wire(
    target: string,
    file: string,
    ...args: string[]
  ): Promise<Uint8Array> {
    const path = `${directory}/${file}`;
    await run(PARTS.curl.program!, "-sSf", "-o", path, ...args, target);
    return await Deno.readFile(path);
  }

  it("curl --compressed reads them live", async () => {
    await saves(async () => {
      await using child = new Deno.Command(PARTS.curl.program!, {
        args: ["-sSN", "--compressed", streamUrl(url, "events", NAMES)],
        stdin: "null",
        stdout: "piped",
      }).spawn();
      assertLive(await liveRows(child.stdout));
    });
  });

  it("Deno's fetch reads them live, and says so in Accept-Encoding by itself", async () => {
    await saves(async () => {
      const response = await fetch(streamUrl(url, "events", NAMES));
      assertLive(await liveRows(response.body!));
    });
  });

  it("Node's fetch reads them live", async () => {
    const script = `
      const response = await fetch(process.argv[1]);
      if (response.headers.get("content-encoding") !== "gzip") process.exit(3);
      for await (const part of response.body) process.stdout.write(part);
    `;
    await saves(async () => {
      await using child = new Deno.Command(PARTS.node.program!, {
        args: [
          "--input-type=module",
          "-e",
          script,
          streamUrl(url, "events", NAMES),
        ],
        stdin: "null",
        stdout: "piped",
      }).spawn();
      assertLive(await liveRows(child.stdout));
    });
  });

  it("the eventsource package reads them live", async () => {
    await saves(async () => {
      const source = new EventSource(streamUrl(url, "events", NAMES));
      const rows: LiveRow[] = [];
      await new Promise<void>((resolve, reject) => {
        source.onerror = (error) => reject(new Error(error.message));
        source.onmessage = ({ data }) => {
          rows.push({ data: data as string, readMs: Date.now() });
          if (rows.length >= ROWS) resolve();
        };
      }).finally(() => source.close());
      assertLive(rows);
    });
  });

  it("Chromium's EventSource reads them live, and its fetch in less than half the bytes", async () => {
    const page = await BrowserPage.open(PARTS.chromium.program!);
    try {
      await page.goto(`${url}/`);
      const live = JSON.stringify(streamUrl(url, "events", NAMES));
      const rows = await saves(() =>
        page.evaluate(`new Promise((resolve, reject) => {
          const source = new EventSource(${live});
          const rows = [];
          setTimeout(() => reject(new Error(rows.length + " rows")), ${PATIENCE_MS});
          source.onmessage = ({ data }) => {
            rows.push({ data, readMs: Date.now() });
            if (rows.length >= ${ROWS}) { source.close(); resolve(rows); }
          };
        })`)
      );
      assertLive(rows as LiveRow[]);
      const bounded = JSON.stringify(streamUrl(url, "events", NAMES, 1));
      const [encoding, text, wireBytes, bytes] = await page.evaluate(
        `(async () => {
          const response = await fetch(${bounded});
          const text = await response.text();
          const { encodedBodySize, decodedBodySize } =
            performance.getEntriesByName(${bounded}).at(-1);
          return [response.headers.get("content-encoding"), text, encodedBodySize, decodedBodySize];
        })()`,
      ) as [string, string, number, number];
      assert.equal(encoding, "gzip");
      assert.ok(text.endsWith(COMPLETE), text.slice(-200));
      assert.equal(bytes, text.length);
      assert.ok(wireBytes < bytes / 2, `${wireBytes} of ${bytes}`);
    } finally {
      await page.close();
    }
  });

  it("of a range pass gzip -t and Python, and are the plain ones byte for byte", async () => {
    const startS = Math.floor(gpsMsOfUnixMs(Date.now()) / 1000) - 10;
    const target = `${streamUrl(url, "events", NAMES, 2)}&start=${startS}`;
    const plain = await wire(target, "plain");
    const packed = await wire(target, "range.gz", "-H", GZIP_ONLY);
    assert.ok(packed.byteLength < plain.byteLength / 2);
    const text = new TextDecoder().decode(plain);
    assert.equal(text.match(/^data: \{"time"/gm)?.length, 32);
    assert.ok(text.endsWith(COMPLETE), text.slice(-200));
    const path = `${directory}/range.gz`;
    await run("gzip", "-t", path);
    const python = await run(
      PARTS.python.program!,
      "-c",
      "import gzip, sys; sys.stdout.buffer.write(gzip.open(sys.argv[1]).read())",
      path,
    );
    assert.equal(python, text);
    assert.deepEqual(gunzipSync(packed), Buffer.from(plain));
  });

  it("of a broken connection are seen to be cut off", async () => {
    const path = `${directory}/cut.gz`;
    const process = new Process("curl", PARTS.curl.program!, [
      "-sSN",
      "--max-time",
      "1",
      `-o${path}`,
      "-H",
      GZIP_ONLY,
      streamUrl(url, "events", NAMES),
    ]);
    assert.equal(await process.ends(), 28, process.log);
    assert.throws(() => gunzipSync(Deno.readFileSync(path)), /unexpected end/);
  });

  it("are announced, and Vary names the headers that they and CORS depend on", async () => {
    for (const method of ["HEAD", "GET"]) {
      const head = await headOf(method, NAMES, "gzip");
      assert.match(head, /^HTTP\/1.1 200 /);
      assert.match(head, /^content-encoding: gzip\r$/im);
      assert.match(
        head,
        new RegExp(`^access-control-allow-origin: ${ORIGIN}\r$`, "im"),
      );
      const vary = [...head.matchAll(/^vary: (.*)\r$/gim)]
        .flatMap(([, fields]) => fields!.toLowerCase().split(/, */)).sort();
      assert.deepEqual(vary, ["accept-encoding", "origin"], head);
    }
  });

  it("are not what a client gets that refuses them, nor for short rows", async () => {
    for (
      const [names, accept] of [
        [NAMES, "gzip;q=0"],
        [NAMES, "identity, gzip;q=0.5"],
        [NAMES, "br"],
        [[TINY], "gzip, deflate, br, zstd"],
      ] as const
    ) {
      const head = await headOf("HEAD", names, accept);
      assert.match(head, /^HTTP\/1.1 200 /);
      assert.doesNotMatch(head, /^content-encoding/im, accept);
      assert.match(head, /^vary:.*accept-encoding/im);
    }
    const head = await headOf("GET", NAMES, "identity;q=0, gzip;q=0");
    assert.match(head, /^HTTP\/1.1 406 /);
    assert.match(head, /^content-type: application\/problem\+json/im);
  });

  it("end with a whole trailer when the server is stopped", async () => {
    const path = `${directory}/drained.gz`;
    const target = streamUrl(url, "events", NAMES);
    const client = wire(target, "drained.gz", "-N", "-H", GZIP_ONLY);
    while (await metric(url, "qanat_clients") === 0) await sleep(20);
    await sleep(500);
    const { code } = await qanat.stop();
    assert.equal(code, 0, qanat.log);
    const text = gunzipSync(await client).toString();
    await run("gzip", "-t", path);
    assert.ok(text.endsWith(`event: end\ndata: {"reason":"drain"}\n\n`));
    assert.match(text, /^data: \{"time"/m);
  });

  /** Status line and headers of an answer, by curl. */
  function headOf(
    method: string,
    names: readonly string[],
    accept: string,
  ): Promise<string> {
    return run(
      PARTS.curl.program!,
      "-sS",
      ...(method === "HEAD" ? ["--head"] : ["-D-", "-o/dev/null"]),
      "-H",
      `Accept-Encoding: ${accept}`,
      "-H",
      `Origin: ${ORIGIN}`,
      streamUrl(url, "events", names, 1),
    );
  }
});

const GZIP_ONLY = "Accept-Encoding: gzip";
const COMPLETE = `event: end\ndata: {"reason":"complete"}\n\n`;

/** The data of an event, and when it was read, Unix ms. */
interface LiveRow {
  readonly data: string;
  readonly readMs: number;
}

/** The first rows of an endless body, then its end is not waited for. */
async function liveRows(body: ReadableStream<Uint8Array>): Promise<LiveRow[]> {
  const rows: LiveRow[] = [];
  let text = "";
  const endMs = Date.now() + PATIENCE_MS;
  const decoder = new TextDecoder();
  for await (const part of body) {
    const readMs = Date.now();
    text += decoder.decode(part, { stream: true });
    const events = text.split("\n\n");
    text = events.pop()!;
    for (const event of events) {
      const [, data] = event.match(/^id: \d+\ndata: (.*)$/) ?? [];
      if (data !== undefined) rows.push({ data, readMs });
    }
    if (rows.length >= ROWS || readMs > endMs) break;
  }
  return rows;
}
