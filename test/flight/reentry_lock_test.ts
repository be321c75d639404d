// The lock around the runtime's HTTP/2 library: while it is entered, nothing enters it again and nothing is freed.
import assert from "node:assert/strict";
import http2 from "node:http2";
import type { AddressInfo } from "node:net";
import { describe, it } from "@std/testing/bdd";
import {
  lockNative,
  lockSession,
  type NativeSession,
} from "../../src/flight/reentry_lock.ts";

/** A native part that notes what is called, and calls back while it reads or writes. */
class Native implements NativeSession {
  readonly calls: string[] = [];
  readonly chunks: Uint8Array[] = [];
  onReceive: () => void = () => {};
  onSend: () => void = () => {};

  receive(bytes: Uint8Array): void {
    this.calls.push(`receive ${bytes.byteLength}`);
    this.onReceive();
    this.calls.push("received");
  }
  getOutgoingChunk(): Uint8Array {
    this.calls.push("send");
    this.onSend();
    return this.chunks.shift() ?? new Uint8Array(0);
  }
  sendPending(): void {
    while (this.getOutgoingChunk().byteLength > 0);
  }
  destroy(code: number, isSocketDestroyed: boolean): void {
    this.calls.push(`destroy ${code} ${isSocketDestroyed}`);
  }
}

function locked(): Native {
  const native = new Native();
  lockNative(native);
  return native;
}

describe("the lock around HTTP/2", () => {
  it("nothing is written while frames are read, but directly after them", () => {
    const native = locked();
    native.chunks.push(new Uint8Array(17));
    native.onReceive = () => {
      assert.equal(native.getOutgoingChunk().byteLength, 0);
    };
    native.receive(new Uint8Array(3));
    assert.deepEqual(native.calls, ["receive 3", "received", "send", "send"]);
    assert.equal(native.chunks.length, 0);
  });

  it("a connection that is closed while frames are read is freed after them, and after what it has to write", () => {
    const native = locked();
    native.chunks.push(new Uint8Array(17));
    native.onReceive = () => native.destroy(1, false);
    native.receive(new Uint8Array(3));
    assert.deepEqual(native.calls, [
      "receive 3",
      "received",
      "send",
      "send",
      "destroy 1 false",
    ]);
    native.destroy(2, true);
    assert.equal(native.calls.at(-1), "destroy 2 true");
  });

  it("nothing is written or freed while frames are written", () => {
    const native = locked();
    native.chunks.push(new Uint8Array(1), new Uint8Array(2));
    let isFirst = true;
    native.onSend = () => {
      if (!isFirst) return;
      isFirst = false;
      assert.equal(native.getOutgoingChunk().byteLength, 0);
      native.destroy(0, false);
    };
    assert.equal(native.getOutgoingChunk().byteLength, 1);
    assert.deepEqual(native.calls, ["send", "destroy 0 false"]);
  });

  it("an error of the library leaves it open", () => {
    const native = locked();
    native.onReceive = () => {
      throw new Error("bad");
    };
    assert.throws(() => native.receive(new Uint8Array(1)), /bad/);
    native.chunks.push(new Uint8Array(5));
    assert.equal(native.getOutgoingChunk().byteLength, 5);
  });

  it("a session of this runtime can be locked", async () => {
    const server = http2.createServer();
    let isLocked = false;
    server.on("session", (session) => isLocked = lockSession(session));
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const { port } = server.address() as AddressInfo;
    const client = http2.connect(`http://127.0.0.1:${port}`);
    await new Promise((done) => client.once("remoteSettings", done));
    assert.ok(isLocked);
    client.destroy();
    await new Promise<void>((done) => server.close(() => done()));
  });

  it("a session of another runtime is left as it is", () => {
    const session = {} as Parameters<typeof lockSession>[0];
    assert.equal(lockSession(session), false);
    const other = { [Symbol("kHandle")]: { receive: 1 } };
    assert.equal(lockSession(other as unknown as typeof session), false);
  });
});
