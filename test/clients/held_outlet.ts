// An outlet whose writes finish when the test says so.
// Invariant: it releases each frame once, as sockets do.
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
  readonly #pending: (Frame | null)[] = [];

  get inFlight(): number {
    return this.#pending.length;
  }

  get text(): string {
    return this.written.map((bytes) => decoder.decode(bytes)).join("");
  }

  write(frame: Frame): void {
    frame.retain();
    this.written.push(frame.body.slice());
    this.#pending.push(frame);
    if (!this.isStalled) this.finish();
  }

  writeBytes(bytes: Uint8Array): void {
    this.written.push(bytes);
    this.#pending.push(null);
    if (!this.isStalled) this.finish();
  }

  finish(): void {
    while (this.#pending.length > 0) this.#pending.shift()?.release();
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
