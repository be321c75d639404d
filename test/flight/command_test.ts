// The commands in descriptors and tickets: what is read, what is refused, and that times are exact.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { readCommand, writeCommand } from "../../src/flight/command.ts";
import { FlightError } from "../../src/flight/flight_error.ts";

const SEARCH = {
  pattern: ".*",
  data_type: [],
  min_rate: 0,
  max_rate: 4_294_967_295,
  publisher: [],
  time: null,
};

function read(command: unknown) {
  const text = typeof command === "string" ? command : JSON.stringify(command);
  return readCommand(new TextEncoder().encode(text));
}

function refused(command: unknown): FlightError {
  try {
    read(command);
  } catch (error) {
    assert.ok(error instanceof FlightError, String(error));
    return error;
  }
  assert.fail("it was not refused");
}

describe("readCommand()", () => {
  it("reads times beyond 2^53 exactly", () => {
    const text =
      `{"request":"Stream","args":{"channels":["A"],"start":1479733535000000001,"end":9223372036854774784}}`;
    const { args } = read(text);
    assert.deepEqual(args, {
      channels: ["A"],
      start: 1_479_733_535_000_000_001n,
      end: 9_223_372_036_854_774_784n,
    });
  });

  it("reads times that a double holds, and null, to the same types", () => {
    const { args } = read({
      request: "Stream",
      args: { channels: [], start: 5, end: null },
    });
    assert.deepEqual(args, { channels: [], start: 5n, end: null });
  });

  it("writes what it has read, exactly", () => {
    const text =
      `{"request":"Stream","args":{"channels":["\\u00e9\\"A"],"start":1479733535000000001,"end":null},"version":"0.5.0"}`;
    const written = writeCommand(read(text));
    assert.equal(
      new TextDecoder().decode(written),
      text.replace("\\u00e9", "é"),
    );
  });

  for (
    const [what, command] of Object.entries({
      "no JSON": "{",
      "no object": "[]",
      "null": "null",
      "no request": { args: {} },
      "an unknown request": { request: "Delete", args: {} },
      "a name of Object's prototype": { request: "toString", args: {} },
      "no args": { request: "Find" },
      "a missing argument": { request: "Find", args: { pattern: ".*" } },
      "a wrong type": { request: "Find", args: { ...SEARCH, min_rate: "1" } },
      "a fraction": { request: "Find", args: { ...SEARCH, max_rate: 1.5 } },
      "a negative rate": { request: "Find", args: { ...SEARCH, min_rate: -1 } },
      "a type that is none": {
        request: "Find",
        args: { ...SEARCH, data_type: ["text"] },
      },
      "a time below 0": { request: "Find", args: { ...SEARCH, time: -1 } },
      "a time beyond int64":
        `{"request":"Describe","args":{"channels":[],"time":9223372036854775808}}`,
      "a version that is no text": {
        request: "Find",
        args: SEARCH,
        version: 5,
      },
    })
  ) {
    it(`refuses ${what} as an internal error, as arrakis-server does`, () => {
      assert.equal(refused(command).fault, "internal");
    });
  }

  it("names unknown arguments, sorted, with both versions", () => {
    const error = refused({
      request: "Find",
      args: { ...SEARCH, z: 1, a: 2 },
      version: "9.9",
    });
    assert.equal(error.fault, "flight");
    assert.equal(
      error.message,
      "unknown Find argument(s): a, z (request schema 9.9; server schema 0.5.0)",
    );
  });

  it("shows at most 8 unknown names, each cut", () => {
    const args: Record<string, unknown> = { ...SEARCH };
    for (let i = 0; i < 100; i++) args[`${i}`.repeat(200)] = 1;
    assert.ok(refused({ request: "Find", args }).message.length < 800);
  });

  it("is not read as UTF-8 where it is not", () => {
    assert.throws(() => readCommand(Uint8Array.of(0xff)), FlightError);
  });
});
