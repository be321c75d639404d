// The worker and its Durable Object, without workerd.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import worker, { Hub } from "../../src/edge_worker.ts";

type Bindings = ConstructorParameters<typeof Hub>[1];

describe("edge_worker", () => {
  it("passes every request to one object, which has the instance", async () => {
    const ids: unknown[] = [];
    const env: Bindings = {
      HUB: {
        idFromName: (name) => `id of ${name}`,
        get: (id) => {
          ids.push(id);
          return {
            fetch: (request) => Promise.resolve(new Response(request.url)),
          };
        },
      },
    };
    for (const path of ["/v1/status", "/v1/events?channels=X"]) {
      const url = `http://qanat.example.org${path}`;
      const response = await worker.fetch(new Request(url), env);
      assert.equal(await response.text(), url);
    }
    assert.equal(new Set(ids).size, 1);
  });

  it("refuses settings that have no effect, from bindings of which not all are text", async () => {
    const namespace: Bindings["HUB"] = {
      idFromName: () => null,
      get: () => ({ fetch: () => Promise.reject(new Error("not called")) }),
    };
    const env = { HUB: namespace, QANAT_KAFKA: "kafka:9092" } as Bindings;
    const hub = new Hub(null, env);
    const response = await hub.fetch(new Request("http://localhost/v1/status"));
    assert.equal(response.status, 500);
    assert.match(await response.text(), /settings of this instance are wrong/);
  });
});
