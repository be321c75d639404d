// An event stream over a bare connection, read only when the test says so.
// Invariant: what was heard is kept in the order of the stream, each row as its end and a digest of its line.
import assert from "node:assert/strict";
import { createHash, type Hash } from "node:crypto";

const LF = 10;
/** So much of a line is kept as text: ids, gaps and ends are shorter. */
const LINE_BYTES_MAX = 300;

/** An event as it came. `endNs` is the event's id. */
export type Heard =
  | {
    readonly kind: "row";
    readonly endNs: bigint;
    readonly digest: string;
    readonly bytes: number;
  }
  | {
    readonly kind: "gap";
    readonly endNs: bigint;
    readonly from: string;
    readonly to: string;
    readonly reason: string;
  }
  | { readonly kind: "end"; readonly reason: string };

/** What {@linkcode RawStream.check} found. */
export interface Checked {
  readonly rows: number;
  readonly gaps: number;
  /** Rows whose bytes were compared with another client's. */
  readonly compared: number;
  /** Rows before the first gap, and their bytes. */
  readonly rowsBeforeGap: number;
  readonly bytesBeforeGap: number;
}

/** Why rows may be missing, unless a test says otherwise. */
const SLOW: readonly string[] = ["slow"];

/** A GET of an event stream. */
export class RawStream {
  readonly heard: Heard[] = [];
  /** Called with each event. @default keeps it in `heard` */
  onHeard: (heard: Heard) => void = (heard) => void this.heard.push(heard);
  isOver = false;
  readonly #connection: Deno.TcpConn;
  readonly #decoder = new TextDecoder();
  #hash: Hash = createHash("sha1");
  #line = "";
  #lineBytes = 0;
  #lines = 0;
  #endNs = 0n;
  #event = "";

  private constructor(connection: Deno.TcpConn) {
    this.#connection = connection;
  }

  /** `lastId`: of the event after which it resumes. */
  static async open(url: string, lastId?: bigint): Promise<RawStream> {
    const { hostname, port, pathname, search } = new URL(url);
    const connection = await Deno.connect({ hostname, port: Number(port) });
    const resume = lastId === undefined ? "" : `Last-Event-ID: ${lastId}\r\n`;
    const head =
      `GET ${pathname}${search} HTTP/1.1\r\nHost: ${hostname}\r\n${resume}\r\n`;
    await connection.write(new TextEncoder().encode(head));
    return new RawStream(connection);
  }

  /** Reads for so long, `bytes` at a time with a pause between. */
  async read(ms: number, bytes = 1 << 20, pauseMs = 0): Promise<void> {
    const endMs = performance.now() + ms;
    await this.readWhile(() => performance.now() < endMs, bytes, pauseMs);
  }

  async readWhile(
    goesOn: () => boolean,
    bytes = 1 << 20,
    pauseMs = 0,
  ): Promise<void> {
    const buffer = new Uint8Array(bytes);
    while (!this.isOver && goesOn()) {
      const count = await this.#connection.read(buffer).catch(() => null);
      if (count === null) this.isOver = true;
      else this.#take(buffer.subarray(0, count));
      if (pauseMs > 0) await new Promise((r) => setTimeout(r, pauseMs));
    }
  }

  close(): void {
    this.#connection.close();
  }

  get newestNs(): bigint {
    return this.heard.findLast((h) => h.kind === "row")?.endNs ?? 0n;
  }

  /** The reason of its last event, when that ended it. */
  get endReason(): string | null {
    const last = this.heard.at(-1);
    return last?.kind === "end" ? last.reason : null;
  }

  /** Digests of its rows by their ends. */
  digests(): Map<bigint, string> {
    const digests = new Map<bigint, string>();
    for (const h of this.heard) {
      if (h.kind === "row") digests.set(h.endNs, h.digest);
    }
    return digests;
  }

  /** {@linkcode checkHeard} of what it has heard. */
  check(
    strideNs: bigint,
    others?: ReadonlyMap<bigint, string>,
    reasons: readonly string[] = SLOW,
  ): Checked {
    return checkHeard(this.heard, { strideNs, others, reasons });
  }

  #take(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.byteLength;) {
      const lf = bytes.indexOf(LF, at);
      const end = lf < 0 ? bytes.byteLength : lf;
      const part = bytes.subarray(at, end);
      const room = LINE_BYTES_MAX - this.#line.length;
      if (room > 0) this.#line += this.#decoder.decode(part.subarray(0, room));
      this.#hash.update(part);
      this.#lineBytes += part.byteLength;
      if (lf < 0) return;
      this.#heardLine(this.#line);
      this.#line = "";
      this.#lineBytes = 0;
      this.#hash = createHash("sha1");
      at = lf + 1;
    }
  }

  #heardLine(line: string): void {
    if (this.#lines++ === 0) assert.match(line, /^HTTP\/1\.1 200 /);
    if (line.startsWith("id: ")) this.#endNs = BigInt(line.slice(4));
    else if (line.startsWith("event: ")) this.#event = line.slice(7);
    else if (line.startsWith("data: ")) {
      const [event, endNs] = [this.#event, this.#endNs];
      this.#event = "";
      if (event === "") {
        const digest = this.#hash.digest("hex");
        const bytes = this.#lineBytes;
        this.onHeard({ kind: "row", endNs, digest, bytes });
      } else if (event === "gap") {
        const { from, to, reason } = JSON.parse(line.slice(6));
        this.onHeard({ kind: "gap", endNs, from, to, reason });
      } else if (event === "end") {
        this.onHeard({ kind: "end", ...JSON.parse(line.slice(6)) });
        // The connection stays open for another request, and nothing more comes.
        this.isOver = true;
      }
    }
  }
}

/**
 * Fails unless each row follows the one before it by a stride, or exactly the gaps between them say what is missing, for
 * one of these reasons, and unless its bytes are those that another client got.
 */
export function checkHeard(
  heard: readonly Heard[],
  { strideNs, others, reasons = SLOW }: {
    strideNs: bigint;
    /** Digests by the ends of rows. */
    others?: ReadonlyMap<bigint, string> | undefined;
    /** @default slow */
    reasons?: readonly string[];
  },
): Checked {
  let settledNs = 0n;
  let [rows, bytes, gaps, compared] = [0, 0, 0, 0];
  let [rowsBeforeGap, bytesBeforeGap] = [0, 0];
  for (const h of heard) {
    if (h.kind === "end") {
      assert.equal(h, heard.at(-1), "something after the end");
    } else if (h.kind === "gap") {
      assert.ok(reasons.includes(h.reason), `a gap of reason ${h.reason}`);
      assert.ok(rows > 0, "a gap before the first row");
      assert.equal(h.from, String(settledNs), "the gap begins at the hole");
      assert.ok(BigInt(h.to) > settledNs, `a gap up to ${h.to}`);
      assert.equal(h.endNs, BigInt(h.to), "the gap's id is its end");
      if (gaps++ === 0) [rowsBeforeGap, bytesBeforeGap] = [rows, bytes];
      settledNs = h.endNs;
    } else {
      if (rows++ > 0) assert.equal(h.endNs, settledNs + strideNs);
      settledNs = h.endNs;
      bytes += h.bytes;
      const other = others?.get(h.endNs);
      if (other === undefined) continue;
      assert.equal(h.digest, other, `the bytes of the row up to ${h.endNs}`);
      compared++;
    }
  }
  if (gaps === 0) [rowsBeforeGap, bytesBeforeGap] = [rows, bytes];
  return { rows, gaps, compared, rowsBeforeGap, bytesBeforeGap };
}
