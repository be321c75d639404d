// Client libraries as their users have them, cut in the middle of a live, a bounded and a history stream.
// Invariant: each gets every row once and no gap, and a stream that is over stays over.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { EventSource } from "eventsource";
import { nowGpsNs } from "../../src/blocks/gps_time.ts";
import { canRun } from "../../scripts/optional_parts.ts";
import {
  type Chain,
  launchQanat,
  metric,
  PARTS,
  type Process,
  sleep,
  startChain,
  streamUrl,
} from "./chain.ts";
import { CuttingProxy } from "./cutting_proxy.ts";
import { firefoxReports } from "./firefox_page.ts";
import { gotOfPython } from "./library_clients.ts";
import { Published } from "./published.ts";
import { resumePage, ResumeTab, type Run } from "./resume_page.ts";

/** About 1.2 kB per row with gzip, 2.9 kB without. */
const NAMES = "H1:GWOSC-4KHZ_R1_WHITENED,H1:QANAT-COUNT_I64_16";
const STRIDE_NS = 62_500_000n;
/** Within the first rows, and in the middle of an event. */
const CUTS = [301, 6_007, 9_001];
const LIVE_ROWS = 40;
const DURATION_S = 2;
const PAST_S = 4;
const PATIENCE_MS = 60_000;

/** The resume window, and how long a range before it is over. */
const WINDOW_MS = 1000;
const OLD_S = 8;
/** In the middle of rows, some of them apart. */
const OLD_CUTS = [10_001, 40_007, 70_001];

const KINDS = ["live", "bounded", "past"] as const;

interface CutRun extends Run {
  readonly kind: typeof KINDS[number];
  readonly proxy: CuttingProxy;
}

interface Got {
  readonly times: readonly string[];
  readonly gaps: readonly string[];
}

describe("resumes of client libraries", () => {
  let qanat: Process;
  let port: number;
  const proxies: CuttingProxy[] = [];

  before(async () => {
    const launched = launchQanat([
      "--retry-ms=50",
      // One that is cut before its first row requests all of its history range again, which takes a permit each time.
      "--history-readers-max=64",
      // The browsers' page is the test's own, and so of another origin.
      "--cors-origin=*",
    ]);
    ({ qanat, port } = launched);
    await qanat.answers(`${launched.url}/readyz`);
  });
  after(async () => {
    await Promise.all(proxies.map((proxy) => proxy.close()));
    await qanat?.stop();
  });

  /** A live, a bounded and a history stream, each behind its own proxy. */
  function runsOf(library: string): CutRun[] {
    const start = nowGpsNs() / 1_000_000_000n - 20n;
    const ranges = {
      live: "",
      bounded: `&duration=${DURATION_S}`,
      past: `&start=${start}&duration=${PAST_S}`,
    };
    return KINDS.map((kind) => {
      const proxy = new CuttingProxy(port, CUTS);
      proxies.push(proxy);
      const url = `http://127.0.0.1:${proxy.port}/v1/events?channels=${NAMES}${
        ranges[kind]
      }`;
      const rowsMax = kind === "live" ? LIVE_ROWS : null;
      return { kind, library, url, rowsMax, proxy };
    });
  }

  const plain = (runs: readonly CutRun[]): Run[] =>
    runs.map(({ library, url, rowsMax }) => ({ library, url, rowsMax }));

  function check({ kind, library, proxy }: CutRun, { times, gaps }: Got): void {
    const what = `${library}, ${kind}`;
    const counts = {
      live: LIVE_ROWS,
      bounded: 16 * DURATION_S,
      past: 16 * PAST_S,
    };
    assert.equal(
      proxy.cutsLeft,
      0,
      `${what}: was not cut: ${proxy.statuses}, ${times.length} rows, gaps ${gaps}`,
    );
    assert.deepEqual(gaps, [], what);
    const first = BigInt(times[0] ?? 0);
    assert.deepEqual(
      times,
      Array.from(
        { length: counts[kind] },
        (_, i) => String(first + BigInt(i) * STRIDE_NS),
      ),
      `${what}: rows are lost or come twice`,
    );
    const streams = proxy.statuses.filter((status) => status === 200).length;
    assert.equal(streams, CUTS.length + 1, `${what}: ${proxy.statuses}`);
    // What is over is answered 204 where the library asks again.
    const others = proxy.statuses.filter((status) => status !== 200);
    const isLast = kind === "live" ||
      library === "@microsoft/fetch-event-source";
    assert.deepEqual(others, isLast ? [] : [204], what);
  }

  function checkAll(runs: readonly CutRun[], got: readonly Got[]): void {
    assert.equal(got.length, runs.length);
    runs.forEach((run, i) => check(run, got[i]!));
  }

  it("eventsource", async () => {
    const runs = runsOf("eventsource");
    const got = await Promise.all(runs.map(readByEventSource));
    checkAll(runs, got);
  });

  it(
    "EventSource, event-source-polyfill, @microsoft/fetch-event-source and sse.js in Chromium",
    {
      ignore: !canRun([PARTS.chromium]),
      skip: !canRun([PARTS.chromium]),
    },
    async () => {
      const page = await ResumeTab.open(PARTS.chromium.program!);
      try {
        const { tab } = page;
        const runs = [
          "EventSource",
          "event-source-polyfill",
          "@microsoft/fetch-event-source",
          "sse.js",
        ].flatMap(runsOf);
        await tab.evaluate(
          `readAll(${
            JSON.stringify(plain(runs))
          }).then((got) => { globalThis.got = got; }); 0`,
        );
        await tab.until("globalThis.got !== undefined", PATIENCE_MS);
        checkAll(runs, await tab.evaluate("got") as Got[]);
      } finally {
        await page.close();
      }
    },
  );

  it("EventSource in Firefox", {
    ignore: !canRun([PARTS.firefox]),
    skip: !canRun([PARTS.firefox]),
  }, async () => {
    const runs = runsOf("EventSource");
    const got = await firefoxReports(
      PARTS.firefox.program!,
      (path) => resumePage(path, plain(runs)),
    );
    checkAll(runs, got as Got[]);
  });

  it("sseclient-py and httpx-sse", {
    ignore: !canRun([PARTS.sseClients]),
    skip: !canRun([PARTS.sseClients]),
  }, async () => {
    const runs = ["sseclient-py", "httpx-sse"].flatMap(runsOf);
    const script = new URL("python/resume_clients.py", import.meta.url);
    const { success, stdout, stderr } = await new Deno.Command(
      PARTS.sseClients.program!,
      {
        args: [script.pathname, JSON.stringify(plain(runs))],
        env: { PYTHONDONTWRITEBYTECODE: "1" },
        signal: AbortSignal.timeout(PATIENCE_MS),
      },
    ).output();
    assert.ok(success, new TextDecoder().decode(stderr));
    checkAll(runs, gotOfPython(new TextDecoder().decode(stdout), runs.length));
  });
});

describe("resumes from before --resume-window-ms", {
  ignore: !canRun([PARTS.kafka, PARTS.python]),
  skip: !canRun([PARTS.kafka, PARTS.python]),
}, () => {
  let chain: Chain;
  let proxy: CuttingProxy;

  before(async () => {
    chain = await startChain({
      channels: 6,
      secondsMax: 120,
      qanatArgs: ["--retry-ms=50", `--resume-window-ms=${WINDOW_MS}`],
    });
    proxy = new CuttingProxy(Number(new URL(chain.qanatUrl).port), OLD_CUTS);
  });
  after(async () => {
    await proxy?.close();
    await chain?.close();
  });

  it("an EventSource gets a whole range of history while its channels are read live (it got a gap, and its stream ended as complete)", async () => {
    const names = new Published(chain.directory).channels.map((c) => c.name);
    const start = nowGpsNs() / 1_000_000_000n;
    await sleep((PAST_S + OLD_S) * 1000);
    const live = new EventSource(streamUrl(chain.qanatUrl, "events", names));
    try {
      await new Promise((resolve) => live.onmessage = resolve);
      const url =
        streamUrl(`http://127.0.0.1:${proxy.port}`, "events", names, PAST_S) +
        `&start=${start}`;
      const { times, gaps } = await readByEventSource({
        library: "eventsource",
        url,
        rowsMax: null,
      });
      assert.deepEqual(gaps, []);
      const firstNs = start * 1_000_000_000n;
      assert.deepEqual(
        times,
        Array.from(
          { length: 16 * PAST_S },
          (_, i) => String(firstNs + BigInt(i) * STRIDE_NS),
        ),
      );
      assert.equal(proxy.cutsLeft, 0);
      assert.deepEqual(proxy.statuses, [200, 200, 200, 200, 204]);
    } finally {
      live.close();
    }
    for (const name of ["histories", "histories_waiting"]) {
      assert.equal(await metric(chain.qanatUrl, `qanat_${name}`), 0);
    }
  });
});

async function readByEventSource({ url, rowsMax }: Run): Promise<Got> {
  const times: string[] = [];
  const gaps: string[] = [];
  const source = new EventSource(url);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const timer = setTimeout(
    () => reject(new Error(`is not over after ${PATIENCE_MS} ms`)),
    PATIENCE_MS,
  );
  source.addEventListener("message", ({ data }) => {
    if (times.length === rowsMax) return;
    times.push(JSON.parse(data).time);
    if (times.length === rowsMax) resolve();
  });
  source.addEventListener("gap", ({ data }) => gaps.push(data));
  source.addEventListener("error", () => {
    if (source.readyState === EventSource.CLOSED) resolve();
  });
  try {
    await promise;
  } finally {
    clearTimeout(timer);
    source.close();
  }
  return { times, gaps };
}
