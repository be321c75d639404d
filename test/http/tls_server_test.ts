// A server with TLS on real sockets, next to one without that serves the same instance: bytes, certificates that are
// replaced, handshakes that go wrong.
import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import net from "node:net";
import tls from "node:tls";
import { after, before, describe, it } from "@std/testing/bdd";
import { Qanat } from "../../src/app.ts";
import { nowGpsNs } from "../../src/blocks/gps_time.ts";
import { Catalog } from "../../src/channels/catalog.ts";
import { type HttpServer, serve } from "../../src/http/server.ts";
import { ServerCertificate } from "../../src/net/server_certificate.ts";
import type { TlsFigures } from "../../src/net/tls_figures.ts";
import { EmbeddedSource } from "../../src/source/embedded_source.ts";
import { TlsProbe } from "../../src/supervisor/tls_probe.ts";
import type { Logger } from "../../src/telemetry/log.ts";
import { type TestPair, testPair } from "../certificates.ts";
import { configWith, silent } from "../driven_source.ts";
import { RawClient } from "./transport/raw_client.ts";

const CHANNELS = "H1:QANAT-COUNT_I64_16,H1:GWOSC-4KHZ_R1_WHITENED";
const HEAD_MS = 5000;
/** A test that waits longer than this fails. */
const WAIT_MAX_MS = 60_000;
/** Deno looks at its sockets while it waits for a timer: a shorter one may be due already on a busy machine. */
const POLL_MS = 20;
const CONNECTIONS_MAX = 400;
/** After so many bytes the relay stops to read. */
const STALL_BYTES = 200_000;

/** Lets the event loop turn until something is so. */
async function until(isSo: () => boolean): Promise<void> {
  const endMs = performance.now() + WAIT_MAX_MS;
  while (!isSo()) {
    if (performance.now() > endMs) throw new Error(`never so: ${isSo}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** Passes bytes on in both directions; those of the server only in part until resume() is called. */
class StallingRelay {
  readonly #server = net.createServer((client) => this.#take(client));
  readonly #port: number;
  #upstream: net.Socket | null = null;
  #passed = 0;
  isStalled = false;
  #isFree = false;

  constructor(port: number) {
    this.#port = port;
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) =>
      this.#server.listen(0, "127.0.0.1", () => resolve())
    );
    return (this.#server.address() as net.AddressInfo).port;
  }

  resume(): void {
    this.#isFree = true;
    this.#upstream!.resume();
  }

  close(): Promise<void> {
    this.#upstream?.destroy();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  #take(client: net.Socket): void {
    const upstream = this.#upstream = net.connect(this.#port, "127.0.0.1");
    client.pipe(upstream);
    upstream.on("data", (chunk) => {
      client.write(chunk);
      this.#passed += chunk.length;
      if (this.#isFree || this.#passed < STALL_BYTES) return;
      this.isStalled = true;
      upstream.pause();
    });
    for (const socket of [client, upstream]) socket.on("error", () => {});
    upstream.on("close", () => client.destroy());
    client.on("close", () => upstream.destroy());
  }
}

describe("a server with TLS", () => {
  let directory: string;
  let qanat: Qanat;
  let plain: HttpServer;
  let server: HttpServer;
  let certificate: ServerCertificate;
  let figures: TlsFigures;
  let nowMs = 0;
  const logged: string[] = [];
  const first = testPair({ name: "first" });

  /** Writes a pair as Kubernetes does: a new folder, and a symbolic link to it that is replaced. */
  async function publish(pair: TestPair): Promise<void> {
    const folder = await Deno.makeTempDir({ dir: directory, prefix: ".." });
    await Deno.writeTextFile(`${folder}/tls.crt`, pair.cert);
    await Deno.writeTextFile(`${folder}/tls.key`, pair.key);
    await Deno.symlink(folder, `${directory}/..new`);
    await Deno.rename(`${directory}/..new`, `${directory}/..data`);
  }

  /** Lets the files be checked until something is so, and a few times more. */
  async function checkUntil(isSo: () => boolean): Promise<void> {
    await until(() => {
      void certificate.poll();
      return isSo();
    });
    for (let i = 0; i < 5; i++) await certificate.poll();
  }

  /** A connection that has shaken hands. */
  async function connect(ca: readonly string[] = [first.cert]) {
    const socket = tls.connect({
      port: server.port,
      host: "127.0.0.1",
      servername: "localhost",
      ca: [...ca],
      ALPNProtocols: ["h2", "http/1.1"],
    });
    await new Promise<void>((resolve, reject) => {
      socket.once("secureConnect", () => resolve());
      socket.once("error", reject);
    });
    return socket;
  }

  const log: Logger = {
    ...silent,
    info: (event) => void logged.push(event),
    error: (event, fields) => void logged.push(`${event} ${fields?.reason}`),
  };

  before(async () => {
    directory = await Deno.makeTempDir({ prefix: "qanat-tls-" });
    await publish(first);
    await Deno.symlink("..data/tls.crt", `${directory}/tls.crt`);
    await Deno.symlink("..data/tls.key", `${directory}/tls.key`);
    const source = new EmbeddedSource({
      catalog: new Catalog(),
      nowGpsNs: () => nowGpsNs(),
    });
    const config = configWith({
      port: 0,
      tlsCert: `${directory}/tls.crt`,
      tlsKey: `${directory}/tls.key`,
      requestHeadMs: HEAD_MS,
      connectionsMax: CONNECTIONS_MAX,
      addressSharePercent: 100,
    });
    qanat = new Qanat({ config, source, log });
    await qanat.start();
    plain = await serve(qanat);
    certificate = await ServerCertificate.open({ ...config, log });
    figures = certificate.figures;
    server = await serve(qanat, { certificate, nowMs: () => nowMs });
  });
  after(async () => {
    qanat.drain();
    await plain.close(500);
    await server.close(500);
    // Throws when a slot of the slab is still in use.
    await qanat.close();
    await Deno.remove(directory, { recursive: true });
  });

  it("sends each client the same bytes as plain HTTP, whatever it reads and when", async () => {
    const start = nowGpsNs() / 1_000_000_000n;
    for (const path of ["/v1/arrow", "/v1/events"]) {
      const query = `channels=${CHANNELS}&start=${start - 2n}&end=${
        start + 2n
      }`;
      const client = Deno.createHttpClient({ caCerts: [first.cert] });
      const urls = [
        `http://localhost:${plain.port}`,
        ...Array(40).fill(`https://localhost:${server.port}`),
      ];
      const bodies = await Promise.all(urls.map(async (base) => {
        const answer = await fetch(`${base}${path}?${query}`, { client });
        assert.equal(answer.status, 200);
        return await answer.bytes();
      }));
      for (const body of bodies) assert.deepEqual(body, bodies[0]);
      assert.ok(bodies[0]!.length > 4000);
      client.close();
    }
  });

  it("waits for a client that does not read, and then sends it the same bytes", async () => {
    const end = nowGpsNs() / 1_000_000_000n;
    const path = `/v1/arrow?match=.*&start=${end - 20n}&end=${end}`;
    const whole = await (await fetch(
      `http://localhost:${plain.port}${path}`,
    )).bytes();
    // The stall is in between: the client itself reads whatever comes.
    const relay = new StallingRelay(server.port);
    const client = Deno.createHttpClient({ caCerts: [first.cert] });
    const answer = await fetch(
      `https://localhost:${await relay.listen()}${path}`,
      { client },
    );
    const bytes = answer.bytes();
    await until(() => {
      const [reader] = [...qanat.hub.lifecycle.clients()];
      return relay.isStalled && (reader?.outlet.inFlight ?? 0) > 0;
    });
    const { committedBytes } = qanat.slab;
    assert.ok(committedBytes < whole.length / 2, `${committedBytes} bytes`);
    relay.resume();
    // Without a diff, for which assert takes gigabytes.
    const isSame = Buffer.from(await bytes).equals(whole);
    assert.ok(isSame, "the bytes differ");
    client.close();
    await relay.close();
  });

  it("speaks HTTP/1.1 by ALPN, by TLS 1.2 and later", async () => {
    const socket = await connect();
    assert.equal(socket.alpnProtocol, "http/1.1");
    assert.equal(socket.getProtocol(), "TLSv1.3");
    socket.destroy();
  });

  it("closes what is no TLS, and counts it", async () => {
    const before = figures.handshakes.not_tls;
    const client = await RawClient.connect(server.port);
    await client.send("GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n");
    await client.closed;
    assert.doesNotMatch(client.received, /HTTP/);
    await until(() => figures.handshakes.not_tls === before + 1);
  });

  it("counts handshakes that a client breaks off, and logs none", async () => {
    const before = figures.handshakes.failed;
    const lines = logged.length;
    await assert.rejects(connect([testPair().cert]));
    await until(() => figures.handshakes.failed === before + 1);
    assert.equal(logged.length, lines);
  });

  it("closes a connection whose handshake is not done within --request-head-ms of the accept", async () => {
    const before = figures.handshakes.timed_out;
    const silent = await RawClient.connect(server.port);
    const slow = await RawClient.connect(server.port);
    await slow.send(Uint8Array.of(0x16, 3, 1));
    await until(() => qanat.connections.open >= 2);
    nowMs += HEAD_MS + 1;
    await Promise.all([silent.closed, slow.closed]);
    await until(() => figures.handshakes.timed_out === before + 2);
  });

  it("limits connections before their handshake", async () => {
    const before = qanat.connections.refused;
    // Some of them may be those of the tests before, which are closing.
    const { open } = qanat.connections;
    const clients = await Promise.all(
      Array.from(
        { length: CONNECTIONS_MAX + 1 },
        () => RawClient.connect(server.port),
      ),
    );
    await until(() => qanat.connections.refused > before);
    for (const { socket } of clients) socket.destroy();
    nowMs += HEAD_MS + 1;
    await until(() => qanat.connections.open <= open);
  });

  it("gives new connections a certificate that replaces the old one; open streams continue", async () => {
    const stream = await connect();
    let rows = 0;
    stream.on("data", (chunk) => {
      rows += String(chunk).split('"time"').length - 1;
    });
    stream.write(
      `GET /v1/events?channels=${CHANNELS} HTTP/1.1\r\nhost: localhost\r\n\r\n`,
    );
    await until(() => rows > 0);
    const second = testPair({ name: "second" });
    await publish(second);
    await checkUntil(() => figures.reloads.taken === 1);
    assert.equal(figures.reloads.refused, 0);
    const other = await connect([second.cert]);
    assert.equal(other.getPeerCertificate().subject.CN, "second");
    other.destroy();

    // A pair that does not match is refused as a whole, and said once.
    await publish({ cert: testPair().cert, key: second.key });
    await checkUntil(() => !figures.isCurrent);
    assert.deepEqual(figures.reloads, { taken: 1, refused: 1 });
    await publish(testPair({ notAfterMs: Date.now() - 1000 }));
    await checkUntil(() => figures.reloads.refused === 2);
    await Deno.remove(`${directory}/..data`);
    await checkUntil(() => figures.reloads.refused === 3);
    const same = await connect([second.cert]);
    same.destroy();
    const said = logged.filter((line) => line.startsWith("tls-"));
    assert.match(said[1]!, /refused .*does not belong/);
    assert.match(said[2]!, /refused .*has expired/);
    // Both files are named where a look at them fell between the removals.
    const missing = said.slice(3);
    assert.ok(missing.length === 1 || missing.length === 2, said.join("\n"));
    for (const line of missing) {
      assert.match(line, /refused .*there is no such file/);
    }

    await publish(first);
    await checkUntil(() => figures.isCurrent);
    (await connect()).destroy();
    const now = rows;
    await until(() => rows > now);
    stream.destroy();
    const { text } = await qanat.metrics();
    assert.match(text, /^qanat_tls_certificate_current 1$/m);
    assert.match(
      text,
      /^qanat_tls_certificate_reloads_total\{outcome="refused"\} [34]$/m,
    );
  });

  it("answers the watchdog's probe", async () => {
    const address = { host: "127.0.0.1", port: server.port, basePath: "" };
    const probe = new TlsProbe(address);
    await until(() => probe.state !== "waiting");
    assert.equal(probe.state, "answered");
  });

  it("forgets all of many clients that leave", async () => {
    const { open } = qanat.connections;
    const sockets = await Promise.all(
      Array.from({ length: 150 }, () => connect()),
    );
    for (const socket of sockets) {
      socket.on("data", () => {});
      socket.write(
        `GET /v1/events?channels=${CHANNELS} HTTP/1.1\r\nhost: localhost\r\n\r\n`,
      );
    }
    await until(() => qanat.hub.figures.clients === 150);
    for (const socket of sockets) socket.destroy();
    await until(() => qanat.hub.figures.clients === 0);
    await until(() => qanat.connections.open <= open);
  });
});

describe("ServerCertificate.open()", () => {
  it("names the setting whose file is wrong, and not its path", async () => {
    const directory = await Deno.makeTempDir({ prefix: "qanat-tls-" });
    const { cert, key } = testPair();
    await Deno.writeTextFile(`${directory}/cert`, cert);
    await Deno.writeTextFile(`${directory}/key`, key);
    const open = (tlsCert: string, tlsKey: string) =>
      ServerCertificate.open({
        tlsCert: `${directory}/${tlsCert}`,
        tlsKey: `${directory}/${tlsKey}`,
        log: silent,
      });
    (await open("cert", "key")).close();
    await assert.rejects(open("none", "key"), /--tls-cert.*no such file/);
    await assert.rejects(open("cert", "none"), /--tls-key.*no such file/);
    await assert.rejects(open("cert", "cert"), /--tls-key has no PEM private/);
    await Deno.remove(directory, { recursive: true });
  });

  it("starts with a certificate that is not valid now, and warns", async () => {
    const directory = await Deno.makeTempDir({ prefix: "qanat-tls-" });
    const { cert, key } = testPair({ notAfterMs: Date.now() - 1000 });
    await Deno.writeTextFile(`${directory}/cert`, cert);
    await Deno.writeTextFile(`${directory}/key`, key);
    const said: string[] = [];
    const certificate = await ServerCertificate.open({
      tlsCert: `${directory}/cert`,
      tlsKey: `${directory}/key`,
      log: { ...silent, warn: (event) => void said.push(event) },
    });
    certificate.close();
    assert.deepEqual(said, ["tls-certificate-not-valid"]);
    await Deno.remove(directory, { recursive: true });
  });
});

describe("TlsProbe", () => {
  it("fails with the reason when no process listens, and waits for one that does not accept", async () => {
    const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const address = {
      host: "127.0.0.1",
      port: listener.addr.port,
      basePath: "",
    };
    const waiting = new TlsProbe(address);
    const connection = await listener.accept();
    assert.equal(waiting.state, "waiting");
    waiting.close();
    waiting.close();
    const refusing = new TlsProbe(address);
    (await listener.accept()).close();
    await until(() => refusing.state !== "waiting");
    assert.equal(refusing.state, "answered");
    connection.close();
    listener.close();
    const probe = new TlsProbe(address);
    await until(() => probe.state !== "waiting");
    assert.equal(probe.state, "failed");
    assert.match(probe.error, /refused/i);
  });
});
