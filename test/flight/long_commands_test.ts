// Long commands do not block the event loop: what is not short is refused before it is parsed, or done in slices.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { Catalog } from "../../src/channels/catalog.ts";
import { PART_STEPS_MAX } from "../../src/channels/sliced_work.ts";
import { readCommand } from "../../src/flight/command.ts";
import { FlightError } from "../../src/flight/flight_error.ts";
import { flightInfo } from "../../src/flight/flight_info.ts";
import { BadMessageError, readTicket } from "../../src/flight/messages.ts";
import { hasMoreValues } from "../../src/flight/value_count.ts";
import { aChannel } from "../channels/a_channel.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

describe("hasMoreValues()", () => {
  const counts: readonly [json: string, count: number][] = [
    ["1", 0],
    ["[1,2,3]", 3],
    [`{"a":[],"b":{}}`, 4],
    [`["a,b","[{","\\",,,\\\\",","]`, 4],
    [`["\\\\\\\\",1]`, 2],
    [`"no end, [[[`, 0],
    ["[[[[", 4],
    ["", 0],
  ];
  for (const [json, count] of counts) {
    it(`counts ${count} in ${json || "nothing"}`, () => {
      assert.equal(hasMoreValues(bytes(json), count), false);
      if (count > 0) assert.ok(hasMoreValues(bytes(json), count - 1));
    });
  }
});

describe("long commands", () => {
  for (
    const [what, args] of [
      ["names", `{"channels":[${Array(1000).fill('""').join()}]}`],
      ["lists in lists", `{"x":${"[".repeat(1000)}`],
      ["arguments", `{${Array.from({ length: 1000 }, (_, i) => `"${i}":1`)}}`],
    ] as const
  ) {
    it(`with too many ${what} are refused before they are parsed`, () => {
      const command = bytes(`{"request":"Stream","args":${args}}`);
      assert.throws(
        () => readCommand(command, 900),
        (error: FlightError) =>
          error.message === "the command has more than 900 values",
      );
    });
  }

  it("messages of too many fields are refused", () => {
    const message = new Uint8Array(4000);
    for (let i = 0; i < message.length; i += 2) message[i] = 0x18;
    assert.throws(
      () => readTicket(message),
      (error: BadMessageError) => /more than 1000 fields/.test(error.message),
    );
    assert.doesNotThrow(() => readTicket(message.subarray(0, 2000)));
  });

  it("GetFlightInfo of 10,000 channels is done in slices", () => {
    const catalog = new Catalog();
    const names = Array.from({ length: 10_000 }, (_, i) => `H1:A-${i}`);
    for (const [i, name] of names.entries()) {
      catalog.set(aChannel({ name, partitionIndex: i }));
    }
    const args = { channels: names.toReversed(), start: null, end: null };
    const work = flightInfo(
      { request: "Stream", args },
      bytes("{}"),
      catalog,
      { channelsMax: 10_000, mayPublish: false },
    );
    let parts = 0;
    for (let part = work.next(); !part.done; part = work.next(), parts++) {
      assert.ok(part.value <= PART_STEPS_MAX);
    }
    assert.ok(parts > 40, `${parts} parts`);
  });
});
