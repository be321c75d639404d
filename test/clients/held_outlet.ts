// An outlet whose writes finish when the test says so.
// It reads each held frame again when its write finishes: a frame that was released too early is poisoned by then.
// Invariant: it releases each frame once, and a write that leaves at once is followed by no onDrain, as sockets do.
import assert from "node:assert/strict";
import {
  NOBODY,
  type Outlet,
  type OutletOwner,
} from "../../src/clients/outlet.ts";
import type { Frame } from "../../src/frames/frame.ts";

const decoder = new TextDecoder();

/** Keeps what is written; finishes writes when the test says so. */
export class HeldOutlet implements Outlet {
  owner: OutletOwner = NOBODY;
  readonly written: Uint8Array[] = [];
  ending: "open" | "ended" | "cut short" | "destroyed" = "open";
  isStalled = false;
  readonly #pending: ({ frame: Frame; copy: Uint8Array } | null)[] = [];

  get inFlight(): number {
    return this.#pending.length;
  }

  get text(): string {
    return this.written.map((bytes) => decoder.decode(bytes)).join("");
  }

  write(frame: Frame): void {
    const copy = frame.body.slice();
    this.written.push(copy);
    if (!this.isStalled) return;
    frame.retain();
    this.#pending.push({ frame, copy });
  }

  writeBytes(bytes: Uint8Array): void {
    this.written.push(bytes);
    if (this.isStalled) this.#pending.push(null);
  }

  finish(): void {
    while (this.#pending.length > 0) {
      const held = this.#pending.shift();
      if (!held) continue;
      assert.ok(isSame(held.frame.body, held.copy), "released too early");
      held.frame.release();
    }
    this.owner.onDrain();
  }

  end(): void {
    this.ending = "ended";
    this.finish();
  }

  cutShort(): void {
    this.ending = "cut short";
    this.finish();
  }

  destroy(): void {
    this.ending = "destroyed";
    this.finish();
  }
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.byteLength === b.byteLength && a.every((byte, i) => byte === b[i]);
}
