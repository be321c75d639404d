// Reads one table of a flatbuffer; its DataView checks the bounds of every access.
// Invariant: work is bounded by what the caller requests; a damaged buffer throws RangeError and nothing else.

const NAME_BYTES_MAX = 64;
const TEXT_BYTES_MAX = 1 << 16;
const decoder = new TextDecoder();

/** A table of a flatbuffer. Every method throws RangeError where the buffer is damaged. */
export class Table {
  readonly view: DataView;
  readonly at: number;
  readonly #vtable: number;

  constructor(view: DataView, at: number) {
    this.view = view;
    this.at = at;
    this.#vtable = at - view.getInt32(at, true);
  }

  /** Byte offset of a field's value; 0 when it is absent. */
  fieldAt(field: number): number {
    const slot = 4 + 2 * field;
    if (slot >= this.view.getUint16(this.#vtable, true)) return 0;
    const offset = this.view.getUint16(this.#vtable + slot, true);
    return offset === 0 ? 0 : this.at + offset;
  }

  int64(field: number): number {
    const at = this.fieldAt(field);
    return at === 0 ? 0 : Number(this.view.getBigInt64(at, true));
  }

  uint8(field: number): number {
    const at = this.fieldAt(field);
    return at === 0 ? 0 : this.view.getUint8(at);
  }

  /** Byte offset that a field's value points to; 0 when it is absent. */
  target(field: number): number {
    const at = this.fieldAt(field);
    return at === 0 ? 0 : at + this.view.getUint32(at, true);
  }

  table(field: number): Table | null {
    const at = this.target(field);
    return at === 0 ? null : new Table(this.view, at);
  }

  /** Length of a vector, and byte offset of its first element. */
  vector(field: number): { count: number; at: number } {
    const at = this.target(field);
    if (at === 0) return { count: 0, at: 0 };
    return { count: this.view.getUint32(at, true), at: at + 4 };
  }

  text(field: number): string {
    const { count, at } = this.vector(field);
    if (count > NAME_BYTES_MAX) return "";
    let text = "";
    for (let i = 0; i < count; i++) {
      text += String.fromCharCode(this.view.getUint8(at + i));
    }
    return text;
  }

  /** UTF-8 text of a field; empty when it is longer than `bytesMax`. */
  utf8(field: number, bytesMax: number = TEXT_BYTES_MAX): string {
    const { count, at } = this.vector(field);
    if (count > bytesMax) return "";
    const { view } = this;
    return decoder.decode(
      new Uint8Array(view.buffer, view.byteOffset + at, count),
    );
  }

  /** The table that element `index` of a vector of tables points to. */
  element(field: number, index: number): Table {
    const at = this.vector(field).at + 4 * index;
    return new Table(this.view, at + this.view.getUint32(at, true));
  }
}
