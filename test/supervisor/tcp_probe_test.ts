import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import {
  probeRequest,
  reachableHost,
  TcpProbe,
} from "../../src/supervisor/tcp_probe.ts";

function listen(): { listener: Deno.TcpListener; port: number } {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return { listener, port: listener.addr.port };
}

/** Resolves when the probe has an outcome. */
async function outcome(probe: TcpProbe): Promise<void> {
  while (probe.state === "waiting") {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
}

const at = (port: number) => ({ host: "127.0.0.1", port, basePath: "/q" });

describe("TcpProbe", () => {
  it("requests /healthz below the base path, with the host name that it connects to", async () => {
    const { listener, port } = listen();
    const probe = new TcpProbe(at(port));
    const connection = await listener.accept();
    const bytes = new Uint8Array(1024);
    const count = await connection.read(bytes);
    assert.equal(
      new TextDecoder().decode(bytes.subarray(0, count!)),
      `GET /q/healthz HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\nconnection: close\r\n\r\n`,
    );
    assert.equal(probe.state, "waiting");
    await connection.write(new TextEncoder().encode("HTTP/1.1 503 full\r\n"));
    await outcome(probe);
    assert.equal(probe.state, "answered");
    // The probe has closed its connection.
    assert.equal(await connection.read(bytes), null);
    connection.close();
    listener.close();
    probe.close();
  });

  it("takes a connection that is accepted and closed at once as an answer", async () => {
    const { listener, port } = listen();
    const probe = new TcpProbe(at(port));
    (await listener.accept()).close();
    await outcome(probe);
    assert.equal(probe.state, "answered");
    listener.close();
  });

  it("fails with the reason when no process listens on the port", async () => {
    const { listener, port } = listen();
    listener.close();
    const probe = new TcpProbe(at(port));
    await outcome(probe);
    assert.equal(probe.state, "failed");
    assert.match(probe.error, /refused/i);
  });

  it("waits for a listener that accepts no connection, until the probe is closed", async () => {
    const { listener, port } = listen();
    const probe = new TcpProbe(at(port));
    const connection = await listener.accept();
    const bytes = new Uint8Array(1024);
    await connection.read(bytes);
    assert.equal(probe.state, "waiting");
    probe.close();
    probe.close();
    assert.equal(await connection.read(bytes), null);
    assert.equal(probe.state, "waiting");
    connection.close();
    listener.close();
  });

  it("leaves no connection open when it is closed before it has connected", async () => {
    const { listener, port } = listen();
    const probe = new TcpProbe(at(port));
    probe.close();
    listener.close();
    // A later connection is there, so the earlier one has been given up.
    const other = listen();
    const connection = await Deno.connect({
      hostname: "127.0.0.1",
      port: other.port,
    });
    connection.close();
    other.listener.close();
    assert.equal(probe.state, "waiting");
  });
});

describe("probeRequest()", () => {
  it("reaches a listener on all addresses by loopback, and brackets IPv6", () => {
    assert.equal(reachableHost("0.0.0.0"), "127.0.0.1");
    assert.equal(reachableHost("::"), "::1");
    assert.equal(reachableHost("10.0.0.7"), "10.0.0.7");
    assert.match(
      probeRequest({ host: "::", port: 80, basePath: "" }),
      /^GET \/healthz HTTP\/1\.1\r\nhost: \[::1\]:80\r\n/,
    );
  });
});
