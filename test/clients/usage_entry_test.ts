import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { usageEntry } from "../../src/clients/usage_entry.ts";
import { ALICE } from "./rights.ts";

const CLIENT = {
  group: {
    format: "events",
    coding: "gzip",
    codec: null,
    trend: { bin: { name: "10s" } },
    channels: [{ name: "A", replayId: null }, { name: "B", replayId: null }],
    timeline: { endNsText: (row: number) => `${row + 1}000` },
  },
  firstRow: 7,
  cursor: 11,
  options: {
    address: "192.0.2.1",
    rights: ALICE,
    trace: { requestId: "r1", traceId: null },
  },
  rows: 3,
  bytes: 400,
  gaps: 1,
  openedMs: 3000,
  ended: "complete" as const,
};
const NOW = { clockMs: 5500, unixMs: 1_700_000_002_500 };

describe("an entry of the usage log", () => {
  it("says who has read what, when, and how it ended", () => {
    assert.deepEqual(usageEntry(CLIENT, NOW), {
      since: "2023-11-14T22:13:20.000Z",
      owner: "token:alice",
      address: "192.0.2.1",
      request_id: "r1",
      format: "events",
      coding: "gzip",
      codec: null,
      trend: "10s",
      replay: null,
      channels: 2,
      names: ["A", "B"],
      from: "7000",
      to: "11000",
      rows: 3,
      bytes: 400,
      gaps: 1,
      seconds: 2.5,
      reason: "complete",
    });
  });

  it("has no span of time where the stream has not begun", () => {
    const { from, to } = usageEntry(
      { ...CLIENT, firstRow: -1, cursor: -1 },
      NOW,
    );
    assert.deepEqual([from, to], [null, null]);
  });

  it("has a limited number of names, and of characters", () => {
    for (
      const [length, expected] of [[1, 100], [255, 16]] as const
    ) {
      const channels = Array.from({ length: 10_000 }, () => ({
        name: "x".repeat(length),
        replayId: null,
      }));
      const entry = usageEntry(
        { ...CLIENT, group: { ...CLIENT.group, channels } },
        NOW,
      );
      assert.equal(entry.channels, 10_000);
      assert.equal((entry.names as string[]).length, expected);
    }
  });
});
