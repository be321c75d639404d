// Adds what Qanat uses of JavaScript and older versions of Node lack: base64 and hexadecimal text of bytes (before 25),
// Promise.withResolvers() (before 22). Invariant: what the runtime has is not replaced.
import { Buffer } from "node:buffer";

type Alphabet = "base64" | "base64url";

interface Base64Options {
  readonly alphabet?: Alphabet;
  readonly omitPadding?: boolean;
}

const DIGITS: Readonly<Record<Alphabet, RegExp>> = {
  base64: /^[A-Za-z0-9+/]*={0,2}$/,
  base64url: /^[\w-]*={0,2}$/,
};

/** As the standard methods of these names, without their other options. */
export const FALLBACKS = {
  toHex(this: Uint8Array): string {
    return bufferOf(this).toString("hex");
  },

  toBase64(this: Uint8Array, options: Base64Options = {}): string {
    const { alphabet = "base64", omitPadding = false } = options;
    const digits = bufferOf(this).toString(alphabet).replace(/=+$/, "");
    if (omitPadding) return digits;
    return digits.padEnd(Math.ceil(digits.length / 4) * 4, "=");
  },

  /** Throws a SyntaxError for what is no base64, which Buffer would leave out, and for white space. */
  fromBase64(text: string, options: Base64Options = {}): Uint8Array {
    const { alphabet = "base64" } = options;
    const isWhole = text.replace(/=+$/, "").length % 4 !== 1;
    if (!isWhole || !DIGITS[alphabet].test(text)) {
      throw new SyntaxError("Not base64");
    }
    return new Uint8Array(Buffer.from(text, alphabet));
  },

  withResolvers<T>(): PromiseWithResolvers<T> {
    let resolve!: (value: T | PromiseLike<T>) => void;
    let reject!: (reason?: unknown) => void;
    const promise = new Promise<T>((accept, refuse) => {
      resolve = accept;
      reject = refuse;
    });
    return { promise, resolve, reject };
  },
};

/** Call it before the first request. */
export function addMissingGlobals(): void {
  const { fromBase64, toBase64, toHex, withResolvers } = FALLBACKS;
  addMissing(Uint8Array.prototype, { toBase64, toHex });
  addMissing(Uint8Array, { fromBase64 });
  addMissing(Promise, { withResolvers });
}

function addMissing(target: object, methods: Record<string, unknown>): void {
  for (const [name, value] of Object.entries(methods)) {
    if (name in target) continue;
    Object.defineProperty(target, name, {
      value,
      writable: true,
      configurable: true,
    });
  }
}

function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
}
