// The same streams in Deno, workerd and Node, as relays of one origin.
// Invariant: each runtime serves the bytes of the origin: live, resumed, of history, and after an outage of the origin.
import { after, before, describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { tableFromIPC } from "apache-arrow";
import { canRun } from "../../scripts/optional_parts.ts";
import { launchQanat, metric, PARTS, say, sleep, streamUrl } from "./chain.ts";
import {
  DENO,
  type EdgeInstance,
  type EdgeRuntime,
  NODE,
  WORKERD,
  writeModules,
} from "./edge_runtimes.ts";
import { isolateMemory } from "./isolate_memory.ts";
import { MISSING, SseReader } from "./sse_reader.ts";
import { until } from "./until.ts";

const CHANNEL = "H1:QANAT-COUNT_I64_16";
const CHANNELS = [
  CHANNEL,
  "L1:QANAT-COUNT_I64_16",
  "H1:QANAT-SINE_F32_16",
  "L1:QANAT-SINE_F64_16",
];
const STRIDE_NS = 62_500_000n;
const CLIENTS = 200;
const LIVE_TRIES = 10;
const READ_MS = 4000;
const DOWN_MS = 1000;
/** The embedded source of an origin that starts makes the blocks of 10 s again. */
const AWAY_MS_MAX = 8000;
const LINGER_MS = 1000;
/** Of an isolate at Cloudflare. */
const ISOLATE_BYTES_MAX = 128_000_000;
const TOKEN_FILE = "tokens.json";

/** It reads what clients ask for, and no other channel. */
const ORIGIN = ["--relay-streams-max=64", "--trend-match=none"];

const runtimes: readonly EdgeRuntime[] = [DENO, WORKERD, NODE];
const runnable = canRun([PARTS.node]);

describe("the edge", { ignore: !runnable, skip: !runnable }, () => {
  let folder: string;
  let origin: ReturnType<typeof launchQanat>;

  before(async () => {
    folder = await Deno.makeTempDir({ prefix: "qanat-edge-" });
    await writeModules(folder);
    origin = launchQanat(ORIGIN);
    await origin.qanat.says(/is serving on/);
  });
  after(async () => {
    await origin?.qanat.stop();
    await Deno.remove(folder, { recursive: true });
  });

  /** What it and the origin answer, without the id of the request. */
  async function both(edge: EdgeInstance, path: string, init?: RequestInit) {
    return await Promise.all([origin.url, edge.url].map(async (url) => {
      const response = await fetch(url + path, init);
      const bytes = new Uint8Array(await response.arrayBuffer());
      return {
        status: response.status,
        type: response.headers.get("content-type"),
        bytes,
        text: new TextDecoder().decode(bytes)
          .replace(/,"request_id":"[^"]+"/, ""),
      };
    }));
  }

  for (const runtime of runtimes) {
    describe(`in ${runtime.name}`, () => {
      let edge: EdgeInstance;

      before(async () => {
        edge = runtime.launch(folder, {
          QANAT_UPSTREAM: origin.url,
          QANAT_LINGER_MS: String(LINGER_MS),
          QANAT_LOG_LEVEL: "warn",
        });
        await edge.process.answers(`${edge.url}/readyz`);
      });
      after(() => edge?.process.stop());

      /** GPS seconds, `seconds` before now. */
      const ago = (seconds: number) =>
        Math.floor(gpsSeconds() - seconds).toString();

      it("has the channels of the origin", async () => {
        const path = "/v1/channels?limit=1000";
        const [own, relayed] = await both(edge, path);
        assert.equal(relayed!.status, 200);
        const namesOf = (text: string) =>
          (JSON.parse(text).channels as { name: string }[])
            .map(({ name }) => name);
        assert.ok(namesOf(own!.text).length > 10);
        assert.deepEqual(namesOf(relayed!.text), namesOf(own!.text));
      });

      for (const kind of ["events", "arrow"] as const) {
        it(`${kind}: a range of history, and one with a gap, are the origin's bytes`, async () => {
          // The log of the embedded source reaches back one hour.
          for (const seconds of [300, 3602]) {
            const path =
              `/v1/${kind}?channels=${CHANNEL}&start=${ago(seconds)}` +
              "&duration=6";
            const [own, relayed] = await both(edge, path);
            assert.equal(relayed!.status, 200);
            assert.equal(relayed!.type, own!.type);
            if (seconds > 3600) {
              // The log begins later with each request.
              if (kind === "events") assert.match(relayed!.text, GAP);
              continue;
            }
            assert.ok(own!.bytes.byteLength > 1000);
            assertSame(relayed!.bytes, own!.bytes);
          }
        });

        it(`${kind}: a live range is the origin's bytes`, async () => {
          for (let tries = 1;; tries++) {
            const path = `/v1/${kind}?channels=${CHANNELS.join()}` +
              `&start=${ago(1)}&duration=4`;
            const [own, relayed] = await both(edge, path);
            assert.ok(own!.bytes.byteLength > 1000);
            // On a busy machine a block may be late at one of the two only.
            const isLate = isShort(kind, own!) || isShort(kind, relayed!);
            if (tries < LIVE_TRIES && isLate) continue;
            assertSame(relayed!.bytes, own!.bytes);
            return;
          }
        });
      }

      it("a client resumes with the id of the origin", async () => {
        const id = String(BigInt(ago(60)) * 1_000_000_000n);
        const end = ago(50);
        const [own, relayed] = await both(
          edge,
          `/v1/events?channels=${CHANNEL}&start=${ago(70)}&end=${end}`,
          { headers: { "last-event-id": id } },
        );
        assert.match(
          own!.text,
          new RegExp(`^id: ${BigInt(id) + STRIDE_NS}`, "m"),
        );
        assert.equal(relayed!.text, own!.text);
      });

      it("refuses as the origin does", async () => {
        for (
          const path of [
            "/v1/events?channels=H1:NO-SUCH_CHANNEL",
            `/v1/arrow?channels=${CHANNEL}&duration=-1`,
            "/v1/nothing",
          ]
        ) {
          const [own, relayed] = await both(edge, path);
          assert.ok(relayed!.status >= 400, path);
          assert.equal(relayed!.status, own!.status);
          assert.equal(relayed!.type, "application/problem+json");
          assert.equal(relayed!.text, own!.text);
        }
      });

      it(`${CLIENTS} clients get each row of the origin, over one stream of it`, async () => {
        const readers = await Promise.all([
          ...CHANNELS.map((name) =>
            SseReader.open(eventsUrl(origin.url, name))
          ),
          ...Array.from({ length: CLIENTS }, (_, i) => {
            const name = CHANNELS[i % CHANNELS.length]!;
            return SseReader.open(eventsUrl(edge.url, name));
          }),
        ]);
        const reading = readers.map((reader) => reader.read());
        await sleep(READ_MS);
        await until("rows at each", () => readers.every((r) => r.rows > 24));
        const streams = await metric(origin.url, "qanat_relay_streams");
        // One has the channels, each other one some topics; for a moment, new ones take over from old ones.
        assert.ok(streams <= 2 * (1 + CHANNELS.length), `${streams} streams`);
        assert.equal(await clientsOf(edge), CLIENTS);
        if (runtime === WORKERD) await reportMemory(edge);
        for (const reader of readers) reader.close();
        await Promise.all(reading);
        const [own, relayed] = [
          readers.slice(0, CHANNELS.length),
          readers.slice(CHANNELS.length),
        ];
        let rows = 0;
        for (const [i, reader] of relayed.entries()) {
          const { compared } = reader.compare(
            own[i % CHANNELS.length]!,
            STRIDE_NS,
          );
          assert.ok(compared > 10, `${compared} rows compared`);
          rows += compared;
        }
        say(`${runtime.name}: ${CLIENTS} clients, ${rows} rows compared`);
      });

      it("keeps nothing of clients that have disconnected, and stops reading for them", async () => {
        await until("no client", async () => await clientsOf(edge) === 0);
        await until("nothing is read, and nothing held", async () => {
          const { partitions, slab } = await statusOf(edge);
          return partitions.length === 0 && slab.used_bytes === 0;
        });
      });

      it("loses nothing while the origin is away", async () => {
        const reader = await SseReader.open(eventsUrl(edge.url, CHANNEL));
        const reading = reader.read();
        await sleep(1000);
        const { port } = origin;
        const stoppedMs = performance.now();
        await origin.qanat.stop();
        await sleep(DOWN_MS);
        origin = launchQanat(ORIGIN, port);
        await origin.qanat.says(/is serving on/);
        await metric(origin.url, "qanat_relay_streams");
        const awayMs = performance.now() - stoppedMs;
        const { rows: before } = reader;
        await until("rows", () => reader.rows > before + 100);
        reader.close();
        await reading;
        // A machine that is so busy proves nothing.
        if (awayMs > AWAY_MS_MAX) return say(`not compared: ${awayMs} ms away`);
        reader.compare(null, STRIDE_NS);
      });
    });
  }

  describe("with an origin that asks for a token", () => {
    let own: ReturnType<typeof launchQanat>;
    let token: string;

    before(async () => {
      const file = `${folder}/${TOKEN_FILE}`;
      const made = await new Deno.Command(Deno.execPath(), {
        args: [
          "task",
          "token",
          "add",
          "relay",
          "--read=all",
          "--relay",
          `--file=${file}`,
        ],
        stdin: "null",
      }).output();
      const text = new TextDecoder().decode(made.stdout);
      token = text.match(/qanat_\S+/)?.[0] ??
        assert.fail(text + new TextDecoder().decode(made.stderr));
      own = launchQanat([
        ...ORIGIN,
        "--auth=tokens",
        `--auth-token-file=${file}`,
      ]);
      await own.qanat.says(/is serving on/);
    });
    after(() => own?.qanat.stop());

    for (const runtime of runtimes) {
      it(`${runtime.name} reads with its token, and with no other`, async () => {
        for (const isRight of [true, false]) {
          const edge = runtime.launch(folder, {
            QANAT_UPSTREAM: own.url,
            QANAT_UPSTREAM_TOKEN: isRight ? token : `${token}x`,
          });
          try {
            if (isRight) {
              await edge.process.answers(`${edge.url}/readyz`);
              const url = `${streamUrl(edge.url, "events", [CHANNEL], 1)}`;
              assert.match(await (await fetch(url)).text(), /^id: \d+/m);
            } else {
              await edge.process.answers(`${edge.url}/healthz`);
              const { status, body } = await fetch(`${edge.url}/readyz`);
              await body?.cancel();
              assert.equal(status, 503);
              await edge.process.says(/upstream-failed.*status 401/);
            }
            assert.ok(!edge.process.log.includes(token), "the log has a token");
          } finally {
            await edge.process.stop();
          }
        }
      });
    }
  });
});

const GAP = /event: gap\ndata: .*"retention"/;

/** Whether an answer lacks a sample: on a busy machine blocks are late. */
function isShort(
  kind: "events" | "arrow",
  { text, bytes }: { text: string; bytes: Uint8Array },
): boolean {
  if (kind === "events") return text.includes(MISSING);
  const { batches } = tableFromIPC(bytes);
  return batches.some(({ data }) =>
    data.children.some(({ nullCount }) => nullCount > 0)
  );
}

/** Says where they differ: the bytes themselves would be pages. */
function assertSame(got: Uint8Array, expected: Uint8Array): void {
  const at = expected.findIndex((byte, i) => got[i] !== byte);
  if (at < 0 && got.byteLength === expected.byteLength) return;
  const textOf = (bytes: Uint8Array) =>
    new TextDecoder("latin1").decode(bytes.subarray(Math.max(0, at - 100)))
      .slice(0, 400);
  assert.equal(textOf(got), textOf(expected), `they differ at byte ${at}`);
}

function eventsUrl(base: string, name: string): string {
  return streamUrl(base, "events", [name]);
}

function gpsSeconds(): number {
  return Date.now() / 1000 - 315_964_800 + 18;
}

async function statusOf({ url }: EdgeInstance): Promise<{
  clients: number;
  partitions: unknown[];
  slab: { used_bytes: number };
}> {
  return await (await fetch(`${url}/v1/status`)).json();
}

async function clientsOf(edge: EdgeInstance): Promise<number> {
  return (await statusOf(edge)).clients;
}

/** Of the isolate while it serves, by its inspector on the next port. */
async function reportMemory({ url }: EdgeInstance): Promise<void> {
  const inspectorUrl = url.replace(/\d+$/, (port) => String(Number(port) + 1));
  const mb = (bytes: number) => (bytes / 1e6).toFixed(1);
  for (const collect of [false, true]) {
    const { used, committed, buffers } = await isolateMemory(inspectorUrl, {
      collect,
    });
    say(
      `workerd, ${CLIENTS} clients${collect ? ", after a collection" : ""}: ` +
        `heap ${mb(used)} MB used, ${mb(committed)} MB taken; ` +
        `buffers ${mb(buffers)} MB`,
    );
    // Before a collection, V8 takes what nothing denies it.
    if (collect) assert.ok(committed + buffers < ISOLATE_BYTES_MAX);
  }
}
