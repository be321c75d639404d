// Calls that name a replay: its channels alone are found, and only its publisher may publish into it.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { channel } from "../auth/auth_world.ts";
import {
  descriptor,
  FlightClient,
  messagesOf,
  statusOf,
  ticket,
} from "./flight_client.ts";
import { type FlightWorld, startFlight } from "./flight_world.ts";

const SEARCH = {
  pattern: ".*",
  data_type: [],
  min_rate: 0,
  max_rate: 2 ** 32 - 1,
  publisher: [],
  time: null,
};

describe("replays", () => {
  let world: FlightWorld;
  let client: FlightClient;

  before(async () => {
    world = await startFlight({
      config: { flightPublish: true, kafka: ["127.0.0.1:9092"] },
    });
    world.qanat.catalog.set({
      ...channel("H1:RPL-A", "H1RPL"),
      replayId: "O4",
    });
    client = new FlightClient(world.port);
  });
  after(async () => {
    client.close();
    await world.close();
  });

  for (const request of ["Find", "Count"]) {
    it(`${request} asks for the channels of the replay alone`, async () => {
      const answer = await client.call(
        "GetFlightInfo",
        descriptor({ request, args: { ...SEARCH, replay_id: "O4" } }),
      );
      assert.deepEqual(statusOf(answer), ["0", ""]);
      const text = new TextDecoder("latin1").decode(messagesOf(answer)[0]);
      assert.equal(text.match(/"replay_id":"O4"/g)?.length, 2);
      assert.doesNotMatch(text, /"replay_id":null/);
    });
  }

  for (
    const [publisher, replay, status, message] of [
      ["H1RPL", "O4", "0", ""],
      ["unknown", null, "0", ""],
      [
        "H1RPL",
        null,
        "7",
        "publisher 'H1RPL' is configured for replay_id 'O4' and cannot publish to live",
      ],
      [
        "unknown",
        "O4",
        "7",
        "publisher 'unknown' is configured for live and cannot publish under replay_id 'O4'",
      ],
    ] as const
  ) {
    it(`${publisher} publishes into ${replay ?? "live"}: status ${status}`, async () => {
      const answer = await client.call(
        "DoGet",
        ticket({
          request: "Publish",
          args: { publisher_id: publisher, replay_id: replay },
        }),
      );
      const [got, text] = statusOf(answer);
      assert.equal(got, status, text);
      assert.ok(text.startsWith(message), text);
    });
  }
});
