// A client of gRPC for tests, with node:http2, and readers of what Flight answers.
import { BinaryReader, BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { RecordBatch, tableFromIPC } from "apache-arrow";
import http2 from "node:http2";
import assert from "node:assert/strict";
import { END_OF_STREAM } from "../../src/arrow/row_template.ts";
import { lockSession } from "../../src/flight/reentry_lock.ts";
import { concat } from "../../src/frames/concat.ts";

const SERVICE = "/arrow.flight.protocol.FlightService/";
const encoder = new TextEncoder();

/** What a call has answered so far; `closed` resolves when it is over. */
export interface Answer {
  readonly stream: http2.ClientHttp2Stream;
  readonly bytes: Uint8Array[];
  headers: Record<string, string>;
  trailers: Record<string, string>;
  readonly closed: Promise<void>;
}

/** One connection. */
export class FlightClient {
  readonly session: http2.ClientHttp2Session;
  /** Resolves with the code of GOAWAY; null when the connection ends without one. */
  readonly goaway: Promise<number | null>;

  /** `ca`: certificate of a server with TLS. */
  constructor(port: number, settings: http2.Settings = {}, ca?: string) {
    this.session = ca === undefined
      ? http2.connect(`http://127.0.0.1:${port}`, { settings })
      : http2.connect(`https://127.0.0.1:${port}`, { settings, ca });
    this.session.on("error", () => {});
    // A GOAWAY of the server would end the process of the test.
    this.session.once("connect", () => assert.ok(lockSession(this.session)));
    this.goaway = new Promise((resolve) => {
      this.session.once("goaway", (code: number) => resolve(code));
      this.session.once("close", () => resolve(null));
    });
  }

  /** Begins a call; `message` null: the caller writes it. */
  begin(
    method: string,
    message: Uint8Array | null,
    headers: Record<string, string> = {},
  ): Answer {
    const stream = this.session.request({
      ":method": "POST",
      ":path": SERVICE + method,
      "content-type": "application/grpc",
      "te": "trailers",
      ...headers,
    });
    const over = Promise.withResolvers<void>();
    const answer: Answer = {
      stream,
      bytes: [],
      headers: {},
      trailers: {},
      closed: over.promise,
    };
    stream.on("response", (h) => answer.headers = { ...h } as never);
    stream.on("trailers", (t) => answer.trailers = { ...t } as never);
    stream.on("data", (bytes: Uint8Array) => answer.bytes.push(bytes));
    stream.on("error", () => {});
    stream.on("close", () => over.resolve());
    if (message !== null) stream.end(grpc(message));
    return answer;
  }

  /** A whole call. */
  async call(
    method: string,
    message: Uint8Array,
    headers: Record<string, string> = {},
  ): Promise<Answer> {
    const answer = this.begin(method, message, headers);
    await answer.closed;
    return answer;
  }

  close(): void {
    this.session.destroy();
  }
}

/** A message in its frame. */
export function grpc(message: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(5 + message.byteLength);
  new DataView(bytes.buffer).setUint32(1, message.byteLength);
  bytes.set(message, 5);
  return bytes;
}

function field(no: number, bytes: Uint8Array): Uint8Array {
  return new BinaryWriter().tag(no, WireType.LengthDelimited).bytes(bytes)
    .finish();
}

function bytesOf(command: unknown): Uint8Array {
  return encoder.encode(
    typeof command === "string" ? command : JSON.stringify(command),
  );
}

/** A descriptor of a command: an object, or text as it is. */
export function descriptor(command: unknown): Uint8Array {
  return new BinaryWriter().tag(1, WireType.Varint).int32(2)
    .raw(field(2, bytesOf(command))).finish();
}

export function ticket(command: unknown): Uint8Array {
  return field(1, bytesOf(command));
}

export function action(type: string): Uint8Array {
  return field(1, encoder.encode(type));
}

/** Status and message of a call that is over. */
export function statusOf({ headers, trailers }: Answer): [string, string] {
  const all = { ...headers, ...trailers };
  return [
    all["grpc-status"] ?? "none",
    decodeURIComponent(all["grpc-message"] ?? ""),
  ];
}

/** The messages that have arrived whole. */
export function messagesOf({ bytes }: Answer): Uint8Array[] {
  const all = concat(bytes);
  const view = new DataView(all.buffer);
  const messages: Uint8Array[] = [];
  for (let at = 0; at + 5 <= all.byteLength;) {
    const end = at + 5 + view.getUint32(at + 1);
    if (end > all.byteLength) break;
    messages.push(all.subarray(at + 5, end));
    at = end;
  }
  return messages;
}

export interface FlightData {
  header: Uint8Array;
  body: Uint8Array;
  app: string;
}

export function flightDataOf(message: Uint8Array): FlightData {
  const reader = new BinaryReader(message);
  const data: FlightData = {
    header: new Uint8Array(0),
    body: new Uint8Array(0),
    app: "",
  };
  while (reader.pos < reader.len) {
    const [no] = reader.tag();
    const bytes = reader.bytes();
    if (no === 2) data.header = bytes;
    else if (no === 1000) data.body = bytes;
    else if (no === 3) data.app = new TextDecoder().decode(bytes);
    else assert.fail(`field ${no}`);
  }
  return data;
}

/** The batches of an answer, and the text of each one's app_metadata. */
export function batchesOf(
  answer: Answer,
): { batches: RecordBatch[]; apps: string[] } {
  const data = messagesOf(answer).map(flightDataOf);
  const parts = data.flatMap(({ header, body }) => {
    // Metadata of a stream is a multiple of 8 long; that of Flight need not be.
    const metadata = new Uint8Array(Math.ceil(header.byteLength / 8) * 8);
    metadata.set(header);
    const prefix = new Uint8Array(8);
    new DataView(prefix.buffer).setInt32(0, -1);
    new DataView(prefix.buffer).setInt32(4, metadata.byteLength, true);
    return [prefix, metadata, body];
  });
  const table = tableFromIPC(concat([...parts, END_OF_STREAM]));
  return { batches: table.batches, apps: data.slice(1).map(({ app }) => app) };
}
