import assert from "node:assert/strict";
import { createServer, type Server } from "node:net";
import { describe, it } from "@std/testing/bdd";
import { assertPortFree } from "../../src/net/free_port.ts";

const host = "127.0.0.1";

async function listening(port: number, reusePort: boolean): Promise<Server> {
  const server = createServer();
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once("error", reject);
  server.listen({ host, port, reusePort }, () => resolve());
  await promise;
  return server;
}

function portOf(server: Server): number {
  return (server.address() as { port: number }).port;
}

function closed(server: Server): Promise<unknown> {
  return new Promise((resolve) => server.close(resolve));
}

describe("assertPortFree()", { ignore: Deno.build.os !== "linux" }, () => {
  for (const reusePort of [false, true]) {
    it(`rejects while another listens, ${reusePort ? "also if that one shares the port" : "alone"}`, async () => {
      const server = await listening(0, reusePort);
      const port = portOf(server);
      await assert.rejects(
        assertPortFree({ host, port }),
        /EADDRINUSE/,
      );
      await closed(server);
      await assertPortFree({ host, port });
    });
  }

  it("leaves a port on which several can listen, and none more without sharing it", async () => {
    const first = await listening(0, true);
    const port = portOf(first);
    await closed(first);
    await assertPortFree({ host, port });
    const servers = [await listening(port, true), await listening(port, true)];
    await assert.rejects(listening(port, false), /EADDRINUSE/);
    await Promise.all(servers.map(closed));
  });

  it("port 0 is never one that others share", async () => {
    const first = await listening(0, true);
    const others = await Promise.all(
      Array.from({ length: 20 }, () => listening(0, true)),
    );
    const ports = [first, ...others].map(portOf);
    assert.equal(new Set(ports).size, ports.length);
    await Promise.all([first, ...others].map(closed));
  });
});
