// The load harness's reader, against a server whose every byte is known: what it counts is what was sent.
// Invariant: a figure of `deno task scale` rests on this; the readers are real TCP clients, the clock alone is ours.
import { after, before, describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { RowTemplate } from "../../src/arrow/row_template.ts";
import { withMetadata } from "../../src/arrow/message_metadata.ts";
import { chunkOf } from "../../src/frames/frame.ts";
import { nowGpsNs } from "../../src/blocks/gps_time.ts";
import { canRun } from "../../scripts/optional_parts.ts";
import {
  buildReader,
  Reader,
  type ReaderFigures,
} from "../../scripts/scale/reader.ts";
import { STRIDE_NS } from "../../scripts/scale/world.ts";
import { PARTS, sleep } from "./chain.ts";

const runnable = canRun([PARTS.cc]);
const STRIDE = BigInt(STRIDE_NS);
const WITHIN_MS = 10_000;
const encoder = new TextEncoder();
const HEAD =
  "HTTP/1.1 200 OK\r\ncontent-type: x\r\nTransfer-Encoding: chunked\r\n\r\n";

describe("bench/floor/reader.c", { ignore: !runnable, skip: !runnable }, () => {
  let directory: string;
  let program: string;
  before(async () => {
    directory = await Deno.makeTempDir({ prefix: "qanat-reader-" });
    program = buildReader(PARTS.cc.program!);
  });
  after(() => Deno.remove(directory, { recursive: true }));

  /** Reads what `serve` writes to its one client once it measures; the requests that came. */
  async function read(
    serve: (write: (bytes: Uint8Array | string) => Promise<void>) => Promise<
      void
    >,
    { format, line, flags }: {
      format: "events" | "arrow";
      line?: string;
      flags?: string[];
    },
  ): Promise<{ figures: ReaderFigures; request: string }> {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const reader = new Reader(program, {
      port: (listener.addr as Deno.NetAddr).port,
      clients: 1,
      format,
      lines: [line ?? "GET\t/"],
      home: { directory },
      settleS: 0,
      seconds: 30,
      flags: flags ?? [],
    });
    try {
      const connection = await listener.accept();
      const buffer = new Uint8Array(65_536);
      const n = await connection.read(buffer);
      const request = new TextDecoder().decode(buffer.subarray(0, n ?? 0));
      const write = async (bytes: Uint8Array | string) => {
        const all = typeof bytes === "string" ? encoder.encode(bytes) : bytes;
        for (let at = 0; at < all.byteLength;) {
          at += await connection.write(all.subarray(at));
        }
      };
      await write(HEAD);
      await reader.measuring(WITHIN_MS);
      await serve(write);
      reader.end();
      const figures = await reader.figures();
      connection.close();
      return { figures, request };
    } finally {
      await reader.stop();
      listener.close();
    }
  }

  const row = (endNs: bigint) =>
    chunkOf(
      encoder.encode(`id: ${endNs}\ndata: {"time":"${endNs - STRIDE}"}\n\n`),
    );

  it("counts rows, a row that is missing, gaps, and neither greeting nor heartbeat as a row", async () => {
    const first = nowGpsNs();
    const { figures } = await read(async (write) => {
      await write(chunkOf(encoder.encode("retry: 1\nevent: hello\n\n")));
      await write(row(first));
      await write(row(first + STRIDE));
      await write(chunkOf(encoder.encode(`id: ${first + STRIDE}\n\n`)));
      await write(
        chunkOf(
          encoder.encode(
            `id: ${first + 3n * STRIDE}\nevent: gap\ndata: {}\n\n`,
          ),
        ),
      );
      await write(chunkOf(encoder.encode("event: gap\ndata: {}\n\n")));
      await write(row(first + 4n * STRIDE));
    }, { format: "events" });
    const { steady } = figures;
    assert.equal(steady.rows, 3);
    assert.equal(steady.lost, 2);
    assert.equal(steady.gaps, 2);
    assert.equal(steady.ended, 0);
  });

  it("finds rows whatever the packets, one byte each, and chunk sizes with fewer digits and an extension", async () => {
    const first = nowGpsNs();
    const body = `id: ${first}\ndata: x\n\n`;
    const { figures } = await read(async (write) => {
      const text = `${body.length.toString(16)};q=1\r\n${body}\r\n`;
      for (const character of text) await write(character);
      for (const byte of row(first + STRIDE)) await write(Uint8Array.of(byte));
    }, { format: "events" });
    assert.equal(figures.steady.rows, 2);
    assert.equal(figures.steady.lost, 0);
  });

  it("finds the id behind gzip's head and a stored block's", async () => {
    const first = nowGpsNs();
    const text = encoder.encode(`id: ${first}\ndata: {}\n\n`);
    const gzipHead = [31, 139, 8, 0, 0, 0, 0, 0, 0, 255];
    const stored = [0, text.length, 0, 255 - text.length, 255];
    const { figures } = await read(async (write) => {
      await write(chunkOf(Uint8Array.from([...gzipHead, ...stored, ...text])));
      await write(chunkOf(Uint8Array.from([...stored, ...text])));
    }, { format: "events" });
    assert.equal(figures.steady.rows, 2);
  });

  it("reads the time of Arrow batches, not schemas, batches of no rows or the end, and sees a gap's metadata", async () => {
    const template = new RowTemplate([
      { name: "A", dataType: "float32", rate: "2048", samples: 128 },
      { name: "B", dataType: "float32", rate: "2048", samples: 128 },
    ]);
    const message = (timeNs: bigint) => {
      const bytes = new Uint8Array(template.byteLength);
      template.begin(bytes, 0, timeNs);
      return bytes;
    };
    const first = nowGpsNs();
    const { figures } = await read(async (write) => {
      await write(chunkOf(template.schemaMessage));
      await write(chunkOf(message(first - STRIDE)));
      await write(chunkOf(template.emptyBatch));
      for (const byte of chunkOf(message(first))) {
        await write(Uint8Array.of(byte));
      }
      await write(
        chunkOf(withMetadata(message(first + 4n * STRIDE), "qanat.gap", "{}")),
      );
      await write(
        chunkOf(Uint8Array.of(255, 255, 255, 255, 0, 0, 0, 0)),
      );
    }, { format: "arrow" });
    const { steady } = figures;
    assert.equal(steady.rows, 3);
    assert.equal(steady.lost, 3);
    assert.equal(steady.gaps, 1);
  });

  it("measures from a row's end to its last byte, and counts late ones", async () => {
    const { figures } = await read(async (write) => {
      const nowNs = nowGpsNs();
      const bytes = row(nowNs);
      await write(bytes.subarray(0, bytes.byteLength - 1));
      await sleep(100);
      await write(bytes.subarray(bytes.byteLength - 1));
    }, { format: "events" });
    const { latencyMs, late } = figures.steady;
    assert.ok(latencyMs.max >= 99, `${latencyMs.max} ms`);
    assert.equal(late, 1);
  });

  it("counts a stream that ends, and sends headers and a body", async () => {
    const { figures, request } = await read(
      (write) => write("0\r\n\r\n"),
      {
        format: "events",
        line: 'POST\t/v1/events\tContent-Type: application/json\t\t{"a":1}',
      },
    );
    assert.equal(figures.steady.ended, 1);
    assert.match(request, /^POST \/v1\/events HTTP\/1\.1\r\nHost: /);
    assert.match(
      request,
      /\r\nContent-Type: application\/json\r\nContent-Length: 7\r\n\r\n\{"a":1\}$/,
    );
  });

  it("takes messages of a fixed size with their time in the text, across chunks", async () => {
    const first = nowGpsNs();
    const raw = [first, first + STRIDE, first + 3n * STRIDE]
      .map((ns) => `T${ns}`.padEnd(100, "x")).join("");
    const { figures } = await read(async (write) => {
      await write(chunkOf(encoder.encode(raw.slice(0, 150))));
      await write(chunkOf(encoder.encode(raw.slice(150))));
    }, {
      format: "events",
      flags: ["--format", "raw", "--frame-bytes", "100", "--time-at", "1"],
    });
    assert.equal(figures.steady.rows, 3);
    assert.equal(figures.steady.lost, 1);
  });

  it("reads from 127.0.0.1 alone", async () => {
    const { code, stderr } = await new Deno.Command(program, {
      args: ["--host", "192.0.2.1", "--port", "80"],
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).output();
    assert.equal(code, 2);
    assert.match(new TextDecoder().decode(stderr), /only 127\.0\.0\.1/);
  });
});
