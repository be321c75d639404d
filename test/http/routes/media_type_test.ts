import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import {
  lenientTypeFor,
  mediaTypeFor,
} from "../../../src/http/routes/media_type.ts";

const CSV = "text/csv";
const LINES = "application/x-ndjson";
const OFFERED = [CSV, LINES];

describe("the media type of an answer", () => {
  const cases: readonly (readonly [string | undefined, string | null])[] = [
    [undefined, CSV],
    ["", CSV],
    ["*/*", CSV],
    ["text/*", CSV],
    ["application/*", LINES],
    [LINES, LINES],
    ["Text/CSV; charset=utf-8", CSV],
    ["text/csv;header=present;q=0.5, application/x-ndjson;q=0.7", LINES],
    ["text/csv;q=0.1, application/x-ndjson", LINES],
    ["application/x-ndjson;q=0.2, text/csv;q=0.3", CSV],
    ["application/x-ndjson, text/csv;q=0.999", LINES],
    ["text/*;q=0.9, text/csv;q=0.1, application/x-ndjson;q=0.5", LINES],
    ["*/*, text/csv;Q=0", LINES],
    ["text/csv;q=0, */*", LINES],
    ["text/html, application/xhtml+xml, */*;q=0.8", CSV],
    ["application/json, */*;q=0.1", CSV],
    ["application/json", null],
    ["text/csv;q=0", null],
    ["text/csv;header=present;q=0", null],
    // Only the codec is refused.
    ["text/csv;codecs=zstd;q=0", CSV],
    ["*/*, text/csv;codecs=zstd;q=0", CSV],
    ["*/*;q=0", null],
    ['application/vnd.apache.arrow.stream;codecs="zstd, text/csv"', null],
    // No media type at all: as if the header were absent.
    ["nonsense", CSV],
    [",,;q=1", CSV],
  ];
  for (const [accept, type] of cases) {
    it(`is ${type ?? "refused"} for ${accept ?? "no header"}`, () => {
      assert.equal(mediaTypeFor(accept, OFFERED), type);
    });
  }
});

describe("the media type of an answer that is better than none", () => {
  const cases: readonly (readonly [string | undefined, string | null])[] = [
    [undefined, CSV],
    ["image/png", CSV],
    [`image/png, ${LINES}`, LINES],
    [`${LINES};q=0.001, image/png`, LINES],
    ["text/csv;q=0", LINES],
    ["text/csv;q=0, application/*;q=0", null],
    ["*/*;q=0", null],
    [`*/*;q=0, ${LINES}`, LINES],
  ];
  for (const [accept, type] of cases) {
    it(`is ${type ?? "refused"} for ${accept ?? "no header"}`, () => {
      assert.equal(lenientTypeFor(accept, OFFERED), type);
    });
  }
});
