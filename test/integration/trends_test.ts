// Trends of what Arrakis's publisher wrote to a real broker, all types, NaN and left-out channels, against numpy.
// Invariant: test/integration/python/trends.py compares each bin of each channel, from JSON and from Arrow.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { nowGpsNs } from "../../src/blocks/gps_time.ts";
import { canRun } from "../../scripts/optional_parts.ts";
import { type Chain, PARTS, sleep, startChain } from "./chain.ts";
import { Published } from "./published.ts";

const runnable = canRun([PARTS.kafka, PARTS.python]);
const RECORD_S = 12;

describe("trends", { ignore: !runnable, skip: !runnable }, () => {
  let chain: Chain;
  let names: string[];

  before(async () => {
    chain = await startChain({
      channels: 12,
      secondsMax: 300,
      partialEvery: 3,
      qanatArgs: ["--trend-match=H1:"],
    });
    names = new Published(chain.directory).channels.map(({ name }) => name);
    await sleep(RECORD_S * 1000);
  });
  after(() => chain?.close());

  /** A stream of bins, as a file. */
  async function saved(path: string, query: string): Promise<string> {
    const channels = names.join(",");
    const answer = await fetch(
      `${chain.qanatUrl}${path}?channels=${channels}&${query}`,
    );
    assert.equal(answer.status, 200, answer.ok ? "" : await answer.text());
    const file = `${chain.directory}/${path.replaceAll("/", "_")}`;
    await Deno.writeFile(file, answer.body!);
    return file;
  }

  /** Compares both streams of one range with numpy. */
  async function compare(binS: number, range: string) {
    const query = `trend=${binS}s&${range}`;
    const [events, arrows] = await Promise.all([
      saved("/v1/events", query),
      saved("/v1/arrow", query),
    ]);
    const { code, stdout, stderr } = await new Deno.Command(
      PARTS.python.program!,
      {
        args: [
          "test/integration/python/trends.py",
          chain.directory,
          events,
          arrows,
          String(binS),
        ],
      },
    ).output();
    const text = new TextDecoder();
    assert.equal(code, 0, text.decode(stderr));
    return JSON.parse(text.decode(stdout)) as { json: number; arrow: number };
  }

  /** Seconds of GPS time, on the grid of a bin. */
  const before_ = (seconds: number, grid = 1) =>
    Math.floor((Number(nowGpsNs()) / 1e9 - seconds) / grid) * grid;

  it("of 1 s, past and live, are numpy's", async () => {
    const start = before_(6);
    const { json, arrow } = await compare(1, `start=${start}&duration=10`);
    assert.equal(json, 10 * 12);
    assert.equal(arrow, 10 * 12);
  });

  it("of 10 s are numpy's", async () => {
    const start = before_(10, 10);
    const { json } = await compare(10, `start=${start}&duration=20`);
    assert.equal(json, 2 * 12);
  });

  it("of --trend-match are recorded from the start, and earlier time is reported", async () => {
    const { trends } = await (await fetch(`${chain.qanatUrl}/v1/status`))
      .json();
    assert.equal(trends.channels, 12);
    const start = before_(3600);
    const answer = await fetch(
      `${chain.qanatUrl}/v1/events?channels=${names[0]}&trend=1s` +
        `&start=${start}&end=${before_(1)}`,
    );
    const text = await answer.text();
    assert.match(text, /event: gap\ndata: \{[^}]*"reason":"not-recorded"/);
    assert.match(text, /"reason":"complete"/);
  });
});
