// Streams of /qanat.js with a token: it is asked for at each request, and a stream survives its end.
import assert from "node:assert/strict";
import { describe, it } from "@std/testing/bdd";
import { withToken } from "../../src/page/bearer.js";
import { HELLO, play, row } from "./played_stream.ts";

const EXPIRED = `event: end\ndata: {"reason":"expired"}\n\n`;

const refusal = () =>
  Response.json({
    title: "Token not accepted",
    detail: "The token has expired",
    error: "invalid_token",
  }, { status: 401 });

describe("a stream with a token", () => {
  it("asks for a token at each request, and resumes by its id after `expired` and after a 401", async () => {
    let count = 0;
    const { rows, sent } = await play([
      () => new Response(HELLO + row(5) + row(6) + EXPIRED),
      refusal,
      () => new Response(HELLO + row(7)),
    ], { token: () => Promise.resolve(`t-${++count}`) });
    assert.deepEqual(rows.map(({ timeNs }) => timeNs / 1_000_000_000n), [
      5n,
      6n,
      7n,
    ]);
    assert.deepEqual(sent.slice(0, 3), [
      { url: "http://h/v1/events?channels=A", token: "Bearer t-1" },
      {
        url: "http://h/v1/events?channels=A&after=7000000000",
        token: "Bearer t-2",
      },
      {
        url: "http://h/v1/events?channels=A&after=7000000000",
        token: "Bearer t-3",
      },
    ]);
    assert.ok(sent.every(({ url }) => !url.includes("t-")));
  });

  it("waits longer after each refusal, so that a wrong token does not hammer the server", async () => {
    const refusals = Array.from({ length: 9 }, () => refusal);
    const { states } = await play(refusals, {
      random: () => 0.5,
      token: () => "wrong",
    });
    const waits = states.filter(({ state }) => state === "waiting");
    assert.equal(waits.length, 9);
    assert.deepEqual(
      waits.map(({ retryInMs }) => Math.round(retryInMs! / 1000)),
      [1, 2, 3, 4, 7, 10, 15, 15, 15],
    );
    assert.equal(waits[0]!.problem!.status, 401);
  });

  it("tries again when the function fails, and shows no token that cannot be sent", async () => {
    const tokens = [
      () => Promise.reject(new Error("no network")),
      () => "a secret\nx",
      () => "",
      () => "good",
    ];
    const { states, sent } = await play([], {
      token: () => tokens.shift()!(),
    });
    const details = states.filter(({ state }) => state === "waiting")
      .map(({ detail }) => detail!);
    assert.match(details[0]!, /^token\(\) failed: no network$/);
    for (const detail of details.slice(1)) {
      assert.match(detail, /^token\(\) gave no token/);
      assert.ok(!detail.includes("secret"));
    }
    assert.deepEqual(sent.map(({ token }) => token), ["Bearer good"]);
  });

  it("does not wait for a function that never answers when the stream is closed", async () => {
    const controller = new AbortController();
    const asking = withToken(fetch, () => new Promise(() => {}))("http://h/", {
      signal: controller.signal,
    });
    controller.abort();
    await assert.rejects(asking, /took too long/);
  });

  it("is refused permanently where no new credential can come: a page of another site without a token", async () => {
    const { states } = await play([refusal], { renewsCredential: false });
    const { state, problem } = states.at(-1)!;
    assert.equal(state, "refused");
    assert.equal(problem!.status, 401);
  });

  it("of a session continues when the user has signed in, after its last row", async () => {
    const { rows, sent } = await play([
      () => new Response(HELLO + row(5) + EXPIRED),
      refusal,
      () => new Response(HELLO + row(6)),
    ], { renewsCredential: true });
    assert.equal(rows.length, 2);
    assert.match(sent[2]!.url, /after=6000000000$/);
    assert.ok(sent.every(({ token }) => token === null));
  });
});
