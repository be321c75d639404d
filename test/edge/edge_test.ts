// An instance behind a fetch handler: one for all requests, started by the first one.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { Edge } from "../../src/edge/edge.ts";

interface Line {
  readonly event: string;
  readonly [name: string]: unknown;
}

function edgeWith(env: Record<string, unknown>) {
  const lines: Line[] = [];
  const write = (line: string) => void lines.push(JSON.parse(line));
  return { edge: new Edge({ env, write }), lines };
}

const get = (edge: Edge, path: string) =>
  edge.fetch(new Request(`http://localhost${path}`));

describe("Edge", () => {
  it("starts one instance for all requests, and says what it leaves out", async () => {
    const { edge, lines } = edgeWith({ QANAT_SLAB_MB: "16", HUB: {} });
    await using _ = edge;
    assert.equal(lines.length, 0);
    const answers = await Promise.all([
      get(edge, "/readyz"),
      get(edge, "/v1/channels/count"),
    ]);
    for (const answer of answers) {
      assert.equal(answer.status, 200);
      await answer.body?.cancel();
    }
    const started = lines.filter(({ event }) => event === "edge-started");
    assert.equal(started.length, 1);
    assert.equal(started[0]!.source, "embedded");
    assert.ok((started[0]!.leftOut as string[]).includes("kafka"));
  });

  it("refuses every request while its settings are wrong, and logs once how", async () => {
    const { edge, lines } = edgeWith({ QANAT_KAFKA: "a:9092" });
    for (let i = 0; i < 2; i++) {
      const answer = await get(edge, "/v1/channels");
      assert.equal(answer.status, 500);
      assert.equal(
        answer.headers.get("content-type"),
        "application/problem+json",
      );
      const { detail } = await answer.json();
      assert.equal(
        detail,
        "The settings of this instance are wrong; its log says how",
      );
    }
    assert.deepEqual(lines.map(({ event }) => event), ["settings-wrong"]);
    assert.match(String(lines[0]!.reason), /^QANAT_KAFKA has no effect/);
    await edge.close();
  });

  it("ends the streams with an event when it closes", async () => {
    const { edge } = edgeWith({});
    const answer = await get(
      edge,
      "/v1/events?channels=H1:QANAT-COUNT_I64_16",
    );
    const reader = answer.body!.pipeThrough(new TextDecoderStream())
      .getReader();
    assert.match((await reader.read()).value!, /event: hello/);
    const closed = edge.close();
    let last = "";
    for (;;) {
      const { value, done } = await reader.read();
      if (done) break;
      last = value;
    }
    await closed;
    assert.match(last, /event: end\ndata: .*"drain"/);
  });

  it("closes while a client does not read, and cuts its stream", async () => {
    const { edge } = edgeWith({});
    const answer = await get(
      edge,
      "/v1/events?channels=H1:QANAT-COUNT_I64_16&latest=1",
    );
    const reader = answer.body!.getReader();
    await reader.read();
    const { promise: ticked, resolve } = Promise.withResolvers<void>();
    setTimeout(resolve, 300);
    await ticked;
    await edge.close();
    await assert.rejects(async () => {
      while (!(await reader.read()).done);
    }, /cut short/);
  });

  it("closes without having been used", async () => {
    const { edge } = edgeWith({});
    await edge.close();
  });

  it("counts streams by the address that the runtime gives", async () => {
    const { edge } = edgeWith({ QANAT_CLIENTS_PER_ADDRESS_MAX: "1" });
    await using _ = edge;
    const open = (from: Parameters<Edge["fetch"]>[1]) =>
      edge.fetch(
        new Request(
          "http://localhost/v1/events?channels=H1:QANAT-COUNT_I64_16",
        ),
        from,
      );
    const first = await open({ remoteAddr: { hostname: "192.0.2.1" } });
    assert.equal(first.status, 200);
    const incoming = { socket: { remoteAddress: "::ffff:192.0.2.1" } };
    for (const from of [{ address: "192.0.2.1" }, { incoming }]) {
      const second = await open(from);
      assert.ok(
        second.status === 429 || second.status === 503,
        `${second.status}`,
      );
      await second.body?.cancel();
    }
    const other = await open({ address: "192.0.2.2" });
    assert.equal(other.status, 200);
    await first.body?.cancel();
    await other.body?.cancel();
  });
});
