// The load harness's reader, against a server whose every byte is known: what it counts is what was sent.
// Invariant: a figure of `deno task scale` rests on this; the readers are real TCP clients, the clock alone is ours.
import { after, before, describe, it } from "@std/testing/bdd";
import assert from "node:assert/strict";
import { END_OF_STREAM, RowTemplate } from "../../src/arrow/row_template.ts";
import { withMetadata } from "../../src/arrow/message_metadata.ts";
import { flightData, withAppMetadata } from "../../src/frames/flight_data.ts";
import { chunkOf } from "../../src/frames/frame.ts";
import { nowGpsNs } from "../../src/blocks/gps_time.ts";
import { canRun } from "../../scripts/optional_parts.ts";
import {
  buildReader,
  Reader,
  type ReaderFigures,
  type ReaderFormat,
} from "../../scripts/scale/reader.ts";
import { flightLine } from "../../scripts/scale/selections.ts";
import { STRIDE_NS } from "../../scripts/scale/world.ts";
import { PARTS, sleep } from "./chain.ts";

const runnable = canRun([PARTS.cc]);
const STRIDE = BigInt(STRIDE_NS);
const WITHIN_MS = 10_000;
const encoder = new TextEncoder();
const MIB = 1024 * 1024;
const [DATA, HEADERS, SETTINGS, PING, WINDOW_UPDATE] = [0, 1, 4, 6, 8];
const HEAD =
  "HTTP/1.1 200 OK\r\ncontent-type: x\r\nTransfer-Encoding: chunked\r\n\r\n";

function concat(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** A frame of HTTP/2: settings and pings of the connection, all others of the one call. */
function frame(
  type: number,
  flags: number,
  payload: Uint8Array | string,
): Uint8Array<ArrayBuffer> {
  const bytes = typeof payload === "string" ? encoder.encode(payload) : payload;
  const head = new Uint8Array(9);
  const view = new DataView(head.buffer);
  view.setUint32(0, bytes.byteLength << 8 | type);
  head[4] = flags;
  view.setUint32(5, type === SETTINGS || type === PING ? 0 : 1);
  return concat(head, bytes);
}

describe("bench/floor/reader.c", { ignore: !runnable, skip: !runnable }, () => {
  let directory: string;
  let program: string;
  before(async () => {
    directory = await Deno.makeTempDir({ prefix: "qanat-reader-" });
    program = buildReader(PARTS.cc.program!);
  });
  after(() => Deno.remove(directory, { recursive: true }));

  /** Reads `head`, and what `serve` writes to its one client once it measures; the requests that came. */
  async function read(
    serve: (
      write: (bytes: Uint8Array | string) => Promise<void>,
      receive: () => Promise<Uint8Array>,
    ) => Promise<void>,
    { format, line, flags, head = HEAD }: {
      format: ReaderFormat;
      line?: string;
      flags?: string[];
      head?: Uint8Array | string;
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
      // Else single bytes could wait for an acknowledgement until the reader has ended.
      connection.setNoDelay(true);
      const buffer = new Uint8Array(65_536);
      const receive = async () =>
        buffer.slice(0, await connection.read(buffer) ?? 0);
      const request = new TextDecoder().decode(await receive());
      const write = async (bytes: Uint8Array | string) => {
        const all = typeof bytes === "string" ? encoder.encode(bytes) : bytes;
        for (let at = 0; at < all.byteLength;) {
          at += await connection.write(all.subarray(at));
        }
      };
      await write(head);
      await reader.measuring(WITHIN_MS);
      await serve(write, receive);
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

  it("finds each of several rows that share a chunk", async () => {
    const first = nowGpsNs();
    const text = (n: bigint) =>
      `id: ${first + n * STRIDE}\ndata: {"time":"1"}\n\n`;
    const { figures: events } = await read(async (write) => {
      await write(chunkOf(encoder.encode(text(0n) + text(1n) + text(3n))));
      for (const byte of chunkOf(encoder.encode(text(4n) + text(5n)))) {
        await write(Uint8Array.of(byte));
      }
    }, { format: "events" });
    assert.equal(events.steady.rows, 5);
    assert.equal(events.steady.lost, 1);
    const template = new RowTemplate([
      { name: "A", dataType: "float32", rate: "2048", samples: 128 },
    ]);
    const message = (n: bigint) => {
      const bytes = new Uint8Array(template.byteLength);
      template.begin(bytes, 0, first + n * STRIDE);
      return bytes;
    };
    const { figures: arrow } = await read(async (write) => {
      await write(chunkOf(template.schemaMessage));
      await write(chunkOf(concat(message(0n), message(1n), message(3n))));
      for (const byte of chunkOf(concat(message(4n), message(5n)))) {
        await write(Uint8Array.of(byte));
      }
      await write(
        chunkOf(concat(
          withMetadata(message(6n), "qanat.gap", "{}"),
          message(7n),
          END_OF_STREAM,
        )),
      );
    }, { format: "arrow" });
    assert.equal(arrow.steady.rows, 7);
    assert.equal(arrow.steady.lost, 1);
    assert.equal(arrow.steady.gaps, 1);
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

  describe("Arrow Flight", () => {
    const template = new RowTemplate(
      [
        { name: "A", dataType: "float32", rate: "2048", samples: 128 },
        { name: "B", dataType: "int64", rate: "16", samples: 1 },
      ],
      undefined,
      "flight",
    );
    /** The row that ends then, with samples or without. */
    const rowOf = (endNs: bigint, columns = [0, 1]) => {
      const bytes = new Uint8Array(template.byteLength);
      template.begin(bytes, 0, endNs - STRIDE);
      for (const column of columns) {
        template.setPartsPresent(bytes, 0, column, Uint8Array.of(1));
      }
      return flightData(bytes);
    };
    const line = flightLine(["A", "B"]);
    const head = concat(frame(SETTINGS, 0, ""), frame(HEADERS, 4, "x"));

    it("counts rows whatever their frames and packets, and a row with a null as missing", async () => {
      const first = nowGpsNs();
      const rows = [0n, 1n, 3n].map((n) => rowOf(first + n * STRIDE));
      const { figures, request } = await read(async (write) => {
        await write(frame(DATA, 0, flightData(template.schemaMessage)));
        for (const byte of frame(DATA, 0, rows[0]!)) {
          await write(Uint8Array.of(byte));
        }
        const [row] = rows.slice(1);
        await write(
          concat(
            frame(DATA, 0, row!.subarray(0, 3)),
            frame(PING, 0, "12345678"),
            frame(
              DATA,
              0,
              concat(row!.subarray(3), rowOf(first + 2n * STRIDE, [0])),
            ),
            frame(DATA, 0, withAppMetadata(rows[2]!, { gap: {} })),
          ),
        );
      }, { format: "flight", line, head });
      const { steady } = figures;
      assert.equal(steady.rows, 3);
      assert.equal(steady.lost, 1);
      assert.equal(steady.gaps, 1);
      assert.equal(steady.ended, 0);
      assert.match(request, /^PRI \* HTTP\/2\.0\r\n\r\nSM\r\n\r\n/);
      assert.match(request, /\/arrow\.flight\.protocol\.FlightService\/DoGet/);
      assert.match(
        request,
        /\{"request":"Stream","args":\{"channels":\["A","B"\],/,
      );
    });

    it("answers settings and pings, and refills the windows", async () => {
      await read(async (write, receive) => {
        await write(frame(PING, 0, "12345678"));
        const answers = concat(
          frame(SETTINGS, 1, ""),
          frame(PING, 1, "12345678"),
        );
        let received = new Uint8Array(0);
        while (received.byteLength < answers.byteLength) {
          received = concat(received, await receive());
        }
        assert.deepEqual(received, answers);
        const row = rowOf(nowGpsNs());
        let sent = 0;
        while (sent < MIB) {
          await write(frame(DATA, 0, row));
          sent += row.byteLength;
        }
        const grants = await receive();
        const view = new DataView(grants.buffer);
        // Of the connection, and of the stream.
        assert.deepEqual([grants[3], view.getUint32(5)], [WINDOW_UPDATE, 0]);
        assert.deepEqual([grants[16], view.getUint32(18)], [WINDOW_UPDATE, 1]);
        assert.ok(view.getUint32(9) >= MIB && view.getUint32(9) <= sent);
      }, { format: "flight", line, head });
    });

    it("counts a call that ends, and one that is refused", async () => {
      const trailers = frame(HEADERS, 5, "x");
      const { figures: ended } = await read(
        (write) => write(trailers),
        { format: "flight", line, head },
      );
      assert.equal(ended.steady.ended, 1);
      const { figures: refused } = await read(
        () => Promise.resolve(),
        { format: "flight", line, head: trailers },
      );
      assert.equal(refused.refused, 1);
    });
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
