// Arrow streams whose buffers or bodies are compressed, from the real service, in the readers that people use.
// Invariant: a bounded range is the same range each time it is asked for, so that each stream is held against the plain one.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import {
  compressionRegistry,
  CompressionType,
  tableFromIPC,
} from "apache-arrow";
import {
  CompressionType as FlechetteCodec,
  setCompressionCodec,
  tableFromIPC as flechetteTable,
} from "@uwdata/flechette";
import lz4 from "lz4js";
import { gunzipSync, zstdDecompressSync } from "node:zlib";
import {
  MessageHeader,
  prefixedBytes,
} from "../../src/arrow/message_header.ts";
import { canRun } from "../../scripts/optional_parts.ts";
import { nowGpsNs } from "../../src/blocks/gps_time.ts";
import { launchQanat, PARTS, type Process, say } from "./chain.ts";

const hasPython = canRun([PARTS.python]);
const hasCurl = canRun([PARTS.curl]);
const ARROW = "application/vnd.apache.arrow.stream";
const NAMES = [
  "H1:GWOSC-4KHZ_R1_WHITENED",
  "H1:QANAT-COUNT_I64_64",
  "H1:QANAT-COUNT_U64_16",
  "H1:QANAT-NOISE_F64_4096",
  "H1:QANAT-RAMP_I16_1024",
  "H1:QANAT-RAMP_I32_512",
  "H1:QANAT-RAMP_I8_64",
  "H1:QANAT-RAMP_U16_64",
  "H1:QANAT-STATE_U32_256",
  "H1:QANAT-STATE_U8_16",
  "H1:SLOW-NOISE_F64_128",
];
const RANGE_S = 8;

describe("packed Arrow of the real service", () => {
  let qanat: Process;
  let origin: string;
  let directory: string;
  let url: string;
  let plain: Uint8Array;

  before(async () => {
    directory = await Deno.makeTempDir({ prefix: "qanat-packed-" });
    ({ qanat, url: origin } = launchQanat([]));
    await qanat.answers(`${origin}/readyz`);
    const start = nowGpsNs() / 1_000_000_000n - 30n;
    const query = `channels=${NAMES.join()}&start=${start}&duration=${RANGE_S}`;
    url = `${origin}/v1/arrow?${query}`;
    plain = (await get()).body;
  });
  after(async () => {
    await qanat?.stop();
    if (directory) await Deno.remove(directory, { recursive: true });
  });

  async function get(accept = "*/*", more = "") {
    const answer = await fetch(url + more, { headers: { accept } });
    return {
      status: answer.status,
      headers: answer.headers,
      body: await answer.bytes(),
    };
  }

  it(
    "with Accept's codecs is smaller, says its codec, and is read by pyarrow, polars and DuckDB, value by value",
    {
      ignore: !hasPython,
      skip: !hasPython,
    },
    async () => {
      const paths = [`${directory}/plain.arrows`];
      await Deno.writeFile(paths[0]!, plain);
      for (const codec of ["zstd", "lz4"]) {
        const { headers, body } = await get(`${ARROW};codecs="${codec}, none"`);
        assert.equal(headers.get("content-type"), `${ARROW};codecs=${codec}`);
        assert.match(headers.get("vary") ?? "", /\bAccept\b(?!-)/);
        assert.equal(headers.get("content-encoding"), null);
        assert.ok(compressedBatches(body) > 0, codec);
        assert.ok(body.byteLength < 0.95 * plain.byteLength, codec);
        say(`${codec}: ${body.byteLength} of ${plain.byteLength} bytes`);
        paths.push(`${directory}/${codec}.arrows`);
        await Deno.writeFile(paths.at(-1)!, body);
      }
      const { success, stdout, stderr } = await new Deno.Command(
        PARTS.python.program!,
        { args: ["test/integration/python/packed_arrow.py", ...paths] },
      ).output();
      assert.ok(success, new TextDecoder().decode(stderr));
      const { rows, same } = JSON.parse(new TextDecoder().decode(stdout));
      assert.ok(rows >= RANGE_S);
      for (const path of paths) {
        assert.deepEqual(
          same[path],
          { pyarrow: true, polars: true, duckdb: true },
          path,
        );
      }
    },
  );

  it("with Accept's codecs is read by apache-arrow and flechette for JavaScript, once they are given a codec", async () => {
    const decoders = {
      zstd: (bytes: Uint8Array) => new Uint8Array(zstdDecompressSync(bytes)),
      lz4: (bytes: Uint8Array) => new Uint8Array(lz4.decompress(bytes)),
    };
    compressionRegistry.set(CompressionType.ZSTD, { decode: decoders.zstd });
    compressionRegistry.set(CompressionType.LZ4_FRAME, {
      decode: decoders.lz4,
    });
    const encode = () => {
      throw new Error("Nothing is written here");
    };
    setCompressionCodec(FlechetteCodec.ZSTD, { encode, decode: decoders.zstd });
    setCompressionCodec(FlechetteCodec.LZ4_FRAME, {
      encode,
      decode: decoders.lz4,
    });
    const expected = tableFromIPC(plain);
    for (const codec of ["zstd", "lz4"]) {
      const { body } = await get(`${ARROW};codecs=${codec}`);
      const table = tableFromIPC(body);
      const other = flechetteTable(body, { useBigInt: true });
      assert.equal(table.numRows, expected.numRows);
      for (const name of NAMES) {
        for (let row = 0; row < expected.numRows; row++) {
          const samples = [...expected.getChild(name)!.get(row)];
          assert.deepEqual([...table.getChild(name)!.get(row)], samples);
          assert.deepEqual([...other.getChild(name).at(row)], samples);
        }
      }
    }
  });

  it("uses the first codec that there is, and none where none is named", async () => {
    for (
      const [accept, codec] of [
        [`${ARROW};codecs="brotli, LZ4, zstd"`, "lz4"],
        [`text/html, ${ARROW}; codecs="zstd"; q=0.5`, "zstd"],
        [`${ARROW};codecs=lz4;q=0.1, ${ARROW};codecs=zstd`, "zstd"],
        [`${ARROW};codecs=zstd;q=0`, null],
        [`${ARROW};codecs="brotli"`, null],
        [ARROW, null],
      ] as const
    ) {
      const { headers, body } = await get(accept);
      const type = codec === null ? ARROW : `${ARROW};codecs=${codec}`;
      assert.equal(headers.get("content-type"), type, accept);
      assert.equal(compressedBatches(body) > 0, codec !== null);
      if (codec === null) assert.deepEqual(body, plain);
    }
  });

  it("with coding=gzip is the plain stream to curl --compressed and to gzip", {
    ignore: !hasCurl,
    skip: !hasCurl,
  }, async () => {
    const curl = async (...args: string[]) => {
      const { code, stdout } = await new Deno.Command(PARTS.curl.program!, {
        args: ["--silent", "--fail", ...args],
      }).output();
      assert.equal(code, 0);
      return stdout;
    };
    assert.deepEqual(await curl("--compressed", url), plain);
    assert.deepEqual(await curl("--compressed", `${url}&coding=gzip`), plain);
    const packed = await curl(`${url}&coding=gzip`);
    assert.deepEqual(new Uint8Array(gunzipSync(packed)), plain);
    say(`gzip: ${packed.byteLength} of ${plain.byteLength} bytes`);
    assert.ok(packed.byteLength < 0.8 * plain.byteLength);
    const path = `${directory}/packed.arrows.gz`;
    await Deno.writeFile(path, packed);
    const test = await new Deno.Command("gzip", { args: ["-t", path] })
      .output();
    assert.ok(test.success, new TextDecoder().decode(test.stderr));
    // Accept-Encoding alone leaves Arrow plain.
    const { headers } = await get();
    assert.equal(headers.get("content-encoding"), null);
    const other = await get("*/*", "&coding=gzip");
    assert.equal(other.headers.get("content-encoding"), "gzip");
    assert.deepEqual(other.body, plain);
  });

  it("packs bins of trends by coding=gzip, and leaves their buffers plain", async () => {
    const start = nowGpsNs() / 1_000_000_000n - 4n;
    const bins = (accept: string, more: string) =>
      fetch(
        `${origin}/v1/arrow?channels=${
          NAMES.slice(0, 6)
        }&trend=1s&start=${start}&duration=3${more}`,
        { headers: { accept } },
      );
    const whole = await (await bins("*/*", "")).bytes();
    assert.equal(tableFromIPC(whole).numRows, 3);
    const packed = await bins("*/*", "&coding=gzip");
    assert.equal(packed.headers.get("content-encoding"), "gzip");
    assert.deepEqual(await packed.bytes(), whole);
    const named = await bins(`${ARROW};codecs=zstd`, "");
    assert.equal(named.headers.get("content-type"), ARROW);
    assert.deepEqual(await named.bytes(), whole);
  });

  it("is refused with both, and coding belongs to Arrow alone", async () => {
    const both = await get(`${ARROW};codecs=zstd`, "&coding=gzip");
    assert.equal(both.status, 400);
    assert.match(text(both.body), /ask for one of them/);
    const odd = await get("*/*", "&coding=brotli");
    assert.equal(odd.status, 400);
    assert.match(text(odd.body), /one of identity, gzip/);
    const events = await fetch(
      `${origin}/v1/events?channels=${NAMES[0]}&coding=gzip`,
    );
    assert.equal(events.status, 400);
    assert.match(await events.text(), /Accept-Encoding/);
  });
});

function text(body: Uint8Array): string {
  return new TextDecoder().decode(body);
}

/** Record batches with compressed buffers. */
function compressedBatches(stream: Uint8Array): number {
  const view = new DataView(stream.buffer, stream.byteOffset, stream.length);
  let count = 0;
  for (let at = 0;;) {
    const headBytes = prefixedBytes(view, at);
    if (headBytes < 0) return count;
    const header = new MessageHeader(view, at);
    if (header.headerType === 3 && header.isCompressed) count++;
    at += headBytes + header.bodyBytes;
  }
}
