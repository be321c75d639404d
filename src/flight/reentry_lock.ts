// Keeps the runtime's HTTP/2 library from being entered a second time while it calls back.
// Invariant: while it reads or writes frames, it neither writes others nor frees the connection; both follow at once
// after it. Why: the runtime (Deno 2.9.6) means to do this itself, but its own lock has no effect, so that a GOAWAY or a
// PING with ACK of a client freed memory in use, which ends the process (docs/flight.md).
import type { Http2Session } from "node:http2";

/** The native part of a session, as the runtime's own JavaScript uses it. */
export interface NativeSession {
  /** Reads frames, and calls back for each of them. */
  receive(bytes: Uint8Array): void;
  /** The next frames to write; empty where there are none. */
  getOutgoingChunk(): Uint8Array;
  /** Writes all of them to the socket. */
  sendPending(): void;
  /** Frees the connection. */
  destroy(code: number, isSocketDestroyed: boolean): void;
}

const NOTHING = new Uint8Array(0);

/** Locks a session, before its first byte is read. False: this runtime has another native part, which is left as it is. */
export function lockSession(session: Http2Session): boolean {
  const native = nativeOf(session);
  if (native === null) return false;
  lockNative(native);
  return true;
}

function nativeOf(session: Http2Session): NativeSession | null {
  const key = Object.getOwnPropertySymbols(session)
    .find(({ description }) => description === "kHandle");
  if (key === undefined) return null;
  const native = (session as unknown as Record<symbol, unknown>)[key];
  const methods = ["receive", "getOutgoingChunk", "sendPending", "destroy"];
  return methods.every((name) => isMethod(native, name))
    ? native as NativeSession
    : null;
}

function isMethod(owner: unknown, name: string): boolean {
  return typeof owner === "object" && owner !== null &&
    typeof (owner as Record<string, unknown>)[name] === "function";
}

function nothing(): void {}

/** Replaces the methods through which the runtime's JavaScript enters the library. */
export function lockNative(native: NativeSession): void {
  const { receive, getOutgoingChunk, destroy } = native;
  let isEntered = false;
  /** Whether frames were to be written while others were read. */
  let isSendingWanted = false;
  /** Arguments of a destroy() that waits for the library to return. */
  let waiting: Parameters<NativeSession["destroy"]> | null = null;

  const leave = (beforeDestroy: () => void) => {
    isEntered = false;
    const args = waiting;
    waiting = null;
    beforeDestroy();
    if (args !== null) destroy.apply(native, args);
  };
  const sendWanted = () => {
    if (isSendingWanted) native.sendPending();
    isSendingWanted = false;
  };
  native.receive = (bytes) => {
    isEntered = true;
    try {
      receive.call(native, bytes);
    } finally {
      leave(sendWanted);
    }
  };
  native.getOutgoingChunk = () => {
    if (isEntered) {
      isSendingWanted = true;
      return NOTHING;
    }
    isEntered = true;
    try {
      return getOutgoingChunk.call(native);
    } finally {
      // The caller writes these frames: those that follow must not be written before them.
      leave(nothing);
    }
  };
  native.destroy = (...args) => {
    if (!isEntered) return destroy.apply(native, args);
    waiting = args;
    isSendingWanted = true;
  };
}
