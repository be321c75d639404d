// Which requests with `trend=` and `slow=trend` are refused, and the texts of the refusals.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { Catalog } from "../../../src/channels/catalog.ts";
import { finish } from "../../../src/channels/sliced_work.ts";
import { ALL } from "../../../src/http/documents/stream_parameters.ts";
import { fieldsOfQuery } from "../../../src/http/routes/stream_fields.ts";
import {
  type StreamRequest,
  streamRequest,
} from "../../../src/http/routes/stream_request.ts";

const catalog = new Catalog();
for (const [name, strideNs] of [["A", 62_500_000n], ["B", 4_000_000_000n]]) {
  catalog.set({
    name: String(name),
    dataType: "float32",
    sampleRate: 16,
    publisher: "P",
    partitionId: `P_${name}`,
    partitionIndex: 0,
    strideNs: BigInt(strideNs!),
    maxLatencyNs: 1_000_000_000n,
    replayId: null,
  });
}

function ask(query: string): StreamRequest | Response {
  const fields = fieldsOfQuery(new URL(`http://localhost/?${query}`), ALL);
  if (fields instanceof Response) return fields;
  return finish(
    streamRequest(fields, catalog, {
      parameters: ALL,
      channelsMax: 10,
      nowNs: 10n ** 18n,
    }),
  );
}

async function refusal(query: string): Promise<string> {
  const answer = ask(query);
  assert.ok(answer instanceof Response, query);
  assert.equal(answer.status, 400);
  return (await answer.json()).detail;
}

describe("trend=", () => {
  it("accepts the three bins, for strides that divide them", () => {
    for (
      const [query, binNs] of [
        ["channels=A&trend=1s", 1_000_000_000n],
        ["channels=A,B&trend=60s&slow=latest", 60_000_000_000n],
      ] as const
    ) {
      const request = ask(query);
      assert.ok(!(request instanceof Response));
      assert.equal(request.trend?.binNs, binNs);
    }
    const rows = ask("channels=A&slow=trend");
    assert.ok(!(rows instanceof Response));
    assert.equal(rows.trend, undefined);
    assert.equal(rows.slow, "trend");
  });

  it("names what would be right", async () => {
    assert.equal(
      await refusal("channels=A&trend=2s"),
      "trend must be one of 1s, 10s, 60s, not '2s'",
    );
    const odd = "A bin of 1s is not a whole number of blocks of B, which are " +
      "4000000000 ns long; this channel has trends of 60s";
    assert.equal(await refusal("channels=A,B&trend=1s"), odd);
    assert.equal(await refusal("channels=A,B&slow=trend"), odd);
    assert.match(
      await refusal("channels=A&trend=1s&slow=trend"),
      /^slow=trend works with streams of rows only/,
    );
  });
});
