// The stream routes on real sockets: HEAD, HTTP/1.0, pipelining, clients that disconnect, and a Deno.serve in the same
// process.
import assert from "node:assert/strict";
import net from "node:net";
import { after, before, describe, it } from "@std/testing/bdd";
import { Qanat } from "../../src/app.ts";
import { nowGpsNs } from "../../src/blocks/gps_time.ts";
import { Catalog } from "../../src/channels/catalog.ts";
import { type HttpServer, serve } from "../../src/http/server.ts";
import { EmbeddedSource } from "../../src/source/embedded_source.ts";
import { configWith, silent } from "../driven_source.ts";

const PATH = "/v1/events?channels=H1:QANAT-COUNT_I64_16";
/** Addresses of the clients in the log. */
const opened: string[] = [];
let qanat: Qanat;
let server: HttpServer;

/** Sends raw bytes; resolves with what was received when it contains `until`, or at the end. */
function raw(text: string, until: RegExp): Promise<string> {
  return new Promise((resolve, reject) => {
    let got = "";
    const socket = net.connect(server.port, "127.0.0.1", () => {
      socket.write(text);
    });
    socket.on("data", (data) => {
      got += data.toString("latin1");
      if (until.test(got)) socket.destroy();
    });
    socket.on("close", () => resolve(got));
    socket.on("error", reject);
  });
}

before(async () => {
  const catalog = new Catalog();
  qanat = new Qanat({
    config: configWith({
      port: 0,
      trustedProxies: ["127.0.0.0/8"],
      corsOrigin: ["https://a.example"],
      allowedHosts: ["x"],
    }),
    source: new EmbeddedSource({ catalog, nowGpsNs: () => nowGpsNs() }),
    log: {
      ...silent,
      info: (event, fields) => {
        if (event === "client-open") opened.push(String(fields!.address));
      },
    },
  });
  await qanat.start();
  server = await serve(qanat);
});

after(async () => {
  qanat.drain();
  await server.close(500);
  await qanat.close();
});

describe("serve()", () => {
  it("releases the bytes of each row of /v1/latest once it was sent, on a connection that stays open, too", async () => {
    const { answers } = qanat.requests;
    const request =
      "GET /v1/latest?match=H1:QANAT-SINE HTTP/1.1\r\nhost: x\r\n\r\n";
    const got = await raw(
      request + request,
      /^HTTP[\s\S]*HTTP\/1\.1 200[\s\S]*\}$/,
    );
    assert.equal(got.match(/HTTP\/1\.1 200/g)?.length, 2);
    // The client disconnects while the row is being sent, or before.
    await raw(request, /HTTP/);
    for (let tries = 0; answers.used > 0 && tries < 100; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.equal(answers.used, 0);
  });

  it("streams valid HTTP chunks, with the headers of cors()", async () => {
    const got = await raw(
      `GET ${PATH} HTTP/1.1\r\nhost: x\r\norigin: https://a.example\r\n\r\n`,
      /"time"[\s\S]*"time"/,
    );
    const [head, body] = got.split("\r\n\r\n", 2);
    assert.match(head!, /transfer-encoding: chunked/i);
    assert.match(head!, /access-control-allow-origin: https:\/\/a\.example/i);
    const rest = got.slice(head!.length + 4);
    assert.ok(body !== undefined);
    let at = 0;
    let chunks = 0;
    for (;;) {
      const line = rest.indexOf("\r\n", at);
      const size = parseInt(rest.slice(at, line), 16);
      if (!(size > 0) || line + 4 + size > rest.length) break;
      assert.equal(rest.slice(line + 2 + size, line + 4 + size), "\r\n");
      at = line + 4 + size;
      chunks++;
    }
    assert.ok(chunks >= 2);
  });

  it("counts a stream once, by its route and when it begins", async () => {
    const count = () => {
      const all = [...qanat.requests.answered.all()];
      return all.find(({ route, status }) =>
        route === "/v1/events" && status === 200
      )?.count ?? 0;
    };
    const before = count();
    let atHello = NaN;
    await new Promise<void>((resolve) => {
      const socket = net.connect(server.port, "127.0.0.1", () => {
        socket.write(`GET ${PATH} HTTP/1.1\r\nhost: x\r\n\r\n`);
      });
      socket.on("data", (data) => {
        if (!data.includes("event: hello")) return;
        setTimeout(() => {
          atHello = count();
          socket.destroy();
        }, 0);
      });
      socket.on("close", () => resolve());
    });
    assert.equal(atHello, before + 1);
    for (let i = 0; i < 100 && qanat.hub.figures.clients > 0; i++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.equal(count(), before + 1);
  });

  it("answers HEAD without opening a stream", async () => {
    const got = await raw(
      `HEAD ${PATH} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`,
      /$^/,
    );
    assert.match(got, /^HTTP\/1\.1 200/);
    assert.match(got, /content-type: text\/event-stream/i);
    assert.equal(got.split("\r\n\r\n")[1], "");
  });

  it("does not chunk for HTTP/1.0", async () => {
    const got = await raw(
      `GET ${PATH} HTTP/1.0\r\nhost: x\r\n\r\n`,
      /"time"[\s\S]*"time"/,
    );
    assert.doesNotMatch(got, /transfer-encoding/i);
    assert.match(got, /\r\n\r\nretry: 1000\nevent: hello\n/);
  });

  it("serves the second of two pipelined requests", async () => {
    const request = (path: string) => `GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`;
    const got = await raw(
      request("/healthz") + request(PATH),
      /"time"[\s\S]*"time"/,
    );
    assert.equal(got.match(/HTTP\/1\.1 200/g)!.length, 2);
    assert.match(got, /event: hello/);
  });

  it("does not begin a request behind an endless stream (it held a slot), and releases both", async () => {
    const { hub } = qanat;
    const before = hub.figures.counters.opened;
    const request = `GET ${PATH} HTTP/1.1\r\nhost: x\r\n\r\n`;
    await raw(request + request, /"time"[\s\S]*"time"/);
    for (let i = 0; i < 50 && hub.figures.clients > 0; i++) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    assert.equal(hub.figures.counters.opened - before, 1);
    assert.equal(hub.figures.clients, 0);
    assert.equal(qanat.connections.heldBytes, 0);
  });

  it("answers a header that is too large with a problem", async () => {
    const got = await raw(
      `GET /v1/events?channels=${
        "x".repeat(30_000)
      } HTTP/1.1\r\nhost: x\r\n\r\n`,
      /\}$/,
    );
    assert.match(got, /^HTTP\/1\.1 431/);
    assert.match(got, /application\/problem\+json/);
  });

  // Before the tests with many clients: the log has at most 200 lines about clients per second.
  it("uses X-Forwarded-For of trusted proxies only, from the last hop on", async () => {
    const ask = async (forwarded: string) => {
      opened.length = 0;
      await raw(
        `GET ${PATH} HTTP/1.1\r\nhost: x\r\nx-forwarded-for: ${forwarded}\r\n\r\n`,
        /hello/,
      );
      return opened[0];
    };
    assert.equal(await ask("198.51.100.7"), "198.51.100.7");
    assert.equal(await ask("203.0.113.9, 198.51.100.7"), "198.51.100.7");
    assert.equal(await ask("198.51.100.7, 127.0.0.2"), "198.51.100.7");
    assert.equal(await ask("forged"), "127.0.0.1");
  });

  it("loses no slot when clients disconnect during a write", async () => {
    const path = "/v1/arrow?match=H1:QANAT-.*_F";
    await Promise.all(
      Array.from({ length: 50 }, (_, i) =>
        new Promise<void>((resolve) => {
          const socket = net.connect(server.port, "127.0.0.1", () => {
            socket.write(`GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`);
          });
          socket.on("error", () => {});
          socket.on("close", () => resolve());
          setTimeout(() => socket.resetAndDestroy(), 20 + i * 7);
        })),
    );
    for (let i = 0; i < 100 && qanat.hub.figures.clients > 0; i++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.equal(qanat.hub.figures.clients, 0);
    assert.equal(qanat.slab.usedSlots, 0);
    assert.equal(qanat.slab.reservedBytes, 0);
  });

  it("releases 300 clients that disconnect at once: closed, reset, some with queued writes", async () => {
    const names =
      "H1:QANAT-SINE_F32_16 H1:QANAT-SINE_F32_256 H1:QANAT-COUNT_I64_16"
        .split(" ");
    const before = qanat.hub.figures.ends["client-left"] ?? 0;
    const sockets = await Promise.all(
      Array.from(
        { length: 300 },
        (_, i) =>
          new Promise<net.Socket>((resolve) => {
            const path = i % 2 ? "/v1/arrow" : "/v1/events";
            const socket = net.connect(server.port, "127.0.0.1", () => {
              const channels = names.slice(i % 3).join();
              socket.write(
                `GET ${path}?channels=${channels} HTTP/1.1\r\nhost: x\r\n\r\n`,
              );
            });
            socket.on("error", () => {});
            socket.once("data", () => {
              if (i % 5 === 0) socket.pause();
              resolve(socket);
            });
          }),
      ),
    );
    assert.equal(qanat.hub.figures.clients, 300);
    // From now on, their outlets watch the sockets instead of node.
    qanat.hub.tick();
    sockets.forEach((socket, i) =>
      i % 3 ? socket.destroy() : socket.resetAndDestroy()
    );
    const { hub, slab } = qanat;
    const left = () => [
      hub.figures.clients,
      hub.groups.size,
      hub.lifecycle.books.idleReserveBytes,
      hub.admission.shares.size,
      slab.usedSlots,
      slab.reservedBytes,
    ];
    for (let i = 0; i < 250 && left().some((count) => count > 0); i++) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.deepEqual(left(), [0, 0, 0, 0, 0, 0]);
    assert.equal(hub.figures.ends["client-left"]! - before, 300);
  });

  it("serves a request that arrives on a stream's connection after the stream has ended", async () => {
    const stream = `GET ${PATH}&duration=0.5 HTTP/1.1\r\nhost: x\r\n\r\n`;
    const more = "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
    for (const isEarly of [true, false]) {
      let got = "";
      const socket = net.connect(
        server.port,
        "127.0.0.1",
        () => socket.write(stream),
      );
      const health = /^(HTTP\/1\.1 200[\s\S]*){2}$/;
      const answered = Promise.withResolvers<void>();
      socket.on("data", (data) => {
        const isFirst = got === "";
        qanat.hub.tick();
        got += data.toString("latin1");
        if (isEarly ? isFirst : got.endsWith("0\r\n\r\n")) socket.write(more);
        if (health.test(got)) answered.resolve();
      });
      await answered.promise;
      assert.match(got, /event: end[\s\S]*0\r\n\r\nHTTP\/1\.1 200 OK/);
      socket.destroy();
    }
  });

  it("treats a client that closes its sending side as disconnected (docs/decisions/0031)", async () => {
    const ask = (path: string) =>
      new Promise<string>((resolve, reject) => {
        let got = "";
        const socket = net.connect({
          port: server.port,
          host: "127.0.0.1",
          allowHalfOpen: true,
        }, () => socket.end(`GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`));
        socket.on("data", (data) => got += data.toString("latin1"));
        // An end and not an error: everything that was written has arrived.
        socket.on("end", () => resolve(got));
        socket.on("error", reject);
      });
    assert.match(await ask("/healthz"), /^HTTP\/1\.1 200 /);
    const { clients } = qanat.hub.figures;
    assert.doesNotMatch(await ask(PATH), /event: end/);
    assert.equal(qanat.hub.figures.clients, clients);
  });

  it("works with a Deno.serve in the same process", async () => {
    const other = Deno.serve(
      { port: 0, hostname: "127.0.0.1", onListen: () => {} },
      () => new Response("other"),
    );
    const theirs = await fetch(`http://127.0.0.1:${other.addr.port}/`);
    assert.equal(await theirs.text(), "other");
    const ours = await fetch(`http://127.0.0.1:${server.port}/healthz`);
    assert.deepEqual(await ours.json(), { status: "ok" });
    await other.shutdown();
  });

  it("answers a preflight", async () => {
    const response = await fetch(`http://127.0.0.1:${server.port}${PATH}`, {
      method: "OPTIONS",
      headers: {
        origin: "https://a.example",
        "access-control-request-method": "GET",
      },
    });
    assert.equal(response.status, 204);
    assert.match(
      response.headers.get("access-control-allow-headers")!,
      /last-event-id/,
    );
    await response.body?.cancel();
  });
});

describe("--clients-per-address-max", () => {
  it("429 with Retry-After, and a count, for one client too many of an address", async () => {
    const catalog = new Catalog();
    const limited = new Qanat({
      config: configWith({
        port: 0,
        channelsMax: 1,
        clientsPerAddressMax: 1,
        trustedProxies: ["127.0.0.0/8"],
      }),
      source: new EmbeddedSource({ catalog, nowGpsNs: () => nowGpsNs() }),
      log: silent,
    });
    await limited.start();
    const own = await serve(limited);
    const ask = (address: string, path = PATH) =>
      fetch(`http://127.0.0.1:${own.port}${path}`, {
        headers: { "x-forwarded-for": address },
      });
    const first = await ask("203.0.113.1");
    const second = await ask("203.0.113.1");
    assert.equal(second.status, 429);
    assert.equal(second.headers.get("retry-after"), "5");
    assert.match((await second.json()).detail, /limit of 1 client per address/);
    const other = await ask("203.0.113.2");
    assert.equal(other.status, 200);
    const large = await ask("203.0.113.3", "/v1/events?match=.*");
    assert.equal(large.status, 400);
    await large.body!.cancel();
    const { text } = await limited.metrics();
    assert.match(text, /qanat_clients_refused_total\{limit="address"\} 1\n/);
    assert.match(text, /qanat_clients_refused_total\{limit="selection"\} 1\n/);
    assert.match(text, /qanat_clients_refused_total\{limit="clients"\} 0\n/);
    assert.match(text, /qanat_client_addresses 2\n/);
    await first.body!.cancel();
    await other.body!.cancel();
    limited.drain();
    await own.close(500);
    await limited.close();
  });
});

describe("--address-share-percent", () => {
  const HISTORY = `${PATH}&start=`;
  let small: Qanat;
  let server: HttpServer;
  const sockets: net.Socket[] = [];

  before(async () => {
    small = new Qanat({
      config: configWith({
        port: 0,
        resumeWindowMs: 1000,
        historyStallMs: 100,
      }),
      source: new EmbeddedSource({
        catalog: new Catalog(),
        nowGpsNs: () => nowGpsNs(),
      }),
      log: silent,
    });
    await small.start();
    server = await serve(small);
  });

  after(async () => {
    for (const socket of sockets) socket.destroy();
    small.drain();
    await server.close(500);
    await small.close();
  });

  /** The beginning of a history stream, whose client then stops reading. */
  function unread(localAddress: string): Promise<string> {
    const start = nowGpsNs() / 1_000_000_000n - 600n;
    return new Promise((resolve, reject) => {
      const socket = net.connect(
        { port: server.port, host: "127.0.0.1", localAddress },
        () =>
          socket.write(
            `GET ${HISTORY}${start} HTTP/1.1\r\nhost: localhost\r\n\r\n`,
          ),
      );
      sockets.push(socket);
      socket.once("data", (data) => {
        socket.pause();
        resolve(data.toString("latin1"));
      });
      socket.on("error", reject);
    });
  }

  it("leaves a history reader to other addresses when one address requests all of them (four unread ones used all)", async () => {
    for (let i = 0; i < 3; i++) {
      assert.match(await unread("127.0.0.1"), /^HTTP\/1\.1 200/);
    }
    const fourth = await unread("127.0.0.1");
    assert.match(fourth, /^HTTP\/1\.1 429[\s\S]*retry-after: 5/i);
    assert.match(fourth, /90 % for one address[\s\S]*"limit":"share"/);
    assert.match(await unread("127.0.0.2"), /^HTTP\/1\.1 200/);
    assert.equal(small.hub.history.histories, 4);
    const { text } = await small.metrics();
    assert.match(text, /qanat_clients_refused_total\{limit="share"\} 1\n/);
  });
});
