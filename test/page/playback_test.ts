// Playing history: the edge moves with the pictures, never beyond what was read, and ends at the newest time.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { aheadOf, Playback } from "../../src/page/playback.js";

const turn = () => new Promise((resolve) => setTimeout(resolve));

/** A server that answers when the test says so. */
function world({ speed = 1, newestS = 10_000 } = {}) {
  const asked: { fromS: number; toS: number; answer: (ok: boolean) => void }[] =
    [];
  const ends: string[] = [];
  const read = (fromS: number, toS: number) =>
    new Promise<boolean>((answer) => asked.push({ fromS, toS, answer }));
  const playback = new Playback({
    edgeS: 1000,
    speed,
    readFirst: (toS) => read(900, toS),
    read,
    newestS: () => newestS,
    onNewest: () => ends.push("newest"),
    onRefused: () => ends.push("refused"),
  });
  let nowMs = 0;
  /** Pictures for so many seconds. */
  const pass = (seconds: number) => {
    for (let i = 0; i < seconds * 50; i++) playback.advance(nowMs += 20);
  };
  return { asked, ends, playback, pass };
}

describe("Playback", () => {
  it("waits for what it reads, plays at its speed and reads ahead", async () => {
    const { asked, playback, pass } = world({ speed: 2 });
    assert.deepEqual([asked[0]!.fromS, asked[0]!.toS], [900, 1008]);
    pass(1);
    assert.equal(playback.edgeS, 1000);
    assert.ok(playback.isWaiting);
    asked[0]!.answer(true);
    await turn();
    pass(1);
    assert.ok(Math.abs(playback.edgeS - 1002) < 1e-6, `${playback.edgeS}`);
    assert.ok(!playback.isWaiting);
    assert.deepEqual([asked[1]!.fromS, asked[1]!.toS], [1008, 1016]);
    // Slower than playing: it stops at what is there, and asks for nothing else meanwhile.
    pass(10);
    assert.equal(playback.edgeS, 1008);
    assert.ok(playback.isWaiting);
    assert.equal(asked.length, 2);
    asked[1]!.answer(true);
    await turn();
    pass(1);
    assert.ok(Math.abs(playback.edgeS - 1010) < 1e-6, `${playback.edgeS}`);
  });

  it("does not leap over the time in which the tab was hidden", async () => {
    const { asked, playback } = world();
    asked[0]!.answer(true);
    await turn();
    playback.advance(0);
    playback.advance(60_000);
    assert.equal(playback.edgeS, 1000);
  });

  it("ends at the newest time, and where the server refuses", async () => {
    const near = world({ speed: 10, newestS: 1003 });
    assert.equal(near.asked[0]!.toS, 1003);
    near.asked[0]!.answer(true);
    await turn();
    near.pass(1);
    assert.equal(near.ends[0], "newest");
    const refused = world();
    refused.asked[0]!.answer(false);
    await turn();
    assert.deepEqual(refused.ends, ["refused"]);
  });

  it("reads more ahead the faster it plays", () => {
    assert.equal(aheadOf(0.1), 2);
    assert.equal(aheadOf(60), 240);
  });
});
