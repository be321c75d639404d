// The header Authorization over HTTP and over Flight, as bytes on real sockets: both read it in the same way.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { AccessControl } from "../../src/auth/access_control.ts";
import { ANONYMOUS } from "../../src/auth/claims.ts";
import { FULL_GRANT } from "../../src/auth/grant.ts";
import { type HttpServer, serve } from "../../src/http/server.ts";
import { RawClient } from "../http/transport/raw_client.ts";
import { action, grpc } from "./flight_client.ts";
import { type FlightWorld, startFlight } from "./flight_world.ts";
import {
  bytesOf,
  callHeaders,
  FLAG,
  FRAME,
  frame,
  header,
  preface,
} from "./raw_http2.ts";

/** Headers, what HTTP answers, and the status of gRPC. */
const CASES = [
  [["Bearer good"], 200, 0],
  [["bearer good"], 200, 0],
  [[], 401, 16],
  [["Basic eDp5"], 401, 16],
  [["good"], 401, 16],
  [["Bearer "], 400, 16],
  [["Bearer good", "Bearer good"], 400, 16],
  [["Bearer good", "Bearer bad"], 400, 16],
  [["Bearer bad", "Bearer good"], 400, 16],
  [["Bearer good", "Basic eDp5"], 400, 16],
  [["Basic eDp5", "Bearer good"], 401, 16],
] as const;

describe("the header Authorization", () => {
  let world: FlightWorld;
  let http: HttpServer;

  before(async () => {
    world = await startFlight({
      config: { port: 0 },
      access: (catalog) =>
        new AccessControl({
          catalog,
          verifiers: [{
            kindText: "a token of this test",
            recognizes: () => true,
            vouchesFor: () => true,
            verify: (token) => ({
              ...ANONYMOUS,
              kind: "token",
              subject: token,
            }),
          }],
          book: {
            version: 0,
            grantOf: ({ kind, subject }) =>
              kind === "token" && subject === "good" ? FULL_GRANT : "revoked",
            expiresMsOf: () => Infinity,
            onChange: () => {},
          },
        }),
    });
    http = await serve(world.qanat);
  });
  after(async () => {
    await http.close(0);
    await world.close();
  });

  /** Status and body. */
  async function overHttp(
    values: readonly string[],
  ): Promise<[number, string]> {
    const client = await RawClient.connect(http.port);
    const headers = values.map((value) => `authorization: ${value}\r\n`);
    await client.send(
      `GET /v1/channels/count HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n${
        headers.join("")
      }\r\n`,
    );
    await client.closed;
    const status = /^HTTP\/1\.1 (\d+)/.exec(client.received)![1];
    return [Number(status), client.received];
  }

  /** Status of gRPC, as the instance counts it. */
  async function overFlight(values: readonly string[]): Promise<number> {
    const { flight } = world.qanat;
    const before = { ...flight.failed };
    const { DoAction } = flight.called;
    const client = await RawClient.connect(world.port);
    const headers = values.map((value) => header("authorization", value));
    await client.send(bytesOf([
      preface(),
      frame(
        FRAME.headers,
        FLAG.endHeaders,
        1,
        callHeaders("DoAction", headers),
      ),
      frame(FRAME.data, FLAG.endStream, 1, grpc(action("replays"))),
    ]));
    while (flight.called.DoAction === DoAction || flight.calls > 0) {
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    client.socket.destroy();
    const [failed] = Object.keys(flight.failed)
      .filter((status) => flight.failed[status] !== before[status]);
    return Number(failed ?? 0);
  }

  for (const [values, status, grpcStatus] of CASES) {
    it(`${JSON.stringify(values)}: ${status} over HTTP, ${grpcStatus} over Flight`, async () => {
      const [httpStatus, text] = await overHttp(values);
      assert.equal(httpStatus, status, text);
      assert.equal(await overFlight(values), grpcStatus);
    });
  }
});
