import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { ClientLog } from "../../src/clients/client_log.ts";
import { silent } from "../driven_source.ts";

describe("ClientLog", () => {
  it("has a line per client, up to a limit per second, and counts the others", () => {
    let clockMs = 5000;
    const lines: [event: string, fields: Record<string, unknown>][] = [];
    const log = new ClientLog({
      ...silent,
      info: (event, fields) => void lines.push([event, fields!]),
    }, () => clockMs);
    const storm = (clients: number) => {
      for (let i = 0; i < clients; i++) {
        log.opened({ i });
        log.closed({ i });
      }
    };
    storm(3);
    log.tick();
    assert.deepEqual(lines.map(([event]) => event), [
      ...["client-open", "client-close", "client-open"],
      ...["client-close", "client-open", "client-close"],
    ]);

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
});
