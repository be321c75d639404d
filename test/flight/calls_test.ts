// Calls over HTTP/2 to an instance with the embedded source: what each answers, and with which status it ends.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { BinaryReader } from "@bufbuild/protobuf/wire";
import { AccessControl } from "../../src/auth/access_control.ts";
import { denial } from "../../src/auth/denial.ts";
import {
  action,
  batchesOf,
  descriptor,
  FlightClient,
  grpc,
  messagesOf,
  statusOf,
  ticket,
} from "./flight_client.ts";
import { type FlightWorld, startFlight } from "./flight_world.ts";

const NAME = "H1:QANAT-COUNT_I64_16";
const OTHER = "H1:QANAT-RAMP_I16_64";
const SEARCH = {
  pattern: "H1:QANAT",
  data_type: [],
  min_rate: 0,
  max_rate: 2 ** 32 - 1,
  publisher: [],
  time: null,
};

describe("calls", () => {
  let world: FlightWorld;
  let client: FlightClient;

  before(async () => {
    world = await startFlight();
    client = new FlightClient(world.port);
  });
  after(async () => {
    client.close();
    await world.close();
  });

  it("GetFlightInfo: a schema, and one endpoint with the command as ticket", async () => {
    const answer = await client.call(
      "GetFlightInfo",
      descriptor({
        request: "Stream",
        args: { channels: [NAME], start: 1, end: null },
      }),
    );
    assert.deepEqual(statusOf(answer), ["0", ""]);
    const text = new TextDecoder("latin1").decode(messagesOf(answer)[0]);
    assert.match(text, /arrow-flight-reuse-connection:\/\/\?/);
    assert.match(text, /"start":1,"end":null},"version":"0\.5\.0"/);
  });

  it("Find, Describe and Count", async () => {
    const found = await client.call(
      "DoGet",
      ticket({ request: "Find", args: SEARCH }),
    );
    const { batches } = batchesOf(found);
    const rows = batches.flatMap((batch) => batch.toArray());
    const wanted = world.qanat.catalog.find({ match: "H1:QANAT" });
    assert.deepEqual(
      rows.map((row) => [row.channel, row.data_type, row.sample_rate]),
      wanted.map((c) => [c.name, c.dataType, c.sampleRate]),
    );
    const counted = await client.call(
      "DoGet",
      ticket({ request: "Count", args: SEARCH }),
    );
    const [batch] = batchesOf(counted).batches;
    assert.equal(Number(batch!.get(0)!.count), wanted.length);
    const described = await client.call(
      "DoGet",
      ticket({ request: "Describe", args: { channels: [NAME], time: null } }),
    );
    assert.equal(batchesOf(described).batches[0]!.get(0)!.channel, NAME);
  });

  it("a search without a result has a schema and no batch", async () => {
    const answer = await client.call(
      "DoGet",
      ticket({ request: "Find", args: { ...SEARCH, pattern: "NONE" } }),
    );
    assert.equal(messagesOf(answer).length, 1);
    assert.deepEqual(statusOf(answer), ["0", ""]);
  });

  it("a live stream sends rows with their lists, and frees its frames when it is cancelled", async () => {
    const answer = client.begin(
      "DoGet",
      ticket({
        request: "Stream",
        args: { channels: [OTHER, NAME], start: null, end: null },
      }),
    );
    while (messagesOf(answer).length < 5 && !answer.stream.closed) {
      await new Promise(nextLook);
    }
    const { batches } = batchesOf(answer);
    assert.deepEqual(
      batches[0]!.schema.fields.map((f) => f.name),
      ["time", NAME, OTHER],
    );
    for (const batch of batches) {
      const row = batch.get(0)!;
      assert.ok(row[OTHER] !== null && row[OTHER].length > 0);
    }
    assert.equal(world.qanat.hub.figures.clients, 1);
    answer.stream.close(8);
    await answer.closed;
    while (world.qanat.hub.figures.clients > 0) await new Promise(nextLook);
  });

  it("a range with no time has a schema and ends with OK", async () => {
    const answer = await client.call(
      "DoGet",
      ticket({
        request: "Stream",
        args: { channels: [NAME], start: 5, end: 5 },
      }),
    );
    assert.equal(messagesOf(answer).length, 1);
    assert.deepEqual(statusOf(answer), ["0", ""]);
  });

  it("a range in the past ends with OK", async () => {
    const end = world.qanat.now().timeNs - 1_000_000_000n;
    const answer = await client.call(
      "DoGet",
      ticket(
        `{"request":"Stream","args":{"channels":["${NAME}"],"start":${
          end - 1_000_000_000n
        },"end":${end}}}`,
      ),
    );
    assert.deepEqual(statusOf(answer), ["0", ""]);
    assert.ok(batchesOf(answer).batches.length >= 16);
  });

  for (
    const [what, method, message, status, text] of [
      [
        "unknown channels",
        "DoGet",
        ticket({
          request: "Stream",
          args: { channels: [NAME, "A", "B"], start: null, end: null },
        }),
        "14",
        /^channel\(s\) \{A, B\} are not available on this server/,
      ],
      [
        "no channels",
        "DoGet",
        ticket({
          request: "Stream",
          args: { channels: [], start: null, end: null },
        }),
        "2",
        /Could not serve request/,
      ],
      [
        "a start far in the future",
        "DoGet",
        ticket(
          `{"request":"Stream","args":{"channels":["${NAME}"],"start":9000000000000000000,"end":null}}`,
        ),
        "14",
        /time range requested/,
      ],
      [
        "a wrong pattern",
        "DoGet",
        ticket({
          request: "Find",
          args: { ...SEARCH, pattern: "(" },
        }),
        "13",
        /RE2/,
      ],
      [
        "an unknown replay",
        "DoGet",
        ticket({
          request: "Find",
          args: { ...SEARCH, replay_id: "x" },
        }),
        "2",
        /^replay_id 'x' was provided/,
      ],
      [
        "Publish without --flight-publish",
        "DoGet",
        ticket({
          request: "Publish",
          args: { publisher_id: "P" },
        }),
        "2",
        /publish not supported/,
      ],
      [
        "Partition",
        "DoExchange",
        wrapped({
          request: "Partition",
          args: { publisher_id: "P" },
        }),
        "7",
        /assigns no partitions/,
      ],
      ["an unknown action", "DoAction", action("x"), "2", /action not valid/],
      ["no protobuf", "DoGet", Uint8Array.of(0xff, 0xff), "13", /protobuf/],
      ["ListFlights", "ListFlights", new Uint8Array(0), "12", /^$/],
      ["an unknown method", "Nothing", new Uint8Array(0), "12", /^$/],
    ] as const
  ) {
    it(`${what}: status ${status}`, async () => {
      const answer = await client.call(method, message);
      const [got, message_] = statusOf(answer);
      assert.equal(got, status, message_);
      assert.match(message_, text);
    });
  }

  it("actions answer JSON", async () => {
    const answer = await client.call("DoAction", action("server-info"));
    const [message] = messagesOf(answer);
    const reader = new BinaryReader(message!);
    reader.tag();
    const info = JSON.parse(new TextDecoder().decode(reader.bytes()));
    assert.equal(info.backend, "qanat");
    assert.deepEqual(info.domains, ["H1", "L1"]);
  });

  it("a message may come in single bytes", async () => {
    const answer = client.begin("DoGet", null);
    const bytes = grpc(ticket({ request: "Count", args: SEARCH }));
    for (const byte of bytes) answer.stream.write(Uint8Array.of(byte));
    await answer.closed;
    assert.deepEqual(statusOf(answer), ["0", ""]);
  });

  it("the server ends a call whose client does not end its request", async () => {
    const answer = client.begin("GetFlightInfo", null);
    answer.stream.write(grpc(descriptor("{")));
    await answer.closed;
    assert.equal(statusOf(answer)[0], "13");
  });
});

/** A FlightData with a descriptor. */
function wrapped(command: unknown): Uint8Array {
  const inner = descriptor(command);
  assert.ok(inner.byteLength < 128);
  return Uint8Array.of(0x0a, inner.byteLength, ...inner);
}

function nextLook(resolve: (value: unknown) => void): void {
  setTimeout(() => resolve(null), 10);
}

/** A token says by its name how it is answered. */
const DENIALS = ["insufficient_scope", "unavailable"] as const;

describe("calls to an instance with authentication", () => {
  let world: FlightWorld;
  let client: FlightClient;
  const addresses = new Set<string>();

  before(async () => {
    world = await startFlight({
      access: (catalog) =>
        new AccessControl({
          catalog,
          verifiers: [{
            kindText: "a token of this test",
            recognizes: () => true,
            vouchesFor: () => true,
            verify: (token, address) => {
              addresses.add(address);
              const error = (DENIALS as readonly string[]).includes(token)
                ? token as typeof DENIALS[number]
                : "invalid_token";
              return denial(error, "not accepted");
            },
          }],
          book: {
            version: 0,
            grantOf: () => "revoked",
            expiresMsOf: ({ expiresMs }) => expiresMs,
            onChange: () => {},
          },
        }),
    });
    client = new FlightClient(world.port);
  });
  after(async () => {
    client.close();
    await world.close();
  });

  for (
    const [what, headers, status] of [
      ["no token", {}, "16"],
      ["a wrong token", { authorization: "Bearer x" }, "16"],
      ["another scheme", { authorization: "Basic eDp5" }, "16"],
      [
        "a token without the scope",
        { authorization: "Bearer insufficient_scope" },
        "7",
      ],
      [
        "a token while too many wait",
        { authorization: "Bearer unavailable" },
        "14",
      ],
    ] as const
  ) {
    it(`${what}: status ${status}, for all that shows channels`, async () => {
      for (
        const [method, message] of [
          ["GetFlightInfo", descriptor({ request: "Find", args: SEARCH })],
          ["DoGet", ticket({ request: "Find", args: SEARCH })],
          ["DoAction", action("scope-map")],
        ] as const
      ) {
        const answer = await client.call(method, message, headers);
        const [code, text] = statusOf(answer);
        assert.equal(code, status, method);
        assert.doesNotMatch(text, /page/, "its clients have none");
      }
    });
  }

  it("a call without a valid token is refused before its message is read", async () => {
    for (const method of ["GetFlightInfo", "DoGet", "DoExchange"]) {
      for (const headers of [{}, { authorization: "Bearer x" }]) {
        const answer = client.begin(method, null, headers as never);
        answer.stream.once("end", () => answer.stream.end());
        await answer.closed;
        assert.equal(statusOf(answer)[0], "16", method);
      }
    }
  });

  it("the check of a token counts for the client's address", () => {
    assert.deepEqual([...addresses], ["127.0.0.1"]);
  });

  it("server-info needs no token, and shows no domain", async () => {
    const answer = await client.call("DoAction", action("server-info"));
    assert.equal(statusOf(answer)[0], "0");
    const text = new TextDecoder().decode(messagesOf(answer)[0]);
    assert.match(text, /"domains":\[\]/);
  });
});
