// Ranges that are wholly older than the data of their channels: which of them are refused, and how.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { createApp } from "../../../mod.ts";
import { nowGpsNs } from "../../../src/blocks/gps_time.ts";
import type { Channel } from "../../../src/channels/channel.ts";
import { rangeProblem } from "../../../src/http/routes/range_check.ts";
import type { StreamRequest } from "../../../src/http/routes/stream_request.ts";
import { TREND_BINS } from "../../../src/trends/trend_bins.ts";

const S = 1_000_000_000n;
const NOW = 10_000n * S;
const A = "H1:QANAT-COUNT_I64_16";

function channelOf(name: string, strideNs = S): Channel {
  return {
    name,
    dataType: "int64",
    sampleRate: 16,
    publisher: "p",
    partitionId: name,
    partitionIndex: 0,
    strideNs,
    maxLatencyNs: 0n,
    replayId: null,
  };
}

/** The problem of a range of these channels, of which data is available from some times on. */
async function problemOf(
  request: Partial<StreamRequest>,
  availableS: Readonly<Record<string, bigint | null>> = { a: 5000n },
  strideNs = S,
) {
  let asked = 0;
  const answer = await rangeProblem({
    channels: Object.keys(availableS).map((name) => channelOf(name, strideNs)),
    ...request,
  } as StreamRequest, {
    nowNs: () => NOW,
    channelStates: {
      availableFromNs: ({ name }) => {
        asked++;
        const seconds = availableS[name]!;
        return Promise.resolve(seconds === null ? null : seconds * S);
      },
    },
  });
  return { asked, problem: await answer?.json() };
}

const range = (from: bigint, to: bigint) => ({
  startNs: from * S,
  endNs: to * S,
});

describe("rangeProblem", () => {
  it("refuses a range that ends before the oldest data, and names that", async () => {
    const { problem } = await problemOf(range(4000n, 5000n));
    assert.deepEqual(problem, {
      type: "/docs/problems#range_not_available",
      code: "range_not_available",
      title: "Range not available",
      status: 404,
      detail:
        "The range ends at GPS 5000.000000000, and the oldest data of a is of GPS 5000.000000000: older data was " +
        "deleted, or never published",
      param: "start",
      from: "4000000000000",
      to: "5000000000000",
      available_from_ns: "5000000000000",
    });
    const duration = { startNs: 4000n * S, durationNs: 1000n * S };
    assert.equal(
      (await problemOf(duration)).problem.code,
      "range_not_available",
    );
  });

  it("lets a range pass of which any channel may have a row", async () => {
    const last = range(4000n, 5001n);
    assert.equal((await problemOf(last)).problem, undefined);
    const before = range(4000n, 5000n);
    const two = { a: 6000n, b: 4999n };
    assert.equal((await problemOf(before, two)).problem, undefined);
    const later = { a: 6000n, b: 5500n };
    const { problem } = await problemOf(before, later);
    assert.equal(problem.available_from_ns, String(5500n * S));
    assert.match(problem.detail, /of a and 1 others/);
  });

  it("compares with the row of the oldest block, which may begin before it", async () => {
    const within = range(4000n, 4990n);
    assert.equal(
      (await problemOf(within, { a: 5000n }, 60n * S)).problem,
      undefined,
    );
    const before = range(4000n, 4980n);
    assert.equal(
      (await problemOf(before, { a: 5000n }, 60n * S)).problem.code,
      "range_not_available",
    );
  });

  it("lets a range pass where it is not known what is available", async () => {
    const before = range(1000n, 2000n);
    const unknown = await problemOf(before, { a: null });
    assert.equal(unknown.problem, undefined);
    const one = await problemOf(before, { a: 5000n, b: null });
    assert.equal(one.problem, undefined);
    const names = Array.from({ length: 17 }, (_, i) => [`c${i}`, 5000n]);
    const many = await problemOf(before, Object.fromEntries(names));
    assert.deepEqual([many.problem, many.asked], [undefined, 0]);
  });

  it("does not ask for streams without an end, recent ranges, resumes and trends", async () => {
    const before = range(1000n, 2000n);
    for (
      const request of [
        { startNs: 1000n * S },
        { endNs: 2000n * S },
        { durationNs: S },
        range(1000n, 9990n),
        { ...before, resume: { afterNs: 1500n * S, untilNs: undefined } },
        { ...before, resume: null },
        { ...before, trend: TREND_BINS[0] },
      ] as Partial<StreamRequest>[]
    ) {
      const { asked, problem } = await problemOf(request);
      assert.deepEqual([asked, problem], [0, undefined]);
    }
  });
});

describe("an instance of the embedded source", () => {
  it("names what is available, and refuses what is not, in every format", async () => {
    await using app = await createApp();
    const ask = (path: string, init?: RequestInit) =>
      Promise.resolve(app.fetch(new Request("http://localhost" + path, init)));
    const channel = await (await ask(`/v1/channels/${A}`)).json();
    const hourAgo = nowGpsNs() - 3600n * S;
    const oldest = BigInt(channel.available_from_ns);
    assert.equal(oldest % 62_500_000n, 0n);
    assert.ok(oldest <= hourAgo && oldest > hourAgo - 60n * S, `${oldest}`);
    assert.deepEqual(Object.keys(channel.trends_from_ns), ["1s", "10s", "60s"]);
    const old = `channels=${A}&start=1126259462&duration=1`;
    for (const path of ["/v1/events", "/v1/arrow", "/v1/data"]) {
      const answer = await ask(`${path}?${old}`);
      assert.equal(answer.status, 404);
      const problem = await answer.json();
      assert.equal(problem.code, "range_not_available");
      assert.equal(problem.available_from_ns, channel.available_from_ns);
      assert.equal(
        (await ask(`${path}?${old}`, { method: "HEAD" })).status,
        404,
      );
      const posted = await ask(path, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({
          channels: [A],
          start: 1126259462,
          end: 1126259463,
        }),
      });
      assert.equal((await posted.json()).code, "range_not_available");
      const recent = await ask(
        `${path}?channels=${A}&start=-3000&duration=0.1`,
      );
      assert.equal(recent.status, 200);
      assert.ok((await recent.text()).length > 100);
    }
  });
});
