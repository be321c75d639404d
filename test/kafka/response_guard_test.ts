import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { createServer, type Socket } from "node:net";
import { describe, it } from "@std/testing/bdd";
import { KafkajsConnection } from "../../src/kafka/kafkajs_connection.ts";
import {
  RESPONSE_BYTES_MAX,
  ResponseGuard,
} from "../../src/kafka/response_guard.ts";
import { newWork } from "./batches.ts";

const answer = (length: number) => {
  const bytes = Buffer.alloc(4 + Math.max(0, Math.min(length, 100)), 9);
  bytes.writeInt32BE(length, 0);
  return bytes;
};

describe("ResponseGuard", () => {
  it("follows answers however they are cut", () => {
    const bytes = Buffer.concat([answer(4), answer(100), answer(50)]);
    for (let size = 1; size <= bytes.length; size++) {
      const guard = new ResponseGuard();
      for (let at = 0; at < bytes.length; at += size) {
        assert.equal(guard.check(bytes.subarray(at, at + size)), null);
      }
      assert.match(guard.check(answer(3))!, /of 3 bytes/);
    }
  });

  it("refuses at its fourth byte an answer that is not Kafka's, or too long", () => {
    for (const length of [-1, -0x80000000, 0, 3, RESPONSE_BYTES_MAX + 1]) {
      const guard = new ResponseGuard();
      const bytes = answer(length);
      assert.equal(guard.check(bytes.subarray(0, 3)), null);
      assert.match(guard.check(bytes.subarray(3, 4))!, /Kafka broker\?/);
    }
    assert.equal(new ResponseGuard().check(answer(RESPONSE_BYTES_MAX)), null);
  });
});

describe("KafkajsConnection", () => {
  for (
    const [what, bytes] of [
      ["an HTTP server", Buffer.from("HTTP/1.1 400 Bad Request\r\n\r\n")],
      ["a length of -1 (it ended the process)", answer(-1)],
      ["a length of 0 (it ended the process)", answer(0)],
    ] as const
  ) {
    it(`rejects where ${what} answers`, async () => {
      const sockets = new Set<Socket>();
      const server = createServer((socket) => {
        sockets.add(socket);
        socket.on("error", () => {});
        socket.once("data", () => socket.write(bytes));
      });
      await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
      const { port } = server.address() as { port: number };
      const connection = new KafkajsConnection("127.0.0.1", port, {
        clientId: "test",
        work: newWork(),
      });
      try {
        await assert.rejects(connection.metadata(), /Kafka broker\?/);
      } finally {
        connection.destroy();
        for (const socket of sockets) socket.destroy();
        await new Promise((done) => server.close(done));
      }
    });
  }
});
