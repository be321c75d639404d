// Writes a flatbuffer in the frame of an Arrow message: parts at known places, and parts that are referred to before they
// are added. Invariant: offsets are little-endian, from the start of the flatbuffer.
import { PREFIX_BYTES } from "./message_header.ts";

/** One entry of custom metadata. */
export type KeyValue = readonly [key: string, value: string];

const encoder = new TextEncoder();

/** Bytes of a string: its length, its UTF-8, a zero, padding. */
export function stringBytes(utf8: Uint8Array): number {
  return 4 + 4 * (1 + (utf8.byteLength >> 2));
}

/** A flatbuffer that grows at its end, and the references to parts that follow later. */
export class FlatbufferWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #end: number;
  readonly #referring = new Map<string, number[]>();

  constructor(end: number) {
    this.#end = end;
    this.#bytes = new Uint8Array(PREFIX_BYTES + end + 4096);
    this.#view = new DataView(this.#bytes.buffer);
  }

  put32(at: number, value: number): void {
    this.#view.setUint32(PREFIX_BYTES + at, value, true);
  }

  put16(at: number, ...values: readonly number[]): void {
    values.forEach((value, i) =>
      this.#view.setUint16(PREFIX_BYTES + at + 2 * i, value, true)
    );
  }

  /** Writes the offset of `to` at byte offset `at`. */
  point(at: number, to: number): void {
    this.put32(at, to - at);
  }

  putString(at: number, utf8: Uint8Array): void {
    this.put32(at, utf8.byteLength);
    this.#bytes.set(utf8, PREFIX_BYTES + at + 4);
  }

  /** Leaves the offset at `at` for the part of this name, which is added later. */
  refer(at: number, name: string): void {
    const known = this.#referring.get(name);
    if (known) known.push(at);
    else this.#referring.set(name, [at]);
  }

  /** Appends the part of a name, and writes its offset at all references; returns its byte offset. */
  addShared(name: string, bytes: number): number {
    const to = this.append(bytes);
    for (const at of this.#referring.get(name) ?? []) this.point(at, to);
    return to;
  }

  /** Appends a vtable. Tables store how far before them it is; here it follows, so that is negative. */
  addVtable(name: string, bytes: number): number {
    const to = this.append(bytes);
    for (const at of this.#referring.get(`vtable of ${name}`) ?? []) {
      this.put32(at, at - to);
    }
    return to;
  }

  addString(name: string, text: string): void {
    const utf8 = encoder.encode(text);
    this.putString(this.addShared(name, stringBytes(utf8)), utf8);
  }

  /** A vector of KeyValues. */
  addPairs(name: string, pairs: readonly KeyValue[]): void {
    const vector = this.addShared(name, 4 + 4 * pairs.length);
    this.put32(vector, pairs.length);
    for (const [i, pair] of pairs.entries()) {
      const at = this.append(12);
      this.point(vector + 4 + 4 * i, at);
      this.refer(at, "vtable of pair");
      for (const [k, text] of pair.entries()) {
        const utf8 = encoder.encode(text);
        const to = this.append(stringBytes(utf8));
        this.putString(to, utf8);
        this.point(at + 4 + 4 * k, to);
      }
    }
  }

  /** Appends zeros; returns their byte offset. */
  append(bytes: number): number {
    const at = this.#end;
    this.#end += bytes;
    const needed = PREFIX_BYTES + this.#end + 8;
    if (needed > this.#bytes.byteLength) {
      const longer = new Uint8Array(2 * needed);
      longer.set(this.#bytes);
      this.#bytes = longer;
      this.#view = new DataView(longer.buffer);
    }
    return at;
  }

  /** The message with its prefix, padded to 8 bytes. */
  message(): Uint8Array {
    const metadataBytes = Math.ceil(this.#end / 8) * 8;
    this.#view.setInt32(0, -1, true);
    this.#view.setInt32(4, metadataBytes, true);
    return this.#bytes.slice(0, PREFIX_BYTES + metadataBytes);
  }
}
