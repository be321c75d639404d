// Who learns the addresses of Kafka: owners of the right to publish, for the publishers that it names.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { AccessControl } from "../../src/auth/access_control.ts";
import { ANONYMOUS } from "../../src/auth/claims.ts";
import { GrantsInForce } from "../../src/auth/grants_in_force.ts";
import { grantOfScopes } from "../../src/auth/jwt/scope_grants.ts";
import {
  descriptor,
  FlightClient,
  messagesOf,
  statusOf,
  ticket,
} from "./flight_client.ts";
import { type FlightWorld, startFlight } from "./flight_world.ts";

const KAFKA = "192.0.2.7:9092";
const OK = "0";
const UNAUTHORIZED = "7";
const UNAUTHENTICATED = "16";

/** Scopes, and what a call for the publisher H1CAL answers. */
const CASES = [
  [null, UNAUTHENTICATED],
  ["arrakis.read:/", UNAUTHORIZED],
  ["qanat.operate", UNAUTHORIZED],
  ["arrakis.create:/H1SUS", UNAUTHORIZED],
  ["arrakis.create:/H1CA", UNAUTHORIZED],
  ["arrakis.create:/H1CAL/X", UNAUTHORIZED],
  ["arrakis.create:/H1CAL", OK],
  ["arrakis.create:/", OK],
  ["arrakis.read:/ arrakis.create:/H1CAL", OK],
] as const;

function publish(publisher: string, request = "Publish") {
  return { request, args: { publisher_id: publisher } };
}

/** A token is the scopes that it has, with `+` for blanks. */
function started(isOpen: boolean): Promise<FlightWorld> {
  return startFlight({
    config: { flightPublish: true, kafka: [KAFKA] },
    access: (catalog) =>
      new AccessControl(
        isOpen ? { catalog } : {
          catalog,
          book: new GrantsInForce(grantOfScopes),
          verifiers: [{
            kindText: "a token of this test",
            recognizes: () => true,
            vouchesFor: () => true,
            verify: (token) => ({
              ...ANONYMOUS,
              kind: "jwt",
              subject: "alice",
              scopes: token.split("+"),
            }),
          }],
        },
      ),
  });
}

describe("the right to publish", () => {
  let world: FlightWorld;
  let client: FlightClient;

  before(async () => {
    world = await started(false);
    client = new FlightClient(world.port);
  });
  after(async () => {
    client.close();
    await world.close();
  });

  for (const [scopes, status] of CASES) {
    it(`${scopes ?? "no token"}: status ${status}`, async () => {
      const headers: Record<string, string> = scopes === null
        ? {}
        : { authorization: `Bearer ${scopes.replaceAll(" ", "+")}` };
      const command = publish("H1CAL");
      for (
        const [method, message] of [
          ["GetFlightInfo", descriptor(command)],
          ["DoGet", ticket(command)],
        ] as const
      ) {
        const answer = await client.call(method, message, headers);
        assert.equal(statusOf(answer)[0], status, method);
        const text = messagesOf(answer).map((bytes) =>
          new TextDecoder("latin1").decode(bytes)
        ).join("");
        const isShown = method === "DoGet" && status === OK;
        assert.equal(text.includes(KAFKA), isShown);
      }
    });
  }

  it("is named where it is missing", async () => {
    const answer = await client.call("DoGet", ticket(publish("H1CAL")), {
      authorization: "Bearer arrakis.read:/",
    });
    const [, message] = statusOf(answer);
    assert.match(message, /publish as 'H1CAL'.* scope arrakis.create:\/H1CAL/);
  });

  it("does not allow to read", async () => {
    const answer = await client.call(
      "DoGet",
      ticket({ request: "Describe", args: { channels: ["H1:X"], time: null } }),
      { authorization: "Bearer arrakis.create:/" },
    );
    assert.equal(statusOf(answer)[0], UNAUTHORIZED);
  });

  it("is not needed without authentication", async () => {
    const open = await started(true);
    const reader = new FlightClient(open.port);
    const answer = await reader.call("DoGet", ticket(publish("H1CAL")));
    assert.equal(statusOf(answer)[0], OK);
    reader.close();
    await open.close();
  });
});
