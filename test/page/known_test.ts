// What the page learns of names, over app.fetch: found at once, near ones of those that are not, refusals.
import assert from "node:assert/strict";
import { after, before, describe, it } from "@std/testing/bdd";
import { type App, createApp } from "../../mod.ts";
import { describe as know } from "../../src/page/known.js";

const A = "H1:QANAT-SINE_F32_16";

describe("describe()", () => {
  let app: App;
  const asked: string[] = [];
  const get = async (path: string) => {
    asked.push(path);
    return await app.fetch(new Request(`http://h/${path}`));
  };
  before(async () => {
    app = await createApp();
  });
  after(() => app.close());

  it("asks once for all names, and takes none for another that begins alike", async () => {
    asked.length = 0;
    const { found, unknown } = await know([A, "L1:QANAT-SINE_F32_16"], get);
    assert.deepEqual([...found.keys()], [A, "L1:QANAT-SINE_F32_16"]);
    assert.equal(found.get(A)!.stride_ns, 62_500_000);
    assert.equal(unknown.size, 0);
    assert.equal(asked.length, 1);
  });

  it("asks for fifty channels within what the server allows of an expression", async () => {
    const { channels } = await (await get("v1/channels?limit=50")).json();
    const names: string[] = channels.map((c: { name: string }) => c.name);
    assert.equal(names.length, 50);
    const { found, unknown } = await know(names, get);
    assert.deepEqual([...unknown], []);
    assert.deepEqual([...found.keys()].sort(), names.sort());
  });

  it("names near ones of a name that is none, be it an expression or not", async () => {
    const names = ["H1:QANAT-SINE_F32_17", "H1:(", "nothing", A];
    const { found, unknown } = await know(names, get);
    assert.deepEqual([...found.keys()], [A]);
    assert.match(
      unknown.get("H1:QANAT-SINE_F32_17")!,
      /^There is no channel 'H1:QANAT-SINE_F32_17'; near: H1:QANAT-SINE_F32_16, /,
    );
    assert.match(unknown.get("H1:(")!, /near: H1:/);
    assert.equal(unknown.get("nothing"), "There is no channel 'nothing'");
  });

  it("searches near ones of a few names only, however many are none", async () => {
    asked.length = 0;
    const names = Array.from({ length: 200 }, (_, i) => `H1:NONE_${i}`);
    const { unknown } = await know(names, get);
    assert.equal(unknown.size, 200);
    const [first, last] = [unknown.get(names[0]!)!, unknown.get(names[199]!)!];
    assert.match(first, /; near: H1:/);
    assert.equal(last, "There is no channel 'H1:NONE_199'");
    assert.ok(asked.length < 50, `${asked.length} requests`);
  });

  it("reports the text of a refusal", async () => {
    const refuse = () =>
      Promise.resolve(
        new Response(`{"status":503,"title":"Full","detail":"no room"}`, {
          status: 503,
        }),
      );
    const { unknown } = await know([A], refuse);
    assert.equal(unknown.get(A), "no room");
  });
});
