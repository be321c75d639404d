// Firefox reads gzip'ed events live: its EventSource, and its fetch to the end. Its EventSource reads a refusal, too.
// Invariant: nothing drives the browser; its page reports by itself, to a server of this test.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { canRun } from "../../scripts/optional_parts.ts";
import {
  launchQanat,
  metric,
  PARTS,
  type Process,
  streamUrl,
} from "./chain.ts";
import { firefoxReports } from "./firefox_page.ts";

const NAMES = ["H1:GWOSC-4KHZ_R1_STRAIN", "H1:GWOSC-4KHZ_R1_WHITENED"];
const ROWS = 32;
const STRIDE_NS = 62_500_000n;
/** A row is to be read long before so much has been sent that some buffer is full. */
const WAITED_MAX_MS = 2000;

interface Report {
  readonly rows: readonly { time: string; samples: number; waitedMs: number }[];
  readonly text: string;
  /** `data` of the events `error` of a stream that is refused, in the order in which they came. */
  readonly refusals: readonly (string | null)[];
}

const runnable = canRun([PARTS.firefox]);

describe("gzip'ed events in Firefox", {
  ignore: !runnable,
  skip: !runnable,
}, () => {
  let qanat: Process;
  let url: string;

  before(async () => {
    // The page is the test's own, and so of another origin.
    ({ qanat, url } = launchQanat(["--cors-origin=*"]));
    await qanat.answers(`${url}/readyz`);
  });
  after(() => qanat?.stop());

  it("come live by EventSource, and whole by fetch in less than half the bytes", async () => {
    const html = pageOf(
      streamUrl(url, "events", NAMES),
      streamUrl(url, "events", NAMES, 1),
      `${streamUrl(url, "events", ["NONE"])}&errors=event`,
    );
    const report = await firefoxReports(
      PARTS.firefox.program!,
      () => new Response(html, { headers: { "content-type": "text/html" } }),
    ) as Report;
    assert.equal(report.rows.length, ROWS);
    report.rows.forEach(({ time, samples, waitedMs }, i) => {
      assert.equal(samples, 256);
      assert.ok(waitedMs < WAITED_MAX_MS, `row ${i} after ${waitedMs} ms`);
      if (i === 0) return;
      assert.equal(
        BigInt(time),
        BigInt(report.rows[i - 1]!.time) + STRIDE_NS,
      );
    });
    assert.ok(
      report.text.endsWith(`event: end\ndata: {"reason":"complete"}\n\n`),
      report.text,
    );
    assert.deepEqual(
      report.refusals.map((data) => data && JSON.parse(data).code),
      ["unknown_channel"],
    );
    // Both streams were its own: no other client has read here.
    const saved = await metric(url, "qanat_bytes_saved_total");
    const sent = await metric(url, "qanat_bytes_sent_total");
    assert.ok(saved > sent, `${saved} bytes saved, ${sent} sent`);
  });
});

/** A page that reads one stream live and one to its end, and one that is refused. */
function pageOf(live: string, bounded: string, refused: string): string {
  return `<!doctype html><meta charset="utf-8"><title>Qanat</title><script type="module">
const rows = [];
let lastMs = performance.now();
await new Promise((resolve) => {
  const source = new EventSource(${JSON.stringify(live)});
  source.onopen = () => { lastMs = performance.now(); };
  source.onmessage = ({ data }) => {
    const { time, channels } = JSON.parse(data);
    const nowMs = performance.now();
    rows.push({ time, samples: channels[${
    JSON.stringify(NAMES[1])
  }].length, waitedMs: nowMs - lastMs });
    lastMs = nowMs;
    if (rows.length === ${ROWS}) { source.close(); resolve(); }
  };
});
const response = await fetch(${JSON.stringify(bounded)});
const text = await response.text();
const refusals = [];
await new Promise((resolve) => {
  const source = new EventSource(${JSON.stringify(refused)});
  source.addEventListener("error", ({ data = null }) => {
    refusals.push(data);
    source.close();
    // Closed, it reports no broken connection.
    setTimeout(resolve, 200);
  });
});
await fetch("/report", {
  method: "POST",
  body: JSON.stringify({ rows, text: text.slice(-200), refusals }),
});
</script>`;
}
