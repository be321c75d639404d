import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { parseChannel } from "../../src/kafka/metadata.ts";
import { fixtureMessages } from "../arrow/fixtures.ts";

const encode = (value: unknown) =>
  new TextEncoder().encode(
    typeof value === "string" ? value : JSON.stringify(value),
  );

const GOOD = {
  name: "H1:A-B",
  data_type: "float32",
  sample_rate: 16,
  time: null,
  publisher: "H1",
  partition_id: "H1_A_1",
  partition_index: 0,
  stride: 62500000,
  max_latency: 1000000000,
  replay_id: null,
};

describe("parseChannel()", () => {
  it("reads every record that the real publishers wrote", () => {
    let count = 0;
    for (const { topic, key, value } of fixtureMessages()) {
      if (
        !topic.includes("metadata") || key!.startsWith("__") || !value?.length
      ) continue;
      const channel = parseChannel(key!, value);
      assert.ok(typeof channel !== "string", String(channel));
      assert.equal(channel.name, key);
      count++;
    }
    assert.equal(count, 10);
  });

  it("refuses malformed records with a reason", () => {
    const cases: [unknown, RegExp][] = [
      ["{", /not JSON/],
      [null, /not an object/],
      [{ ...GOOD, name: "X" }, /not the key/],
      [{ ...GOOD, data_type: "float16" }, /data_type/],
      [{ ...GOOD, sample_rate: 0 }, /sample_rate/],
      [{ ...GOOD, sample_rate: "16" }, /sample_rate/],
      [{ ...GOOD, partition_id: "a b" }, /partition_id/],
      [{ ...GOOD, partition_index: -1 }, /partition_index/],
      [{ ...GOOD, partition_index: 1e9 }, /partition_index/],
      [{ ...GOOD, stride: 0 }, /stride/],
      [{ ...GOOD, max_latency: 1.5 }, /max_latency/],
      [{ ...GOOD, replay_id: 3 }, /replay_id/],
    ];
    for (const [value, reason] of cases) {
      assert.match(String(parseChannel("H1:A-B", encode(value))), reason);
    }
    assert.equal(
      parseChannel("H1:A-B", Uint8Array.of(0xff, 0xfe)),
      "not JSON",
    );
    assert.equal(typeof parseChannel("H1:A-B", encode(GOOD)), "object");
  });
});
