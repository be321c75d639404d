// Lines with gaps, missing channels and every end: each is stated in the body, and only a whole range ends properly.
import assert from "node:assert/strict";
import { afterEach, beforeEach, describe, it } from "@std/testing/bdd";
import type { Qanat } from "../../src/app.ts";
import type { ClientOptions } from "../../src/clients/client_options.ts";
import type {
  Coding,
  LineFormat,
  StreamShape,
} from "../../src/frames/stream_format.ts";
import { embeddedChannels } from "../../src/source/synthetic.ts";
import { constants, inflateRawSync } from "node:zlib";
import { Buffer } from "node:buffer";
import { drivenQanat } from "../driven_qanat.ts";
import type { BlockClock, DrivenSource } from "../driven_source.ts";
import type { HeldTurns } from "../held_turns.ts";
import { HeldOutlet } from "./held_outlet.ts";

/** A multiple of 60 s. */
const FIRST = 23_671_510_080;
const STRIDE_NS = 62_500_000n;
const A = "H1:QANAT-COUNT_I64_16";
const B = "H1:QANAT-COUNT_U64_16";
const channels = (await embeddedChannels()).filter(({ channel }) =>
  channel.name === A || channel.name === B
);

let source: DrivenSource;
let clock: BlockClock;
let qanat: Qanat;
let row: number;
let turns: HeldTurns;

beforeEach(async () => {
  row = FIRST;
  ({ source, clock, turns, qanat } = await drivenQanat(channels, FIRST, {
    lingerMs: 60_000,
    outageGraceMs: 0,
    gapFillRowsMax: 20,
  }));
});

afterEach(async () => {
  qanat.drain();
  await qanat.close();
});

function open(
  format: LineFormat,
  options: Partial<ClientOptions> = {},
  coding: Coding = "identity",
): HeldOutlet {
  const names = format === "gwpy" ? [A] : [A, B];
  const shape: StreamShape = { format, coding };
  const admission = qanat.hub.admission.admit(
    names.map((name) => source.catalog.get(name, null)!),
    shape,
    { address: "", ...options },
  );
  assert.ok(admission.kind === "ready", JSON.stringify(admission));
  const outlet = new HeldOutlet();
  admission.open(outlet);
  turns.run();
  return outlet;
}

const topicOf = (name: string) =>
  source.blocks.topics.find((t) => t.includes(name === A ? "I64" : "U64"))!;

/** Leaves rows out, and publishes some behind them before the logs are seen at their ends: the rows are late at once. */
function leaveOut(count: number): void {
  row += count;
  for (let i = 0; i < 20; i++, row++) {
    clock.index = row + 1;
    for (const topic of source.wanted) {
      const block = source.blocks.blockOf(topic, row);
      source.sink!.onMessage(topic, block, row, 0);
    }
  }
  for (const topic of source.wanted) {
    source.sink!.onCaughtUp(topic, clock.clockMs());
  }
  turns.run();
}

/** Publishes rows, without the block of a channel in the rows where it is absent. */
function publish(count: number, absent: readonly string[] = []): void {
  for (let i = 0; i < count; i++, row++) {
    clock.index = row + 1;
    for (const name of [A, B]) {
      const topic = topicOf(name);
      if (!source.wanted.has(topic) || absent.includes(name)) continue;
      const block = source.blocks.blockOf(topic, row);
      source.sink!.onMessage(topic, block, row, 0);
    }
    for (const topic of source.wanted) {
      source.sink!.onCaughtUp(topic, clock.clockMs());
    }
    turns.run();
  }
}

const timeOf = (index: number) => String(BigInt(FIRST + index) * STRIDE_NS);

/** The lines of a body without its heading: number of the row, state. */
function statesOf(text: string): [number, string][] {
  const [, ...lines] = text.trimEnd().split("\n");
  return lines.map((line) => {
    const cells = line.split(",");
    const index = Number(BigInt(cells[1] || 0) / STRIDE_NS) - FIRST;
    return [index, cells.at(-1)!];
  });
}

describe("lines", () => {
  it("of CSV say why cells are empty", () => {
    const csv = open("csv");
    publish(2);
    publish(20, [B]);
    const states = statesOf(csv.text);
    assert.deepEqual(states.slice(0, 3), [[1, "ok"], [2, "late"], [3, "late"]]);
    assert.match(csv.text, /^[^,]+,\d+,-?\d+,,late$/m);
  });

  it("of JSON say why channels are null", () => {
    const json = open("ndjson");
    publish(2);
    publish(20, [B]);
    const [first, second] = json.text.split("\n").map((line) =>
      line === "" ? null : JSON.parse(line)
    );
    assert.deepEqual(Object.keys(first), ["time", "gps_ns", "channels"]);
    assert.equal(typeof first.channels[B], "string");
    assert.equal(second.channels[B], null);
    assert.equal(typeof second.channels[A], "string");
    assert.deepEqual(second.missing, { [B]: "late" });
  });

  it("of CSV that fill a gap have its span and reason in the first one", () => {
    for (const coding of ["identity", "gzip"] as const) {
      const csv = open("csv", {}, coding);
      publish(2);
      const from = row - FIRST;
      leaveOut(10);
      const text = coding === "identity" ? csv.text : unpacked(csv);
      const states = statesOf(text);
      const span = `${timeOf(from)}/${timeOf(from + 10)}`;
      const begin = states.findIndex(([index]) => index === from);
      assert.deepEqual(states.slice(begin - 1, begin + 3), [
        [from - 1, "ok"],
        [from, `missing ${span}`],
        [from + 1, "gap"],
        [from + 2, "gap"],
      ]);
      assert.deepEqual(
        states.slice(begin + 9, begin + 11),
        [[from + 9, "gap"], [from + 10, "ok"]],
      );
      assertAscending(states.map(([index]) => index));
      csv.owner.onClose();
      turns.run();
    }
  });

  it("of CSV have one without values for a gap that is not filled", () => {
    const long = open("csv");
    const skipping = open("csv", { gaps: "skip" });
    publish(2);
    leaveOut(30);
    for (const { text } of [long, skipping]) {
      const states = statesOf(text);
      const begin = states.findIndex(([, state]) => state !== "ok");
      assert.deepEqual(states.slice(begin - 1, begin + 2), [
        [1, "ok"],
        [2, `missing ${timeOf(2)}/${timeOf(32)}`],
        [32, "ok"],
      ]);
      assert.match(text, /Z,\d+,,,missing \d+\/\d+$/m);
      assertAscending(states.map(([index]) => index));
    }
  });

  it("of JSON and for gwpy have a line for each gap, before the nulls that fill it", () => {
    const json = open("ndjson");
    const gwpy = open("gwpy");
    publish(2);
    leaveOut(10);
    const lines = json.text.trimEnd().split("\n").map((line) =>
      JSON.parse(line)
    );
    assert.deepEqual(lines[1], {
      gap: {
        from: timeOf(2),
        to: timeOf(12),
        reason: "missing",
        filled: true,
      },
    });
    assert.deepEqual(lines[2].channels, { [A]: null, [B]: null });
    assert.equal(lines[2].gps_ns, timeOf(2));
    assert.equal(lines[2].missing, undefined);
    const texts = gwpy.text.split("\n");
    assert.equal(texts[2], `# gap: missing ${timeOf(2)}/${timeOf(12)}`);
    assert.match(texts[3]!, /^1479469380\.125000000,nan$/);
  });

  it("end properly when the range is whole", () => {
    const options = { durationNs: 5n * STRIDE_NS };
    const formats = ["csv", "ndjson", "gwpy"] as const;
    const outlets = formats.map((format) => open(format, options));
    publish(20);
    const lasts = outlets.map(({ text }) => text.trimEnd().split("\n").at(-1)!);
    for (const outlet of outlets) assert.equal(outlet.ending, "ended");
    assert.match(lasts[0]!, new RegExp(`Z,${timeOf(5)},-?\\d+,\\d+,ok$`));
    assert.equal(lasts[1], '{"end":{"reason":"complete"}}');
    assert.equal(lasts[2], "# end: complete");
  });

  it("end with the reason, and break off, in every other case", () => {
    const formats = ["csv", "ndjson", "gwpy"] as const;
    const failing = formats.map((format) => open(format, { gaps: "fail" }));
    const drained = formats.map((format) => open(format));
    publish(2);
    leaveOut(10);
    qanat.drain();
    turns.run();
    for (
      const [outlets, reason] of [[failing, "gap"], [drained, "drain"]] as const
    ) {
      for (const outlet of outlets) assert.equal(outlet.ending, "cut short");
      const lasts = outlets.map(({ text }) =>
        text.trimEnd().split("\n").at(-1)!
      );
      assert.deepEqual(lasts, [
        `,,,,end: ${reason}`,
        `{"end":{"reason":"${reason}"}}`,
        `# end: ${reason}`,
      ]);
    }
    assert.match(failing[0]!.text, /,,,missing \d+\/\d+\n,,,,end: gap\n$/);
  });

  it("are empty in a heartbeat", () => {
    const csv = open("csv");
    publish(2);
    const { length } = csv.text;
    clock.pass(20, () => {
      qanat.hub.tick();
      turns.run();
    });
    assert.match(csv.text.slice(length), /^\n+$/);
  });
});

function assertAscending(numbers: readonly number[]): void {
  for (let i = 1; i < numbers.length; i++) {
    assert.ok(numbers[i]! > numbers[i - 1]!, numbers.join());
  }
}

/** The text of a gzip body that may not have ended. */
function unpacked(outlet: HeldOutlet): string {
  return inflateRawSync(Buffer.concat(outlet.written).subarray(10), {
    finishFlush: constants.Z_SYNC_FLUSH,
  }).toString();
}
