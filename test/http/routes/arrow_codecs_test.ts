import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { codecFor } from "../../../src/http/routes/arrow_codecs.ts";

const ARROW = "application/vnd.apache.arrow.stream";

describe("codecFor()", () => {
  it("chooses the first supported codec of the client, from Arrow's media type only", () => {
    const cases: [string | undefined, string | null][] = [
      [undefined, null],
      ["", null],
      ["*/*", null],
      [ARROW, null],
      ["*/*;codecs=zstd", null],
      ["application/vnd.apache.arrow.file;codecs=zstd", null],
      [`${ARROW};codecs=zstd`, "zstd"],
      [`${ARROW};codecs="zstd, lz4"`, "zstd"],
      [`${ARROW};codecs="lz4,zstd"`, "lz4"],
      [`${ARROW}; codecs = "brotli, ZSTD"`, "zstd"],
      [`${ARROW.toUpperCase()};Codecs=LZ4`, "lz4"],
      [`${ARROW};codecs="brotli"`, null],
      [`${ARROW};codecs=""`, null],
      [`text/html;q=0.9, ${ARROW};codecs=lz4;q=0.5, */*`, "lz4"],
      [`${ARROW};codecs=lz4;q=0.5, ${ARROW};codecs=zstd`, "zstd"],
      [`${ARROW};codecs=zstd;q=0`, null],
      [`${ARROW};codecs=zstd;q=0, ${ARROW};codecs=lz4;q=0.1`, "lz4"],
      [`;;,"${ARROW};codecs="zstd`, null],
    ];
    for (const [accept, expected] of cases) {
      assert.equal(codecFor(accept), expected, `Accept: ${accept}`);
    }
  });

  it("leaves out a codec that the runtime does not have", () => {
    assert.equal(codecFor(`${ARROW};codecs="zstd, lz4"`, ["lz4"]), "lz4");
    assert.equal(codecFor(`${ARROW};codecs=zstd`, ["lz4"]), null);
  });
});
