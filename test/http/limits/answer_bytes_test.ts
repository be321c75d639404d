// The memory of answers of one row: its shares, and when it is released.
import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import type { ServerResponse } from "node:http";
import { describe, it } from "@std/testing/bdd";
import {
  AnswerBytes,
  disposeWhenSent,
  madeAnswer,
} from "../../../src/http/limits/answer_bytes.ts";
import { LimitError } from "../../../src/http/limits/limit_error.ts";
import { RequestSlices } from "../../../src/http/limits/request_slices.ts";

const SIZE = 20;

function refused(take: () => unknown): LimitError {
  try {
    take();
  } catch (error) {
    assert.ok(error instanceof LimitError, String(error));
    return error;
  }
  throw new Error("it was taken");
}

/** An answer of node, as far as it is used. */
function outgoing(state: { closed?: boolean } = {}) {
  const emitter = Object.assign(new EventEmitter(), state);
  return { emitter, response: emitter as unknown as ServerResponse };
}

describe("AnswerBytes", () => {
  it("leaves a share to other addresses, and says when to try again (20 connections that repeated /v1/latest delayed all)", () => {
    const answers = new AnswerBytes({ capacity: 100, sharePercent: 50 });
    const take = (address: string) => answers.take({ address }, SIZE);
    const first = take("10.0.0.1");
    take("10.0.0.1");
    const share = refused(() => take("10.0.0.1"));
    assert.deepEqual(
      [share.limit, share.status, share.headers],
      ["answer-share", 429, { "retry-after": "5" }],
    );
    assert.match(share.message, /50 % for one address of what others leave/);
    for (let i = 0; i < 3; i++) take(`10.0.1.${i}`);
    const full = refused(() => take("10.0.2.1"));
    assert.deepEqual(
      [full.limit, full.status, full.headers],
      ["answers", 503, { "retry-after": "5" }],
    );
    assert.equal(answers.used, 100);
    first[Symbol.dispose]();
    assert.equal(answers.used, 80);
    take("10.0.2.1");
  });

  it("holds the bytes until the answer was sent, or the client has disconnected", () => {
    const answers = new AnswerBytes({ capacity: 100, sharePercent: 100 });
    const take = () => answers.take({ address: "10.0.0.1" }, SIZE);
    const { emitter, response } = outgoing();
    disposeWhenSent(take(), response);
    assert.equal(answers.used, SIZE);
    emitter.emit("close");
    assert.equal(answers.used, 0);
    disposeWhenSent(take(), outgoing({ closed: true }).response);
    disposeWhenSent(take(), undefined);
    assert.equal(answers.used, 0);
  });
});

describe("madeAnswer()", () => {
  it("is made in the slices of all requests, by its size (20 answers of a row of 1.3 MB were made in one turn)", async () => {
    const rounds: (() => void)[] = [];
    const slices = new RequestSlices({
      sliceMs: 4,
      worksMax: 64,
      workMs: 1000,
      waitMs: 1000,
      clockMs: () => 0,
      later: (round) => rounds.push(round),
    });
    const made: number[] = [];
    const all = Array.from(
      { length: 20 },
      (_, i) =>
        slices.run(madeAnswer(1_340_000, () => {
          made.push(i);
          return i;
        })),
    );
    let most = made.length;
    while (rounds.length > 0) {
      const before = made.length;
      rounds.shift()!();
      most = Math.max(most, made.length - before);
    }
    assert.deepEqual(await Promise.all(all), made.toSorted((a, b) => a - b));
    assert.equal(most, 3);
    slices.close();
  });
});
