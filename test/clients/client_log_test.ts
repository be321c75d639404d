import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { ClientLog } from "../../src/clients/client_log.ts";
import { silent } from "../driven_source.ts";
import { ALICE } from "./rights.ts";

const CLIENT = {
  group: { format: "events", channels: [1, 2] },
  options: {
    address: "192.0.2.1",
    rights: ALICE,
    trace: { requestId: "r1", traceId: "0af7651916cd43dd8448eb211c80319c" },
  },
  rows: 3,
  bytes: 400,
  gaps: 1,
  openedMs: 3000,
  ended: "complete" as const,
};

describe("ClientLog", () => {
  it("has a line per client, up to a limit per second, and counts the others", () => {
    let clockMs = 5000;
    const lines: [event: string, fields: Record<string, unknown>][] = [];
    const log = new ClientLog(
      {
        ...silent,
        info: (event, fields) => void lines.push([event, fields!]),
      },
      () => clockMs,
      1,
    );
    const storm = (clients: number) => {
      for (let i = 0; i < clients; i++) {
        log.opened(CLIENT);
        log.closed(CLIENT);
      }
    };
    storm(3);
    log.tick();
    assert.deepEqual(lines.map(([event]) => event), [
      ...["client-open", "client-close", "client-open"],
      ...["client-close", "client-open", "client-close"],
    ]);

    const about = {
      address: "192.0.2.1",
      owner: "token:alice",
      request_id: "r1",
      trace_id: "0af7651916cd43dd8448eb211c80319c",
      format: "events",
      channels: 2,
    };
    assert.deepEqual(lines[0]![1], about);
    assert.deepEqual(lines[1]![1], {
      ...about,
      ...{ rows: 3, bytes: 400, gaps: 1, seconds: 2, reason: "complete" },
    });

    clockMs += 1000;
    lines.length = 0;
    storm(10_000);
    assert.equal(lines.length, 200);
    log.tick();
    const [event, fields] = lines.at(-1)!;
    assert.equal(event, "clients-not-logged");
    assert.equal(fields.opened, 9900);
    assert.equal(fields.closed, 9900);

    clockMs += 1000;
    lines.length = 0;
    log.tick();
    storm(1);
    assert.equal(lines.length, 2);
  });

  it("has its part of the lines where several threads serve", () => {
    for (const [workers, most] of [[4, 50], [1000, 1]] as const) {
      let lines = 0;
      const log = new ClientLog(
        { ...silent, info: () => void lines++ },
        () => 0,
        workers,
      );
      for (let i = 0; i < 100; i++) log.opened(CLIENT);
      assert.equal(lines, most);
    }
  });
});
