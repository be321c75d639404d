// TLS to a broker by name and by address: the certificate has to be for what the connection was made to.
import assert from "node:assert/strict";
import type { AddressInfo } from "node:net";
import tls from "node:tls";
import { describe, it } from "@std/testing/bdd";
import { KafkaWork } from "../../src/kafka/kafka_work.ts";
import { KafkajsConnection } from "../../src/kafka/kafkajs_connection.ts";
import { testPair, type TestPairOptions } from "../certificates.ts";

const LOOPBACK_V4 = Uint8Array.of(127, 0, 0, 1);
const LOOPBACK_V6 = new Uint8Array(16).fill(1, 15);
const OTHER = Uint8Array.of(192, 0, 2, 1);

interface Attempt {
  /** Whether the client trusted the certificate and sent its first request. */
  readonly isTrusted: boolean;
  readonly error: string;
}

/** Connects to a stand-in for a broker with this certificate, which hangs up at the first request. */
async function attempt(
  host: string,
  certificate: TestPairOptions,
): Promise<Attempt> {
  const { cert, key } = testPair(certificate);
  let isTrusted = false;
  const broker = tls.createServer({ cert, key }, (socket) => {
    socket.on("error", () => {});
    socket.on("data", () => {
      isTrusted = true;
      socket.destroy();
    });
  });
  broker.on("tlsClientError", () => {});
  const at = host === "localhost" ? "127.0.0.1" : host;
  await new Promise<void>((resolve) => broker.listen(0, at, () => resolve()));
  const { port } = broker.address() as AddressInfo;
  const connection = new KafkajsConnection(host, port, {
    clientId: "test",
    ssl: { ca: [cert] },
    work: new KafkaWork(),
  });
  try {
    await connection.metadata();
    throw new Error("the stand-in has no metadata");
  } catch (error) {
    return { isTrusted, error: String(error) };
  } finally {
    connection.destroy();
    await new Promise((resolve) => broker.close(resolve));
  }
}

describe("KafkajsConnection over TLS", () => {
  for (
    const [host, addresses] of [
      ["127.0.0.1", [LOOPBACK_V4]],
      ["::1", [OTHER, LOOPBACK_V6]],
    ] as const
  ) {
    it(`connects to ${host} when the certificate is for this address`, async () => {
      const { isTrusted, error } = await attempt(host, {
        hosts: [],
        addresses,
      });
      assert.equal(isTrusted, true, error);
    });

    it(`refuses ${host} when the certificate is for another address, or for a host with this text as its name`, async () => {
      const { isTrusted, error } = await attempt(host, {
        hosts: [host, "localhost"],
        addresses: [OTHER],
      });
      assert.equal(isTrusted, false);
      assert.match(error, /does not match certificate's altnames/);
    });
  }

  it("connects to a name when the certificate is for it", async () => {
    const { isTrusted, error } = await attempt("localhost", { addresses: [] });
    assert.equal(isTrusted, true, error);
  });

  it("refuses a name when the certificate is for the address alone", async () => {
    const { isTrusted, error } = await attempt("localhost", { hosts: [] });
    assert.equal(isTrusted, false);
    assert.match(error, /does not match certificate's altnames/);
  });
});
