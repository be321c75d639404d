// An event stream of a fetch, read until the test closes it.
// Invariant: each event is kept in the order of the stream, its data as text.
import assert from "node:assert/strict";

/** Part of a row that lacks a sample. */
export const MISSING = '"missing":{';

/** A GET of `/v1/events`. */
export class SseReader {
  readonly #body: ReadableStreamDefaultReader<Uint8Array>;
  /** Data of rows by their ids; a Map keeps the order. */
  readonly #rows = new Map<bigint, string>();
  /** Names of other events than rows, in order. */
  readonly #others: string[] = [];
  #text = "";

  private constructor(body: ReadableStreamDefaultReader<Uint8Array>) {
    this.#body = body;
  }

  static async open(url: string): Promise<SseReader> {
    const { status, body } = await fetch(url);
    assert.equal(status, 200, url);
    return new SseReader(body!.getReader());
  }

  get rows(): number {
    return this.#rows.size;
  }

  /** Resolves after {@linkcode close}, or at the end of the stream. */
  async read(): Promise<void> {
    const decoder = new TextDecoder();
    for (;;) {
      const { value, done } = await this.#body.read();
      if (done) return;
      this.#text += decoder.decode(value, { stream: true });
      const events = this.#text.split("\n\n");
      this.#text = events.pop()!;
      for (const event of events) this.#take(event);
    }
  }

  /** A signal would not be heard: Deno may have collected the response by now. */
  close(): void {
    void this.#body.cancel();
  }

  /**
   * Fails unless rows follow each other without a gap, and are equal to those of `other` that have the same id and lack
   * nothing.
   */
  compare(other: SseReader | null, strideNs: bigint): { compared: number } {
    assert.deepEqual(this.#others, ["hello"]);
    let compared = 0;
    let previous = 0n;
    for (const [id, data] of this.#rows) {
      if (previous > 0n) assert.equal(id, previous + strideNs, "a row is lost");
      previous = id;
      const same = other === null ? undefined : other.#rows.get(id);
      if (same === undefined || same.includes(MISSING)) continue;
      assert.equal(data, same);
      compared++;
    }
    return { compared };
  }

  #take(event: string): void {
    const fields = new Map(
      event.split("\n").map((line) => {
        const colon = line.indexOf(": ");
        return [line.slice(0, colon), line.slice(colon + 2)] as const;
      }),
    );
    const name = fields.get("event");
    const id = fields.get("id");
    if (name !== undefined) this.#others.push(name);
    else if (id !== undefined) this.#rows.set(BigInt(id), fields.get("data")!);
  }
}
