// Native socket handles are used on proven versions of the runtime only; on others all works by public API.
import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { afterEach, describe, it } from "@std/testing/bdd";
import { Qanat } from "../../../src/app.ts";
import { type HttpServer, serve } from "../../../src/http/server.ts";
import type { PacedResponse } from "../../../src/http/transport/paced_response.ts";
import {
  isProven,
  PROVEN_RUNTIMES,
  runtimeName,
} from "../../../src/http/transport/proven_runtimes.ts";
import { RequestGate } from "../../../src/http/transport/request_gate.ts";
import { embeddedChannels } from "../../../src/source/synthetic.ts";
import { configWith, DrivenSource, silent } from "../../driven_source.ts";

const UNPROVEN = "deno 99.0.0";
const NAME = "H1:QANAT-COUNT_I64_16";
const channels = (await embeddedChannels()).filter(({ channel }) =>
  channel.name === NAME
);

let qanat: Qanat;
let server: HttpServer;
let warned: string[];

async function start(runtime: string): Promise<void> {
  warned = [];
  qanat = new Qanat({
    config: configWith({ port: 0 }),
    source: new DrivenSource(channels),
    log: { ...silent, warn: (event) => void warned.push(event) },
  });
  await qanat.start();
  server = await serve(qanat, { runtime });
}

async function get(path: string): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${server.port}${path}`);
  return await response.text();
}

describe("serve()", () => {
  afterEach(async () => {
    qanat.drain();
    await server.close(1000);
    await qanat.close();
  });

  it("writes by public API on a version that is not proven, and says so in the log, status and metrics", async () => {
    await start(UNPROVEN);
    assert.deepEqual(warned, ["runtime-not-proven"]);
    assert.equal(JSON.parse(await get("/v1/status")).socket_writes, "stream");
    assert.match(await get("/metrics"), /^qanat_raw_socket_writes 0$/m);
  });

  it("writes on native handles on each proven version, and says that, too", async () => {
    for (const runtime of PROVEN_RUNTIMES) {
      assert.ok(isProven(runtime));
    }
    await start(PROVEN_RUNTIMES.at(-1)!);
    assert.deepEqual(warned, []);
    assert.equal(JSON.parse(await get("/v1/status")).socket_writes, "raw");
    assert.match(await get("/metrics"), /^qanat_raw_socket_writes 1$/m);
  });
});

describe("PROVEN_RUNTIMES", () => {
  it("names versions as runtimeName() does, and no others pass", () => {
    assert.match(runtimeName(), /^deno \d+\.\d+\.\d+/);
    for (const name of PROVEN_RUNTIMES) {
      assert.match(name, /^deno \d+\.\d+\.\d+$/);
    }
    assert.ok(!isProven(UNPROVEN));
    assert.ok(!isProven(`${PROVEN_RUNTIMES.at(-1)}+canary`));
  });
});

describe("RequestGate", () => {
  it("that the parser goes past is removed, so that its times end no connection", () => {
    const socket = new EventEmitter() as unknown as Socket;
    const parse = () => {};
    socket.on("data", parse);
    let bypassed = 0;
    RequestGate.put(socket, {
      nowMs: () => 0,
      isLastAnswer: false,
      hold: () => true,
      bypassed: () => bypassed++,
      overrun: () => assert.fail(),
      bodyTooLong: () => assert.fail(),
    });
    const gate = RequestGate.of(socket)!;
    const response = { isGated: false } as unknown as PacedResponse;
    // A request, and not a byte has come through the gate.
    gate.begin({ headers: {} } as unknown as IncomingMessage, response);
    assert.equal(bypassed, 1);
    assert.equal(RequestGate.of(socket), undefined);
    assert.equal(response.isGated, false);
    assert.deepEqual(socket.listeners("data"), [parse]);
  });
});
